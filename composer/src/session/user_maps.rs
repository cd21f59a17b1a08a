//! Reads the nodes' own event maps in turn, so that a flood in one does not delay the others.

use std::{future::poll_fn, task::Poll};

use super::{
    Subject,
    ordered::{Ordered, OrderedRecord},
};
use crate::{
    event::{Event, Loss, Printk, TraceLine, UserEventMap},
    kernel::{Clock, KernelError, KernelReader, LineReader as _, RecordReader as _},
};

/// The event maps of nodes that do not use the composer's.
pub(super) struct UserMaps<K: KernelReader> {
    maps: Vec<UserMapSource<K>>,
    /// The map to read first next time, so that none is always last.
    first: usize,
    lines: Option<PrintkSource<K>>,
    clock: Clock,
}

/// Lines of `bpf_printk`.
struct PrintkSource<K: KernelReader> {
    decoder: Printk,
    /// `None` if there are no more writers.
    source: Option<K::Lines>,
    /// Lines of any writer that were overwritten before they were read, and not yet reported.
    lost: u64,
    /// The time at which the chain was detached: later lines are not the chain's.
    end: u64,
}

struct UserMapSource<K: KernelReader> {
    decoder: UserEventMap,
    source: K::Records,
    /// Lost events that were reported.
    lost: u64,
    /// Its records by their times, where several CPUs have a buffer each and the time is known.
    ordered: Option<Ordered>,
}

impl<K: KernelReader> UserMapSource<K> {
    /// Hands over what is there, or what was held long enough; how many records were read.
    fn drain(&mut self, limit: usize, now: u64, each: &mut dyn FnMut(&Event<'_>)) -> usize {
        let Self { decoder, source, ordered, .. } = self;
        let Some(ordered) = ordered else {
            return source.read(limit, |cpu, record| each(&decoder.event(record, cpu, now)));
        };
        let read = source.read(limit, |cpu, bytes| {
            let time = decoder.event(bytes, cpu, now).header.time_ns;
            ordered.push(time, OrderedRecord { cpu, read: now, bytes: bytes.to_owned() });
        });
        while let Some(OrderedRecord { cpu, read, bytes }) = ordered.pop(now) {
            each(&decoder.event(&bytes, cpu, read));
        }
        read
    }
}

impl<K: KernelReader> UserMaps<K> {
    pub(super) fn open(kernel: &mut K, subject: &Subject<'_>) -> Result<Self, KernelError> {
        let Subject { resolved, running } = *subject;
        let mut maps = Vec::new();
        for decoder in UserEventMap::all(resolved) {
            let map = running.own_map(decoder.node, &decoder.map).ok_or_else(|| {
                KernelError::here("open", format!("event map `{}` was not created", decoder.map))
            })?;
            let source = kernel.records(map)?;
            let ordered = decoder.has_time() && source.has_several_buffers();
            let ordered = ordered.then(Ordered::default);
            maps.push(UserMapSource { decoder, source, lost: 0, ordered });
        }
        let lines = match running.trace() {
            Some(trace) => Some(PrintkSource {
                decoder: Printk::new(resolved),
                source: Some(kernel.lines(trace)?),
                lost: 0,
                end: u64::MAX,
            }),
            None => None,
        };
        Ok(Self { maps, first: 0, lines, clock: kernel.clock() })
    }

    /// Waits until there is something to read, or to hand over; for ever when there are no maps.
    pub(super) async fn ready(&mut self) -> Result<(), KernelError> {
        let ordered = self.maps.iter().filter_map(|map| map.ordered.as_ref());
        let now = (self.clock)();
        match ordered.filter_map(|ordered| ordered.wait(now)).min() {
            Some(wait) => tokio::select! {
                ready = self.readable() => ready,
                () = tokio::time::sleep(wait) => Ok(()),
            },
            None => self.readable().await,
        }
    }

    async fn readable(&mut self) -> Result<(), KernelError> {
        poll_fn(|context| {
            let mut any = Poll::Pending;
            if let Some(lines) = self.lines.as_mut().and_then(|lines| lines.source.as_mut())
                && let Poll::Ready(ready) = lines.poll_ready(context)
            {
                ready?;
                any = Poll::Ready(Ok(()));
            }
            for map in &mut self.maps {
                if let Poll::Ready(ready) = map.source.poll_ready(context) {
                    ready?;
                    any = Poll::Ready(Ok(()));
                }
            }
            any
        })
        .await
    }

    /// Hands over the events that are there, at most `limit` of each map; whether there may be
    /// more.
    pub(super) fn drain(&mut self, limit: usize, each: &mut dyn FnMut(&Event<'_>)) -> bool {
        let mut behind = self.lines.as_mut().is_some_and(|lines| lines.drain(each));
        let (count, now) = (self.maps.len(), (self.clock)());
        for turn in 0..count {
            let Some(map) = self.maps.get_mut((self.first + turn) % count) else { continue };
            behind |= map.drain(limit, now, each) == limit;
        }
        self.first = (self.first + 1) % count.max(1);
        behind
    }

    /// Hands over what is held still: nothing earlier comes any more.
    pub(super) fn flush(&mut self, each: &mut dyn FnMut(&Event<'_>)) {
        for UserMapSource { decoder, ordered, .. } in &mut self.maps {
            let records = std::iter::from_fn(|| ordered.as_mut()?.pop_any());
            for OrderedRecord { cpu, read, bytes } in records {
                each(&decoder.event(&bytes, cpu, read));
            }
        }
    }

    /// Tells of losses since the last look.
    pub(super) fn look(&mut self, tell: &mut dyn FnMut(&Loss<'_>)) {
        for map in &mut self.maps {
            let lost = map.source.lost().unwrap_or(0);
            let count = lost.saturating_sub(std::mem::replace(&mut map.lost, lost));
            if count > 0 {
                tell(&Loss { node: Some(map.decoder.node), map: &map.decoder.map, count });
            }
        }
        if let Some(lines) = &mut self.lines
            && lines.lost > 0
        {
            let count = std::mem::take(&mut lines.lost);
            tell(&Loss { node: None, map: "bpf_printk", count });
        }
    }

    /// The chain was detached: lines that come from here on are those of other programs.
    pub(super) fn detached(&mut self) {
        if let Some(lines) = &mut self.lines {
            lines.end = (self.clock)();
        }
    }

    /// Reads no more lines of `bpf_printk`: their place can be removed only when nobody reads it.
    pub(super) fn close(&mut self) {
        if let Some(lines) = &mut self.lines {
            lines.source = None;
        }
    }

    /// The nodes and maps whose losses only their programs see.
    pub(super) fn uncounted(&self) -> impl Iterator<Item = (usize, &str)> {
        let unknown = self.maps.iter().filter(|map| !map.source.counts_all());
        unknown.map(|map| (map.decoder.node, map.decoder.map.as_str()))
    }
}

impl<K: KernelReader> PrintkSource<K> {
    /// Hands over lines that are there; whether there may be more.
    fn drain(&mut self, each: &mut dyn FnMut(&Event<'_>)) -> bool {
        let Self { decoder, source, lost, end } = self;
        let Some(source) = source else { return false };
        let mut is_over = false;
        let more = source.read(|line| {
            let line = TraceLine::read(line);
            match line {
                TraceLine::Lost(count) => *lost += count,
                // Lines of all CPUs come in the order of their times.
                TraceLine::Said(header, _) => is_over |= header.time_ns > *end,
                TraceLine::More(_) => {}
            }
            decoder.line(&line, each);
        });
        more && !is_over
    }
}
