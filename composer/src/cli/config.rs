//! `config FILE`: a chain with the values of its parameters and what it includes, as one file.

use super::{exit::Exit, inputs::ChainFile, report, screen};
use freplace_compose::chain;

/// Print a chain with its parameters and includes resolved.
///
/// The output is a chain file without either. A comment behind each value names the file and line that it
/// is from, and where the values of its parameters are from.
///
/// Example: freplace-compose config --set iface=eth0 my.toml
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArguments {
    #[command(flatten)]
    chain: ChainFile,
}

pub(super) fn run(arguments: &ConfigArguments) -> Exit {
    let ConfigArguments { chain } = arguments;
    match chain::config(&chain.file, &chain.inputs()) {
        Ok(text) => screen::data(&text),
        Err(found) => {
            report::all(&found);
            Exit::Invalid
        }
    }
}
