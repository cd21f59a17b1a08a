//! `flow CHAIN|PROGRAM`: the way of a call through the live machine code.

mod text;

use std::{collections::BTreeSet, ops::ControlFlow, path::Path};

use super::{
    Format, Ready, exit::Exit, inputs::InputFlags, ready_or_report, refused, report, screen, up,
};
use freplace_compose::{
    chain::{CHAIN_FILE, Role, recipe_name},
    diag::{Code, Diagnostic},
    kernel::{self, Linux, RunningKernel, machine, process},
    machine_code::{CodeMap, CodeVerdict, Disagreement, Route, to_json, verify},
    plan::Offers,
    run,
    running::{Census, ProgramRef},
};

/// Show the way of a call through the machine code of running programs.
///
/// The call in a host, the patched first instruction of the stub, the replacement's, the calls of a
/// trampoline to tracers and to the original, with addresses, bytes and lines of C. A chain is brought up
/// for it and rolled back. Needs root, and x86-64.
///
/// Example: sudo freplace-compose flow chains/tcp.toml
#[derive(Debug, clap::Args)]
pub(super) struct Flow {
    /// Chain file, builtin:NAME, or a running program as in `ps`
    #[arg(value_name = "CHAIN|PROGRAM")]
    target: String,
    #[command(flatten)]
    flags: InputFlags,
    /// Compare the machine code with the kernel's links; exit with 1 where they disagree
    #[arg(long)]
    verify: bool,
    /// Format of the result
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

/// What was read at one moment.
struct Reading {
    census: Census,
    map: CodeMap,
    /// The programs that it is about, in order.
    programs: Vec<u32>,
}

pub(super) fn run(arguments: &Flow) -> Exit {
    if !cfg!(target_arch = "x86_64") {
        let found =
            Diagnostic::new(Code::NoMachineCode, "machine code of this machine is not read")
                .help("Use x86-64; other machines are not supported by `flow`.");
        report::one(&found);
        return Exit::Environment;
    }
    let is_chain = recipe_name(Path::new(&arguments.target)).is_some()
        || Path::new(&arguments.target).extension().is_some_and(|end| end == "toml")
        || Path::new(&arguments.target).join(CHAIN_FILE).is_file();
    let reading = if is_chain { of_chain(arguments) } else { of_programs(&arguments.target) };
    let reading = match reading {
        Ok(reading) => reading,
        Err(exit) => return exit,
    };
    let Reading { census, map, programs } = &reading;
    let routes: Vec<_> = programs.iter().filter_map(|id| Route::of(map, *id)).collect();
    let all: BTreeSet<u32> = map.functions.values().map(|function| function.program).collect();
    let verdict = arguments.verify.then(|| verify(census, map, &all));
    let mut exit = match arguments.format {
        Format::Json => screen::json(&to_json(&routes, map, verdict.as_ref())),
        Format::Human if verdict.is_none() => screen::data(&text::routes(&routes)),
        Format::Human => Exit::Done,
    };
    for gap in &map.gaps {
        screen::say!("not read: {gap}");
    }
    if routes.is_empty() && exit == Exit::Done {
        let found = Diagnostic::new(Code::NoMachineCode, "no machine code could be read").help(
            "Set kernel.kptr_restrict to 1 or 0, and net.core.bpf_jit_enable to 1. The programs were \
             found, and the kernel does not tell their code.",
        );
        report::one(&found);
        exit = Exit::Environment;
    }
    match verdict {
        Some(verdict) => told(&verdict, arguments.format, exit),
        None => exit,
    }
}

/// Says what came of the comparison.
fn told(verdict: &CodeVerdict, format: Format, exit: Exit) -> Exit {
    let CodeVerdict { confirmed, disagreements, unknown } = verdict;
    if format == Format::Human {
        for one in unknown {
            screen::say!("not compared: {one}");
        }
        let functions = screen::count(*confirmed as u64, "function");
        let written =
            screen::data(&format!("{functions} confirmed: links and machine code agree\n"));
        if written != Exit::Done {
            return written;
        }
    }
    for one in disagreements {
        report::one(&differs(one));
    }
    match disagreements.is_empty() {
        true => exit,
        false => Exit::Failed,
    }
}

/// A function of which links and code say different things.
pub(super) fn differs(one: &Disagreement) -> Diagnostic {
    let Disagreement { program, function, links, text } = one;
    let message =
        format!("links and machine code disagree about `{function}` of program {program}");
    Diagnostic::new(Code::CodeDiffers, message).note(format!("links: {links}\ncode:  {text}")).help(
        "Look again with `flow --verify`: a program may have been attached or detached in between. If it \
         stays, another tool has patched the kernel, or the kernel has a bug.",
    )
}

/// The programs in the kernel; what is in the way of a look goes to the screen.
fn look() -> Result<Census, Exit> {
    RunningKernel::default().into_census().map_err(|found| {
        report::one(&found);
        Exit::Environment
    })
}

/// Programs that run.
fn of_programs(name: &str) -> Result<Reading, Exit> {
    let census = look()?;
    let chosen = name.parse::<ProgramRef>().and_then(|name| name.meant(&census));
    let programs: Vec<u32> = match chosen {
        Ok(programs) => programs.iter().map(|program| program.id).collect(),
        Err(error) => {
            let found = error.diagnostic(&census);
            report::one(&found);
            return Err(refused(&[found]));
        }
    };
    let map = kernel::code_map(&census, &programs.iter().copied().collect(), true);
    Ok(Reading { census, map, programs })
}

/// The programs of a chain, which is up while they are read.
fn of_chain(arguments: &Flow) -> Result<Reading, Exit> {
    let _ = process::raise_open_files();
    let path = Path::new(&arguments.target);
    let inputs = arguments.flags.inputs([path]);
    let ready = ready_or_report(path, &inputs, &RunningKernel::default(), Offers::default())?;
    up::suits_this_machine(&ready)?;
    let mut kernel = Linux::new();
    let Ready { resolved, plan, .. } = &ready.for_kernel(&mut kernel);
    let mut ids: Vec<(Option<usize>, u32)> = Vec::new();
    let done = run::up(&mut kernel, plan, resolved.objects(), &mut |done| {
        ids.extend(done.program_id.map(|id| (done.operation.node, id)));
        ControlFlow::Continue(())
    });
    let running = done.map_err(|failure| {
        let (targets, _) = machine::targets();
        report::one(&run::explain(&failure, plan, &targets, false));
        Exit::Failed
    })?;
    let all: BTreeSet<u32> = ids.iter().map(|(_, id)| *id).collect();
    let read = look().map(|census| {
        let map = kernel::code_map(&census, &all, true);
        (census, map)
    });
    let left = running.down(&mut kernel);
    if !left.is_empty() {
        report::one(&run::explain_left(&left, plan));
        return Err(Exit::UndoIncomplete);
    }
    let (census, map) = read?;
    // A call begins in a host.
    let is_host = |node: &Option<usize>| {
        let node = node.and_then(|node| plan.nodes.get(node));
        node.is_some_and(|node| node.role == Role::Host)
    };
    let hosts = ids.iter().filter(|(node, _)| is_host(node)).map(|(_, id)| *id);
    Ok(Reading { census, map, programs: hosts.collect() })
}
