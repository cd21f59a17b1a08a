//! The part of `up` between attaching and detaching: events from the kernel to stdout, until
//! something ends it; and the books: produced = delivered + lost.

use std::time::Duration;

use owo_colors::OwoColorize as _;
use rustix::{
    process::{Pid, Signal, getpgid, kill_process, kill_process_group},
    time::{ClockId, clock_gettime},
};
use tokio::{process::Child, time::MissedTickBehavior};

use super::{
    Format, Ready, Signals, Up,
    foreign::{self, ForeignMaps},
    screen,
    writer::Writer,
};
use crate::cli::exit::Exit;
use freplace_compose::{
    diag::{Code, Diagnostic},
    event::{Clock, Decoder, Event, Human, Json},
    kernel::{Counts, Events, KernelError, Linux},
    plan::{Action, Plan},
    run::{Left, Running},
};
use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP};

/// Records taken from the kernel before they are written and signals are looked at: few enough that
/// a flood is shown as it comes.
const BATCH: usize = 256;
/// How often counters of lost events are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Why the stream ended.
pub(super) enum End {
    /// As it was asked to.
    Done,
    /// Something failed.
    Failed(Diagnostic),
}

/// Events on their way to stdout.
pub(super) struct Stream {
    plan: Plan,
    decoder: Decoder,
    human: Human,
    format: Format,
    /// None when no program of the chain writes events in the composer's form.
    source: Option<(Events, Counts)>,
    /// What programs write in forms of their own.
    foreign: ForeignMaps,
    limit: u64,
    shown: u64,
    read: u64,
    /// Records that were no events of this chain.
    malformed: u64,
    /// Events that were shorter than their type, or of a type that is not known.
    odd: u64,
    /// Lost so far, for each node.
    lost: Vec<u64>,
    produced: u64,
    /// What is to be written.
    out: String,
    writer: Writer,
    /// Whether there were more records in the kernel than were taken.
    behind: bool,
}

/// Tells a reader of JSON who is up.
pub(super) fn announce(plan: &Plan, programs: &[(usize, u32)], format: Format) {
    if format == Format::Json {
        let mut out = String::new();
        Json::version(plan, &mut out);
        for (node, program) in programs {
            Json::node_up(plan, *node, *program, &mut out);
        }
        // A reader that is gone shows when the first event is written.
        let _ = screen::data(&out);
    }
}

impl Stream {
    pub(super) fn open(
        kernel: &mut Linux,
        running: &Running,
        ready: &Ready,
        arguments: &Up,
        clock: Clock,
    ) -> Result<Self, KernelError> {
        let source = match (running.map(EVENTS_MAP), running.map(COUNTS_MAP)) {
            (Some(events), Some(counts)) => Some((kernel.events(events)?, kernel.counts(counts)?)),
            _ => None,
        };
        let plan = &ready.plan;
        let has_tasks = plan
            .operations
            .iter()
            .any(|operation| matches!(operation.action, Action::Load { has_task: true, .. }));
        Ok(Self {
            decoder: Decoder::new(&ready.chain, &ready.library, plan),
            human: Human::new(&plan.nodes, clock, has_tasks),
            format: arguments.format,
            source,
            foreign: ForeignMaps::open(kernel, running, ready)?,
            limit: arguments.limit.unwrap_or(u64::MAX),
            shown: 0,
            read: 0,
            malformed: 0,
            odd: 0,
            lost: vec![0; plan.nodes.len()],
            produced: 0,
            out: String::new(),
            writer: Writer::new(),
            behind: false,
            plan: plan.clone(),
        })
    }

    /// Shows events until a signal, the end of `child`, `duration`, the limit, or the loss of the
    /// reader.
    pub(super) async fn run(
        &mut self,
        signals: &mut Signals,
        mut child: Option<Child>,
        duration: Option<Duration>,
    ) -> End {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let deadline = async {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(deadline);
        while !self.is_over() {
            let Self { source, foreign, writer, behind, .. } = &mut *self;
            let ready = async {
                // What cannot be written yet stays in the kernel, where what is lost is counted.
                writer.room().await;
                if *behind {
                    // A flood must not keep signals from being heard.
                    tokio::task::yield_now().await;
                    return Ok(());
                }
                match source {
                    Some((events, _)) => tokio::select! {
                        ready = events.ready() => ready,
                        ready = foreign.ready() => ready,
                    },
                    None => foreign.ready().await,
                }
            };
            tokio::select! {
                biased;
                () = signals.next() => break,
                status = ended(&mut child) => return self.command_ended(status),
                () = &mut deadline => break,
                () = writer.closed() => break,
                _ = look.tick() => self.look_for_losses(),
                ready = ready => {
                    if let Err(error) = ready {
                        return End::Failed(super::stream_failed(&error));
                    }
                    self.behind = self.drain();
                }
            }
            self.writer.write(&mut self.out);
        }
        stop(child, signals).await
    }

    fn is_over(&self) -> bool {
        self.shown >= self.limit || self.writer.is_closed()
    }

    fn command_ended(&self, status: std::io::Result<std::process::ExitStatus>) -> End {
        match status {
            Ok(status) if status.success() => End::Done,
            Ok(status) => End::Failed(
                Diagnostic::new(Code::CommandFailed, format!("the command failed: {status}"))
                    .help("The chain itself was fine, and was undone."),
            ),
            Err(error) => End::Failed(Diagnostic::new(
                Code::CommandFailed,
                format!("the command cannot be waited for: {error}"),
            )),
        }
    }

    /// Takes up to a batch of records of each buffer from the kernel; whether there may be more.
    fn drain(&mut self) -> bool {
        let Self { source, foreign, decoder, human, format, out, shown, limit, odd, .. } = self;
        let mut show = |event: &Event<'_>| {
            *odd += u64::from(event.is_odd());
            if *shown >= *limit {
                return;
            }
            *shown += 1;
            match format {
                Format::Human => human.line(event, out),
                Format::Json => Json::event(event, out),
            }
        };
        let behind = foreign.drain(BATCH, &mut show);
        let Some((events, _)) = source else { return behind };
        let malformed = &mut self.malformed;
        let count = events.drain(BATCH, |record| match decoder.decode(record) {
            Ok(event) => show(&event),
            Err(error) => {
                *malformed += 1;
                anstream::eprintln!("{} {error}", "malformed:".red());
            }
        });
        self.read += count as u64;
        behind || count == BATCH
    }

    /// Tells of losses since the last look.
    fn look_for_losses(&mut self) {
        let Self { foreign, plan, format, out, .. } = self;
        foreign.look(|node, map, new| {
            let node = &plan.nodes[node].id;
            match format {
                Format::Json => Json::lost(node, new, out),
                Format::Human => {
                    let line = foreign::lost_line(new, node, map);
                    anstream::eprintln!("{} {line}", "lost".yellow());
                }
            }
        });
        match (self.foreign.lost_lines(), self.format) {
            (0, _) => {}
            (new, Format::Json) => Json::lost_lines(new, &mut self.out),
            (new, Format::Human) => anstream::eprintln!(
                "{} {} of bpf_printk, of this chain or of other programs",
                "lost".yellow(),
                screen::count(new, "line")
            ),
        }
        let Some((_, counts)) = &self.source else { return };
        let mut produced = 0;
        for (index, node) in self.plan.nodes.iter().enumerate() {
            let Ok(count) = counts.get(u32::try_from(index).unwrap_or(u32::MAX)) else { continue };
            produced += count.produced;
            let new = count.lost.saturating_sub(self.lost[index]);
            if new == 0 {
                continue;
            }
            self.lost[index] = count.lost;
            match self.format {
                Format::Json => Json::lost(&node.id, new, &mut self.out),
                Format::Human => anstream::eprintln!(
                    "{} {} of `{}`: the ring buffer was full",
                    "lost".yellow(),
                    screen::count(new, "event"),
                    node.id
                ),
            }
        }
        self.produced = produced;
    }

    /// Reads what is left, now that nothing new comes; `left` are links that are still there.
    pub(super) fn finish(&mut self, left: &[Left]) {
        // A program that was running when its link went may have a record under way: it is there
        // as soon as that program, which cannot sleep, has ended.
        let deadline = std::time::Instant::now() + Duration::from_secs(1);
        self.foreign.detached();
        loop {
            while self.drain() {}
            self.look_for_losses();
            let lost: u64 = self.lost.iter().sum();
            let balanced = self.source.is_none() || self.produced == self.read + lost;
            if balanced || !left.is_empty() || std::time::Instant::now() > deadline {
                break;
            }
            std::thread::yield_now();
        }
        self.foreign.close();
    }

    /// Writes what is left and the last lines; and a mismatch of the books, which would be a bug of
    /// ours. A signal ends the wait for a reader that stands still.
    pub(super) async fn end(mut self, signals: &mut Signals) -> Exit {
        let counted: u64 = self.lost.iter().sum();
        let lost = counted + self.foreign.lost();
        if self.format == Format::Json {
            Json::summary(self.shown, lost, &mut self.out);
        }
        let written = self.writer.end(self.out);
        let written = tokio::select! {
            biased;
            written = written => written,
            () = signals.second() => return Exit::Cut,
        };
        let nodes = self.plan.nodes.iter().filter(|node| node.label != "stub").count() as u64;
        let mut text = format!(
            "detached {}   {}, {lost} lost",
            screen::count(nodes, "node"),
            screen::count(self.shown, "event")
        );
        if self.odd > 0 {
            text += &format!("   {} not of a type that is known", self.odd);
        }
        let hidden = self.read + self.foreign.read() - self.malformed - self.shown;
        if hidden > 0 {
            text += &format!("   {hidden} more came after the last one shown");
        }
        anstream::eprintln!("{text}");
        for (node, map) in self.foreign.unknown() {
            let node = &self.plan.nodes[node].id;
            anstream::eprintln!(
                "losses of `{node}` cannot be known: only its program sees when `{map}` is full"
            );
        }
        if self.source.is_some() && self.produced != self.read + counted {
            anstream::eprintln!(
                "{} {} were produced, {} read and {counted} lost: the numbers ought to agree, please \
                 report this",
                "bug:".red(),
                screen::count(self.produced, "event"),
                self.read
            );
            return Exit::Failed;
        }
        written.map_or_else(|error| screen::write_failed(&error), |()| Exit::Done)
    }
}

/// Waits for the end of `child`; for ever when there is none.
async fn ended(child: &mut Option<Child>) -> std::io::Result<std::process::ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => std::future::pending().await,
    }
}

/// Ends a command that is still running: asks it to, then makes it.
/// A second signal makes it end at once.
async fn stop(child: Option<Child>, signals: &mut Signals) -> End {
    let Some(mut child) = child else { return End::Done };
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    send(pid, Signal::TERM);
    tokio::select! {
        _ = child.wait() => {}
        () = tokio::time::sleep(GRACE) => {}
        () = signals.second() => {}
    }
    // The command, if it is still there, and what it started and left behind.
    send(pid, Signal::KILL);
    let _ = child.kill().await; // it may have ended by itself just now
    End::Done
}

/// Sends `signal` to the command and all it started, where it has a group of its own.
fn send(pid: Option<Pid>, signal: Signal) {
    let Some(pid) = pid else { return };
    // Either may be gone by now.
    let _ = match getpgid(Some(pid)) {
        Ok(group) if group == pid => kill_process_group(group, signal),
        Ok(_) => kill_process(pid, signal),
        // The command is gone; its group is not, while anything in it lives.
        Err(_) => kill_process_group(pid, signal),
    };
}

/// From the kernel's monotonic clock to the local time of day.
pub(super) fn clock() -> Clock {
    let monotonic = clock_gettime(ClockId::Monotonic);
    let monotonic = i128::from(monotonic.tv_sec) * 1_000_000_000 + i128::from(monotonic.tv_nsec);
    let now = jiff::Zoned::now();
    let local =
        now.timestamp().as_nanosecond() + i128::from(now.offset().seconds()) * 1_000_000_000;
    Clock { offset_ns: local - monotonic }
}
