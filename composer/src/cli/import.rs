//! `import [PROGRAM]...`: a chain file of the programs that run.

use super::{exit::Exit, ps, screen};
use freplace_compose::running::import;

/// Print a chain file of the programs in the running kernel, to start from.
///
/// Each program becomes a host (`running`), each of its functions that can be replaced a stub. What the kernel
/// does not tell, such as the object that a replacement was loaded from, stands in comments. Needs root.
///
/// Example: sudo freplace-compose import xdp:eth0 > mine.toml
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// Programs to import, as in `ps`; all of them by default
    #[arg(value_name = "PROGRAM")]
    programs: Vec<String>,
}

pub(super) fn run(arguments: &Import) -> Exit {
    ps::with_chosen(&arguments.programs, |census, chosen| screen::data(&import(census, chosen)))
}
