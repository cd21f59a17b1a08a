//! Values of a file as bytes of their types in C, for what is not a variable of a node.

use super::globals::{self, EncodedPart, Encoder, SetGlobalParts, VariablePart};
use crate::{
    chain::{GlobalValue, Spanned, Value},
    diag::{Code, Diagnostic},
    object::{
        Object,
        btf::{Btf, TypeId},
    },
};

/// A value as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedValue {
    /// All bytes of its type; those that were not given are zero.
    pub bytes: Vec<u8>,
    /// What was given.
    pub parts: Vec<EncodedPart>,
}

/// `value` as bytes of the type `of`; `name` is in front of the names of its parts. Errors have the `code`.
///
/// # Errors
/// What of the value does not fit its type.
pub fn encode(
    code: Code,
    (btf, of): (&Btf, TypeId),
    name: &str,
    value: &Spanned<Value>,
) -> Result<EncodedValue, Box<Diagnostic>> {
    let (mut bytes, mut written) = (vec![0; btf.size(of).unwrap_or(0) as usize], Vec::new());
    let encoder = Encoder::new(btf, &mut bytes, &mut written);
    match encoder.write_parts(name, VariablePart::whole(of), value) {
        Ok(parts) => Ok(EncodedValue { bytes, parts }),
        Err(error) => {
            let found = Diagnostic::new(code, error.what).label(&error.span, error.label);
            Err(Box::new(found.help(error.help)))
        }
    }
}

/// Values of global variables of `object`, which `title` sets.
///
/// # Errors
/// Unknown variables, and values that do not fit.
pub fn global_values(
    globals: &[GlobalValue],
    title: &str,
    object: &Object,
) -> Result<Vec<SetGlobalParts>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let set = globals::values(globals, title, object, &mut found);
    if found.is_empty() { Ok(set.into_iter().map(|(set, _)| set).collect()) } else { Err(found) }
}
