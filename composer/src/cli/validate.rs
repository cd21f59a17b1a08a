//! `validate FILE…`: every diagnostic of every file at once.

use std::path::PathBuf;

use owo_colors::OwoColorize as _;
use serde_json::json;

use super::{Format, exit::Exit, kernels::KernelFlag, ready, report, screen};
use freplace_compose::diag::Severity;

/// Check chains: no root, no kernel, nothing loaded.
#[derive(Debug, clap::Args)]
pub(super) struct Validate {
    /// Chain files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to write the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    #[command(flatten)]
    kernels: KernelFlag,
}

pub(super) fn run(arguments: &Validate) -> Exit {
    let kernels = match arguments.kernels.kernels() {
        Ok(kernels) => kernels,
        Err(exit) => return exit,
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
                "diagnostics": found.iter().map(report::to_json).collect::<Vec<_>>(),
            })),
        }
    }
    let written = match arguments.format {
        Format::Human => screen::data(&good),
        Format::Json => screen::json(&results),
    };
    if valid { written } else { Exit::Invalid }
}
