//! Events as NDJSON: one object per line, the first one with the version of the format.

use std::fmt::Write as _;

use super::{Render, Totals};
use crate::{
    chain::Role,
    event::{Event, Loss, NO_CPU, ProgramChange, digits::decimal, json, value},
    plan::{Plan, PlannedNode},
};

/// The version of the stream; raised when a reader would have to change.
pub(in crate::event) const VERSION: u32 = 1;

/// Writes the records of a stream.
#[derive(Debug, Clone)]
pub struct Json {
    chain: String,
    nodes: Vec<PlannedNode>,
    /// The context of the last event, and its formatted keys: consecutive events often have the
    /// same.
    last: Option<EventContext>,
    keys: String,
}

/// Where an event happened; none for what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EventContext {
    cpu: Option<u32>,
    /// Process, thread and the name of that.
    task: Option<(u32, u32, [u8; 16])>,
}

impl Json {
    /// For events of `plan`.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let (chain, nodes) = (plan.chain.clone(), plan.nodes.clone());
        Self { chain, nodes, last: None, keys: String::new() }
    }

    /// Nodes whose programs were loaded.
    fn nodes_up(&self, loaded: &[(usize, u32)], out: &mut String) {
        for (node, program) in loaded {
            if let Some(node) = self.nodes.get(*node) {
                Self::node_up(node, *program, out);
            }
        }
    }

    /// A node whose program was loaded under the kernel's id `program`.
    fn node_up(node: &PlannedNode, program: u32, out: &mut String) {
        out.push_str("{\"record\":\"node_up\",\"node\":");
        value::string(&node.id, out);
        // A String takes everything, here and below.
        let _ = write!(out, ",\"kind\":\"{}\",\"place\":", node.label);
        value::string(&node.place.to_string(), out);
        let _ = writeln!(out, ",\"program\":{program}}}");
    }

    /// What became of the events of node number `index`.
    fn node_down(index: usize, node: &PlannedNode, totals: &Totals<'_>, out: &mut String) {
        let counts = totals.accounting.of(index);
        out.push_str("{\"record\":\"node_down\",\"node\":");
        value::string(&node.id, out);
        let _ = write!(
            out,
            ",\"produced\":{},\"delivered\":{},\"lost\":{}",
            counts.produced, counts.delivered, counts.lost
        );
        let _ = match totals.accounting.skips.of(index) {
            Some(skipped) => write!(out, ",\"skipped\":{skipped}"),
            None => write!(out, ",\"skipped\":null"),
        };
        json::list("uncounted", &totals.accounting.uncounted_of(index), out);
        out.push_str("}\n");
    }
}

impl Render for Json {
    fn start(&mut self, loaded: &[(usize, u32)], out: &mut String) {
        out.push_str("{\"record\":\"version\",\"version\":");
        let _ = write!(out, "{VERSION},\"chain\":");
        value::string(&self.chain, out);
        out.push_str("}\n");
        self.nodes_up(loaded, out);
    }

    fn event(&mut self, event: &Event<'_>, out: &mut String) {
        let header = &event.header;
        out.push_str(event.json);
        out.push_str(",\"time_ns\":");
        decimal(header.time_ns, out);
        out.push_str(",\"call\":");
        decimal(header.call, out);
        let has_task = header.pid != 0 || header.comm[0] != 0;
        let place = EventContext {
            cpu: Some(header.cpu).filter(|cpu| *cpu != NO_CPU),
            task: has_task.then_some((header.pid, header.tid, header.comm)),
        };
        if self.last != Some(place) {
            self.last = Some(place);
            self.keys.clear();
            place.keys(header.comm(), &mut self.keys);
        }
        out.push_str(&self.keys);
        out.push(',');
        json::payload(event, out);
        out.push_str("}\n");
    }

    /// Events of a node that found no room, since the last such record; or lines of `bpf_printk`,
    /// of the chain or of other programs, that were overwritten before they were read.
    fn lost(&mut self, loss: &Loss<'_>, out: &mut String) {
        let count = loss.count;
        match loss.node.and_then(|node| self.nodes.get(node)) {
            Some(node) => {
                out.push_str("{\"record\":\"lost\",\"node\":");
                value::string(&node.id, out);
                let _ = writeln!(out, ",\"count\":{count}}}");
            }
            None => {
                let _ = writeln!(out, "{{\"record\":\"lost\",\"printk\":true,\"count\":{count}}}");
            }
        }
    }

    fn changed(&mut self, change: &ProgramChange, loaded: &[(usize, u32)], out: &mut String) {
        let Some(node) = self.nodes.get(change.node) else { return };
        out.push_str("{\"record\":\"program_changed\",\"node\":");
        value::string(&node.id, out);
        let _ = write!(out, ",\"program\":{},\"now\":", change.program);
        let _ = match change.now {
            Some(now) => write!(out, "{now}"),
            None => write!(out, "null"),
        };
        let _ = writeln!(out, ",\"followed\":{}}}", change.followed);
        self.nodes_up(loaded, out);
    }

    fn has_losses(&self) -> bool {
        true
    }

    fn end(&mut self, totals: &Totals<'_>, out: &mut String) {
        // A stub has no program, so it emits nothing.
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| node.role != Role::Stub);
        nodes.for_each(|(index, node)| Self::node_down(index, node, totals, out));
        let accounting = totals.accounting;
        let _ = writeln!(
            out,
            "{{\"record\":\"summary\",\"events\":{},\"lost\":{},\"skipped\":{},\"undecoded\":{}}}",
            totals.shown,
            accounting.total().lost,
            accounting.skips.total(),
            accounting.undecoded
        );
    }
}

impl EventContext {
    fn keys(self, comm: &[u8], out: &mut String) {
        let mut number = |key, number: u32| {
            out.push_str(key);
            decimal(number.into(), out);
        };
        if let Some(cpu) = self.cpu {
            number(",\"cpu\":", cpu);
        }
        if let Some((pid, tid, _)) = self.task {
            number(",\"pid\":", pid);
            number(",\"tid\":", tid);
            out.push_str(",\"comm\":");
            value::string(&String::from_utf8_lossy(comm), out);
        }
    }
}
