//! `export FILE`: what another engine needs to keep a chain up.

use std::{
    env, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::{Ready, exit::Exit, ready_or_report, report, screen, vm::files};
use freplace_compose::{
    chain::recipe_name,
    diag::{Code, Diagnostic},
    export::{Needs, Portable, UnitPaths, manifest, unit},
    files::plain,
    kernel::RunningKernel,
};

/// Write what runs a chain elsewhere: a systemd unit or a Kubernetes manifest.
///
/// The chain is checked first. The unit and the manifest run `up` with the capabilities that this chain
/// needs, and without anything else that it does not need. Needs no root, and loads nothing.
///
/// Example: freplace-compose export --systemd chains/tcp.toml
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("engine").required(true)))]
pub(super) struct ExportArguments {
    /// Chain file, or builtin:NAME for a recipe.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A service unit that runs this program with this chain file.
    #[arg(long, group = "engine")]
    systemd: bool,
    /// A DaemonSet, and a ConfigMap with the chain and its objects.
    #[arg(long, group = "engine")]
    kubernetes: bool,
    /// Image with this program, for --kubernetes; see `cargo xtask dist`.
    #[arg(
        long,
        value_name = "IMAGE",
        default_value = concat!("freplace-compose:", env!("CARGO_PKG_VERSION")),
        conflicts_with = "systemd"
    )]
    image: String,
    /// Write to this file instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &ExportArguments) -> Exit {
    let ready = match ready_or_report(&arguments.file, &RunningKernel::default()) {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    let inputs = files(&arguments.file, &ready.resolved);
    if let Some(output) = &arguments.output
        && let Err(exit) = screen::spare(output, &inputs)
    {
        return exit;
    }
    match text(arguments, &ready, inputs) {
        Ok(text) => written(&text, arguments.output.as_deref()),
        Err(diagnostic) => {
            report::one(&diagnostic);
            Exit::Failed
        }
    }
}

fn text(
    arguments: &ExportArguments,
    ready: &Ready,
    inputs: Vec<PathBuf>,
) -> Result<String, Box<Diagnostic>> {
    let Ready { resolved, plan, .. } = ready;
    let (chain, needs) = (resolved.chain(), Needs::of(plan, resolved));
    if arguments.kubernetes {
        return manifest(chain, &needs, &Portable::of(resolved)?, &arguments.image);
    }
    let file = match recipe_name(&arguments.file) {
        Some(_) => arguments.file.clone(),
        None => absolute(&arguments.file)?,
    };
    let inputs = inputs.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?;
    let program =
        env::current_exe().map_err(|error| unknown(Path::new("/proc/self/exe"), &error))?;
    Ok(unit(chain, &needs, &UnitPaths { program, chain: file, inputs }))
}

/// Where a file is, whatever folder one is in.
fn absolute(path: &Path) -> Result<PathBuf, Box<Diagnostic>> {
    path.canonicalize().map_err(|error| unknown(path, &error))
}

fn unknown(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    let message = format!("cannot find {}: {}", path.display(), plain(error));
    Box::new(Diagnostic::new(Code::FileUnreadable, message).help("Put it back, and export again."))
}

fn written(text: &str, output: Option<&Path>) -> Exit {
    let Some(path) = output else { return screen::data(text) };
    let help = "Choose a folder that exists and that you can write to.";
    let made = screen::create(path, help).and_then(|mut file| {
        file.write_all(text.as_bytes()).map_err(|error| {
            let message = format!("cannot write {}: {}", path.display(), plain(&error));
            Diagnostic::new(Code::OutputFile, message).help(help)
        })
    });
    match made {
        Ok(()) => Exit::Done,
        Err(diagnostic) => {
            report::one(&diagnostic);
            Exit::Failed
        }
    }
}
