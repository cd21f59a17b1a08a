//! Maps of the chain as targets.

use super::Misfit;

/// What the name of a map looks like.
pub(super) const MAP_NAME: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

/// The name of a map, as C has it.
pub(super) fn map_name(text: &str) -> Result<String, Misfit> {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let is_name = text.starts_with(is_letter)
        && text.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit());
    match is_name {
        true => Ok(text.to_owned()),
        false => Err(Misfit {
            label: "not the name of a map",
            help: "Write the name of a map as in its object. The file of a pinned map is set on the map: \
                   maps = { NAME = { pin = \"/sys/fs/bpf/NAME\" } }.",
        }),
    }
}
