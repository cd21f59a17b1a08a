//! Builds the product and finds its files.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{Result, shell};

/// An executable built by cargo.
#[derive(Debug)]
struct Executable {
    /// The name of its target.
    name: String,
    /// Whether it runs tests.
    test: bool,
    path: PathBuf,
}

/// The results of a build.
#[derive(Debug, Default)]
pub(crate) struct Built {
    executables: Vec<Executable>,
    /// The folders with eBPF objects: built-in ones and those of tests.
    objects: Vec<PathBuf>,
}

impl Built {
    /// The program or benchmark `name`.
    pub(crate) fn executable(&self, name: &str) -> Result<&Path> {
        self.find(name, false).or_else(|_| self.find(name, true))
    }

    /// The tests of the target `name`.
    pub(crate) fn test(&self, name: &str) -> Result<&Path> {
        self.find(name, true)
    }

    fn find(&self, name: &str, test: bool) -> Result<&Path> {
        let mut all = self.executables.iter();
        let found = all.find(|found| found.name == name && found.test == test);
        let found = found.map(|found| found.path.as_path());
        found.ok_or_else(|| format!("cargo built no `{name}`").into())
    }

    /// All tests, with the names of their targets.
    pub(crate) fn tests(&self) -> impl Iterator<Item = (&str, &Path)> {
        let tests = self.executables.iter().filter(|one| one.test);
        tests.map(|one| (one.name.as_str(), one.path.as_path()))
    }

    /// The eBPF object `name`, as a file.
    pub(crate) fn object(&self, name: &str) -> Result<PathBuf> {
        let mut objects = self.objects.iter().map(|folder| folder.join(format!("{name}.o")));
        let found = objects.find(|object| object.is_file());
        found.ok_or_else(|| format!("cargo built no `{name}.o`").into())
    }
}

/// The profile that tests are built with: see Cargo.toml.
pub(crate) const PROFILE: &str = "guest";

/// Builds the product and all tests.
pub(crate) fn for_tests() -> Result<Built> {
    let kinds = ["--workspace", "--lib", "--bins", "--tests"];
    cargo(&[&["test", "--no-run", "--profile", PROFILE][..], &kinds].concat())
}

/// Builds something: the words of a cargo command.
pub(crate) fn cargo(words: &[&str]) -> Result<Built> {
    run(&mut shell::cargo(words))
}

/// Runs a command of cargo that builds something.
pub(crate) fn run(command: &mut Command) -> Result<Built> {
    command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = command.output()?;
    shell::succeeded(command, output.status)?;
    let mut built = Built::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Ok(message) = serde_json::from_str::<Value>(line) {
            note(&message, &mut built);
        }
    }
    Ok(built)
}

/// The messages: <https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>
fn note(message: &Value, built: &mut Built) {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    match text("/reason") {
        Some("compiler-artifact") => {
            if let (Some(name), Some(path)) = (text("/target/name"), text("/executable")) {
                let test = message.pointer("/profile/test").and_then(Value::as_bool);
                built.executables.push(Executable {
                    name: name.to_owned(),
                    test: test.unwrap_or_default(),
                    path: path.into(),
                });
            }
        }
        Some("build-script-executed")
            if text("/package_id").is_some_and(|id| {
                ["ebpf-programs", "test-programs"].iter().any(|package| id.contains(package))
            }) =>
        {
            built.objects.extend(text("/out_dir").map(PathBuf::from));
        }
        _ => {}
    }
}
