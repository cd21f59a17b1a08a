//! A session: the time during which a chain is up. Events are read, counted and passed on as text
//! until something ends it; then the chain is undone, and every event is accounted for.
//!
//! Independent of a real kernel and of the terminal. Records come from a [`KernelReader`]; text
//! goes to a [`Writer`], in the format of a [`Render`]; a [`Command`] and [`Interrupts`] may end
//! it; and a message that cannot wait until the end is a [`Notice`].

mod command;
#[cfg(test)]
mod fake;
mod follow;
mod interrupts;
mod lookout;
mod ordered;
mod reading;
mod skips;
#[cfg(test)]
mod tests;
mod undo;
mod user_maps;
mod view;
mod writer;

use std::{io, process::ExitStatus};

pub use command::Command;
pub use follow::{LeftBehind, leave};
pub use interrupts::{InterruptSource, Interrupts};
pub use lookout::{Lookout, TakeCensus};
pub use undo::{Report, Undone, undo};
pub use view::View;
pub use writer::{Feed, Writer};

use crate::{
    event::{Decoder, EventAccounting, Loss, Malformed, ProgramChange},
    hook::ProgramOutput,
    kernel::{KernelError, KernelReader},
    resolve::Resolved,
    run::Running,
};
use freplace_compose_common::{COUNTS_MAP, EVENTS_MAP};
use user_maps::UserMaps;

#[cfg(doc)]
use crate::event::Render;

/// A chain that is up.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The chain, with its objects.
    pub resolved: &'a Resolved,
    /// The executed plan.
    pub running: &'a Running,
}

/// A message during the session.
#[derive(Debug, Clone, Copy)]
pub enum Notice<'a> {
    /// A record that is no event of this chain.
    Malformed(Malformed),
    /// Events were lost, and the text does not contain the loss.
    Lost(Loss<'a>),
}

/// Why a session ended.
#[derive(Debug)]
pub enum End {
    /// As requested: by a signal, its duration, its limit, a command that succeeded, or a reader
    /// that closed its end.
    Done,
    /// The command failed.
    Command(ExitStatus),
    /// It is not known how the command ended.
    Unknown(io::Error),
    /// Events cannot be read.
    Unreadable(KernelError),
}

/// What happened in a session.
#[derive(Debug)]
pub enum Happened {
    /// It ended.
    End(End),
    /// Programs of others that the chain is on were detached, or are attached again; the session may go on.
    Changed(Vec<ProgramChange>),
}

/// What a session waits for besides events.
pub struct Awaited<'a, C> {
    /// The command that runs while the chain is up.
    pub command: Option<C>,
    /// When it ends by itself.
    pub deadline: Option<tokio::time::Instant>,
    /// Who looks after programs of others.
    pub lookout: &'a mut Lookout,
}

/// Events on their way from the kernel to the writer.
pub struct Session<K: KernelReader> {
    decoder: Decoder,
    view: View,
    /// None when no program of the chain writes events in the composer's form.
    source: Option<(K::Records, K::Counters)>,
    /// The nodes' own event maps.
    user_maps: UserMaps<K>,
    accounting: EventAccounting,
    notify: Box<dyn FnMut(Notice<'_>)>,
    /// The number of nodes.
    nodes: usize,
    /// The text to write.
    out: String,
    writer: Writer,
    /// Whether there were more records in the kernel than were taken.
    behind: bool,
    /// What came of the programs that ran once, and when that was.
    outputs: Vec<(usize, ProgramOutput)>,
    brought_up: u64,
}

impl<K: KernelReader> Session<K> {
    /// Opens every buffer that the programs of a chain write to.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn open(
        kernel: &mut K,
        subject: &Subject<'_>,
        view: View,
        writer: Writer,
        notify: Box<dyn FnMut(Notice<'_>)>,
    ) -> Result<Self, KernelError> {
        let Subject { resolved, running } = *subject;
        let nodes = resolved.chain().graph.len();
        let source = match (running.map(EVENTS_MAP), running.map(COUNTS_MAP)) {
            (Some(events), Some(counts)) => {
                Some((kernel.records(events)?, kernel.counters(counts)?))
            }
            _ => None,
        };
        Ok(Self {
            decoder: Decoder::new(resolved),
            view,
            source,
            user_maps: UserMaps::open(kernel, subject)?,
            accounting: EventAccounting::new(nodes),
            notify,
            nodes,
            out: String::new(),
            writer,
            behind: false,
            outputs: running.outputs().to_vec(),
            brought_up: kernel.clock()(),
        })
    }

    /// Writes who is up: nodes, and the kernel's ids of their programs; and what came of those that ran
    /// once.
    pub fn start(&mut self, loaded: &[(usize, u32)]) {
        let Self { view, out, decoder, accounting, outputs, brought_up, .. } = self;
        view.start(loaded, out);
        for (node, output) in std::mem::take(outputs) {
            decoder.output(node, &output, *brought_up, &mut |event| {
                accounting.delivered_by_itself(event);
                view.event(event, out);
            });
        }
        self.writer.write(&mut self.out);
    }
}
