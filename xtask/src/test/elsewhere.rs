//! The tests that do not need a kernel, run again with the same executables in a different
//! environment.
//!
//! A user without files or a home, another kernel release, time zone, language and terminal,
//! another number of threads, a low limit on open files, and the repository in a read-only folder
//! with blanks and umlauts in its path. A test that depends on one of these passes only on its
//! author's machine.

use std::{
    env, fs, io,
    os::unix::{
        fs::{chown, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{TestCounts, host, kernel};
use crate::{Result, build::Built, kernels::TestedKernel, log::StepLog, shell};

/// Tests that run differently.
const OTHERS: [&str; 3] = ["kernel", "micro_vm", host::CORPUS];
/// `nobody`, on every Linux.
const NOBODY: u32 = 65534;
/// Time limit of one executable.
const BOUND: Duration = Duration::from_secs(600);
/// Sets limits and a restrictive umask, then runs the command with a Linux 2.6 release: see
/// `UNAME26` in personality(2).
const START: &str = "umask 077; ulimit -n 128; exec setarch --uname-2.6 \"$0\" \"$@\"";

/// The test module with the snapshots of the command line.
const SCREENS: &str = "screens::";

/// The complete environment.
const ENVIRONMENT: [(&str, &str); 12] = [
    ("TZ", "ELSEWHERE-12:45"),
    ("LANG", "tr_TR.UTF-8"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("TERM", "dumb"),
    ("COLUMNS", "57"),
    ("LINES", "9"),
    ("NO_COLOR", "1"),
    ("CLICOLOR_FORCE", "1"),
    ("CI", "true"),
    ("HOME", "/nonexistent"),
    ("RUST_BACKTRACE", "1"),
    ("INSTA_UPDATE", "no"),
];

/// The folder that simulates another machine; removed on drop.
struct Elsewhere {
    folder: PathBuf,
    /// Whether this process is root and can switch to another user.
    root: bool,
}

pub(super) fn run(
    built: &Built,
    only: Option<&str>,
    threads: usize,
    log: &StepLog,
    counts: &mut TestCounts,
) -> Result {
    let elsewhere = Elsewhere::make()?;
    let composer = elsewhere.bring(built.executable("freplace-compose")?)?;
    let release = log.run(elsewhere.command(Path::new("uname"), threads).arg("-r"), None)?;
    if !release.stdout.starts_with("2.6.") {
        let said = release.stdout + &release.stderr;
        return Err(format!("cannot set another kernel release: {}", said.trim()).into());
    }
    let mut wrong = Vec::new();
    for (name, tests) in built.tests().filter(|(name, _)| !OTHERS.contains(name)) {
        let here = elsewhere.bring(tests)?;
        let mut tests = elsewhere.command(&here, threads);
        tests.env("FREPLACE_COMPOSE_BIN", &composer).args(only);
        let said = log.run(&mut tests, Some(BOUND))?;
        fs::remove_file(here)?;
        let one = TestCounts::of_libtest(&said.stdout);
        *counts += one;
        if one.runs == 0 {
            wrong.push(format!("{name} did not come to its end: {}", said.status));
        } else if !said.status.success() {
            wrong.push(format!("{name}: {one}"));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.join("; ").into());
    }
    host::some_passed(*counts)
}

/// Runs the command-line snapshots again in a micro-VM, as root on a kernel that allows everything.
pub(super) fn as_root(
    built: &Built,
    kernel: &TestedKernel,
    only: Option<&str>,
    log: &StepLog,
    counts: &mut TestCounts,
) -> Result {
    let (composer, tests) = (built.executable("freplace-compose")?, built.test("cli")?);
    let root = shell::root();
    let mut vm = kernel::vm(built, kernel)?;
    for path in [composer, tests, &root.join("chains"), &root.join("composer/tests")] {
        vm.arg("--add").arg(path);
    }
    vm.args(["--", "env", "INSTA_UPDATE=no"]);
    vm.arg(format!("INSTA_WORKSPACE_ROOT={}", root.display()));
    vm.arg(format!("FREPLACE_COMPOSE_ROOT={}", root.display()));
    vm.arg(format!("FREPLACE_COMPOSE_BIN={}", composer.display()));
    let screens = only.filter(|only| only.starts_with(SCREENS)).unwrap_or(SCREENS);
    kernel::ended(vm.arg(tests).args(["--test-threads=1", screens]), log, counts)
}

impl Elsewhere {
    fn make() -> Result<Self> {
        let name = format!("freplace-compose für später {}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let this = Self { folder, root: rustix::process::geteuid().is_root() };
        copy(&shell::root(), &this.repository())?;
        for folder in [this.scratch(), this.temporary()] {
            fs::create_dir(&folder)?;
            this.give(&folder)?;
        }
        Ok(this)
    }

    fn repository(&self) -> PathBuf {
        self.folder.join("the repository")
    }

    fn scratch(&self) -> PathBuf {
        self.folder.join("made by tests")
    }

    fn temporary(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// Makes the other user the owner of a folder.
    fn give(&self, folder: &Path) -> io::Result<()> {
        if self.root { chown(folder, Some(NOBODY), Some(NOBODY)) } else { Ok(()) }
    }

    /// Copies an executable here, so that the other user can run it.
    fn bring(&self, executable: &Path) -> Result<PathBuf> {
        let name = executable.file_name().ok_or("an executable has a name")?;
        let here = self.folder.join(name);
        fs::copy(executable, &here)?;
        Ok(here)
    }

    fn command(&self, executable: &Path, threads: usize) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(START).arg(executable);
        command.current_dir(self.repository().join("composer")).env_clear();
        let kept = ["PATH", "CLANG"];
        command.envs(kept.into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.envs(ENVIRONMENT).env("TMPDIR", self.temporary());
        command.env("RUST_TEST_THREADS", (threads + 1).to_string());
        command.env("INSTA_WORKSPACE_ROOT", self.repository());
        command.env("FREPLACE_COMPOSE_ROOT", self.repository());
        command.env("FREPLACE_COMPOSE_TMP", self.scratch());
        if self.root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // In a folder for temporary files, which what cannot be removed may stay in.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Copies a folder without hidden and generated files.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "target" || name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let to = to.join(&name);
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &to)?;
        } else if kind.is_symlink() {
            // Those of the repository lead to places within it.
            symlink(fs::read_link(entry.path())?, &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}
