//! The `freplace-compose` binary: parses the command line, runs the verb, exits with its code.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    if freplace_compose::vm::is_guest_init() {
        freplace_compose::vm::guest_main();
    }
    cli::main().into()
}
