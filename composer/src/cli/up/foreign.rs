//! What programs write by themselves, on its way from their own maps: each map in turn, so that a
//! flood of one does not keep the others waiting.

use std::{future::poll_fn, task::Poll};

use rustix::time::{ClockId, clock_gettime};

use super::{Ready, screen};
use freplace_compose::{
    event::{Event, Foreign},
    kernel::{KernelError, Linux, Source},
    run::Running,
};

/// The event maps of nodes that do not use the composer's.
pub(super) struct ForeignMaps {
    maps: Vec<Map>,
    /// The map that is read first, so that none is always last.
    first: usize,
}

struct Map {
    decoder: Foreign,
    source: Source,
    /// Records that were read.
    read: u64,
    /// Events that found no room and were told of.
    lost: u64,
}

impl ForeignMaps {
    pub(super) fn open(
        kernel: &mut Linux,
        running: &Running,
        ready: &Ready,
    ) -> Result<Self, KernelError> {
        let mut maps = Vec::new();
        for decoder in Foreign::all(&ready.chain, &ready.library, &ready.plan) {
            let Some(map) = running.own_map(decoder.node, &decoder.map) else { continue };
            maps.push(Map { decoder, source: kernel.source(map)?, read: 0, lost: 0 });
        }
        Ok(Self { maps, first: 0 })
    }

    /// Waits until there is something to read; for ever when there are no maps.
    pub(super) async fn ready(&mut self) -> Result<(), KernelError> {
        poll_fn(|context| {
            let mut any = Poll::Pending;
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
    pub(super) fn drain(&mut self, limit: usize, mut each: impl FnMut(&Event<'_>)) -> bool {
        let mut behind = false;
        let count = self.maps.len();
        for turn in 0..count {
            let Some(map) = self.maps.get_mut((self.first + turn) % count) else { continue };
            let now = now();
            let Map { decoder, source, .. } = map;
            let read = source
                .drain(limit, |cpu, record| each(&decoder.event(record, cpu, now)));
            map.read += read as u64;
            behind |= read == limit;
        }
        self.first = (self.first + 1) % count.max(1);
        behind
    }

    /// Tells of losses since the last look: the node, the map, how many.
    pub(super) fn look(&mut self, mut tell: impl FnMut(usize, &str, u64)) {
        for map in &mut self.maps {
            let lost = map.source.lost().unwrap_or(0);
            let new = lost.saturating_sub(map.lost);
            if new > 0 {
                map.lost = lost;
                tell(map.decoder.node, &map.decoder.map, new);
            }
        }
    }

    /// How many events were read from these maps.
    pub(super) fn read(&self) -> u64 {
        self.maps.iter().map(|map| map.read).sum()
    }

    /// How many found no room.
    pub(super) fn lost(&self) -> u64 {
        self.maps.iter().map(|map| map.lost).sum()
    }

    /// The nodes and maps whose losses only their programs see.
    pub(super) fn unknown(&self) -> impl Iterator<Item = (usize, &str)> {
        let unknown = self.maps.iter().filter(|map| !map.source.counts_all());
        unknown.map(|map| (map.decoder.node, map.decoder.map.as_str()))
    }
}

/// The kernel's monotonic clock, nanoseconds.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, rest) = (now.tv_sec.cast_unsigned(), now.tv_nsec.cast_unsigned());
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// `what` of `node`, for a line that tells of a loss.
pub(super) fn lost_line(count: u64, node: &str, map: &str) -> String {
    format!("{} of `{node}`: the buffer of `{map}` was full", screen::count(count, "event"))
}
