//! `completions SHELL`.

use clap_complete::Shell;

use super::{exit::Exit, screen};

/// Print a completion script for a shell.
///
/// Example: freplace-compose completions bash >
/// ~/.local/share/bash-completion/completions/freplace-compose
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Shell to complete for.
    shell: Shell,
}

pub(super) fn run(arguments: &Completions, command: &mut clap::Command) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "freplace-compose", &mut script);
    screen::data(&String::from_utf8_lossy(&script))
}
