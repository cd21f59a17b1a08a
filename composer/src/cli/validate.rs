//! `validate FILE…`: every diagnostic of every file at once.

use std::path::PathBuf;

use owo_colors::OwoColorize as _;
use serde_json::json;

use super::{Format, exit::Exit, ready, report, screen};

/// Check chains: no root, no kernel, nothing loaded.
#[derive(Debug, clap::Args)]
pub(super) struct Validate {
    /// Chain files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to write the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

pub(super) fn run(arguments: &Validate) -> Exit {
    let mut valid = true;
    let mut results = Vec::new();
    let mut good = String::new();
    let names = arguments.files.iter().map(|path| path.display().to_string().chars().count());
    let names = names.max().unwrap_or(0);
    for path in &arguments.files {
        let found = match ready(path) {
            Ok(ready) => {
                let nodes = screen::count(ready.plan.nodes.len() as u64, "node");
                good += &format!("{:<names$}  {}  {nodes}\n", path.display(), "valid".green());
                Vec::new()
            }
            Err(found) => found,
        };
        valid &= found.is_empty();
        match arguments.format {
            Format::Human => report::all(&found),
            Format::Json => results.push(json!({
                "file": path.display().to_string(),
                "valid": found.is_empty(),
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
