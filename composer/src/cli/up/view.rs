//! How the events of an `up` are written: for people as a log, a tree or their
//! number, or as JSON of either kind.

use super::{
    Ready,
    asked::{Asked, EventFormat, Layout},
    books::{Books, Loss},
};
use crate::cli::{ink::Ink as _, screen};
use freplace_compose::{
    event::{Clock, Event, Human, Json, Paint, Tally, TraceEvent, Tree},
    plan::{Action, Plan},
};

/// Events on their way to text.
pub(super) struct View {
    style: Style,
    /// For each node, whether its events are shown.
    only: Vec<bool>,
    limit: u64,
    shown: u64,
}

enum Style {
    Log(Human),
    Tree(Tree),
    Count(Tally),
    Json(Json),
    Trace(TraceEvent),
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
        let style = match (asked.format, asked.layout()) {
            (EventFormat::Json, _) => Style::Json(Json::default()),
            (EventFormat::TraceEvent, _) => Style::Trace(TraceEvent::new(chain, plan)),
            (EventFormat::Human, Layout::Log) => {
                Style::Log(Human::new(&plan.nodes, clock, has_tasks, paint))
            }
            (EventFormat::Human, Layout::Tree) => Style::Tree(Tree::new(chain, plan, clock, paint)),
            (EventFormat::Human, Layout::Count) => Style::Count(Tally::new(&only, paint)),
        };
        Self { style, only, limit: asked.limit.unwrap_or(u64::MAX), shown: 0 }
    }

    /// What stands before the first event; `loaded` are nodes and the kernel's ids of their
    /// programs.
    pub(super) fn start(&self, plan: &Plan, loaded: &[(usize, u32)], out: &mut String) {
        match &self.style {
            Style::Json(_) => {
                Json::version(plan, out);
                for (node, program) in loaded {
                    Json::node_up(plan, *node, *program, out);
                }
            }
            Style::Trace(trace) => trace.start(out),
            Style::Log(_) | Style::Tree(_) | Style::Count(_) => {}
        }
    }

    /// Writes an event, if it is asked for.
    pub(super) fn event(&mut self, event: &Event<'_>, out: &mut String) {
        let shown = self.only.get(event.index).copied().unwrap_or(false) && !self.is_full();
        self.shown += u64::from(shown);
        match &mut self.style {
            // It learns from events that are not shown, too.
            Style::Tree(tree) => tree.event(event, shown, out),
            _ if !shown => {}
            Style::Log(human) => human.line(event, out),
            Style::Count(tally) => tally.event(event),
            Style::Json(json) => json.event(event, out),
            Style::Trace(trace) => trace.event(event, out),
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
        match &self.style {
            Style::Tree(tree) => tree.unnumbered().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether events are held back until their call has ended.
    pub(super) fn holds(&self) -> bool {
        matches!(self.style, Style::Tree(_) | Style::Trace(_))
    }

    /// No event came for a while.
    pub(super) fn pause(&mut self, out: &mut String) {
        match &mut self.style {
            Style::Tree(tree) => tree.pause(out),
            Style::Trace(trace) => trace.pause(out),
            Style::Log(_) | Style::Count(_) | Style::Json(_) => {}
        }
    }

    /// Events found no room.
    pub(super) fn lost(&mut self, plan: &Plan, loss: &Loss<'_>, out: &mut String) {
        let Loss { map, count, .. } = *loss;
        let node = loss.node.and_then(|node| plan.nodes.get(node)).map(|node| node.id.as_str());
        match (&mut self.style, node) {
            (Style::Json(_), Some(node)) => return Json::lost(node, count, out),
            (Style::Json(_), None) => return Json::lost_lines(count, out),
            (Style::Trace(trace), node) => trace.lost(node.unwrap_or(map), count, out),
            (Style::Log(_) | Style::Tree(_) | Style::Count(_), _) => {}
        }
        let told = match node {
            Some(node) => {
                let events = screen::count(count, "event");
                format!("{events} of `{node}`: the buffer of `{map}` was full")
            }
            None => {
                let lines = screen::count(count, "line");
                format!("{lines} of {map}, of this chain or of other programs")
            }
        };
        screen::say!("{} {told}", "lost".yellow());
    }

    /// What stands after the last event.
    pub(super) fn end(&mut self, plan: &Plan, books: &Books, out: &mut String) {
        match &mut self.style {
            Style::Json(_) => {
                let nodes = plan.nodes.iter().enumerate();
                for (index, node) in nodes.filter(|(_, node)| node.label != "stub") {
                    let unknown = books.unknown_of(index);
                    let skipped = books.skips.of(index);
                    Json::node_down(&node.id, &books.of(index), skipped, &unknown, out);
                }
                let (lost, skipped) = (books.total().lost, books.skips.total());
                Json::summary(self.shown, lost, skipped, books.undecoded, out);
            }
            Style::Tree(tree) => tree.end(out),
            Style::Count(tally) => {
                let lost = |node: usize| books.of(node).lost;
                let skipped = |node: usize| books.skips.of(node).unwrap_or_default();
                tally.end(&plan.nodes, lost, skipped, out);
            }
            Style::Trace(trace) => trace.end(out),
            Style::Log(_) => {}
        }
    }
}
