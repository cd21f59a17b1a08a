//! One file to hand over: a chain and its objects as a packed recipe.

use std::path::Path;

use super::portable::Portable;
use crate::{
    chain::Chain,
    diag::Diagnostic,
    inert::quoted,
    recipe::{CHAIN, MANIFEST, Packed},
};

/// What a recipe says of its licence if nobody told.
const NOT_STATED: &str = "LicenseRef-not-stated";

/// The packed recipe of `chain`, of whose files `portable` has copies; `manifest` is the text of its recipe.toml,
/// where it has one.
///
/// # Errors
/// Where the recipe.toml is not valid, or the objects are too large for a recipe.
pub fn bundle(
    chain: &Chain,
    portable: Portable,
    manifest: Option<String>,
) -> Result<Packed, Vec<Diagnostic>> {
    let manifest = manifest.unwrap_or_else(|| described(chain));
    let mut files = portable.objects;
    files.insert(CHAIN.to_owned(), portable.chain.into_bytes());
    files.insert(MANIFEST.to_owned(), manifest.into_bytes());
    let place = Path::new(&chain.source.name);
    Packed::of_files(place.parent().unwrap_or(Path::new("")), &files)
}

/// A recipe.toml for a chain that has none.
fn described(chain: &Chain) -> String {
    let about = chain.description.as_deref().and_then(|text| text.lines().next());
    let about = about.filter(|line| !line.trim().is_empty()).unwrap_or(&chain.name);
    let (name, about) = (quoted(&recipe_name(&chain.name)), quoted(about));
    format!(
        "format = 1\nname = {name}\nversion = \"0.0.0\"\ndescription = {about}\nlicense = {}\n",
        quoted(NOT_STATED)
    )
}

/// A name as recipes have it.
fn recipe_name(chain: &str) -> String {
    /// The longest one.
    const LONGEST: usize = 64;
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }
    };
    let name: String = chain.chars().map(plain).collect();
    let name = name.trim_start_matches(|letter: char| !letter.is_ascii_lowercase());
    let name = name[..name.len().min(LONGEST)].trim_end_matches('-'); // ASCII by now
    if name.is_empty() { "chain".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::recipe_name;

    #[test]
    fn a_chain_has_a_name_that_a_recipe_can_have() {
        assert_eq!(recipe_name("tcp"), "tcp");
        assert_eq!(recipe_name("7 Ways, to TCP!"), "ways--to-tcp");
        assert_eq!(recipe_name("ü7"), "chain");
        assert_eq!(recipe_name(&"x".repeat(100)).len(), 64);
    }
}
