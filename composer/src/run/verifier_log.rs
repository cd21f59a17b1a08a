//! Extracts the last messages of a verifier log, and the source line that they refer to.
//!
//! A log follows the verifier through the program, instruction by instruction, with the contents of
//! every register; the error comes last, in a line or two. This module finds these lines, and omits
//! those that are only useful to experts of the verifier.

use std::fmt;

use super::verifier_report::{self, VerifierReport};
use crate::kernel::SourceLine;

/// Last words that are shown.
const MOST: usize = 4;

/// The telling part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt<'a> {
    /// What the verifier said last.
    pub(super) words: Vec<&'a str>,
    /// The line of source that it looked at.
    pub(super) source: Option<&'a SourceLine>,
    /// The instruction that it looked at, with its number: `9: (71) r0 = *(u8 *)(r1 +0)`.
    pub(super) instruction: Option<&'a str>,
    /// What newer kernels say of it in sentences.
    pub(super) report: Option<VerifierReport<'a>>,
    /// How many lines of the log are left out.
    pub(super) more: usize,
}

impl<'a> Excerpt<'a> {
    /// Reads `log`, of a program whose instructions come from `lines`; none when it tells nothing.
    pub(super) fn of(log: &'a str, lines: &'a [SourceLine]) -> Option<Self> {
        let in_all = log.lines().filter(|line| !line.trim().is_empty()).count();
        let (log, report) = verifier_report::split(log);
        let all: Vec<&str> =
            log.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let is_told = |line: &&&str| instruction(line).is_none() && !is_noise(line);
        let last = all.iter().rposition(|line| instruction(line).is_some());
        let after: Vec<&str> =
            all[last.map_or(0, |at| at + 1)..].iter().filter(is_told).copied().collect();
        // What is said before the last instruction counts only where nothing is said after it.
        let mut words =
            if after.is_empty() { all.iter().filter(is_told).copied().collect() } else { after };
        words.drain(..words.len().saturating_sub(MOST));
        if words.is_empty() {
            return None;
        }
        let found = all.iter().copied().filter_map(instruction);
        let named = words.iter().rev().find_map(|words| named(words));
        let number = named.or_else(|| found.clone().next_back().map(|(number, _)| number));
        let at = |wanted| found.clone().rfind(|(number, _)| *number == wanted);
        let instruction = number.and_then(at).map(|(_, text)| text);
        let source = number.and_then(|number| {
            lines
                .iter()
                .filter(|line| line.instruction <= number)
                .max_by_key(|line| line.instruction)
        });
        // Where the instruction tells nothing, the report names the line.
        let source = source.or_else(|| {
            let (_, file, line) = report.as_ref()?.at?;
            lines.iter().find(|known| known.line == line && known.file.ends_with(file))
        });
        let told = report.as_ref().map_or(0, |report| report.lines);
        let more = in_all - words.len() - usize::from(instruction.is_some()) - told;
        Some(Self { words, source, instruction, report, more })
    }
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("verifier log")?;
        for line in &self.words {
            write!(f, "\n  {line}")?;
        }
        if let Some(SourceLine { file, line, text, .. }) = self.source {
            write!(f, "\n    {file}:{line}  {text}")?;
        }
        if let Some(instruction) = self.instruction {
            write!(f, "\n    {instruction}")?;
        }
        if let Some(VerifierReport { title, reason, suggestion, .. }) = &self.report {
            write!(f, "\n  {title}")?;
            for said in [reason, suggestion].into_iter().filter(|said| !said.is_empty()) {
                write!(f, "\n  {said}")?;
            }
        }
        match self.more {
            0 => Ok(()),
            1 => f.write_str("\n  and one more line"),
            more => write!(f, "\n  and {more} more lines"),
        }
    }
}

/// The number of the instruction on a line such as `9: (71) r0 = *(u8 *)(r1 +0)  ; R0_w=scalar()`,
/// and that line without what is known of registers.
fn instruction(line: &str) -> Option<(u32, &str)> {
    let (number, rest) = line.split_once(": (")?;
    let number = number.parse().ok()?;
    let (code, operation) = rest.split_once(')')?;
    let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Behind a jump, what is known of registers begins with the next instruction's number.
    let is_state = |word: &str| word == ";" || word.strip_suffix(':').is_some_and(is_number);
    let state = operation.split(' ').find(|word| is_state(word));
    let end = state.and_then(|word| operation.find(&format!(" {word}"))).unwrap_or(operation.len());
    let whole = line.len() - operation.len() + end;
    is_code.then(|| (number, line[..whole].trim_end()))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The instruction that a sentence names: `infinite loop detected at insn 1`.
fn named(words: &str) -> Option<u32> {
    let (_, rest) = words.split_once(" insn ")?;
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Beginnings of lines that tell how the verifier went on, and not what is wrong.
const NOISE: &[&str] = &[
    "; ",
    " ",
    "BPF program load log",
    "Func#",
    "Validating ",
    "callee:",
    "caller:",
    "cur state:",
    "from ",
    "func#",
    "frame",
    "last_idx ",
    "mark_precise:",
    "max_states",
    "old state:",
    "parent ",
    "processed ",
    "propagating ",
    "regs=",
    "returning from callee:",
    "stack depth ",
    "to caller at ",
    "verification time ",
];

fn is_noise(line: &str) -> bool {
    NOISE.iter().any(|start| line.starts_with(start)) || is_state(line)
}

/// Whether a line is what the verifier knows of registers at an instruction: `9: R1=ctx() R10=fp0`,
/// `12: safe`.
fn is_state(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(number, rest)| {
        is_number(number) && (rest == "safe" || rest.starts_with("frame") || rest.starts_with('R'))
    })
}

#[cfg(test)]
#[path = "verifier_log_tests.rs"]
mod tests;
