//! The part of a session between attaching and detaching: passes events from the kernel to the
//! writer until something ends it, and reads the remaining ones at the end.

use std::{future::poll_fn, time::Duration};

use tokio::time::{Instant, MissedTickBehavior};

use super::{
    Awaited, Command, End, Happened, InterruptSource, Interrupts, Notice, Session,
    command::{ended, stop},
};
use crate::{
    event::Loss,
    kernel::{CountReader as _, KernelReader, RecordReader as _},
    run::NotUndone,
};
use freplace_compose_common::EVENTS_MAP;

/// Records taken from each buffer in the kernel before the next one is looked at.
pub(super) const BATCH: usize = 256;
/// Batches, and bytes of text, before that is written and signals are looked at: little enough that
/// a flood is shown as it comes.
pub(super) const BATCHES: usize = 16;
const TEXT: usize = 64 << 10;
/// How often counters of lost events are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// After how long without an event a call is taken to have ended.
const PAUSE: Duration = Duration::from_millis(100);
/// How long records that are under way when the chain is detached are waited for, and how often
/// they are looked for.
const LATE: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(1);

impl<K: KernelReader> Session<K> {
    /// Shows events until a signal, the end of the command, the deadline, the limit, or the loss of the
    /// reader; or until a program of others changes.
    pub async fn run<S: InterruptSource, C: Command>(
        &mut self,
        interrupts: &mut Interrupts<S>,
        awaited: &mut Awaited<'_, C>,
    ) -> Happened {
        let Awaited { command, deadline, lookout } = awaited;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = tokio::time::interval(PAUSE);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let deadline = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(*deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(deadline);
        while !self.is_over() {
            // What is still in the kernel may go on with any call.
            let pauses = self.view.holds() && !self.behind;
            let Self { source, user_maps, writer, behind, .. } = &mut *self;
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
                        ready = poll_fn(|context| events.poll_ready(context)) => ready,
                        ready = user_maps.ready() => ready,
                    },
                    None => user_maps.ready().await,
                }
            };
            tokio::select! {
                biased;
                () = interrupts.next() => break,
                status = ended(command) => return Happened::End(match status {
                    Ok(status) if status.success() => End::Done,
                    Ok(status) => End::Command(status),
                    Err(error) => End::Unknown(error),
                }),
                () = &mut deadline => break,
                () = writer.closed() => break,
                _ = look.tick() => self.look_for_losses(),
                _ = pause.tick(), if pauses => self.view.pause(&mut self.out),
                changes = lookout.changed() => return Happened::Changed(changes),
                ready = ready => {
                    if let Err(error) = ready {
                        return Happened::End(End::Unreadable(error));
                    }
                    self.behind = self.drain();
                }
            }
            self.writer.write(&mut self.out);
        }
        stop(command.take(), interrupts).await;
        Happened::End(End::Done)
    }

    fn is_over(&self) -> bool {
        self.view.is_full() || self.writer.is_closed()
    }

    /// Takes some batches of records from the kernel; whether there may be more.
    pub(super) fn drain(&mut self) -> bool {
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
        let Self { source, user_maps, decoder, view, accounting, notify, out, .. } = self;
        let behind = user_maps.drain(BATCH, &mut |event| {
            accounting.delivered_by_itself(event);
            view.event(event, out);
        });
        let Some((events, _)) = source else { return behind };
        let count = events.read(BATCH, |_, record| match decoder.decode(record) {
            Ok(event) => {
                accounting.delivered(&event);
                view.event(&event, out);
            }
            Err(error) => {
                accounting.malformed += 1;
                notify(Notice::Malformed(error));
            }
        });
        behind || count == BATCH
    }

    /// Tells of losses since the last look.
    fn look_for_losses(&mut self) {
        let Self { source, user_maps, accounting, view, out, notify, nodes, .. } = self;
        let mut report = |loss: &Loss<'_>| {
            if view.lost(loss, out) {
                notify(Notice::Lost(*loss));
            }
        };
        user_maps.look(&mut |loss| {
            accounting.lost_by_itself(loss);
            report(loss);
        });
        let Some((_, counts)) = source else { return };
        for node in 0..*nodes {
            let Ok(count) = counts.count(u32::try_from(node).unwrap_or(u32::MAX)) else { continue };
            let count = accounting.counted(node, count.produced, count.lost);
            if count > 0 {
                report(&Loss { node: Some(node), map: EVENTS_MAP, count });
            }
        }
    }

    /// Reads what is left, now that nothing new comes; `left` are links that are still there.
    pub(super) async fn finish(&mut self, left: &[NotUndone]) {
        // A program that was running when its link went may have a record under way: it is there
        // as soon as that program, which cannot sleep, has ended.
        let deadline = Instant::now() + LATE;
        self.user_maps.detached();
        loop {
            while self.drain() {}
            self.look_for_losses();
            let over = Instant::now() > deadline;
            if self.accounting.balance() || !left.is_empty() || over {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
        let Self { user_maps, accounting, view, out, .. } = self;
        user_maps.flush(&mut |event| {
            accounting.delivered_by_itself(event);
            view.event(event, out);
        });
        for (node, map) in self.user_maps.uncounted() {
            self.accounting.uncounted(node, map);
        }
        self.user_maps.close();
    }
}
