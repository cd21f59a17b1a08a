//! `up FILE [-- CMD…]`: brings a chain up, shows its events, and undoes it.

use std::{
    ffi::OsString,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    Format, Ready, doctor,
    exit::Exit,
    inputs::{ChainFile, as_variables},
    kernels::foreseen_here,
    logs::{LogFlags, Logs},
    ownership, plan, ready_or_report, report, runtime, screen,
    vm::{ReexecInVm, VmFiles, VmFlag, files, modules, not_in_guest},
};
use freplace_compose::{
    check,
    diag::{Code, Diagnostic},
    files::plain,
    kernel::{self, KernelError, Linux, RunningKernel, machine, process},
    plan::Offers,
    resolve::{NotLooked, RunningPrograms},
    run,
    session::{self, Awaited, End, Happened, Interrupts, Lookout, Session, Subject, View, Writer},
};
use tokio::time::Instant;

mod bring_up;
mod closing;
mod command;
mod follow;
mod format;
mod gone;
mod output_args;
mod signals;
mod sink;

use bring_up::{bring_up, pin_of};
use command::Cmd;
use follow::UpChain;
use output_args::OutputArgs;
pub(super) use output_args::duration;
pub(super) use signals::Signals;
use sink::Sink;

/// Load and attach a chain, show its events, and detach it at the end.
///
/// The chain is checked first, then loaded and attached in dependency order. It is detached on
/// Ctrl-C, when CMD ends, or when --duration or --limit is reached. Requires root, or --vm.
///
/// Example: freplace-compose up --vm chains/tcp.toml -- wget -q -O /dev/null http://127.0.0.1/
#[derive(Debug, clap::Args)]
pub(super) struct Up {
    #[command(flatten)]
    chain: ChainFile,
    /// Show the plan without loading anything.
    #[arg(long)]
    dry_run: bool,
    /// As root, reject chain and object files that other users can modify, instead of warning.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    stay: Stay,
    #[command(flatten)]
    vm: VmFlag,
    #[command(flatten)]
    luggage: VmFiles,
}

/// What is done while a chain is up.
#[derive(Debug, clap::Args)]
pub(super) struct Stay {
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    logs: LogFlags,
    /// Command to run while the chain is up.
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(super) fn run(arguments: Up) -> Exit {
    let started = process::raise_open_files();
    if let (None, Some(option)) = (&arguments.vm.vm, arguments.luggage.first()) {
        return output_args::usage(&format!("`{option}` requires `--vm`"));
    }
    // In a micro-VM no program of this machine runs.
    let here = RunningKernel::default();
    let running: &dyn RunningPrograms = if arguments.vm.vm.is_some() { &NotLooked } else { &here };
    // Who loads something asks the kernel itself.
    let offers = match &arguments.vm.vm {
        None => foreseen_here(),
        Some(kernel) => Offers::of(kernel.profile().as_ref()),
    };
    let given = arguments.chain.inputs();
    let ready = match ready_or_report(&arguments.chain.file, &given, running, offers) {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    let stay = arguments.stay;
    let only = match stay.output.check(&ready.plan, arguments.dry_run) {
        Ok(only) => only,
        Err(exit) => return exit,
    };
    if arguments.dry_run {
        let json = stay.output.format == output_args::EventFormat::Json;
        return plan::show(&ready.plan, if json { Format::Json } else { Format::Human });
    }
    let inputs = files(&ready.resolved);
    for output in [stay.output.file(), stay.logs.file()].into_iter().flatten() {
        if let Err(exit) = screen::spare(output, &inputs) {
            return exit;
        }
    }
    if arguments.vm.vm.is_none() {
        let found = ownership::untrusted(&inputs, arguments.strict);
        report::all(&found);
        if arguments.strict && !found.is_empty() {
            return Exit::Environment;
        }
        if let Err(exit) = suits_this_machine(&ready) {
            return exit;
        }
    }
    let Some(kernel) = &arguments.vm.vm else { return stay.with(ready, only, started) };
    let (_, sink) = match stay.open() {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let (command, keep) = (stay.command.first(), stay.logs.file());
    let (luggage, output) = (arguments.luggage.clone(), sink.into_file());
    let modules = modules(&ready.resolved);
    let env = as_variables(&given);
    ReexecInVm { kernel, files: inputs, modules, luggage, command, keep, output, env }.run()
}

impl Stay {
    /// Brings a chain up on this machine, shows its events, and undoes it.
    pub(super) fn with(self, ready: Ready, only: Vec<bool>, started: process::Started) -> Exit {
        // What comes up and does nothing is told here too: no kernel says a word of it.
        let idle = [Code::ConstantOff, Code::PassedByTailCall, Code::GlobalUnused];
        self.with_warnings(&idle, ready, only, started)
    }

    /// The same, with warnings of these codes.
    pub(super) fn with_warnings(
        self,
        told: &[Code],
        ready: Ready,
        only: Vec<bool>,
        started: process::Started,
    ) -> Exit {
        let warnings = ready.warnings.iter().filter(|found| told.contains(&found.code));
        report::all(&warnings.cloned().collect::<Vec<_>>());
        let (logs, sink) = match self.open() {
            Ok(opened) => opened,
            Err(exit) => return exit,
        };
        runtime::run(stay_up(ready, self, only, sink, logs, started)).unwrap_or_else(|exit| exit)
    }

    /// Opens what is written to.
    fn open(&self) -> Result<(Logs, Sink), Exit> {
        let logs = self.logs.open()?;
        let sink = self.output.sink().map_err(|diagnostic| {
            report::one(&diagnostic);
            Exit::Failed
        })?;
        Ok((logs, sink))
    }
}

/// Brings the chain up, has a session with it, and undoes it.
async fn stay_up(
    ready: Ready,
    arguments: Stay,
    only: Vec<bool>,
    sink: Sink,
    mut logs: Logs,
    started: process::Started,
) -> Exit {
    let mut interrupts = match Signals::listen() {
        Ok(signals) => Interrupts::new(signals),
        Err(exit) => return exit,
    };
    let mut kernel = Linux::new();
    let ready = ready.for_kernel(&mut kernel);
    // Before anything is attached: it reads files, which a chain may be watching.
    let format = format::format(&arguments.output, &ready, &only, arguments.output.paint(&sink));
    let view = View::new(format, only, arguments.output.limit);
    let target = sink.target();
    let writer = Writer::new(move || sink.open());
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    // In a thread of its own, so that a signal is heard whatever the kernel is busy with.
    let work = tokio::task::spawn_blocking(move || {
        let up = bring_up(&mut kernel, &ready, &arguments, &mut logs, &seen);
        (up, kernel, ready, arguments)
    });
    let work = interrupts.stops(work, &stop).await;
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
    let Ready { resolved, plan, .. } = &ready;
    let subject = Subject { resolved, running: &running };
    let mut lookout = Lookout::new(resolved, Arc::new(|| kernel::census().ok()));
    let told = plan.clone();
    let notify = Box::new(move |notice: session::Notice<'_>| closing::notice(&notice, &told));
    let session = Session::open(&mut kernel, &subject, view, writer, notify);
    let mut up = UpChain { ready, running, kernel, loaded, left: Vec::new() };
    let (failed, session) = match session {
        Ok(mut session) => {
            session.start(&up.loaded);
            let failed = if stop.load(Ordering::Relaxed) || interrupts.came().await {
                // It came behind the last step.
                None
            } else {
                let words = &arguments.command;
                match Cmd::start(words, &started, arguments.output.has_stdout()) {
                    Ok(command) => {
                        let duration = arguments.output.duration;
                        let deadline = duration.map(|duration| Instant::now() + duration);
                        let lookout = &mut lookout;
                        let mut awaited = Awaited { command, deadline, lookout };
                        let end = loop {
                            let changes = match session.run(&mut interrupts, &mut awaited).await {
                                Happened::End(end) => break end,
                                Happened::Changed(changes) => changes,
                            };
                            let lookout = &mut *awaited.lookout;
                            match follow::changed(up, &mut session, lookout, changes).await {
                                Ok(again) => up = again,
                                Err(_) => return Exit::Failed, // by a panic, which was reported by then
                            }
                        };
                        failure(end)
                    }
                    Err(error) => Some(not_started(words, &error)),
                }
            };
            (failed, Some(session))
        }
        Err(error) => (Some(unreadable(&error)), None),
    };
    let UpChain { ready, running, kernel, left, .. } = up;
    let Ready { resolved, plan, .. } = &ready;
    let kept = running.kept();
    let undone = session::undo(plan, running, kernel, session);
    let mut undone = match interrupts.unless_second(undone).await {
        Some(Ok(undone)) => undone,
        Some(Err(_)) => return Exit::Failed, // by a panic, which was reported by then
        None => {
            interrupted_twice();
            return Exit::Cut;
        }
    };
    undone.left.extend(left);
    let ended = match undone.report {
        Some(report) => closing::closing(report, plan, &target),
        None => Exit::Done,
    };
    for operation in kept {
        if let Some((name, path)) = pin_of(&plan[operation]) {
            screen::say!("kept {name}, pinned at {path}; remove it with: rm {path}");
        }
    }
    report::all(&gone::told(&undone.gone, plan));
    // What changed since the last look.
    report::all(&gone::changed(&lookout.look().await, resolved));
    if !undone.left.is_empty() {
        report::one(&run::explain_left(&undone.left, plan));
        return Exit::UndoIncomplete;
    }
    match failed {
        Some(diagnostic) => {
            report::one(&diagnostic);
            Exit::Failed
        }
        None => ended,
    }
}

/// Whether this machine's kernel is one that the chain is meant for, and has all that it needs.
pub(super) fn suits_this_machine(ready: &Ready) -> Result<(), Exit> {
    let excluded =
        machine::version().and_then(|version| check::excluded(ready.resolved.chain(), version));
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

/// Why a session failed, if it did.
fn failure(end: End) -> Option<Diagnostic> {
    match end {
        End::Done => None,
        End::Command(status) => Some(
            Diagnostic::new(Code::CommandFailed, format!("the command failed: {status}"))
                .help("Check the command. The chain itself was loaded, and was rolled back.")
                .maybe_help(not_in_guest()),
        ),
        End::Unknown(error) => Some(Diagnostic::new(
            Code::CommandFailed,
            format!("cannot wait for the command: {error}"),
        )),
        End::Unreadable(error) => Some(unreadable(&error)),
    }
}

fn not_started(command: &[OsString], error: &std::io::Error) -> Diagnostic {
    let program = command.first().map(|program| program.to_string_lossy()).unwrap_or_default();
    let why = plain(error);
    Diagnostic::new(Code::CommandFailed, format!("cannot run `{program}`: {why}")).help(
        not_in_guest().unwrap_or_else(|| "Write the command after `--` as in a shell.".to_owned()),
    )
}

fn unreadable(error: &KernelError) -> Diagnostic {
    let what = format!("cannot read events: {error}");
    match run::short_of(error.errno) {
        Some((code, why, help)) => Diagnostic::new(code, format!("{what}: {why}")).help(help),
        None => Diagnostic::new(Code::EventsUnreadable, what)
            .help("Check what this kernel supports with `freplace-compose doctor`."),
    }
}
