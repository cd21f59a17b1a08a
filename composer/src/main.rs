//! The `freplace-compose` binary: parses the command line, runs the subcommand, exits with its
//! code.

mod cli;

use std::{panic, process::ExitCode};

fn main() -> ExitCode {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        // What is tripped over in a damaged object is told as an error of that object.
        if !freplace_compose::kernel::is_guarded() {
            usual(panic);
        }
    }));
    if freplace_compose::vm::is_guest_init() {
        freplace_compose::vm::guest_main();
    }
    cli::main().into()
}
