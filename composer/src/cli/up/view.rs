//! Which events of an `up` are shown, and in which format.

use super::{
    Ready,
    asked::{Asked, EventFormat, Layout},
};
use crate::cli::{ink::Ink as _, screen};
use freplace_compose::{
    event::{
        ChromeTrace, Clock, Count, Event, EventAccounting, Json, Log, Loss, Paint, Render, Totals,
        Tree,
    },
    plan::{Action, Plan},
};

/// Events on their way to text.
pub(super) struct View {
    format: Box<dyn Render>,
    /// For each node, whether its events are shown.
    only: Vec<bool>,
    limit: u64,
    shown: u64,
}

impl View {
    pub(super) fn new(
        asked: &Asked,
        ready: &Ready,
        only: Vec<bool>,
        clock: Clock,
        paint: Paint,
    ) -> Self {
        let Ready { chain, plan, .. } = ready;
        let has_tasks = plan
            .operations
            .iter()
            .any(|operation| matches!(operation.action, Action::Load { has_task: true, .. }));
        let format: Box<dyn Render> = match (asked.format, asked.layout()) {
            (EventFormat::Json, _) => Box::new(Json::new(plan)),
            (EventFormat::TraceEvent, _) => Box::new(ChromeTrace::new(chain, plan)),
            (EventFormat::Human, Layout::Log) => {
                Box::new(Log::new(&plan.nodes, clock, has_tasks, paint))
            }
            (EventFormat::Human, Layout::Tree) => Box::new(Tree::new(chain, plan, clock, paint)),
            (EventFormat::Human, Layout::Count) => Box::new(Count::new(&plan.nodes, &only, paint)),
        };
        Self { format, only, limit: asked.limit.unwrap_or(u64::MAX), shown: 0 }
    }

    /// What stands before the first event; `loaded` are nodes and the kernel's ids of their
    /// programs.
    pub(super) fn start(&mut self, loaded: &[(usize, u32)], out: &mut String) {
        self.format.start(loaded, out);
    }

    /// Writes an event, if it is asked for.
    pub(super) fn event(&mut self, event: &Event<'_>, out: &mut String) {
        if self.only.get(event.index).copied().unwrap_or(false) && !self.is_full() {
            self.shown += 1;
            self.format.event(event, out);
        } else {
            self.format.unshown(event, out);
        }
    }

    /// Whether as many events were shown as were asked for.
    pub(super) fn is_full(&self) -> bool {
        self.shown >= self.limit
    }

    /// How many events were shown.
    pub(super) fn shown(&self) -> u64 {
        self.shown
    }

    /// The hosts that would have to number their calls for a tree to put their events together.
    pub(super) fn unnumbered(&self) -> Vec<&str> {
        self.format.unnumbered()
    }

    /// Whether events are held back until their call has ended.
    pub(super) fn holds(&self) -> bool {
        self.format.holds()
    }

    /// No event came for a while.
    pub(super) fn pause(&mut self, out: &mut String) {
        self.format.pause(out);
    }

    /// Events found no room.
    pub(super) fn lost(&mut self, plan: &Plan, loss: &Loss<'_>, out: &mut String) {
        self.format.lost(loss, out);
        if self.format.has_losses() {
            return;
        }
        let Loss { map, count, .. } = *loss;
        let told = match loss.node.and_then(|node| plan.nodes.get(node)) {
            Some(node) => {
                let events = screen::count(count, "event");
                format!("{events} of `{}`: the buffer of `{map}` was full", node.id)
            }
            None => {
                let lines = screen::count(count, "line");
                format!("{lines} of {map}, of this chain or of other programs")
            }
        };
        screen::say!("{} {told}", "lost".yellow());
    }

    /// What stands after the last event.
    pub(super) fn end(&mut self, accounting: &EventAccounting, out: &mut String) {
        self.format.end(&Totals { accounting, shown: self.shown }, out);
    }
}
