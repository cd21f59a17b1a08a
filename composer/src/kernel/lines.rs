//! Which line of the source each instruction of a program comes from.
//!
//! The compiler writes it into `.BTF.ext`, and aya-obj carries it along as it puts a program and the
//! functions it calls in one row. That row is what the verifier counts.

use crate::object::btf::Btf;

/// The beginning of what one line of source became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The first instruction, counted as the verifier counts them.
    pub instruction: u32,
    /// The file, without its folder.
    pub file: String,
    /// The line's number, from 1.
    pub line: u32,
    /// The line itself, where the compiler kept it.
    pub text: String,
}

/// Reads `info`, the line info that a program is loaded with: records of `size` bytes, each a
/// `struct bpf_line_info`. Their texts are in `types`.
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>
pub(super) fn source_lines(info: &[u8], size: usize, types: &Btf) -> Box<[SourceLine]> {
    let line = |record: &[u8]| {
        let word = |at: usize| {
            let bytes = record.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_ne_bytes(bytes))
        };
        let file = types.text(word(4)?)?;
        Some(SourceLine {
            instruction: word(0)?,
            file: file.rsplit('/').next().unwrap_or(file).to_owned(),
            line: word(12)? >> 10, // the column is in the lower bits
            text: types.text(word(8)?).unwrap_or_default().to_owned(),
        })
    };
    info.chunks_exact(size.max(16)).filter_map(line).collect()
}
