//! Events as Chrome trace-event JSON, for trace viewers: one track per CPU, with a slice for each
//! function whose entry and return were traced.
//!
//! The array form: viewers accept it without its last bracket, so the output of a killed run can
//! still be viewed. A slice is a single record, so that a lost event cannot leave it open. The
//! format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{Render, Totals};
use crate::{
    chain::{Chain, ProbePoint},
    event::{
        Event, Loss, NO_CPU,
        call_tree::{CallPart, CallPaths, Visit},
        calls::{BufferedEvent, Call, Calls},
        json, value,
    },
    plan::{Plan, PlannedNode},
};

/// The one process of a trace: the chain.
const PROCESS: u32 = 1;
/// The most CPUs that are remembered, since a record may say anything.
const CPUS: usize = 8192;

/// Groups events by their call and formats slices.
#[derive(Debug)]
pub struct ChromeTrace {
    calls: Calls,
    track: Tracks,
}

#[derive(Debug)]
struct Tracks {
    chain: String,
    nodes: Vec<PlannedNode>,
    map: CallPaths,
    /// CPUs whose track has its name.
    named: BTreeSet<u32>,
    /// Events of tracers that saw a host entered, before its call had a number: for each CPU the
    /// last.
    entered: BTreeMap<u32, BufferedEvent>,
    /// The time of the last event.
    now: u64,
}

impl ChromeTrace {
    /// A renderer for events of `chain` with its `plan`.
    #[must_use]
    pub fn new(chain: &Chain, plan: &Plan) -> Self {
        Self {
            calls: Calls::default(),
            track: Tracks {
                chain: plan.chain.clone(),
                nodes: plan.nodes.clone(),
                map: CallPaths::of(chain),
                named: BTreeSet::new(),
                entered: BTreeMap::new(),
                now: 0,
            },
        }
    }
}

impl Render for ChromeTrace {
    /// Opens the array, and names the process.
    fn start(&mut self, _: &[(usize, u32)], out: &mut String) {
        out.push_str("[\n{\"ph\":\"M\",\"name\":\"process_name\",");
        // Writing to a String cannot fail, here and below.
        let _ = write!(out, "\"pid\":{PROCESS},\"args\":{{\"name\":");
        value::string(&self.track.chain, out);
        out.push_str("}}");
    }

    /// Takes an event in, and writes the calls that have ended by it.
    fn event(&mut self, event: &Event<'_>, out: &mut String) {
        let mut text = String::new();
        json::payload(event, &mut text);
        let Self { calls, track } = self;
        track.now = track.now.max(event.header.time_ns);
        calls.push(event, Some(text), &mut |call| track.call(&call, out));
    }

    fn holds(&self) -> bool {
        true
    }

    /// Writes the calls that no event came of since the last pause.
    fn pause(&mut self, out: &mut String) {
        let Self { calls, track } = self;
        calls.pause(&mut |call| track.call(&call, out));
    }

    /// An instant at the time of the last event.
    fn lost(&mut self, loss: &Loss<'_>, out: &mut String) {
        let node = loss.node.and_then(|node| self.track.nodes.get(node));
        let (source, count) = (node.map_or(loss.map, |node| &node.id), loss.count);
        out.push_str(",\n{\"ph\":\"i\",\"s\":\"g\",\"cat\":\"lost\",\"name\":");
        value::string(&format!("{count} of {source} lost"), out);
        let _ = write!(out, ",\"pid\":{PROCESS},\"tid\":0,\"ts\":");
        micros(self.track.now, out);
        out.push('}');
    }

    /// Writes what is left, and closes the array.
    fn end(&mut self, _: &Totals<'_>, out: &mut String) {
        let Self { calls, track } = self;
        calls.end(&mut |call| track.call(&call, out));
        for (cpu, kept) in std::mem::take(&mut track.entered) {
            track.instant(cpu, &kept, out);
        }
        out.push_str("\n]\n");
    }
}

impl Tracks {
    fn call(&mut self, call: &Call, out: &mut String) {
        if self.named.len() < CPUS && self.named.insert(call.cpu) {
            let (cpu, tid) = (call.cpu, tid(call.cpu));
            let title = match cpu {
                NO_CPU => "\"no CPU known\"".to_owned(),
                _ => format!("\"CPU {cpu}\""),
            };
            for (name, key, value) in [
                ("thread_name", "name", title),
                ("thread_sort_index", "sort_index", cpu.to_string()),
            ] {
                let _ = write!(
                    out,
                    ",\n{{\"ph\":\"M\",\"name\":\"{name}\",\"pid\":{PROCESS},\"tid\":{tid},\
                     \"args\":{{\"{key}\":{value}}}}}"
                );
            }
        }
        if call.number == 0 {
            call.events.iter().for_each(|event| self.alone(call.cpu, event, out));
            return;
        }
        let span = call.events.first().zip(call.events.last());
        if let (Some((first, last)), [host]) = (span, self.map.hosts(call).as_slice())
            && call.events.len() > 1
            && let Some(node) = self.nodes.get(*host)
        {
            // Its program goes on after its last event. A viewer that adds begin and duration as
            // floating-point numbers would not know which of two slices that end together is the outer.
            let times = (first.time_ns, last.time_ns + 1);
            slice((&node.id, node.label), call.cpu, times, out);
            let _ = write!(out, "\"call\":\"{}\"", call.number);
            if !call.task.is_empty() {
                out.push_str(",\"task\":");
                value::string(&call.task, out);
            }
            out.push_str("}}");
        }
        let parts = self.map.parts(&call.events);
        self.parts(&parts, call, out);
    }

    fn parts(&self, parts: &[CallPart], call: &Call, out: &mut String) {
        for part in parts {
            match part {
                CallPart::Span(span) => self.span(span, call, out),
                CallPart::Event(number) => {
                    if let Some(event) = call.events.get(*number) {
                        self.instant(call.cpu, event, out);
                    }
                }
            }
        }
    }

    /// A slice, where a tracer saw the function entered and one saw it left; then what happened
    /// within. Of several tracers the first and the last make it.
    fn span(&self, span: &Visit, call: &Call, out: &mut String) {
        let of = |point| {
            span.parts.iter().filter_map(move |part| match part {
                CallPart::Event(number) => {
                    let event = call.events.get(*number)?;
                    (self.map.point(event) == Some(point)).then_some(event)
                }
                CallPart::Span(_) => None,
            })
        };
        let (entry, exit) = (of(ProbePoint::Fentry).next(), of(ProbePoint::Fexit).next_back());
        // A built-in tracer at the return knows when the call began.
        let began = entry.map(|entry| entry.time_ns).or_else(|| exit?.began());
        if let (Some(exit), Some(began), Some(place)) =
            (exit, began, self.map.places.get(span.place))
        {
            slice((&place.name, place.label), call.cpu, (began, exit.time_ns), out);
            self.ends(entry, exit, out);
            let is_end = |event: &BufferedEvent| {
                entry.is_some_and(|entry| std::ptr::eq(event, entry)) || std::ptr::eq(event, exit)
            };
            for part in &span.parts {
                match part {
                    CallPart::Event(number) if call.events.get(*number).is_some_and(is_end) => {}
                    other => self.parts(std::slice::from_ref(other), call, out),
                }
            }
        } else {
            self.parts(&span.parts, call, out);
        }
    }

    /// The arguments of a slice between two tracers' events.
    fn ends(&self, entry: Option<&BufferedEvent>, exit: &BufferedEvent, out: &mut String) {
        let entry = entry.map(|entry| ("entry", entry));
        for (number, (key, event)) in entry.into_iter().chain([("exit", exit)]).enumerate() {
            let comma = if number > 0 { "," } else { "" };
            let _ = write!(out, "{comma}\"{key}\":{{\"node\":");
            value::string(self.nodes.get(event.node).map_or("?", |node| &node.id), out);
            let _ = write!(out, ",{}}}", event.text);
        }
        out.push_str("}}");
    }

    /// An event that belongs to no call. Tracers of a host's own function run outside of its call,
    /// so theirs are paired here.
    fn alone(&mut self, cpu: u32, event: &BufferedEvent, out: &mut String) {
        let target = |event: &BufferedEvent| (self.map.function(event), self.map.hosts_of(event));
        let before = self.entered.remove(&cpu);
        let place = match target(event) {
            (Some(place), _) => self.map.places.get(place).map(|place| (&place.name, place.label)),
            (None, [host]) => self.nodes.get(*host).map(|node| (&node.id, node.label)),
            _ => None,
        };
        match (before, self.map.point(event)) {
            (Some(entry), Some(ProbePoint::Fexit)) if target(&entry) == target(event) => {
                if let Some(place) = place {
                    slice(place, cpu, (entry.time_ns, event.time_ns), out);
                    self.ends(Some(&entry), event, out);
                }
            }
            (None, _) if let (Some(began), Some(place)) = (event.began(), place) => {
                slice(place, cpu, (began, event.time_ns), out);
                self.ends(None, event, out);
            }
            (before, point) => {
                if let Some(before) = before {
                    self.instant(cpu, &before, out);
                }
                if point == Some(ProbePoint::Fentry) && self.entered.len() < CPUS {
                    self.entered.insert(cpu, event.clone());
                } else {
                    self.instant(cpu, event, out);
                }
            }
        }
    }

    fn instant(&self, cpu: u32, event: &BufferedEvent, out: &mut String) {
        let Some(node) = self.nodes.get(event.node) else { return };
        out.push_str(",\n{\"ph\":\"i\",\"s\":\"t\",");
        named((&node.id, node.label), cpu, event.time_ns, out);
        let _ = write!(out, ",\"args\":{{{}}}}}", event.text);
    }
}

/// The beginning of a slice, up to its arguments.
fn slice(place: (&String, &str), cpu: u32, (from, to): (u64, u64), out: &mut String) {
    out.push_str(",\n{\"ph\":\"X\",");
    named(place, cpu, from, out);
    out.push_str(",\"dur\":");
    micros(to.saturating_sub(from), out);
    out.push_str(",\"args\":{");
}

fn named((name, category): (&String, &str), cpu: u32, time_ns: u64, out: &mut String) {
    out.push_str("\"name\":");
    value::string(name, out);
    let _ = write!(out, ",\"cat\":\"{category}\",\"pid\":{PROCESS},\"tid\":{},\"ts\":", tid(cpu));
    micros(time_ns, out);
}

/// A thread's number: viewers take 0 for a thread of its own kind.
fn tid(cpu: u32) -> u64 {
    u64::from(cpu) + 1
}

/// Nanoseconds as microseconds, none of them rounded away.
fn micros(ns: u64, out: &mut String) {
    let _ = write!(out, "{}.{:03}", ns / 1000, ns % 1000);
}

#[cfg(test)]
#[path = "chrome_trace_tests.rs"]
mod tests;
