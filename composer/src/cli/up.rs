//! `up FILE [-- CMD…]`: bring a chain up, show its events, undo it.

use std::{
    ffi::OsString,
    io::IsTerminal as _,
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::process::Child;

use super::{
    Format, Ready, doctor,
    exit::Exit,
    ink::Ink as _,
    logs::{LogFlags, Logs},
    plan, ready_or_report, report, screen, trust,
    vm::{Again, Luggage, VmFlag, files, not_in_guest},
};
use freplace_compose::{
    check,
    diag::{Code, Diagnostic},
    event::Skips,
    files::plain,
    inert,
    kernel::{KernelError, Linux, machine, process},
    plan::{Action, Plan},
    run::{self, Running},
};

mod asked;
mod foreign;
mod gone;
mod ordered;
mod signals;
mod skips;
mod stream;
mod view;
mod writer;

use asked::Asked;
pub(super) use asked::duration;
use signals::Signals;
use stream::{End, Stream};
use view::View;
use writer::Writer;

/// Load and attach a chain, show its events, and detach it at the end.
///
/// The chain is checked first, then loaded and attached in dependency order. It is detached on
/// Ctrl-C, when CMD ends, or when --duration or --limit is reached. Requires root, or --vm.
///
/// Example: freplace-compose up --vm chains/tcp.toml -- wget -q -O /dev/null http://127.0.0.1/
#[derive(Debug, clap::Args)]
pub(super) struct Up {
    /// Chain file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show the plan without loading anything.
    #[arg(long)]
    dry_run: bool,
    /// As root, reject chain and object files that other users can modify, instead of warning.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    logs: LogFlags,
    #[command(flatten)]
    vm: VmFlag,
    #[command(flatten)]
    luggage: Luggage,
    /// Command to run while the chain is up.
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(super) async fn run(arguments: Up) -> Exit {
    let started = process::raise_open_files();
    if let (None, Some(option)) = (&arguments.vm.vm, arguments.luggage.first()) {
        return asked::usage(&format!("`{option}` requires `--vm`"));
    }
    let ready = match ready_or_report(&arguments.file) {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    let only = match arguments.asked.check(&ready.plan, arguments.dry_run) {
        Ok(only) => only,
        Err(exit) => return exit,
    };
    if arguments.dry_run {
        let json = arguments.asked.format == asked::EventFormat::Json;
        return plan::show(&ready.plan, if json { Format::Json } else { Format::Human });
    }
    let inputs = files(&arguments.file, &ready.chain, &ready.library);
    for output in [arguments.asked.file(), arguments.logs.file()].into_iter().flatten() {
        if let Err(exit) = screen::spare(output, &inputs) {
            return exit;
        }
    }
    if arguments.vm.vm.is_none() {
        let found = trust::untrusted(&inputs, arguments.strict);
        report::all(&found);
        if arguments.strict && !found.is_empty() {
            return Exit::Environment;
        }
        if let Err(exit) = suits_this_machine(&ready) {
            return exit;
        }
    }
    // What comes up and does nothing is told here too: no kernel says a word of it.
    let idle = [Code::ConstantOff, Code::PassedByTailCall, Code::GlobalUnused];
    if arguments.vm.vm.is_none() {
        let warnings = ready.warnings.iter().filter(|found| idle.contains(&found.code));
        report::all(&warnings.cloned().collect::<Vec<_>>());
    }
    let mut logs = match arguments.logs.open() {
        Ok(logs) => logs,
        Err(exit) => return exit,
    };
    let sink = match arguments.asked.sink() {
        Ok(sink) => sink,
        Err(diagnostic) => {
            report::one(&diagnostic);
            return Exit::Failed;
        }
    };
    if let Some(kernel) = &arguments.vm.vm {
        let (command, keep) = (arguments.command.first(), arguments.logs.file());
        let (luggage, output) = (arguments.luggage.clone(), sink.into_file());
        return Again { kernel, files: inputs, luggage, command, keep, output }.run().await;
    }
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            let message = format!("cannot receive signals: {}", plain(&error));
            let help = "Check the limit on open files, `ulimit -n`. Nothing was loaded.";
            report::one(&Diagnostic::new(Code::NoSignals, message).help(help));
            return Exit::Failed;
        }
    };
    let mut kernel = Linux::new();
    // Before anything is attached: it reads files, which a chain may be watching.
    let clock = stream::clock();
    let paint = arguments.asked.paint(&sink);
    let view = View::new(&arguments.asked, &ready, only, clock, paint);
    let writer = Writer::new(sink);
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    // In a thread of its own, so that a signal is heard whatever the kernel is busy with.
    let work = tokio::task::spawn_blocking(move || {
        let up = bring_up(&mut kernel, &ready, &arguments, &mut logs, &seen);
        (up, kernel, ready, arguments)
    });
    let work = signals.stops(work, &stop).await;
    let Some(Ok((up, mut kernel, ready, arguments))) = work else {
        if work.is_none() {
            interrupted_twice();
        }
        return work.map_or(Exit::Cut, |_| Exit::Failed); // a thread fails by a panic alone
    };
    let (running, loaded) = match up {
        Ok(up) => up,
        Err(exit) => return exit,
    };
    let (end, stream) = match Stream::open(&mut kernel, &running, &ready, view, writer) {
        Ok(mut stream) => {
            stream.start(&loaded);
            let end = if stop.load(Ordering::Relaxed) || signals.came().await {
                // It came behind the last step.
                End::Done
            } else {
                match start(&arguments, &started) {
                    Ok(child) => stream.run(&mut signals, child, arguments.asked.duration).await,
                    Err(diagnostic) => End::Failed(diagnostic),
                }
            };
            (end, Some(stream))
        }
        Err(error) => (End::Failed(stream_failed(&error)), None),
    };
    let kept = running.kept();
    let undone = undo(ready.plan.clone(), running, kernel, stream);
    let Some(Undone { left, gone, ended }) = signals.unless_second(undone).await else {
        interrupted_twice();
        return Exit::Cut;
    };
    for operation in kept {
        if let Some((name, path)) = pin_of(&ready.plan, operation) {
            screen::say!("kept {name}, pinned at {path}; remove it with: rm {path}");
        }
    }
    report::all(&gone::told(&gone, &ready.plan));
    if !left.is_empty() {
        report::one(&run::explain_left(&left, &ready.plan));
        return Exit::UndoIncomplete;
    }
    match end {
        End::Failed(diagnostic) => {
            report::one(&diagnostic);
            Exit::Failed
        }
        End::Done => ended,
    }
}

/// Whether this machine's kernel is one that the chain is meant for, and has all that it needs.
fn suits_this_machine(ready: &Ready) -> Result<(), Exit> {
    let excluded = machine::version().and_then(|version| check::excluded(&ready.chain, version));
    match excluded.or_else(|| doctor::missing(&ready.plan)) {
        Some(wrong) => {
            report::one(&wrong);
            Err(Exit::Environment)
        }
        None => Ok(()),
    }
}

fn interrupted_twice() {
    screen::say!("second interrupt: exiting now; the kernel releases the remaining links");
}

/// Does the plan, with a line on stderr for each step, until `stop` is set; what was done by then
/// is undone. Also returns the kernel's id of each program, with its node.
fn bring_up(
    kernel: &mut Linux,
    ready: &Ready,
    arguments: &Up,
    logs: &mut Logs,
    stop: &AtomicBool,
) -> Result<(Running, Vec<(usize, u32)>), Exit> {
    let Ready { chain, library, plan, .. } = ready;
    let widths = plan::Widths::of(plan, false);
    let started = std::time::Instant::now();
    screen::say!("{}  kernel {}", plan::header(plan), machine::release());
    let (mut ids, mut steps) = (Vec::new(), 0);
    let done = run::up(kernel, plan, library, &mut |done| {
        steps += 1;
        let operation = &plan.operations[done.operation];
        if let Some((name, path)) = pin_of(plan, done.operation) {
            let (verb, what) =
                if done.taken { ("take", "pinned") } else { ("pin", "created, pinned") };
            screen::say!("  {:<6}  {name}, {what} at {path}", verb.dimmed());
        }
        if let (Some(id), Some(node)) = (done.program_id, operation.node) {
            screen::say!("  {}", plan::loaded(plan, operation, &widths, id));
            ids.push((node, id));
        }
        match stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    kernel.finish_loading();
    let all = plan.operations.len();
    match done {
        Ok(running) if steps < all => {
            let left = running.abandon(kernel);
            if !left.is_empty() {
                report::one(&run::explain_left(&left, plan));
                return Err(Exit::UndoIncomplete);
            }
            screen::say!("interrupted: rolling back {steps} of {all} operations");
            Err(Exit::Done)
        }
        Ok(running) => {
            let took = started.elapsed().as_millis();
            screen::say!("  {}  {}  {took} ms", "attach".dimmed(), attached(plan));
            let until = match arguments.command.first() {
                Some(command) => format!("running {}", command.to_string_lossy()),
                None => "listening; Ctrl-C detaches".to_owned(),
            };
            screen::say!("{until}\n");
            Ok((running, ids))
        }
        Err(failure) => {
            logs.keep(&failure, plan, chain);
            let (targets, _) = machine::targets();
            let whole = arguments.logs.verbose;
            report::one(&run::explain(&failure, plan, &targets, whole));
            if failure.left.is_empty() {
                screen::say!(
                    "`{}` was rolled back; nothing is left in the kernel",
                    inert::line(&plan.chain)
                );
                return Err(Exit::Failed);
            }
            report::one(&run::explain_left(&failure.left, plan));
            Err(Exit::UndoIncomplete)
        }
    }
}

/// The name of the map that is pinned by an operation, and where.
fn pin_of(plan: &Plan, operation: usize) -> Option<(String, String)> {
    match &plan.operations.get(operation)?.action {
        Action::CreateMap { map, pin: Some(pin), .. } => {
            let path = pin.path.display().to_string();
            Some((inert::line(&map.name).into_owned(), inert::line(&path).into_owned()))
        }
        _ => None,
    }
}

/// `after, before → handler_v1 → accept, connect`, as it was attached.
fn attached(plan: &Plan) -> String {
    let mut groups: Vec<(u8, Vec<&str>)> = Vec::new();
    for operation in &plan.operations {
        let rank = match operation.action {
            Action::AttachTracer { .. } => 0,
            Action::AttachReplacement { .. } => 1,
            Action::AttachHook { .. } => 2,
            _ => continue,
        };
        let Some(node) = operation.node.and_then(|node| plan.nodes.get(node)) else { continue };
        match groups.last_mut() {
            Some((last, ids)) if *last == rank => {
                if !ids.contains(&node.id.as_str()) {
                    ids.push(&node.id);
                }
            }
            _ => groups.push((rank, vec![&node.id])),
        }
    }
    groups.iter().map(|(_, ids)| ids.join(", ")).collect::<Vec<_>>().join(" → ")
}

/// Starts the command, when one was given.
fn start(arguments: &Up, started: &process::Started) -> Result<Option<Child>, Diagnostic> {
    let Some((program, words)) = arguments.command.split_first() else { return Ok(None) };
    let mut command = tokio::process::Command::new(program);
    command.args(words).kill_on_drop(true);
    process::bind(command.as_std_mut(), started);
    if !std::io::stdin().is_terminal() {
        // A group of its own, so that what it starts can be ended with it. On a terminal it has to
        // stay in ours, or it could not read from there.
        command.process_group(0);
    }
    if arguments.asked.has_stdout() {
        command.stdout(std::io::stderr());
    }
    command.spawn().map(Some).map_err(|error| {
        let program = program.to_string_lossy();
        let why = plain(&error);
        Diagnostic::new(Code::CommandFailed, format!("cannot run `{program}`: {why}")).help(
            not_in_guest()
                .unwrap_or_else(|| "Write the command after `--` as in a shell.".to_owned()),
        )
    })
}

/// What came of undoing a chain.
struct Undone {
    left: Vec<run::Left>,
    /// The operations that attached to an interface which is gone.
    gone: Vec<usize>,
    ended: Exit,
}

/// Undoes the chain and writes what is left to write. Done in a thread of its own where the kernel
/// may take its time: a signal has to be heard meanwhile.
async fn undo(
    plan: Plan,
    mut running: Running,
    mut kernel: Linux,
    stream: Option<Stream>,
) -> Undone {
    let detached = tokio::task::spawn_blocking(move || {
        let mut skips = Skips::new(plan.nodes.len());
        skips::at_links(&mut skips, &kernel, &running, &plan);
        let gone = gone::interfaces(&kernel, &running);
        let left = running.detach(&mut kernel);
        kernel.settle();
        skips::of_programs(&mut skips, &kernel, &running, &plan);
        (running, kernel, left, skips, gone)
    });
    // A thread fails by a panic alone, which was told by then.
    let Ok((running, mut kernel, mut left, skips, gone)) = detached.await else {
        return Undone { left: Vec::new(), gone: Vec::new(), ended: Exit::Failed };
    };
    let mut stream = stream;
    if let Some(stream) = &mut stream {
        // Nothing new comes once the links are gone, so the numbers can be compared.
        stream.finish(&left).await;
        stream.skipped(skips);
    }
    let down = tokio::task::spawn_blocking(move || running.down(&mut kernel));
    left.extend(down.await.unwrap_or_default());
    let ended = match stream {
        Some(stream) => stream.end().await,
        None => Exit::Done,
    };
    Undone { left, gone, ended }
}

fn stream_failed(error: &KernelError) -> Diagnostic {
    let what = format!("cannot read events: {error}");
    match run::short_of(error.errno) {
        Some((code, why, help)) => Diagnostic::new(code, format!("{what}: {why}")).help(help),
        None => Diagnostic::new(Code::EventsUnreadable, what)
            .help("Check what this kernel supports with `freplace-compose doctor`."),
    }
}
