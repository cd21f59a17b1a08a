//! The output of a step: kept in a file and parsed as it arrives, to report progress and the
//! running test.

use std::{
    fs::{self, File},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use crate::{Result, shell};

/// Where logs are, below the repository's root.
const FOLDER: &str = "target/test";
/// Number of log lines shown for a failed step.
const SHOWN: usize = 120;
/// Precedes a case of the conformance corpus, and the number of cases.
const CASE_BEGINS: &str = "conformance begins: ";
pub(crate) const CASES: &str = "conformance has: ";
/// Precedes the result of a case.
pub(crate) const CASE_ENDS: &str = "conformance: ";

/// The log of one step.
pub(crate) struct StepLog {
    name: String,
    path: PathBuf,
    /// Whether it is also printed immediately.
    shown: bool,
    state: Mutex<LogState>,
}

struct LogState {
    file: File,
    seen: StepProgress,
}

/// The progress of a step, from its output.
#[derive(Debug, Default)]
struct StepProgress {
    /// Finished tests.
    ended: u64,
    /// All tests.
    all: u64,
    /// The running test, if they run sequentially.
    at_work: Option<String>,
    failed: Vec<String>,
}

/// The result of a finished command.
pub(crate) struct CommandOutput {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl StepLog {
    /// A new log for the step `name`, in `folder`.
    pub(crate) fn create(folder: &Path, name: &str, shown: bool) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(file_name(name));
        let file = File::create(&path)?;
        let state = Mutex::new(LogState { file, seen: StepProgress::default() });
        Ok(Self { name: name.to_owned(), path, shown, state })
    }

    /// Runs a command. If it prints nothing for as long as `silence`, it is killed, and the error
    /// names the running test.
    pub(crate) fn run(
        &self,
        command: &mut Command,
        silence: Option<Duration>,
    ) -> Result<CommandOutput> {
        let line = shell::line(command);
        self.write(format!("$ {line}\n").as_bytes());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn();
        let mut child = child.map_err(|error| format!("`{line}` cannot be run: {error}"))?;
        let (heard, signs) = channel();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (hung, stdout, stderr) = std::thread::scope(|scope| {
            let stdout = scope.spawn({
                let heard = heard.clone();
                move || self.read(out, &heard)
            });
            let stderr = scope.spawn(move || self.read(err, &heard));
            let silent = |child: &mut Child| -> io::Result<()> { child.kill() };
            let hung = loop {
                let Some(bound) = silence else { break Ok(None) };
                match signs.recv_timeout(bound) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Disconnected) => break Ok(None),
                    Err(RecvTimeoutError::Timeout) => {
                        break silent(&mut child).map(|()| Some(bound));
                    }
                }
            };
            (hung, stdout.join(), stderr.join())
        });
        let status = child.wait()?;
        if let Some(bound) = hung? {
            let minutes = bound.as_secs() / 60;
            let mut state = self.state();
            let what = state.seen.at_work.take();
            state.seen.failed.extend(what.clone());
            let what = what.map_or_else(|| line, |test| format!("`{test}`"));
            return Err(format!("{what} printed nothing for {minutes} min and was killed").into());
        }
        let text = |read: std::thread::Result<io::Result<String>>| match read {
            Ok(text) => text,
            Err(_) => Err(io::Error::other("the reader of the output panicked")),
        };
        Ok(CommandOutput { status, stdout: text(stdout)?, stderr: text(stderr)? })
    }

    /// Reads a stream to its end.
    fn read(&self, from: Option<impl Read>, heard: &Sender<()>) -> io::Result<String> {
        let Some(mut from) = from else { return Ok(String::new()) };
        let mut said = Vec::new();
        let mut begun = 0; // of the line that is not whole yet
        let mut chunk = vec![0; 1 << 16];
        loop {
            let size = from.read(&mut chunk)?;
            said.extend_from_slice(&chunk[..size]);
            // Whole lines only, as the other stream goes into the same file.
            let whole = said.iter().rposition(|byte| *byte == b'\n').map_or(begun, |at| at + 1);
            let whole = if size == 0 { said.len() } else { whole.max(begun) };
            self.write(&said[begun..whole]);
            let mut state = self.state();
            for line in String::from_utf8_lossy(&said[begun..whole]).lines() {
                state.seen.line(line);
            }
            state.seen.unfinished(&String::from_utf8_lossy(&said[whole..]));
            drop(state);
            begun = whole;
            if size == 0 {
                return Ok(String::from_utf8_lossy(&said).into_owned());
            }
            // Nobody waits for it where there is no bound.
            let _ = heard.send(());
        }
    }

    fn write(&self, bytes: &[u8]) {
        // A full disk may not be what a step fails with; the log is then what there was room for.
        let _ = self.state().file.write_all(bytes);
        if self.shown {
            let _ = io::stderr().write_all(bytes);
        }
    }

    /// The progress of the step, in a few words.
    pub(crate) fn progress(&self) -> String {
        let state = self.state();
        let StepProgress { ended, all, at_work, .. } = &state.seen;
        let mut text = self.name.clone();
        if *all > 0 {
            text += &format!(" {ended}/{all}");
        }
        if let Some(test) = at_work {
            text += &format!(" ({test})");
        }
        text
    }

    /// Failed tests.
    pub(crate) fn failed(&self) -> Vec<String> {
        self.state().seen.failed.clone()
    }

    /// Failed tests whose names differ from those that the runner prints.
    pub(crate) fn set_failed(&self, names: Vec<String>) {
        self.state().seen.failed = names;
    }

    /// The end of the log of a failed step, unless it was printed before; from the first failure
    /// report if there is one.
    pub(crate) fn end(&self) -> String {
        if self.shown {
            return String::new();
        }
        let text = fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let failures = lines.iter().position(|line| *line == "failures:");
        let from = failures.unwrap_or(lines.len().saturating_sub(SHOWN));
        lines[from..].iter().take(SHOWN).map(|line| format!("  {line}\n")).collect()
    }

    fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folder with the logs.
pub(crate) fn folder() -> PathBuf {
    shell::root().join(FOLDER)
}

/// The log of the step `name`, below the repository's root.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(file_name(name))
}

fn file_name(name: &str) -> String {
    format!("{name}.log")
}

impl StepProgress {
    /// Parses a complete line of libtest, nextest or the conformance corpus.
    fn line(&mut self, line: &str) {
        let number = |text: &str| text.split(' ').next()?.parse::<u64>().ok();
        if let Some(result) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "))
        {
            if result.1.is_empty() {
                return; // cut off in the middle of the test
            }
            self.ended += 1;
            self.at_work = None;
            if result.1.starts_with("FAILED") {
                self.failed.push(result.0.to_owned());
            }
        } else if let Some(count) = line.strip_prefix("running ").and_then(number) {
            self.all += count;
        } else if let Some(count) = line.strip_prefix(CASES).and_then(number) {
            self.all += count;
        } else if let Some(case) = line.strip_prefix(CASE_BEGINS) {
            self.at_work = Some(case.to_owned());
        } else if line.starts_with(CASE_ENDS) {
            self.ended += 1;
            self.at_work = None;
        } else {
            self.nextest(line.trim_start());
        }
    }

    /// `PASS [   0.053s] (314/365) freplace-compose::layers only_the_command_line_prints`
    fn nextest(&mut self, line: &str) {
        let Some((verdict, rest)) = line.split_once(" [") else { return };
        let Some((_, rest)) = rest.split_once("] (") else { return };
        let Some((count, test)) = rest.split_once(") ") else { return };
        let Some((ended, all)) = count.split_once('/') else { return };
        let (Ok(ended), Ok(all)) = (ended.trim().parse(), all.parse()) else { return };
        (self.ended, self.all) = (ended, all);
        let bad = ["FAIL", "TIMEOUT", "SIG", "ABORT", "LEAK-FAIL"];
        let name = test.rsplit(' ').next().unwrap_or(test).to_owned();
        if bad.iter().any(|bad| verdict.starts_with(bad)) && !self.failed.contains(&name) {
            self.failed.push(name);
        }
    }

    /// Parses an incomplete line: `test flow::x ... `.
    fn unfinished(&mut self, line: &str) {
        if let Some((test, "")) =
            line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "))
        {
            self.at_work = Some(test.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Duration};

    use super::{StepLog, StepProgress};

    fn seen(lines: &[&str]) -> StepProgress {
        let mut seen = StepProgress::default();
        lines.iter().for_each(|line| seen.line(line));
        seen
    }

    #[test]
    fn libtest_tells_how_far_it_is_and_what_failed() {
        let lines = ["running 3 tests", "test a::one ... ok", "test a.rs - b (line 3) ... FAILED"];
        let mut seen = seen(&lines);
        assert_eq!((seen.ended, seen.all), (2, 3));
        assert_eq!(seen.failed, ["a.rs - b (line 3)"]);
        seen.unfinished("test a::two ... ");
        assert_eq!(seen.at_work.as_deref(), Some("a::two"));
    }

    #[test]
    fn nextest_tells_it_on_each_line() {
        let seen = seen(&[
            "        PASS [   0.053s] (314/365) freplace-compose::layers only_the_command_line",
            "        FAIL [   0.180s] ( 315/365) freplace-compose::cli help",
            "        FAIL [   0.180s] ( 315/365) freplace-compose::cli help",
        ]);
        assert_eq!((seen.ended, seen.all), (315, 365));
        assert_eq!(seen.failed, ["help"]);
    }

    #[test]
    fn the_corpus_tells_which_case_is_at_work() {
        let lines = ["conformance has: 900", "conformance begins: FC0301/a", "conformance: {}"];
        let at = |count| seen(&lines[..count]);
        assert_eq!(at(2).at_work.as_deref(), Some("FC0301/a"));
        assert_eq!((at(3).at_work, at(3).ended, at(3).all), (None, 1, 900));
    }

    #[test]
    fn a_test_that_hangs_is_ended_and_named() {
        let log = StepLog::create(&std::env::temp_dir(), "xtask-a-test-that-hangs", false);
        let log = log.expect("it is writable");
        let mut hangs = Command::new("sh");
        hangs.args(["-c", "printf 'test deep::sleep ... '; exec sleep 600"]);
        let error = log.run(&mut hangs, Some(Duration::from_millis(300))).err();
        let error = error.expect("it was ended").to_string();
        assert!(error.starts_with("`deep::sleep` printed nothing for "), "{error}");
        assert_eq!(log.failed(), ["deep::sleep"]);
    }
}
