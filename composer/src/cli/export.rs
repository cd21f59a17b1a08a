//! `export FILE`: what another engine needs to keep a chain up.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{Ready, exit::Exit, inputs::ChainFile, ready_or_report, report, screen, vm::files};
use freplace_compose::{
    chain::{ChainInputs, recipe_name},
    diag::{Code, Diagnostic},
    export::{Needs, Portable, UnitPaths, bundle, manifest, unit},
    files::plain,
    kernel::RunningKernel,
    recipe::MANIFEST,
    resolve::Resolved,
};

/// Write what runs a chain elsewhere: a systemd unit, a Kubernetes manifest, or one file.
///
/// The chain is checked first. The unit and the manifest run `up` with the capabilities that this chain
/// needs, and without anything else that it does not need. Needs no root, and loads nothing.
///
/// Example: freplace-compose export --systemd chains/tcp.toml
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("engine").required(true)))]
pub(super) struct ExportArguments {
    #[command(flatten)]
    chain: ChainFile,
    /// A service unit that runs this program with this chain file.
    #[arg(long, group = "engine")]
    systemd: bool,
    /// A DaemonSet, and a ConfigMap with the chain and its objects.
    #[arg(long, group = "engine")]
    kubernetes: bool,
    /// A packed recipe: the chain and its objects in one file, for `up` on another machine.
    #[arg(long, group = "engine", requires = "output")]
    bundle: bool,
    /// Image with this program, for --kubernetes; see `cargo xtask dist`.
    #[arg(
        long,
        value_name = "IMAGE",
        default_value = concat!("freplace-compose:", env!("CARGO_PKG_VERSION")),
        conflicts_with_all = ["systemd", "bundle"]
    )]
    image: String,
    /// Write to this file instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &ExportArguments) -> Exit {
    let given = arguments.chain.inputs();
    let ready = match ready_or_report(&arguments.chain.file, &given, &RunningKernel::default()) {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    if let Some(output) = &arguments.output
        && let Err(exit) = screen::spare(output, &files(&ready.resolved))
    {
        return exit;
    }
    match exported(arguments, &ready, &given) {
        Ok(exported) => written(&exported, arguments.output.as_deref()),
        Err(found) => {
            report::all(&found);
            Exit::Failed
        }
    }
}

fn exported(
    arguments: &ExportArguments,
    ready: &Ready,
    given: &ChainInputs,
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let Ready { resolved, plan, .. } = ready;
    let (chain, needs) = (resolved.chain(), Needs::of(plan, resolved));
    let one = |found: Box<Diagnostic>| vec![*found];
    if arguments.systemd {
        let paths = paths(resolved, given).map_err(one)?;
        return Ok(unit(chain, &needs, &paths).into_bytes());
    }
    let portable = Portable::of(resolved, given)?;
    if arguments.kubernetes {
        let manifest = manifest(chain, &needs, &portable, &arguments.image);
        return manifest.map(String::into_bytes).map_err(one);
    }
    let described = chain.folder.join(MANIFEST);
    let is_recipe = recipe_name(&chain.path).is_none() && described.is_file();
    let described = is_recipe.then(|| fs::read_to_string(&described));
    let described = described.transpose().map_err(|error| one(unknown(&chain.folder, &error)))?;
    Ok(bundle(chain, portable, described)?.bytes().to_vec())
}

fn paths(resolved: &Resolved, given: &ChainInputs) -> Result<UnitPaths, Box<Diagnostic>> {
    let chain = resolved.chain();
    let path = match recipe_name(&chain.path) {
        Some(_) => chain.path.clone(),
        None => absolute(&chain.path)?,
    };
    let inputs = files(resolved).iter().map(|path| absolute(path)).collect::<Result<_, _>>()?;
    let own = Path::new("/proc/self/exe");
    let program = env::current_exe().map_err(|error| unknown(own, &error))?;
    let set = chain.parameters.iter().filter(|parameter| parameter.given.is_some());
    let set = set.filter_map(|parameter| {
        let name = &parameter.name.value;
        let value = given.set.iter().rfind(|value| alike(&value.name, name))?;
        Some(format!("{name}={}", value.text))
    });
    Ok(UnitPaths { program, chain: path, inputs, set: set.collect() })
}

/// Whether both name one parameter: a variable of the environment has other letters for some.
fn alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    plain(one) == plain(other)
}

/// Where a file is, whatever folder one is in.
fn absolute(path: &Path) -> Result<PathBuf, Box<Diagnostic>> {
    path.canonicalize().map_err(|error| unknown(path, &error))
}

fn unknown(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    let message = format!("cannot find {}: {}", path.display(), plain(error));
    Box::new(Diagnostic::new(Code::FileUnreadable, message).help("Put it back, and export again."))
}

fn written(bytes: &[u8], output: Option<&Path>) -> Exit {
    let Some(path) = output else { return screen::data(&String::from_utf8_lossy(bytes)) };
    let help = "Choose a folder that exists and that you can write to.";
    let made = screen::create(path, help).and_then(|mut file| {
        file.write_all(bytes).map_err(|error| {
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
