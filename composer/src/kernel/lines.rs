//! The source line of each instruction of a program.
//!
//! The compiler writes them to `.BTF.ext`, and a cut keeps them, for a program and its functions in
//! one sequence: the numbers that the verifier uses.

use crate::object::{LineInfo, btf::Btf};

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

/// The lines of a program, whose texts are in `types`.
pub(super) fn source_lines(lines: &[LineInfo], types: &Btf) -> Box<[SourceLine]> {
    let line = |line: &LineInfo| {
        let file = types.text(line.file)?;
        Some(SourceLine {
            instruction: line.at,
            file: file.rsplit('/').next().unwrap_or(file).to_owned(),
            line: line.number(),
            text: types.text(line.text).unwrap_or_default().to_owned(),
        })
    };
    lines.iter().filter_map(line).collect()
}
