//! The part of `up` between attaching and detaching: events from the kernel to stdout, until
//! something ends it; and the accounting: produced = delivered + lost.

use std::time::Duration;

use rustix::{
    process::{Pid, Signal, getpgid, kill_process, kill_process_group},
    time::{ClockId, clock_gettime},
};
use tokio::{process::Child, time::MissedTickBehavior};

use super::{Ready, Signals, foreign::ForeignMaps, view::View, writer::Writer};
use crate::cli::{exit::Exit, ink::Ink as _, screen, vm::not_in_guest};
use freplace_compose::{
    chain::buffer_size,
    diag::{Code, Diagnostic, list},
    event::{Clock, Decoder, EventAccounting, Loss, Skips},
    kernel::{Counts, Events, KernelError, Linux},
    plan::Plan,
    run::{Left, Running},
};
use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP};

/// Records taken from each buffer in the kernel before the next one is looked at.
const BATCH: usize = 256;
/// Batches, and bytes of text, before that is written and signals are looked at: little enough that
/// a flood is shown as it comes.
const BATCHES: usize = 16;
const TEXT: usize = 64 << 10;
/// How often counters of lost events are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// After how long without an event a call is taken to have ended.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Why the stream ended.
pub(super) enum End {
    /// As it was asked to.
    Done,
    /// Something failed.
    Failed(Diagnostic),
}

/// Events on their way from the kernel to the reader.
pub(super) struct Stream {
    plan: Plan,
    decoder: Decoder,
    view: View,
    /// None when no program of the chain writes events in the composer's form.
    source: Option<(Events, Counts)>,
    /// What programs write in forms of their own.
    foreign: ForeignMaps,
    accounting: EventAccounting,
    /// What is to be written.
    out: String,
    writer: Writer,
    /// Whether there were more records in the kernel than were taken.
    behind: bool,
}

impl Stream {
    pub(super) fn open(
        kernel: &mut Linux,
        running: &Running,
        ready: &Ready,
        view: View,
        writer: Writer,
    ) -> Result<Self, KernelError> {
        let source = match (running.map(EVENTS_MAP), running.map(COUNTS_MAP)) {
            (Some(events), Some(counts)) => Some((kernel.events(events)?, kernel.counts(counts)?)),
            _ => None,
        };
        let plan = ready.plan.clone();
        Ok(Self {
            decoder: Decoder::new(&ready.chain, &ready.library, &plan),
            view,
            source,
            foreign: ForeignMaps::open(kernel, running, ready)?,
            accounting: EventAccounting::new(plan.nodes.len()),
            out: String::new(),
            writer,
            behind: false,
            plan,
        })
    }

    /// Tells who is up: nodes, and the kernel's ids of their programs.
    pub(super) fn start(&mut self, loaded: &[(usize, u32)]) {
        self.view.start(loaded, &mut self.out);
        self.writer.write(&mut self.out);
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
        let mut pause = tokio::time::interval(PAUSE);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let deadline = async {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(deadline);
        while !self.is_over() {
            // What is still in the kernel may go on with any call.
            let pauses = self.view.holds() && !self.behind;
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
                _ = pause.tick(), if pauses => self.view.pause(&mut self.out),
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
        self.view.is_full() || self.writer.is_closed()
    }

    fn command_ended(&self, status: std::io::Result<std::process::ExitStatus>) -> End {
        match status {
            Ok(status) if status.success() => End::Done,
            Ok(status) => End::Failed(
                Diagnostic::new(Code::CommandFailed, format!("the command failed: {status}"))
                    .help("Check the command. The chain itself was loaded, and was rolled back.")
                    .maybe_help(not_in_guest()),
            ),
            Err(error) => End::Failed(Diagnostic::new(
                Code::CommandFailed,
                format!("cannot wait for the command: {error}"),
            )),
        }
    }

    /// Takes some batches of records from the kernel; whether there may be more.
    fn drain(&mut self) -> bool {
        let mut behind = true;
        for _ in 0..BATCHES {
            behind = self.drain_once();
            if !behind || self.out.len() > TEXT {
                break;
            }
        }
        behind
    }

    /// Takes up to a batch of records of each buffer; whether there may be more.
    fn drain_once(&mut self) -> bool {
        let Self { source, foreign, decoder, view, accounting, out, .. } = self;
        let behind = foreign.drain(BATCH, &mut |event| {
            accounting.delivered_by_itself(event);
            view.event(event, out);
        });
        let Some((events, _)) = source else { return behind };
        let count = events.drain(BATCH, |record| match decoder.decode(record) {
            Ok(event) => {
                accounting.delivered(&event);
                view.event(&event, out);
            }
            Err(error) => {
                accounting.malformed += 1;
                screen::say!("{} {error}", "malformed:".red());
            }
        });
        behind || count == BATCH
    }

    /// Tells of losses since the last look.
    fn look_for_losses(&mut self) {
        let Self { source, foreign, accounting, view, out, plan, .. } = self;
        foreign.look(&mut |loss| {
            accounting.lost_by_itself(loss);
            view.lost(plan, loss, out);
        });
        let Some((_, counts)) = source else { return };
        for node in 0..plan.nodes.len() {
            let Ok(count) = counts.get(u32::try_from(node).unwrap_or(u32::MAX)) else { continue };
            let count = accounting.counted(node, count.produced, count.lost);
            if count > 0 {
                view.lost(plan, &Loss { node: Some(node), map: EVENTS_MAP, count }, out);
            }
        }
    }

    /// Reads what is left, now that nothing new comes; `left` are links that are still there.
    pub(super) async fn finish(&mut self, left: &[Left]) {
        // A program that was running when its link went may have a record under way: it is there
        // as soon as that program, which cannot sleep, has ended.
        let deadline = std::time::Instant::now() + Duration::from_secs(1);
        self.foreign.detached();
        loop {
            while self.drain() {}
            self.look_for_losses();
            let over = std::time::Instant::now() > deadline;
            if self.accounting.balance() || !left.is_empty() || over {
                break;
            }
            // Signals are heard meanwhile.
            tokio::task::yield_now().await;
        }
        let Self { foreign, accounting, view, out, .. } = self;
        foreign.flush(&mut |event| {
            accounting.delivered_by_itself(event);
            view.event(event, out);
        });
        for (node, map) in self.foreign.unknown() {
            self.accounting.uncounted(node, map);
        }
        self.foreign.close();
    }

    /// How often programs were not run, now that they are detached.
    pub(super) fn skipped(&mut self, skips: Skips) {
        self.accounting.skips = skips;
    }

    /// Writes what is left and the last lines; and a mismatch of the accounting, which would be a bug of
    /// ours.
    pub(super) async fn end(mut self) -> Exit {
        self.view.end(&self.accounting, &mut self.out);
        let written = self.writer.end(self.out).await;
        // As many as the head of it all says.
        let nodes = self.plan.nodes.len() as u64;
        let (total, shown) = (self.accounting.total(), self.view.shown());
        let mut text = format!(
            "detached {}   {}, {} lost",
            screen::count(nodes, "node"),
            screen::count(shown, "event"),
            total.lost
        );
        let skipped = self.accounting.skips.total();
        if skipped > 0 {
            text += &format!(", {skipped} skipped");
        }
        let more = total.delivered - shown;
        if more > 0 {
            text += &format!("   {more} more events filtered out by --only");
        }
        if self.accounting.undecoded > 0 {
            text += &format!("   {} could not be decoded", self.accounting.undecoded);
        }
        screen::say!("{text}");
        if self.accounting.lost_in_common() > 0
            && let Some(size) = self.plan.buffer()
        {
            screen::say!(
                "events were lost; increase `buffer` (currently {}) at the top of the chain file",
                buffer_size(size)
            );
        }
        for host in self.view.unnumbered() {
            screen::say!(
                "events of `{host}` cannot be grouped by call: call fc_enter() first and \
                 fc_leave() last in its program"
            );
        }
        for (index, node) in self.plan.nodes.iter().enumerate() {
            for map in self.accounting.uncounted_of(index) {
                screen::say!(
                    "lost events of `{}` cannot be counted: the kernel does not report drops for \
                     `{map}`",
                    node.id
                );
            }
        }
        tell_skips(&self.plan, &self.accounting.skips);
        if !self.accounting.balance() {
            screen::say!(
                "{} {} produced, but {} read and {} lost; please report this",
                "bug:".red(),
                screen::count(total.produced, "event"),
                total.delivered + self.accounting.malformed,
                total.lost
            );
            return Exit::Failed;
        }
        written.map_or_else(|error| screen::write_failed(&error), |()| Exit::Done)
    }
}

/// Says whose program was not run though its event came, and of whose that is not known.
fn tell_skips(plan: &Plan, skips: &Skips) {
    let mut unknown = Vec::new();
    for (index, node) in plan.nodes.iter().enumerate() {
        match skips.of(index) {
            Some(0) => {}
            Some(count) => screen::say!(
                "`{}` was skipped {}: its event occurred while a program ran on the same CPU",
                node.id,
                screen::count(count, "time")
            ),
            None => unknown.push(node.id.as_str()),
        }
    }
    if !unknown.is_empty() {
        screen::say!(
            "skipped runs of {} cannot be counted: the kernel counts them since Linux 6.7",
            list(&unknown)
        );
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
