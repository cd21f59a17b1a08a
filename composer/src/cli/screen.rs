//! All output goes through this module: complete, tolerating a closed pipe, and without control
//! characters from a chain, an object or a kernel that a terminal would execute.

use std::{
    fmt,
    fs::File,
    io::{self, Write},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anstream::{AutoStream, ColorChoice};

use super::{exit::Exit, ink, report};
use freplace_compose::{
    diag::{Code, Diagnostic},
    files::plain,
    inert,
};

/// Writes a line to stderr, with the words of [`format!`].
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::screen::tell(format_args!($($words)*)) };
}
pub(in crate::cli) use say;

/// Writes `words` to stderr as a line. When nobody can read it, there is nobody to tell.
pub(super) fn tell(words: fmt::Arguments<'_>) {
    let mut text = ink::shown(&words.to_string(), colors_of(&io::stderr()));
    text.push('\n');
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes `text` to stderr, and leaves the line open; with `again` in the place of the open one.
pub(super) fn open_line(text: &str, again: bool) {
    let back = if again { "\r\u{1b}[K" } else { "" };
    let text = back.to_owned() + &ink::shown(text, colors_of(&io::stderr()));
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes what was drawn with colours and with nothing else to obey: diagnostics.
pub(super) fn drawn(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// What was drawn, without its colours.
pub(super) fn without_colors(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Writes what this program itself wrote elsewhere, in a micro-VM, to stdout.
pub(super) fn passed_on(text: &str) -> Exit {
    written(anstream::stdout().write_all(text.as_bytes()))
}

/// Writes `text` to stdout. A reader that has gone away has seen enough.
pub(super) fn data(text: &str) -> Exit {
    let text = ink::shown(text, colors_of(&io::stdout()));
    written(io::stdout().write_all(text.as_bytes()))
}

fn written(result: io::Result<()>) -> Exit {
    result.map_or_else(|error| write_failed(&error), |()| Exit::Done)
}

/// Whether colours are wanted there.
pub(super) fn colors_of(stream: &impl anstream::stream::RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// What colours go by, when it was said.
pub(super) fn want_colors(always: bool) {
    if always { ColorChoice::Always } else { ColorChoice::Never }.write_global();
}

/// What a failed write to stdout means.
pub(super) fn write_failed(error: &io::Error) -> Exit {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Exit::Done;
    }
    // One that was put together here names its file, whose letters are not ours to change.
    let why = if error.raw_os_error().is_some() { plain(error) } else { error.to_string() };
    let message = format!("cannot write the output: {why}");
    let help = "Free space or choose another output. Everything before this was completed, and \
                the output so far is kept.";
    report::one(&Diagnostic::new(Code::WriteFailed, message).help(help));
    Exit::Failed
}

/// Makes the file at `path`, empty. `help` says what to do where that fails.
pub(super) fn create(path: &Path, help: &str) -> Result<File, Diagnostic> {
    let failed = |error: io::Error| {
        let message = format!("cannot write {}: {}", path.display(), plain(&error));
        Diagnostic::new(Code::OutputFile, message).help(help)
    };
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    let found = options.clone().custom_flags(libc::O_NOFOLLOW).open(path);
    match found {
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            // A link: of whom?
            let owner = path.symlink_metadata().map_err(failed)?.uid();
            if owner != 0 && owner != rustix::process::geteuid().as_raw() {
                let message = format!("{} is a symbolic link of user {owner}", path.display());
                let help = "Name the file itself, or a file in a folder where other users cannot \
                            create links.";
                return Err(Diagnostic::new(Code::ForeignLink, message).help(help));
            }
            options.open(path).map_err(failed)
        }
        other => other.map_err(failed),
    }
}

/// Refuses to write over one of the files that are read.
pub(super) fn spare(output: &Path, inputs: &[PathBuf]) -> Result<(), Exit> {
    let is = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    let taken = is(output).filter(|it| inputs.iter().any(|input| is(input).as_ref() == Some(it)));
    if taken.is_none() {
        return Ok(());
    }
    let message = format!("{} is the chain or one of its objects", output.display());
    let help = "Choose another name for the output. Writing to this file would empty it.";
    report::one(&Diagnostic::new(Code::OutputOverInput, message).help(help));
    Err(Exit::Usage)
}

/// `value` as indented JSON on stdout.
pub(super) fn json(value: &impl serde::Serialize) -> Exit {
    match serde_json::to_string_pretty(value) {
        Ok(text) => written(io::stdout().write_all(inert::json(&(text + "\n")).as_bytes())),
        Err(error) => write_failed(&io::Error::other(error)),
    }
}

/// `3 nodes`, `1 node`.
pub(super) fn count(number: u64, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {what}s"),
    }
}
