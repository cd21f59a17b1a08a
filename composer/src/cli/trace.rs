//! `trace PROGRAM[:FUNCTION]...`: calls of functions of programs that run already.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use serde_json::json;

use super::{exit::Exit, ready, refused, report, up};
use freplace_compose::{
    chain::Chain,
    check::{self, Kernels},
    diag::{Code, Diagnostic},
    inert::quoted,
    kernel::{RunningKernel, process},
    plan::Offers,
    running::{Census, ProgramRef, RefError, RunningProgram, id_of},
};

/// Show calls of functions of running programs, whoever loaded them.
///
/// The built-in tracer is attached to each function (fentry and fexit) and detached at the end; the programs
/// are left as they were. PROGRAM is what `ps` takes: an id, a name, a pin, xdp:INTERFACE, pid:N. FUNCTION is
/// a function of it or a pattern such as 'parse_*'; the entry by default. Needs root.
///
/// Example: sudo freplace-compose trace xdp:eth0 'balancer:parse_*' --where 'ret != 2'
#[derive(Debug, clap::Args)]
pub(super) struct TraceArguments {
    /// Programs, each with the functions to trace
    #[arg(required = true, value_name = "PROGRAM[:FUNCTION]")]
    targets: Vec<String>,
    /// Values to record of a call, besides result and duration. Defaults to all arguments
    #[arg(long, value_name = "VALUE", value_delimiter = ',')]
    capture: Vec<String>,
    /// Condition for recording a call, evaluated in the kernel. With `ret` or `took` in it, only returns are
    /// recorded
    #[arg(long = "where", value_name = "CONDITION")]
    filter: Option<String>,
    /// Record only entries, or only returns
    #[arg(long, value_name = "MOMENT")]
    at: Option<Moment>,
    /// Go on on the program that takes the place of one that is detached, such as a dispatcher that is built anew
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    stay: up::Stay,
}

/// When a call is recorded.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Moment {
    /// When the function is entered.
    Entry,
    /// When it returns.
    Return,
}

impl TraceArguments {
    /// Whether the condition is about what only a return has.
    fn asks_for_return(&self) -> bool {
        let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
        let filter = self.filter.as_deref().unwrap_or_default();
        filter.split(|letter| !is_letter(letter)).any(|word| word == "ret" || word == "took")
    }
}

pub(super) fn run(arguments: TraceArguments) -> Exit {
    let started = process::raise_open_files();
    let kernel = RunningKernel::default();
    let text = kernel
        .census()
        .map_err(|found| *found)
        .and_then(|census| chain(&arguments, census).map_err(|error| error.diagnostic(census)));
    let text = match text {
        Ok(text) => text,
        Err(found) => return failed(&found),
    };
    // What is asked for is a chain of adopted hosts and built-in tracers.
    let checked = Chain::parse("trace".as_ref(), text)
        .and_then(|chain| check::open_in(chain, &Kernels::default(), &kernel));
    let ready = match ready(checked, Offers::default()) {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    let stay = arguments.stay;
    let only = match stay.output.check(&ready.plan, false) {
        Ok(only) => only,
        Err(exit) => return exit,
    };
    if let Err(exit) = up::suits_this_machine(&ready) {
        return exit;
    }
    // Who names no chain file has no `validate` to hear it from.
    stay.with_warnings(&[Code::PassedByTailCall, Code::LeftOut], ready, only, started)
}

fn failed(found: &Diagnostic) -> Exit {
    report::one(found);
    refused(std::slice::from_ref(found))
}

/// The chain that does what is asked for.
fn chain(arguments: &TraceArguments, census: &Census) -> Result<String, RefError> {
    let mut out = String::from("name = \"trace\"\n");
    let mut hosts: HashMap<u32, String> = HashMap::new();
    let mut tracers: HashSet<String> = HashSet::new();
    for target in &arguments.targets {
        let (name, function) = ProgramRef::with_function(target)?;
        let programs = name.meant(census)?;
        let is_one = programs.len() == 1;
        for program in programs {
            let host = hosts.entry(program.id).or_insert_with(|| {
                let id = format!("program.{}", program.id);
                // By its own name where that is enough: it is still one when the program is loaded anew.
                let (key, value) =
                    if is_one { name.key_and_value() } else { ("id", program.id.to_string()) };
                let (table, value) = (quoted(&id), quoted(&value));
                // A String takes everything, here and below.
                let follow = if arguments.follow { ", follow = true" } else { "" };
                let _ = writeln!(out, "[host.{table}]\nrunning = {{ {key} = {value}{follow} }}");
                id
            });
            let id = tracer_id(program, function, &mut tracers);
            let key = match arguments.at {
                // At the entry there is neither a result nor a duration.
                None if arguments.asks_for_return() => "fexit",
                None => "trace",
                Some(Moment::Entry) => "fentry",
                Some(Moment::Return) => "fexit",
            };
            let _ = writeln!(out, "[tracer.{}]\n{key} = {}", quoted(&id), quoted(host));
            // Named by its function, as the entry of a chain's host is by its id.
            let entry = program.functions.first().map(|entry| entry.name.as_str());
            if let Some(function) = function.or(entry) {
                let _ = writeln!(out, "function = {}", quoted(function));
            }
            if !arguments.capture.is_empty() {
                let _ = writeln!(out, "capture = {}", json!(arguments.capture));
            }
            if let Some(filter) = &arguments.filter {
                let _ = writeln!(out, "where = {}", quoted(filter));
            }
        }
    }
    Ok(out)
}

/// What the events of a tracer are labelled with: the program, or one function of it; with the program's
/// number where that is not enough.
fn tracer_id(
    program: &RunningProgram,
    function: Option<&str>,
    tracers: &mut HashSet<String>,
) -> String {
    let name = match function {
        Some(function) if function == id_of(function) => function.to_owned(),
        _ => id_of(&program.name),
    };
    let mut id = name.clone();
    let mut number = 0;
    while !tracers.insert(id.clone()) {
        number += 1;
        id = match number {
            1 => format!("{name}.{}", program.id),
            _ => format!("{name}.{}.{number}", program.id),
        };
    }
    id
}
