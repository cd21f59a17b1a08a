//! The `.BTF.ext` section: what compilers tell of each instruction beyond its types.
//!
//! Which BTF function begins where, which line of source an instruction comes from, and which
//! instructions CO-RE relocates. What does not fit ends the reading of that part.
//!
//! Format: <https://docs.kernel.org/bpf/btf.html#btf-ext-section>, and the relocations in
//! <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>.

use std::{collections::HashMap, ops::Range};

use super::btf::{Btf, TypeId};

/// What `.BTF.ext` tells of the sections of code, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ext {
    pub(super) sections: HashMap<String, Section>,
}

/// What is told of one section of code. Offsets are in bytes from the section's start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Section {
    /// The number of the type of kind `FUNC` of each function, by its offset.
    pub(super) functions: HashMap<u64, TypeId>,
    /// In the order of the instructions, as are relocations.
    lines: Vec<LineInfo>,
    pub(super) relocations: Vec<Relocation>,
}

impl Section {
    /// The lines of the instructions in `range`.
    pub(super) fn lines_in(&self, range: Range<u64>) -> &[LineInfo] {
        within(&self.lines, range, |line| line.at)
    }

    /// The relocations of the instructions in `range`.
    pub(super) fn relocations_in(&self, range: Range<u64>) -> &[Relocation] {
        within(&self.relocations, range, |relocation| relocation.at)
    }
}

fn within<T>(records: &[T], range: Range<u64>, at: impl Fn(&T) -> u32) -> &[T] {
    let before = |place: u64| records.partition_point(|record| u64::from(at(record)) < place);
    records.get(before(range.start)..before(range.end)).unwrap_or_default()
}

/// A `struct bpf_line_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineInfo {
    /// The first instruction: its offset in bytes in a section, or its number in a program.
    pub at: u32,
    /// The file's name, in the strings of BTF.
    pub file: u32,
    /// The line's text, in the strings of BTF.
    pub text: u32,
    /// The line's number in the upper 22 bits, the column in the lower 10.
    pub position: u32,
}

impl LineInfo {
    /// The line's number, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.position >> 10
    }
}

/// A `struct bpf_core_relo`: an instruction that depends on the kernel's types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relocation {
    /// The instruction: its offset in bytes in a section, or its number in a program.
    pub at: u32,
    /// The type that it begins at.
    pub of: TypeId,
    /// The way from there, `0:1:2`, in the strings of BTF.
    pub access: u32,
    /// `enum bpf_core_relo_kind`.
    pub kind: u32,
}

impl Ext {
    /// Reads the section in `data`.
    pub(super) fn parse(data: &[u8], btf: &Btf) -> Self {
        let mut ext = Self::default();
        let sections = &mut ext.sections;
        // Without them the loader does as well as it can.
        let _ = part(data, 8, |name, [at, id]| {
            named(sections, btf, name).functions.insert(at.into(), id);
        });
        let _ = part(data, 16, |name, [at, file, text, position]| {
            named(sections, btf, name).lines.push(LineInfo { at, file, text, position });
        });
        let _ = part(data, 24, |name, [at, of, access, kind]| {
            named(sections, btf, name).relocations.push(Relocation { at, of, access, kind });
        });
        for section in sections.values_mut() {
            section.lines.sort_by_key(|line| line.at);
            section.relocations.sort_by_key(|relocation| relocation.at);
        }
        ext
    }
}

fn named<'a>(sections: &'a mut HashMap<String, Section>, btf: &Btf, name: u32) -> &'a mut Section {
    sections.entry(btf.string(name).unwrap_or_default().to_owned()).or_default()
}

/// Passes the first words of every record of a part to `each`, with the name of its section; none if
/// the part is truncated. The header has the part's offset and length at `field`; its records may be
/// longer than the words that are read.
fn part<const WORDS: usize>(
    data: &[u8],
    field: usize,
    mut each: impl FnMut(u32, [u32; WORDS]),
) -> Option<()> {
    let place = |at: usize| word(data, at).map(|word| word as usize);
    let header = place(4)?;
    // Sections older than CO-RE have a header that ends before the last part.
    if header < field + 8 || place(field + 4)? == 0 {
        return Some(());
    }
    let start = header.checked_add(place(field)?)?;
    let end = start.checked_add(place(field + 4)?)?;
    let size = place(start)?;
    if size < 4 * WORDS {
        return None;
    }
    // One block for each section of code: name, number of records, records.
    let mut at = start + 4;
    while at < end {
        let (section, records) = (word(data, at)?, word(data, at + 4)?);
        at += 8;
        for _ in 0..records {
            let mut record = [0; WORDS];
            for (index, value) in record.iter_mut().enumerate() {
                *value = word(data, at.checked_add(4 * index)?)?;
            }
            each(section, record);
            at = at.checked_add(size)?;
        }
    }
    Some(())
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_ne_bytes)
}
