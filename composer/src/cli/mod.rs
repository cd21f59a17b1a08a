//! The command line: one file per subcommand. The only module that prints.
//!
//! Data goes to stdout, everything else to stderr. The exit code is an [`Exit`].

mod chains;
mod completions;
mod config;
mod doctor;
mod exit;
mod explain;
mod export;
mod flow;
mod graph;
mod header;
mod import;
mod ink;
mod inputs;
mod inspect;
mod kernels;
mod logs;
mod man;
mod new;
mod plan;
mod profile;
mod ps;
mod report;
mod runtime;
mod schema;
mod screen;
mod test;
mod trace;
mod traffic;
mod trust;
mod up;
mod validate;
mod vm;
mod wrap;

use std::path::Path;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};

use exit::Exit;
use freplace_compose::{
    chain::ChainInputs,
    check::{self, Checked, Kernels},
    diag::{Code, Diagnostic, Severity},
    kernel::process,
    plan::Plan,
    resolve::{Resolved, RunningPrograms},
};

/// An example that needs neither root nor a file of one's own.
const TRY: &str = "Try: freplace-compose up --vm builtin:tcp --limit 10 -- wget -q -O /dev/null \
                   http://127.0.0.1/";

/// docker compose for chains of eBPF programs.
///
/// A chain is a TOML file: hosts at kernel hooks, stubs in them, replacements for the stubs, and
/// tracers on any of them. Chains are checked without root and without a kernel, loaded and
/// attached in the right order, shown event by event, and detached again.
#[derive(Debug, Parser)]
#[command(
    name = "freplace-compose",
    version,
    max_term_width = 100,
    after_help = format!("{TRY}\n{}", Exit::meanings())
)]
struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorWhen,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for people.
    Human,
    /// JSON for programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Up(up::Up),
    Validate(validate::Validate),
    Plan(plan::PlanArguments),
    Graph(graph::GraphArguments),
    Config(config::ConfigArguments),
    Chains(chains::Chains),
    Inspect(inspect::Inspect),
    Ps(ps::Ps),
    Trace(trace::TraceArguments),
    Flow(flow::Flow),
    Test(test::TestArguments),
    Import(import::Import),
    Export(export::ExportArguments),
    Doctor(doctor::Doctor),
    Profile(profile::ProfileArguments),
    Explain(explain::Explain),
    New(new::New),
    /// Print freplace_compose.h, the C header for programs of a chain.
    Header,
    Schema(schema::Schema),
    Vm(vm::VmArgs),
    Traffic(traffic::Traffic),
    Completions(completions::Completions),
    /// Print the manual page.
    ///
    /// Example: freplace-compose man > ~/.local/share/man/man1/freplace-compose.1
    Man,
}

/// Parses the arguments and runs the verb.
pub(crate) fn main() -> Exit {
    if let Some(kernel) = vm::apart(std::env::args_os()) {
        screen::say!("error: missing `=` in `--vm {kernel}`\n\n  write --vm={kernel}");
        return Exit::Usage;
    }
    let arguments = match Cli::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers; anything else is a mistake in usage.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            return match (error.print(), exit) {
                (Err(error), Exit::Done) => screen::write_failed(&error),
                // A mistake stays one, whether or not somebody reads of it.
                _ => exit,
            };
        }
    };
    match arguments.color {
        ColorWhen::Auto => {}
        ColorWhen::Always => screen::want_colors(true),
        ColorWhen::Never => screen::want_colors(false),
    }
    process::outlive_file_limit();
    process::look_up_names_without_modules();
    let exit = match arguments.verb {
        Verb::Up(up) => up::run(up),
        Verb::Validate(validate) => validate::run(&validate),
        Verb::Plan(plan) => plan::run(&plan),
        Verb::Graph(graph) => graph::run(&graph),
        Verb::Config(config) => config::run(&config),
        Verb::Chains(chains) => chains::run(&chains),
        Verb::Inspect(inspect) => inspect::run(&inspect),
        Verb::Ps(ps) => ps::run(&ps),
        Verb::Import(import) => import::run(&import),
        Verb::Export(export) => export::run(&export),
        Verb::Flow(flow) => flow::run(&flow),
        Verb::Trace(trace) => trace::run(trace),
        Verb::Test(test) => test::run(test),
        Verb::Doctor(doctor) => doctor::run(&doctor),
        Verb::Profile(profile) => profile::run(&profile),
        Verb::Explain(explain) => explain::run(&explain),
        Verb::New(new) => new::run(&new),
        Verb::Header => header::run(),
        Verb::Schema(schema) => schema::run(&schema),
        Verb::Vm(vm) => vm::run(vm),
        Verb::Traffic(traffic) => traffic::run(&traffic),
        Verb::Completions(completions) => completions::run(&completions, &mut Cli::command()),
        Verb::Man => man::run(&mut Cli::command()),
    };
    report::pointer();
    exit
}

/// A chain that was read, checked and planned.
struct Ready {
    resolved: Resolved,
    plan: Plan,
    warnings: Vec<Diagnostic>,
}

/// Reads, checks and plans the chain that `path` stands for, with `inputs`, whose running programs are among those of `running`; what
/// is wrong with it goes to the screen.
fn ready_or_report(
    path: &Path,
    inputs: &ChainInputs,
    running: &dyn RunningPrograms,
) -> Result<Ready, Exit> {
    ready(check::read(path, inputs, &Kernels::default(), running))
}

/// Plans a chain that was checked; what is wrong with it goes to the screen.
fn ready(checked: Result<Checked, Vec<Diagnostic>>) -> Result<Ready, Exit> {
    let Checked { resolved, warnings } = checked.map_err(|found| {
        report::all(&found);
        refused(&found)
    })?;
    let plan = freplace_compose::plan::build(&resolved);
    Ok(Ready { resolved, plan, warnings })
}

/// How it ends for what was `found` wrong with a chain: it is invalid, unless nothing is wrong but what this
/// kernel has.
fn refused(found: &[Diagnostic]) -> Exit {
    let mut errors = found.iter().filter(|found| found.severity == Severity::Error);
    let is_of_kernel = |found: &Diagnostic| {
        matches!(
            found.code,
            Code::NotLooked
                | Code::NotPermitted
                | Code::NoSuchProgram
                | Code::AmbiguousProgram
                | Code::NotExtensible
                | Code::Busy
        )
    };
    if errors.all(is_of_kernel) { Exit::Environment } else { Exit::Invalid }
}
