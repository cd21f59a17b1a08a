//! Groups events into invocations: the events of one call number, together and in order.
//!
//! No record is marked as the last of its call. But a host that calls `fc_leave` restores the
//! previous number on its CPU, so an event without a number ends all calls of its CPU; a later
//! number on the same CPU means that the earlier host has ended or was interrupted; and a call
//! without events for a while has ended, because a host cannot wait.

use std::collections::{BTreeMap, VecDeque};

use super::{Event, Traced, human};
use crate::chain::ProbePoint;

/// Calls that are held for each CPU: the latest, and the one it may have interrupted.
const HELD: usize = 2;
/// The most events of a call that are held.
const EVENTS: usize = 256;
/// The most CPUs that are remembered: more than any machine has, since a record may say anything.
const CPUS: usize = 8192;

/// An event, as much of it as is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BufferedEvent {
    /// The node, an index in the plan.
    pub(super) node: usize,
    pub(super) time_ns: u64,
    /// Its payload as text.
    pub(super) text: String,
    /// When in its function it was, where a built-in tracer tells.
    pub(super) point: Option<ProbePoint>,
    /// How long the call took that it is the end of, where a built-in tracer tells.
    pub(super) took_ns: Option<u64>,
}

impl BufferedEvent {
    fn new(event: &Event<'_>, text: String) -> Self {
        Self {
            node: event.index,
            time_ns: event.header.time_ns,
            text,
            point: event.payload.call().map(Traced::point),
            took_ns: event.payload.call().and_then(|call| call.took(event.bytes)),
        }
    }
}

impl BufferedEvent {
    /// When the call began that it is the end of, where a built-in tracer tells.
    pub(super) fn began(&self) -> Option<u64> {
        self.time_ns.checked_sub(self.took_ns?)
    }
}

/// One invocation of a host, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Call {
    /// Its number; 0 for an event that belongs to none and stands alone.
    pub(super) number: u64,
    pub(super) cpu: u32,
    /// `wget/146`, or nothing.
    pub(super) task: String,
    /// The nodes that emitted events which are not to be shown, and so are not among `events`.
    pub(super) unshown: Vec<usize>,
    /// Events of this call were handed over before: it was longer, or slower, than what is held.
    pub(super) continued: bool,
    /// In the order in which they came.
    pub(super) events: Vec<BufferedEvent>,
    /// Whether an event arrived since the last [`Calls::pause`].
    fresh: bool,
}

/// The calls that are not known to have ended. What they hold is bounded.
#[derive(Debug, Default)]
pub(super) struct Calls {
    cpus: BTreeMap<u32, CpuCalls>,
}

#[derive(Debug, Default)]
struct CpuCalls {
    /// In the order in which they began.
    open: VecDeque<Call>,
    /// The highest call number that was passed on; numbers only grow.
    done: u64,
}

impl Calls {
    /// Takes an event in, with its payload as `text` where it is to be shown, and hands over what
    /// has ended by it.
    pub(super) fn push(
        &mut self,
        event: &Event<'_>,
        text: Option<String>,
        each: &mut dyn FnMut(Call),
    ) {
        let header = &event.header;
        if !event.payload.has_header() {
            // It is of no call, and says nothing of those of its CPU, which it may not even tell.
            let mut task = String::new();
            human::task(header, &mut task);
            let kept = text.map(|text| BufferedEvent::new(event, text));
            let events = kept.into_iter().collect();
            return each(Call { cpu: header.cpu, task, events, ..Call::default() });
        }
        if self.cpus.len() >= CPUS && !self.cpus.contains_key(&header.cpu) {
            self.end(each);
            self.cpus.clear();
        }
        let cpu = self.cpus.entry(header.cpu).or_default();
        if header.call == 0 {
            cpu.end(each);
        }
        let call = match cpu.open.iter().position(|call| call.number == header.call) {
            Some(found) => &mut cpu.open[found],
            None => {
                if cpu.open.len() == HELD {
                    cpu.end_first(each);
                }
                let mut task = String::new();
                human::task(header, &mut task);
                cpu.open.push_back(Call {
                    number: header.call,
                    cpu: header.cpu,
                    task,
                    unshown: Vec::new(),
                    continued: header.call != 0 && header.call <= cpu.done,
                    events: Vec::new(),
                    fresh: true,
                });
                let last = cpu.open.len() - 1;
                &mut cpu.open[last]
            }
        };
        call.fresh = true;
        match text {
            Some(text) => {
                call.events.push(BufferedEvent::new(event, text));
            }
            None if !call.unshown.contains(&event.index) => call.unshown.push(event.index),
            None => {}
        }
        if header.call == 0 {
            cpu.end(each);
        } else if call.events.len() >= EVENTS {
            each(Call { events: std::mem::take(&mut call.events), ..call.clone() });
            call.continued = true;
        }
    }

    /// Hands over the calls that no event came of since the last pause.
    pub(super) fn pause(&mut self, each: &mut dyn FnMut(Call)) {
        let mut ended = Vec::new();
        for cpu in self.cpus.values_mut() {
            while cpu.open.front().is_some_and(|call| !call.fresh) {
                cpu.end_first(&mut |call| ended.push(call));
            }
            cpu.open.iter_mut().for_each(|call| call.fresh = false);
        }
        in_order(ended, each);
    }

    /// Hands over all that is held.
    pub(super) fn end(&mut self, each: &mut dyn FnMut(Call)) {
        let mut ended = Vec::new();
        self.cpus.values_mut().for_each(|cpu| cpu.end(&mut |call| ended.push(call)));
        in_order(ended, each);
    }
}

/// Hands over calls of several CPUs as they began.
fn in_order(mut calls: Vec<Call>, each: &mut dyn FnMut(Call)) {
    calls.sort_by_key(|call| call.events.first().map(|event| event.time_ns));
    calls.into_iter().for_each(each);
}

impl CpuCalls {
    fn end(&mut self, each: &mut dyn FnMut(Call)) {
        while !self.open.is_empty() {
            self.end_first(each);
        }
    }

    fn end_first(&mut self, each: &mut dyn FnMut(Call)) {
        let Some(call) = self.open.pop_front() else { return };
        self.done = self.done.max(call.number);
        if !call.events.is_empty() {
            each(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Calls, EVENTS};
    use crate::event::tests::{Emitted, with_event};

    /// What comes of events given as (CPU, call number, node): the calls, each with its nodes.
    fn grouped(events: &[(u32, u64, u32)], pauses_after: &[usize]) -> Vec<(u64, bool, Vec<usize>)> {
        let (mut calls, mut found) = (Calls::default(), Vec::new());
        let mut each = |call: Call| {
            let nodes = call.events.iter().map(|event| event.node).collect();
            found.push((call.number, call.continued, nodes));
        };
        for (number, (cpu, call, node)) in events.iter().enumerate() {
            let emitted = Emitted {
                cpu: *cpu,
                call: *call,
                node: *node,
                time_ns: number as u64,
                ..Emitted::default()
            };
            with_event(&emitted, |event| calls.push(event, Some(String::new()), &mut each));
            if pauses_after.contains(&number) {
                calls.pause(&mut each);
                calls.pause(&mut each);
            }
        }
        calls.end(&mut each);
        found
    }

    #[test]
    fn calls_of_two_cpus_are_told_apart_however_they_mix() {
        let found = grouped(&[(0, 10, 0), (1, 20, 0), (0, 10, 1), (1, 20, 1), (0, 11, 0)], &[]);
        assert_eq!(found, [(10, false, vec![0, 1]), (20, false, vec![0, 1]), (11, false, vec![0])]);
    }

    #[test]
    fn a_call_that_another_interrupts_stays_whole() {
        let found = grouped(&[(0, 1, 0), (0, 2, 1), (0, 2, 2), (0, 1, 3), (0, 3, 0)], &[]);
        let wanted = [(1, false, vec![0, 3]), (2, false, vec![1, 2]), (3, false, vec![0])];
        assert_eq!(found, wanted);
    }

    #[test]
    fn an_event_without_a_number_stands_alone_after_what_ended_before_it() {
        let found = grouped(&[(0, 1, 0), (1, 9, 0), (0, 0, 2), (0, 0, 3), (1, 9, 1)], &[]);
        let wanted =
            [(1, false, vec![0]), (0, false, vec![2]), (0, false, vec![3]), (9, false, vec![0, 1])];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_comes_after_a_pause_is_told_as_continued() {
        let found = grouped(&[(0, 1, 0), (0, 1, 1), (0, 2, 0)], &[0]);
        assert_eq!(found, [(1, false, vec![0]), (1, true, vec![1]), (2, false, vec![0])]);
    }

    #[test]
    fn a_call_without_end_is_handed_over_in_parts() {
        let events = vec![(0, 1, 0); 2 * EVENTS + 1];
        let parts: Vec<_> = grouped(&events, &[])
            .into_iter()
            .map(|(_, continued, nodes)| (continued, nodes.len()))
            .collect();
        assert_eq!(parts, [(false, EVENTS), (true, EVENTS), (true, 1)]);
    }

    #[test]
    fn what_is_held_is_bounded_whatever_the_records_say() {
        let mut calls = Calls::default();
        let mut seen = 0;
        for number in 1..50_000_u32 {
            let emitted = Emitted {
                cpu: number.wrapping_mul(2_654_435_761),
                call: number.into(),
                ..Emitted::default()
            };
            with_event(&emitted, |event| {
                calls.push(event, Some(String::new()), &mut |call| seen += call.events.len());
            });
            assert!(calls.cpus.len() <= super::CPUS);
        }
        calls.end(&mut |call| seen += call.events.len());
        assert_eq!(seen, 49_999);
    }
}
