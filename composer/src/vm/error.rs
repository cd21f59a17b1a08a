//! Errors between the request for a command in a guest and its exit code: one variant per
//! condition.

use std::{fmt, io, path::PathBuf, process::ExitStatus, time::Duration};

/// The end of the guest's kernel console, at most 20 lines; shown after the message it comes with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsoleTail(pub String);

impl fmt::Display for ConsoleTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("; nothing on the guest's console");
        }
        f.write_str("; the end of the guest's console:")?;
        self.0.lines().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}

/// A suite of packages that could not be searched for kernels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsearchedSuite {
    /// Its name, for example `trixie-backports`.
    pub suite: String,
    /// The address of the archive it was looked for in.
    pub mirror: String,
    /// apt's message.
    pub why: String,
}

impl fmt::Display for UnsearchedSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, mirror, why } = self;
        write!(f, "cannot query {suite} of {mirror}: {why}")
    }
}

/// Why a command in a micro-VM has no exit code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VmError {
    /// Kernels are fetched for x86-64 only, and the guest runs the host's own executables.
    #[error("the micro-VM requires an x86-64 host, this one is {}", std::env::consts::ARCH)]
    Architecture,

    /// A program of the host that the micro-VM is made with is not installed.
    #[error(
        "{tool} is not installed: on Debian and Ubuntu, run `apt-get install --no-install-recommends {package}` as root"
    )]
    ToolMissing {
        /// The executable's name.
        tool: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },

    /// Kernels are fetched with apt, which this system does not have.
    #[error(
        "apt-get and dpkg-deb, which fetch kernels, are not installed: pass the path of a kernel \
         image (a vmlinuz) instead of `{series}`"
    )]
    NoApt {
        /// The requested series.
        series: String,
    },

    /// No suite that could be asked has a cloud kernel of that series.
    #[error(
        "no Debian cloud kernel of series {series}{}; available are {}",
        if .unasked.is_empty() { "" } else { " in the available suites" },
        list(.known)
    )]
    UnknownSeries {
        /// The series asked for.
        series: String,
        /// The available series, oldest first.
        known: Vec<String>,
        /// The suites that could not be searched.
        unasked: Vec<UnsearchedSuite>,
    },

    /// A file in the cache is damaged and cannot be downloaded again.
    #[error("{} {damage} and cannot be fetched again: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The damage, as a verb phrase.
        damage: &'static str,
        /// Why it cannot be replaced.
        why: Box<Self>,
    },

    /// A package could not be fetched or unpacked, after apt's own retries.
    #[error("cannot fetch {what}: {why}")]
    Fetch {
        /// The package, or another request to apt.
        what: String,
        /// The message of apt or dpkg-deb.
        why: String,
    },

    /// No folder for the cache: no home directory, and no variable that names another.
    #[error("no cache folder for kernels: set FREPLACE_COMPOSE_CACHE to a folder")]
    NoCache,

    /// There is no such file.
    #[error(
        "kernel image {} not found: give the path of a vmlinuz, or a series such as 6.1 or 6.12, \
         which is fetched",
        .path.display()
    )]
    NoImage {
        /// The file.
        path: PathBuf,
    },

    /// The file given as a kernel is not a kernel image.
    #[error("{} is not a bootable x86-64 kernel image (a bzImage, usually named vmlinuz)", .path.display())]
    NotAKernel {
        /// The file.
        path: PathBuf,
    },

    /// The command is neither on the host, nor brought along, nor one of busybox's.
    #[error("command `{command}` not found: neither in this host's PATH nor in busybox")]
    CommandNotFound {
        /// The command's first word.
        command: String,
    },

    /// The guest would not see the file, because a filesystem of the kernel's is mounted over that place.
    #[error("cannot copy a file to {}: the guest has its own /dev, /proc, /sys, /modules, /init \
             and /job", .path.display())]
    Destination {
        /// The path in the guest.
        path: PathBuf,
    },

    /// An executable needs a shared library that the host does not have.
    #[error("shared library {library} of {} not found on this host", .file.display())]
    MissingLibrary {
        /// The executable or library.
        file: PathBuf,
        /// The library's name, as printed by `ldd`.
        library: String,
    },

    /// A script's `#!` line names a program that the host does not have.
    #[error("interpreter {} of {} not found on this host", .script.display(), .interpreter.display())]
    MissingInterpreter {
        /// The script.
        script: PathBuf,
        /// Its interpreter.
        interpreter: PathBuf,
    },

    /// The kernel has no module of that name.
    #[error("module `{module}` of Linux {release} not found{}", did_you_mean(.near.as_deref()))]
    NoModule {
        /// The module.
        module: String,
        /// The kernel's.
        release: String,
        /// A module with a similar name.
        near: Option<String>,
    },

    /// The modules of a kernel are nowhere to be found.
    #[error("modules of Linux {release} not found on this machine: missing {}", .folder.display())]
    NoModules {
        /// The kernel's.
        release: String,
        /// Where they would be.
        folder: PathBuf,
    },

    /// A command is a script that starts another program, which would not be in the guest.
    #[error("`{command}` is {}, a script of a version manager that starts the actual program", .path.display())]
    Shim {
        /// The command.
        command: String,
        /// The script.
        path: PathBuf,
    },

    /// What the guest is to start with does not fit in its memory.
    #[error(
        "the files for the guest are {} MiB, too large for a guest of {memory_mib} MiB: add fewer \
         files, or increase its memory",
        .bytes >> 20
    )]
    TooBig {
        /// Bytes of the files brought along, shared libraries included.
        bytes: u64,
        /// The guest's memory.
        memory_mib: u32,
    },

    /// A system call of the host failed.
    #[error("cannot {what}: {source}")]
    Host {
        /// The operation and its object, after "cannot".
        what: String,
        /// Why.
        source: io::Error,
    },

    /// The writer for the job's output failed.
    #[error("cannot pass on the guest's output: {source}")]
    Output {
        /// Why; `BrokenPipe` when the reader went away.
        source: io::Error,
    },

    /// QEMU ended before it ran any guest.
    #[error("qemu did not start ({status}): {stderr}")]
    QemuStart {
        /// How it ended.
        status: ExitStatus,
        /// Its message.
        stderr: String,
    },

    /// The kernel or init did not come up in time.
    #[error("the guest did not boot within {} s{console}", .after.as_secs())]
    NoBoot {
        /// The bound.
        after: Duration,
        /// The end of the console.
        console: ConsoleTail,
    },

    /// The guest's kernel gave up.
    #[error("the guest's kernel panicked: {reason}{console}")]
    Panic {
        /// The kernel's message.
        reason: String,
        /// The end of the console.
        console: ConsoleTail,
    },

    /// No sign of life from the guest.
    #[error("the guest does not respond: no heartbeat for {} s{console}", .after.as_secs())]
    Hang {
        /// The bound.
        after: Duration,
        /// What was there to see.
        console: ConsoleTail,
    },

    /// QEMU ended without a verdict from the guest: it was killed, or the guest powered itself off.
    #[error("the guest ended without an exit code (qemu: {status}){stderr}{console}", stderr = after(.stderr))]
    NoExitCode {
        /// How QEMU ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
        /// What was there to see.
        console: ConsoleTail,
    },

    /// Init could not start the job, or failed.
    #[error("the guest's init failed: {why}{console}")]
    Init {
        /// Init's message.
        why: String,
        /// What was there to see.
        console: ConsoleTail,
    },

    /// Less of the job's output arrived than the guest sent.
    #[error("the guest sent {sent} bytes of output, but {received} arrived{console}")]
    LostOutput {
        /// Bytes, standard output and standard error together.
        sent: u64,
        /// Bytes that arrived.
        received: u64,
        /// What was there to see.
        console: ConsoleTail,
    },

    /// The job ran for longer than it may.
    #[error("the command did not end within {} s{console}", .after.as_secs())]
    Timeout {
        /// The bound, counted from the end of boot.
        after: Duration,
        /// What was there to see.
        console: ConsoleTail,
    },

    /// Interrupted before the job began, or a second time while it ended; the guest was stopped as it was.
    #[error("interrupted: the micro-VM was stopped")]
    Interrupted,
}

impl VmError {
    /// For `map_err`: an I/O error with what was being done, in words that follow "cannot".
    pub(super) fn host(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Host { what: what.into(), source }
    }
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default()
}

fn after(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_is_quoted_below_the_message() {
        let console = ConsoleTail("one\ntwo".to_owned());
        let error = VmError::Hang { after: Duration::from_secs(60), console };
        assert_eq!(
            error.to_string(),
            "the guest does not respond: no heartbeat for 60 s; the end of the guest's console:\n  | one\n  | two"
        );
    }

    #[test]
    fn an_unknown_series_names_the_known_ones() {
        let known = vec!["6.1".to_owned(), "6.12".to_owned()];
        let error = |unasked| {
            let (series, known) = ("5.4".to_owned(), known.clone());
            VmError::UnknownSeries { series, known, unasked }.to_string()
        };
        let whole = "no Debian cloud kernel of series 5.4; available are 6.1, 6.12";
        assert_eq!(error(Vec::new()), whole);
        let own = |text: &str| text.to_owned();
        let unasked =
            UnsearchedSuite { suite: own("sid"), mirror: own("http://m"), why: own("no route") };
        assert_eq!(unasked.to_string(), "cannot query sid of http://m: no route");
        let part = whole.replace(";", " in the available suites;");
        assert_eq!(error(vec![unasked]), part);
    }
}
