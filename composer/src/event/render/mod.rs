//! Events → text: a trait, and one file per format.
//!
//! A renderer is notified of what happens in a session, in order, and appends to a text. It knows
//! neither the source of events nor the destination of the text.

mod chrome_trace;
mod count;
mod html;
mod json;
mod log;
mod stats;
mod tree;

pub use chrome_trace::ChromeTrace;
pub use count::Count;
pub use html::Html;
pub use json::Json;
pub(super) use json::VERSION;
pub use log::Log;
pub use stats::Stats;
pub use tree::Tree;

use super::{Event, EventAccounting, Loss, ProgramChange};

/// A format. The default implementations write nothing.
pub trait Render: Send {
    /// What stands before the first event; `loaded` are nodes, as indices in the plan, with the
    /// kernel's ids of their programs.
    fn start(&mut self, loaded: &[(usize, u32)], out: &mut String) {
        let _ = (loaded, out);
    }

    /// An event that is to be shown.
    fn event(&mut self, event: &Event<'_>, out: &mut String);

    /// An event that is not to be shown.
    fn unshown(&mut self, event: &Event<'_>, out: &mut String) {
        let _ = (event, out);
    }

    /// Events found no room.
    fn lost(&mut self, loss: &Loss<'_>, out: &mut String) {
        let _ = (loss, out);
    }

    /// The program of a host that somebody else loaded changed; `loaded` are nodes as in [`Render::start`],
    /// with their programs on what is there now.
    fn changed(&mut self, change: &ProgramChange, loaded: &[(usize, u32)], out: &mut String) {
        let _ = (change, loaded, out);
    }

    /// Whether its text has losses in it for whoever reads it, so that they need not be reported
    /// elsewhere.
    fn has_losses(&self) -> bool {
        false
    }

    /// Whether events are held back until their call has ended.
    fn holds(&self) -> bool {
        false
    }

    /// No event came for a while.
    fn pause(&mut self, out: &mut String) {
        let _ = out;
    }

    /// What stands after the last event.
    fn end(&mut self, totals: &Totals<'_>, out: &mut String) {
        let _ = (totals, out);
    }

    /// The ids of hosts whose events stand alone, although they are of a call: their programs do
    /// not call `fc_enter` and `fc_leave`.
    fn unnumbered(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// The totals at the end.
#[derive(Debug, Clone, Copy)]
pub struct Totals<'a> {
    /// The event counts of each node.
    pub accounting: &'a EventAccounting,
    /// How many events were shown.
    pub shown: u64,
}
