//! `validate FILE…`: every diagnostic of every file at once.

use std::path::PathBuf;

use owo_colors::OwoColorize as _;
use serde_json::json;

use super::{Format, exit::Exit, ready, report, screen};
use freplace_compose::{
    check::{Kernels, Profile, profile},
    diag::Severity,
};

/// Check chains: no root, no kernel, nothing loaded.
#[derive(Debug, clap::Args)]
pub(super) struct Validate {
    /// Chain files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to write the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    /// The kernels to judge for: series such as 6.1,6.12, or files with profiles. What one of them
    /// refuses is an error. Without this, a chain is valid when any kernel known here takes it.
    #[arg(long, value_name = "KERNEL", value_delimiter = ',', value_parser = profile)]
    kernel: Vec<Profile>,
}

/// A shipped profile by its series, or one from a file.
fn profile(text: &str) -> Result<Profile, String> {
    let shipped = profile::shipped();
    if let Some(found) = shipped.iter().find(|profile| profile.kernel.to_string() == text) {
        return Ok(found.clone());
    }
    let series: Vec<_> = shipped.iter().map(|profile| profile.kernel.to_string()).collect();
    match std::fs::read_to_string(text) {
        Ok(file) => profile::parse(&file),
        Err(_) => {
            Err(format!("there is no profile of it: name one of {}, or a file", series.join(", ")))
        }
    }
}

pub(super) fn run(arguments: &Validate) -> Exit {
    let kernels = match arguments.kernel.as_slice() {
        [] => Kernels::default(),
        asked => Kernels { profiles: asked.to_vec(), asked: true },
    };
    let mut valid = true;
    let mut results = Vec::new();
    let mut good = String::new();
    let names = arguments.files.iter().map(|path| path.display().to_string().chars().count());
    let names = names.max().unwrap_or(0);
    for path in &arguments.files {
        let found = match ready(path, &kernels) {
            Ok(ready) => {
                let nodes = screen::count(ready.plan.nodes.len() as u64, "node");
                good += &format!("{:<names$}  {}  {nodes}\n", path.display(), "valid".green());
                ready.warnings
            }
            Err(found) => found,
        };
        let is_valid = found.iter().all(|found| found.severity != Severity::Error);
        valid &= is_valid;
        match arguments.format {
            Format::Human => report::all(&found),
            Format::Json => results.push(json!({
                "file": path.display().to_string(),
                "valid": is_valid,
                "diagnostics": report::to_json(&found),
            })),
        }
    }
    let written = match arguments.format {
        Format::Human => screen::data(&good),
        Format::Json => screen::json(&results),
    };
    if valid { written } else { Exit::Invalid }
}
