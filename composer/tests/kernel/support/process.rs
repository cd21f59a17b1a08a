//! The binary, run to its end or kept running while a test looks at it.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead as _, BufReader, PipeReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::eventually;

/// The binary, without arguments.
pub(crate) fn binary() -> Command {
    let path = env::var_os("FREPLACE_COMPOSE_BIN").expect("FREPLACE_COMPOSE_BIN is set");
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}

/// A run of the binary that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// The records of a stream of JSON.
    pub(crate) fn records(&self) -> Vec<Value> {
        let record = |line| serde_json::from_str(line).expect("a line is a JSON record");
        self.stdout.lines().map(record).collect()
    }

    /// Asserts that it ended with `code`, and with `diagnostic` as the only one.
    #[track_caller]
    pub(crate) fn assert_failed(&self, code: i32, diagnostic: &str) {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        let codes: Vec<_> = self
            .stderr
            .lines()
            .map(str::trim)
            .filter(|line| line.len() == 6 && line.starts_with("FC0"))
            .collect();
        assert_eq!(codes, [diagnostic], "{}", self.stderr);
    }

    /// Asserts that it ended well and its books balance.
    #[track_caller]
    pub(crate) fn assert_done(&self) {
        assert_eq!(self.status.code(), Some(0), "{self:#?}");
        assert!(!self.stderr.contains("bug:"), "{}", self.stderr);
    }
}

/// Runs `command` to its end.
pub(crate) fn output(command: &mut Command) -> Finished {
    let output = command.output().expect("it can be run");
    Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs `up CHAIN ARGUMENTS...` to its end.
pub(crate) fn run<A: AsRef<OsStr>>(chain: &Path, arguments: &[A]) -> Finished {
    output(binary().arg("up").arg(chain).args(arguments))
}

/// An `up` that is running; killed when dropped.
pub(crate) struct Live {
    child: Child,
    stdout: OutputReader,
    stderr: OutputReader,
}

/// A thread that takes what a process writes, so that the process need never wait.
#[derive(Default)]
struct OutputReader {
    text: Arc<Mutex<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// Runs `up CHAIN ARGUMENTS...` and waits until the chain is attached.
    pub(crate) fn up(chain: &Path, arguments: &[&str]) -> Self {
        Self::start(binary().arg("up").arg(chain).args(arguments).stdout(Stdio::piped()))
    }

    /// The same with events as JSON.
    pub(crate) fn json(chain: &Path) -> Self {
        Self::up(chain, &["--format", "json"])
    }

    /// The same with a stdout that nobody reads but the caller.
    pub(crate) fn unread(chain: &Path, arguments: &[&str]) -> (Self, PipeReader) {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = binary();
        command.arg("up").arg(chain).args(arguments).stdout(writer);
        (Self::start(&mut command), reader)
    }

    /// Runs `command`, which brings a chain up, and waits until that is attached.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary can be run");
        let stdout = child.stdout.take().map(OutputReader::new);
        let stderr = OutputReader::new(child.stderr.take().expect("piped"));
        let mut live = Self { child, stdout: stdout.unwrap_or_default(), stderr };
        let attached = eventually(|| live.stderr.read().contains("  attach  ") || live.has_ended());
        assert!(attached && !live.has_ended(), "it did not come up: {}", live.stderr.read());
        live
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_some()
    }

    /// Waits until what it wrote to stdout satisfies `condition`.
    #[track_caller]
    pub(crate) fn wait_for(&self, condition: impl Fn(&str) -> bool) {
        let came = eventually(|| condition(&self.stdout.read()));
        assert!(came, "it did not come: {}{}", self.stdout.read(), self.stderr.read());
    }

    /// What it wrote to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.read()
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `signal`.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is still there");
    }

    /// Sends `signal` and waits for the end.
    #[track_caller]
    pub(crate) fn end(self, signal: Signal) -> Finished {
        self.signal(signal);
        self.wait()
    }

    /// Reads what came through `stdout` to its end, and waits for that of the process.
    #[track_caller]
    pub(crate) fn read(self, stdout: PipeReader) -> Finished {
        let mut reader = OutputReader::new(stdout);
        Finished { stdout: reader.rest(), ..self.wait() }
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Finished {
        let ended = eventually(|| self.has_ended());
        assert!(ended, "it does not end: {}{}", self.stdout.read(), self.stderr.read());
        Finished {
            status: self.child.wait().expect("it has ended"),
            stdout: self.stdout.rest(),
            stderr: self.stderr.rest(),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl OutputReader {
    fn new(from: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&text);
        let thread = std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                to.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                line.clear();
            }
        });
        Self { text, thread: Some(thread) }
    }

    fn read(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rest(&mut self) -> String {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("reading does not panic");
        }
        self.read()
    }
}
