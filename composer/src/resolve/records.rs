//! Fields of the records that other programs write: where they are, and how they can be shown.

use crate::{
    chain::{FieldStep, Hint, Spanned},
    object::{
        btf::{Btf, Type, TypeId},
        place::{self, FieldError, TypedOffset},
    },
};

/// The place that `path` leads to from a struct of type `of`.
///
/// # Errors
/// The step that leads nowhere, and why.
pub fn walk(
    btf: &Btf,
    of: TypeId,
    path: &[Spanned<FieldStep>],
) -> Result<TypedOffset, (usize, FieldError)> {
    let mut at: TypedOffset = (0, of);
    for (number, step) in path.iter().enumerate() {
        let next = match &step.value {
            FieldStep::Field(name) => place::field(btf, at.1, name),
            FieldStep::Item(item) => place::item(btf, at.1, *item),
        };
        let (offset, of) = next.map_err(|misstep| (number, misstep))?;
        at = (at.0.saturating_add(offset), of);
    }
    Ok(at)
}

/// Whether a value of type `of` can be shown so; otherwise what it would have to be.
///
/// # Errors
/// What the hint shows: `2 bytes`.
pub fn fits(hint: &Hint, btf: &Btf, of: TypeId) -> Result<(), String> {
    let size = btf.size(of).unwrap_or(0);
    let sizes: &[u32] = match hint {
        Hint::Be16 => &[2],
        Hint::Ipv4 | Hint::Be32 => &[4],
        Hint::Mac => &[6],
        Hint::Be64 | Hint::Ns => &[8],
        Hint::Errno => &[4, 8],
        Hint::Ipv6 => &[16],
        Hint::Enum(_) => &[1, 2, 4, 8],
        Hint::Hex => return Ok(()),
        Hint::Str => {
            let is_text = matches!(btf.resolve(of), Some((_, Type::Array { element, .. }))
                if btf.size(element) == Some(1));
            return if is_text { Ok(()) } else { Err("an array of bytes".to_owned()) };
        }
    };
    if sizes.contains(&size) {
        return Ok(());
    }
    let sizes: Vec<_> = sizes.iter().map(ToString::to_string).collect();
    Err(format!("{} bytes", sizes.join(" or ")))
}
