//! Starts git, and says why it failed.

use std::{
    env, fs,
    fs::File,
    io,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::recipe::source::{GitSource, error::FetchErrorKind, http::ServerSettings};

/// git in a repository of ours, for one source.
pub(super) struct Git<'a> {
    /// The repository, with nothing of the user's in it.
    folder: PathBuf,
    /// Where its outputs go.
    outputs: PathBuf,
    source: &'a GitSource,
    connection: &'a ServerSettings,
}

/// Settings that win over the user's: nothing of a repository is run, and nobody is asked.
const SETTINGS: [&str; 10] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.interactive=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "transfer.bundleURI=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.version=2",
];

/// The most bytes that a fetch may bring: packed objects of one commit.
const FETCHED: u64 = 512 << 20;
/// The most bytes of what git prints.
const PRINTED: u64 = crate::recipe::PACKED + (8 << 20);
/// How often the size of what was fetched is looked at.
const LOOK: Duration = Duration::from_millis(200);

impl<'a> Git<'a> {
    pub(super) fn new(
        scratch: &Path,
        source: &'a GitSource,
        connection: &'a ServerSettings,
    ) -> Self {
        let [folder, outputs] = ["repository", "outputs"].map(|name| scratch.join(name));
        Self { folder, outputs, source, connection }
    }

    /// `git fetch` with `words`.
    pub(super) fn fetch(&self, words: &[&str]) -> Result<(), FetchErrorKind> {
        let all =
            ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-commit-graph"];
        self.run(&[&all, words].concat()).map(drop)
    }

    /// The one word that it prints.
    pub(super) fn word(&self, words: &[&str]) -> Result<String, FetchErrorKind> {
        let printed = self.run(words)?;
        Ok(String::from_utf8_lossy(&printed).trim().to_owned())
    }

    pub(super) fn run(&self, words: &[&str]) -> Result<Vec<u8>, FetchErrorKind> {
        self.run_with(words, &[])
    }

    /// What `git WORDS` prints, with `input` to read.
    pub(super) fn run_with(&self, words: &[&str], input: &[u8]) -> Result<Vec<u8>, FetchErrorKind> {
        let begun = self.begin(words, input);
        let (child, out, err) = begun.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => FetchErrorKind::NoGit("there is no git in PATH".to_owned()),
            _ => FetchErrorKind::NoGit(crate::files::plain(&error)),
        })?;
        let is_done = self.wait(child)?;
        let read = |path: &Path| crate::files::read(path, PRINTED);
        if is_done {
            return read(&out).map_err(|error| FetchErrorKind::Git(crate::files::plain(&error)));
        }
        let said = read(&err).unwrap_or_default();
        Err(told(&String::from_utf8_lossy(&said), self.source))
    }

    fn begin(&self, words: &[&str], input: &[u8]) -> io::Result<(Child, PathBuf, PathBuf)> {
        fs::create_dir_all(&self.folder)?;
        fs::create_dir_all(&self.outputs)?;
        let [from, out, err] = ["in", "out", "err"].map(|name| self.outputs.join(name));
        fs::write(&from, input)?;
        let mut git = Command::new("git");
        for setting in SETTINGS {
            git.args(["-c", setting]);
        }
        if let Some(ca) = &self.connection.ca {
            git.arg("-c").arg(format!("http.sslCAInfo={}", ca.display()));
        }
        git.args(words).current_dir(&self.folder);
        // Where a repository is, and how it is configured, is not for the user's environment to say.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") && !is_of_network(&name) {
                git.env_remove(name);
            }
        }
        let schemes = if self.source.url.starts_with("file:") { "file" } else { "https:ssh" };
        git.env("GIT_DIR", &self.folder)
            .env("GIT_ALLOW_PROTOCOL", schemes)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .env_remove("SSH_ASKPASS")
            .stdin(File::open(&from)?)
            .stdout(File::create(&out)?)
            .stderr(File::create(&err)?);
        Ok((git.spawn()?, out, err))
    }

    /// Waits for git as long as it may take and as much as it may fetch; whether it succeeded.
    fn wait(&self, mut child: Child) -> Result<bool, FetchErrorKind> {
        let begun = Instant::now();
        let ended = self.until_ended(&child, begun);
        if ended.is_err() {
            // It may have ended meanwhile.
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| FetchErrorKind::Git(crate::files::plain(&error)));
        ended?;
        Ok(status?.success())
    }

    fn until_ended(&self, child: &Child, begun: Instant) -> Result<(), FetchErrorKind> {
        let failed = |error: rustix::io::Errno| {
            FetchErrorKind::Git(crate::files::plain(&io::Error::from(error)))
        };
        let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let Some(process) = process else { return Ok(()) };
        let process = pidfd_open(process, PidfdFlags::empty()).map_err(failed)?;
        loop {
            let mut ends = [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)];
            let look = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
            match poll(&mut ends, Some(&look)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(failed(error)),
            }
            let limit = self.connection.timeout;
            if begun.elapsed() > limit {
                return Err(FetchErrorKind::Slow { server: self.source.url.clone(), limit });
            }
            if size(&self.folder) > FETCHED {
                let what = format!("what {} sends", self.source.url);
                return Err(FetchErrorKind::TooLarge { what, limit: FETCHED });
            }
        }
    }
}

/// Variables that say how a server is reached, and nothing else.
fn is_of_network(name: &std::ffi::OsStr) -> bool {
    ["GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_PROXY_SSL_CAINFO"].iter().any(|one| name == *one)
}

/// The bytes of all files in a folder; those that went meanwhile are left out.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

/// What git says, by its kind.
fn told(said: &str, source: &GitSource) -> FetchErrorKind {
    let server = source.url.clone();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let line = said
        .lines()
        .filter_map(|line| line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")))
        .map(str::trim)
        .find(|line| !line.is_empty())
        .or_else(|| said.lines().map(str::trim).find(|line| !line.is_empty()))
        .unwrap_or("it failed without a message");
    let line: String = line.chars().take(300).collect();
    if has(&[
        "couldn't find remote ref",
        "not our ref",
        "no such remote ref",
        "unadvertised object",
    ]) {
        let revision = source.revision.as_deref().unwrap_or("HEAD");
        FetchErrorKind::Absent { server, what: format!("revision `{revision}`") }
    } else if has(&[
        "could not read Username",
        "could not read Password",
        "Authentication failed",
        "Permission denied (",
    ]) {
        FetchErrorKind::GitLogin { server, why: line }
    } else if has(&[
        "Could not resolve host",
        "Failed to connect",
        "Connection refused",
        "Couldn't connect",
        "Connection timed out",
    ]) {
        FetchErrorKind::Unreachable { server, why: line }
    } else if has(&["certificate", "SSL"]) {
        FetchErrorKind::Certificate { server, why: line }
    } else if has(&[
        "does not appear to be a git repository",
        "' not found",
        "Repository not found",
    ]) {
        FetchErrorKind::Absent { server, what: "repository".to_owned() }
    } else {
        FetchErrorKind::Git(line)
    }
}
