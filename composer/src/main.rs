//! Temporary entry point, to try the micro-VM.
mod cli;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Vm(cli::vm::VmArgs),
}

#[tokio::main(flavor = "current_thread")]
async fn verb() -> ExitCode {
    let Verb::Vm(args) = Cli::parse().verb;
    match cli::vm::run(args).await {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(255)),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(1)
        }
    }
}

fn main() -> ExitCode {
    if freplace_compose::vm::is_guest_init() {
        freplace_compose::vm::guest_main();
    }
    verb()
}
