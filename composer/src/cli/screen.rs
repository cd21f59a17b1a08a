//! Writing to stdout: whole, and with a reader that may be gone.

use std::{
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{exit::Exit, report};
use freplace_compose::{
    chain::plain,
    diag::{Code, Diagnostic},
};

/// Writes `text` to stdout. A reader that has gone away has seen enough.
pub(super) fn data(text: &str) -> Exit {
    match anstream::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Done,
        Err(error) => write_failed(&error),
    }
}

/// What a failed write to stdout means.
pub(super) fn write_failed(error: &io::Error) -> Exit {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Exit::Done;
    }
    // One that was put together here names its file, whose letters are not ours to change.
    let why = if error.raw_os_error().is_some() { plain(error) } else { error.to_string() };
    let message = format!("the output cannot be written: {why}");
    let help = "Everything before this was done; what was written so far is there.";
    report::one(&Diagnostic::new(Code::WriteFailed, message).help(help));
    Exit::Failed
}

/// Refuses to write over one of the files that are read.
pub(super) fn spare(output: &Path, inputs: &[PathBuf]) -> Result<(), Exit> {
    let is = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    let taken = is(output).filter(|it| inputs.iter().any(|input| is(input).as_ref() == Some(it)));
    if taken.is_none() {
        return Ok(());
    }
    let message = format!("{} is the chain or one of its objects", output.display());
    let help = "Writing there would empty it: give the output another name.";
    report::one(&Diagnostic::new(Code::OutputOverInput, message).help(help));
    Err(Exit::Usage)
}

/// `value` as indented JSON on stdout.
pub(super) fn json(value: &impl serde::Serialize) -> Exit {
    match serde_json::to_string_pretty(value) {
        Ok(text) => data(&(text + "\n")),
        Err(error) => write_failed(&io::Error::other(error)),
    }
}

/// `3 nodes`, `1 node`.
pub(super) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
