//! What people install, where nothing else is installed: in an empty root, as in a container, and in Debian as it is
//! bootstrapped.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    dist::{self, NAME, Packages, VERSION},
    log::StepLog,
    setup, shell,
};

/// The Debian release that the package is installed in: the one of the project's machines.
const RELEASE: &str = "bookworm";
/// Where the package puts the program.
const PROGRAM: &str = "/usr/bin/freplace-compose";
/// The nodes that `up builtin:tcp` shows.
const NODES: [&str; 4] = ["connect", "before", "handler_v1", "after"];

/// A folder that is the root of programs; removed when dropped.
struct Root(PathBuf);

impl Root {
    fn new(name: &str) -> Result<Self> {
        let folder = env::temp_dir().join(format!("{NAME}-{name}-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Runs `words` in it, and returns what they wrote to stdout.
    fn run(&self, words: &[&str], log: &StepLog) -> Result<String> {
        let mut command = Command::new("chroot");
        command.arg(&self.0).args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        done(&mut command, log)
    }

    /// What everybody tries first.
    fn try_program(&self, log: &StepLog) -> Result {
        let version = self.run(&[PROGRAM, "--version"], log)?;
        expect(version == format!("{NAME} {VERSION}\n"), "the version", &version)?;
        let chains = self.run(&[PROGRAM, "chains"], log)?;
        expect(chains.contains("tcp-states"), "the recipes", &chains)?;
        self.run(&[PROGRAM, "validate", "builtin:tcp"], log).map(drop)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // In a folder for temporary files, which what cannot be removed may stay in.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes the packages, installs and tries them.
pub(super) fn install(log: &StepLog) -> Result {
    if !rustix::process::geteuid().is_root() {
        return Err("making a clean root needs root".into());
    }
    setup::ensure(&[setup::CLEAN_ROOT])?;
    let packages = dist::make()?;
    in_an_empty_root(&packages, log)?;
    in_debian(&packages, log)
}

/// As in a container of the executable alone.
fn in_an_empty_root(packages: &Packages, log: &StepLog) -> Result {
    let root = Root::new("empty")?;
    let program = root.0.join(&PROGRAM[1..]);
    fs::create_dir_all(program.parent().ok_or("it is in a folder")?)?;
    fs::copy(&packages.executable, &program)?;
    root.try_program(log)
}

fn in_debian(packages: &Packages, log: &StepLog) -> Result {
    let root = Root::new("debian")?;
    let mut bootstrap = Command::new("debootstrap");
    done(bootstrap.args(["--variant=minbase", RELEASE]).arg(&root.0), log)?;
    fs::copy(&packages.deb, root.0.join("package.deb"))?;
    root.run(&["dpkg", "--install", "/package.deb"], log)?;
    root.try_program(log)?;
    let changed = root.run(&["dpkg", "--verify", NAME], log)?;
    expect(changed.is_empty(), "all files as they were packed", &changed)?;
    up(&root.0.join(&PROGRAM[1..]), log)?;
    root.run(&["dpkg", "--purge", NAME], log)?;
    expect(!root.0.join(&PROGRAM[1..]).exists(), "nothing left of it", PROGRAM)
}

/// Brings a recipe up with the installed program, from an empty folder.
fn up(program: &Path, log: &StepLog) -> Result {
    let folder = Root::new("nothing")?;
    let mut up = Command::new(program);
    up.current_dir(&folder.0).args([
        "--color",
        "never",
        "up",
        "--vm",
        "builtin:tcp",
        "--limit",
        "4",
    ]);
    up.args(["--", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"]);
    let events = done(&mut up, log)?;
    let shown =
        |node: &&str| events.lines().any(|line| line.split_whitespace().nth(1) == Some(node));
    expect(NODES.iter().all(shown), "an event of each node", &events)
}

/// Runs a command to its end, and returns what it wrote to stdout.
fn done(command: &mut Command, log: &StepLog) -> Result<String> {
    let said = log.run(command, None)?;
    shell::succeeded(command, said.status)
        .map_err(|error| format!("{error}: {}", said.stderr.trim()))?;
    Ok(said.stdout)
}

fn expect(holds: bool, what: &str, found: &str) -> Result {
    if holds { Ok(()) } else { Err(format!("expected {what}, found: {}", found.trim()).into()) }
}
