//! `import [PROGRAM]...`: a chain file of the programs that run.

use super::{exit::Exit, ps, report, screen};
use freplace_compose::{kernel::RunningKernel, running::import};

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
    let kernel = RunningKernel::default();
    let census = match kernel.census() {
        Ok(census) => census,
        Err(found) => {
            report::one(&found);
            return Exit::Environment;
        }
    };
    match ps::choose(census, &arguments.programs) {
        Ok(chosen) => screen::data(&import(census, &chosen)),
        Err(found) => {
            report::one(&found);
            Exit::Failed
        }
    }
}
