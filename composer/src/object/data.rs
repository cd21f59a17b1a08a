//! Sections of global variables: each becomes a map with one value, for each program that refers to
//! it.

use std::ops::Range;

use object::{Object as _, ObjectSection as _, SectionKind};

use super::{
    ObjectError,
    btf::{Btf, Type, TypeId},
    elf::damaged,
};

/// A section of global variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSection {
    /// Its name: `.rodata`, `.data`, `.bss`, `.rodata.str1.1`.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Where its initial content is in [`super::Object::bytes`]; none when that is all zeros.
    pub place: Option<Range<usize>>,
    /// Its `DATASEC` in BTF, which clang makes for variables with a name.
    pub of: Option<TypeId>,
}

impl DataSection {
    /// Whether it is read-only: then the composer freezes it before the program is loaded, and the
    /// verifier treats its content as constants.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        is_frozen(&self.name)
    }
}

/// Whether a section of this name is read-only.
pub(super) fn is_frozen(name: &str) -> bool {
    is(name, ".rodata")
}

/// Whether a section of this name holds global variables.
pub(super) fn is_data(name: &str) -> bool {
    [".rodata", ".data", ".bss"].iter().any(|stem| is(name, stem))
}

/// `.data` and `.data.counters`, but not `.database`.
fn is(name: &str, stem: &str) -> bool {
    name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Every section of global variables in `file`.
pub(super) fn sections(
    file: &object::File<'_>,
    btf: &Btf,
) -> Result<Vec<DataSection>, ObjectError> {
    let mut found = Vec::new();
    for section in file.sections() {
        let name = section.name().map_err(damaged)?;
        if !is_data(name) || section.size() == 0 || name.chars().any(char::is_control) {
            continue;
        }
        let place = match section.kind() {
            SectionKind::UninitializedData => None,
            _ => {
                section.data().map_err(damaged)?; // whether it is whole
                let (from, length) = section.file_range().unwrap_or_default();
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                Some(from..from.saturating_add(length))
            }
        };
        let is_it = |(id, found): (TypeId, Type<'_>)| match found {
            Type::Section { name: tag, .. } if tag == name => Some(id),
            _ => None,
        };
        found.push(DataSection {
            name: name.to_owned(),
            size: section.size(),
            place,
            of: btf.iter().find_map(is_it),
        });
    }
    Ok(found)
}
