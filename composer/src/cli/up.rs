//! `up FILE [-- CMD…]`: bring a chain up, show its events, undo it.

use std::{ffi::OsString, io::IsTerminal as _, path::PathBuf, time::Duration};

use owo_colors::OwoColorize as _;
use tokio::{
    process::Child,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{
    Format, Ready, doctor,
    exit::Exit,
    logs::{LogFlags, Logs},
    plan, ready_or_report, report, screen,
    vm::{Again, VmFlag, files},
};
use freplace_compose::{
    chain::plain,
    check,
    diag::{Code, Diagnostic},
    kernel::{KernelError, Linux, machine},
    plan::{Action, Plan},
    run::{self, Running},
};

mod stream;
mod writer;

use stream::{End, Stream};

/// Check a chain, load and attach it in order, show its events, and undo it at the end: at Ctrl-C,
/// when CMD ends, or when --duration or --limit is reached.
#[derive(Debug, clap::Args)]
pub(super) struct Up {
    /// The chain file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// End after this time: 10s, 1m30s, 500ms.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// End after this many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// How to write events (and, with --dry-run, the plan).
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    #[command(flatten)]
    logs: LogFlags,
    #[command(flatten)]
    vm: VmFlag,
    /// A command to run while the chain is up.
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let bare = text.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()));
    let parsed = || text.parse::<jiff::SignedDuration>().ok()?.try_into().ok();
    bare.or_else(parsed).ok_or_else(|| "write, for example, 10s, 1m30s or 500ms".to_owned())
}

pub(super) async fn run(arguments: Up) -> Exit {
    let ready = match ready_or_report(&arguments.file) {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    if arguments.dry_run {
        return plan::show(&ready.plan, arguments.format);
    }
    let mut logs = match arguments.logs.open() {
        Ok(logs) => logs,
        Err(exit) => return exit,
    };
    if let Some(kernel) = &arguments.vm.vm {
        let files = files(&arguments.file, &ready.chain, &ready.library);
        let (command, keep) = (arguments.command.first(), arguments.logs.file());
        return Again { kernel, files, command, keep }.run().await;
    }
    let excluded = machine::version().and_then(|version| check::excluded(&ready.chain, version));
    if let Some(excluded) = excluded {
        report::one(&excluded);
        return Exit::Environment;
    }
    if let Some(missing) = doctor::missing(&ready.plan) {
        report::one(&missing);
        return Exit::Environment;
    }
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return internal("signals cannot be received", &error),
    };
    let mut kernel = Linux::new();
    // Before anything is attached: it reads files, which a chain may be watching.
    let clock = stream::clock();
    let mut running = match bring_up(&mut kernel, &ready, &arguments, &mut logs) {
        Ok(running) => running,
        Err(exit) => return exit,
    };
    let end = match Stream::open(&kernel, &running, &ready, &arguments, clock) {
        Ok(mut stream) => {
            let end = if signals.came().await {
                // It came while the chain was coming up.
                End::Done
            } else {
                match start(&arguments) {
                    Ok(child) => stream.run(&mut signals, child, arguments.duration).await,
                    Err(diagnostic) => End::Failed(diagnostic),
                }
            };
            // Nothing new comes once the links are gone, so the numbers can be compared.
            let left = running.detach(&mut kernel);
            stream.finish(&left);
            (end, left, Some(stream))
        }
        Err(error) => (End::Failed(stream_failed(&error)), Vec::new(), None),
    };
    let (end, mut left, stream) = end;
    match take_down(running, kernel, &mut signals).await {
        Some(more) => left.extend(more),
        None => {
            anstream::eprintln!(
                "interrupted twice: the kernel undoes the rest as this process ends"
            );
            return Exit::Cut;
        }
    }
    let ended = match stream {
        Some(stream) => stream.end(&mut signals).await,
        None => Exit::Done,
    };
    if !left.is_empty() {
        report::one(&run::explain_left(&left, &ready.plan, &ready.chain));
        return Exit::UndoIncomplete;
    }
    match end {
        End::Failed(diagnostic) if ended != Exit::Cut => {
            report::one(&diagnostic);
            Exit::Failed
        }
        _ => ended,
    }
}

/// Does the plan, with a line on stderr for each step.
fn bring_up(
    kernel: &mut Linux,
    ready: &Ready,
    arguments: &Up,
    logs: &mut Logs,
) -> Result<Running, Exit> {
    let Ready { chain, library, plan, .. } = ready;
    let widths = plan::Widths::of(plan, false);
    let started = std::time::Instant::now();
    anstream::eprintln!("{}  kernel {}", plan::header(plan), machine::release());
    let mut ids = Vec::new();
    let done = run::up(kernel, plan, library, &mut |done| {
        let operation = &plan.operations[done.operation];
        if let (Some(id), Some(node)) = (done.program_id, operation.node) {
            anstream::eprintln!("  {}", plan::line(plan, operation, &widths, Some(id)));
            ids.push((node, id));
        }
    });
    kernel.finish_loading();
    match done {
        Ok(running) => {
            let took = started.elapsed().as_millis();
            anstream::eprintln!("  {}  {}  {took} ms", "attach".dimmed(), attached(plan));
            let until = match arguments.command.first() {
                Some(command) => format!("running {}", command.to_string_lossy()),
                None => "listening, Ctrl-C detaches".to_owned(),
            };
            anstream::eprintln!("{until}\n");
            stream::announce(plan, &ids, arguments.format);
            Ok(running)
        }
        Err(failure) => {
            logs.keep(&failure, plan, chain);
            let (targets, _) = machine::targets();
            let whole = arguments.logs.verbose;
            report::one(&run::explain(&failure, plan, chain, &targets, whole));
            if failure.left.is_empty() {
                anstream::eprintln!("nothing of `{}` is left in the kernel", plan.chain);
                return Err(Exit::Failed);
            }
            report::one(&run::explain_left(&failure.left, plan, chain));
            Err(Exit::UndoIncomplete)
        }
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
fn start(arguments: &Up) -> Result<Option<Child>, Diagnostic> {
    let Some((program, words)) = arguments.command.split_first() else { return Ok(None) };
    let mut command = tokio::process::Command::new(program);
    command.args(words).kill_on_drop(true);
    if !std::io::stdin().is_terminal() {
        // A group of its own, so that what it starts can be ended with it. On a terminal it has to
        // stay in ours, or it could not read from there.
        command.process_group(0);
    }
    if arguments.format == Format::Json {
        // stdout is the stream's.
        command.stdout(std::io::stderr());
    }
    command.spawn().map(Some).map_err(|error| {
        let program = program.to_string_lossy();
        let why = plain(&error);
        Diagnostic::new(Code::CommandFailed, format!("`{program}` cannot be run: {why}"))
            .help("Write the command after `--` as you would in a shell.")
    })
}

/// Undoes what is left of the chain; none when a signal cut it short.
async fn take_down(
    running: Running,
    mut kernel: Linux,
    signals: &mut Signals,
) -> Option<Vec<run::Left>> {
    // In a thread of its own: the kernel may take its time, and a signal has to be heard meanwhile.
    let undo = tokio::task::spawn_blocking(move || running.down(&mut kernel));
    tokio::select! {
        left = undo => Some(left.unwrap_or_default()),
        () = signals.second() => None,
    }
}

fn stream_failed(error: &KernelError) -> Diagnostic {
    Diagnostic::new(Code::Stream, format!("events cannot be read: {error}"))
        .help("`freplace-compose doctor` shows what this kernel offers.")
}

fn internal(what: &str, error: &std::io::Error) -> Exit {
    report::one(&Diagnostic::new(Code::Stream, format!("{what}: {error}")));
    Exit::Failed
}

/// The signals that end an `up`.
struct Signals {
    all: [Signal; 3],
    /// How many came so far.
    count: u32,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            all: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ],
            count: 0,
        })
    }

    /// Whether one came already.
    async fn came(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.next() => true,
            () = std::future::ready(()) => false,
        }
    }

    /// Waits until two have come in all: one that comes first while the chain is being undone asks
    /// for what is being done.
    async fn second(&mut self) {
        while self.count < 2 {
            self.next().await;
        }
    }

    /// Waits for one of them.
    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.all;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        self.count += 1;
    }
}
