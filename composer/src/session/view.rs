//! Selects the events of a session that are shown.

use crate::event::{Event, EventAccounting, Loss, ProgramChange, Render, Totals};

/// Filters events and passes them to the renderer.
pub struct View {
    format: Box<dyn Render>,
    /// For each node, whether its events are shown.
    only: Vec<bool>,
    limit: u64,
    shown: u64,
}

impl View {
    /// Shows events of the nodes in `only`, in `format`; at most `limit`, if given.
    #[must_use]
    pub fn new(format: Box<dyn Render>, only: Vec<bool>, limit: Option<u64>) -> Self {
        Self { format, only, limit: limit.unwrap_or(u64::MAX), shown: 0 }
    }

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

    pub(super) fn pause(&mut self, out: &mut String) {
        self.format.pause(out);
    }

    /// Writes that events found no room; whether that has to be reported elsewhere.
    pub(super) fn lost(&mut self, loss: &Loss<'_>, out: &mut String) -> bool {
        self.format.lost(loss, out);
        !self.format.has_losses()
    }

    pub(super) fn changed(
        &mut self,
        change: &ProgramChange,
        loaded: &[(usize, u32)],
        out: &mut String,
    ) {
        self.format.changed(change, loaded, out);
    }

    pub(super) fn end(&mut self, accounting: &EventAccounting, out: &mut String) {
        self.format.end(&Totals { accounting, shown: self.shown }, out);
    }
}
