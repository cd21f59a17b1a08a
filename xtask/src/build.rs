//! Building the product, and where cargo put it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;

use crate::{Result, shell};

/// What a build made.
#[derive(Debug, Default)]
pub(crate) struct Built {
    /// Executables with the name of their target.
    executables: Vec<(String, PathBuf)>,
    /// The folders with eBPF objects, built-in ones and those of tests.
    objects: Vec<PathBuf>,
}

impl Built {
    /// The executable of the target `name`.
    pub(crate) fn executable(&self, name: &str) -> Result<&Path> {
        let found = self.executables.iter().find(|(found, _)| found == name);
        found
            .map(|(_, path)| path.as_path())
            .ok_or_else(|| format!("cargo built no `{name}`").into())
    }

    /// The eBPF object `name`, as a file.
    pub(crate) fn object(&self, name: &str) -> Result<PathBuf> {
        let mut objects = self.objects.iter().map(|folder| folder.join(format!("{name}.o")));
        let found = objects.find(|object| object.is_file());
        found.ok_or_else(|| format!("cargo built no `{name}.o`").into())
    }
}

/// Runs cargo with `words`, which build something.
pub(crate) fn cargo(words: &[&str]) -> Result<Built> {
    let mut command = shell::cargo(words);
    command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = command.output()?;
    shell::succeeded(&command, output.status)?;
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
                built.executables.push((name.to_owned(), path.into()));
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
