//! Runs other programs, with output that is shown and kept, and finds the repository.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use crate::Result;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The cargo that runs this xtask, in the repository's root.
pub(crate) fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(root());
    command
}

/// The executable that a shell would run for `name`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = command.status().map_err(|error| cannot_run(command, &error))?;
    succeeded(command, status)
}

/// Runs a command and keeps its output, which is shown only if the command fails.
pub(crate) fn quietly(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| cannot_run(command, &error))?;
    if !output.status.success() {
        io::stderr().write_all(&output.stdout)?;
        io::stderr().write_all(&output.stderr)?;
    }
    succeeded(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command, and shows and keeps its stdout.
pub(crate) fn tee_stdout(command: &mut Command) -> Result<(ExitStatus, String)> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| cannot_run(command, &error))?;
    let said = tee(child.stdout.take(), io::stdout())?;
    Ok((child.wait()?, said))
}

fn tee(from: Option<impl Read>, mut to: impl Write) -> io::Result<String> {
    let mut said = String::new();
    let Some(from) = from else { return Ok(said) };
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    while from.read_until(b'\n', &mut bytes)? > 0 {
        to.write_all(&bytes)?;
        to.flush()?;
        said += &String::from_utf8_lossy(&bytes);
        bytes.clear();
    }
    Ok(said)
}

/// `Ok` if the command succeeded.
pub(crate) fn succeeded(command: &Command, status: ExitStatus) -> Result {
    if status.success() { Ok(()) } else { Err(format!("`{}`: {status}", line(command)).into()) }
}

fn cannot_run(command: &Command, error: &io::Error) -> String {
    format!("`{}` cannot be run: {error}", command.get_program().to_string_lossy())
}

/// `text` without colours: ESC, `[`, up to a letter.
pub(crate) fn plain(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain += piece
            .trim_start_matches(|byte: char| !byte.is_ascii_alphabetic())
            .get(1..)
            .unwrap_or_default();
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(plain("\x1b[2m12:00\x1b[0m  \x1b[38;5;3mhost\x1b[0m → x"), "12:00  host → x");
        assert_eq!(plain("a\x1b["), "a");
    }
}
