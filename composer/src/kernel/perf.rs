//! Reads perf event arrays: a buffer for each CPU, and the losses.

use std::os::fd::{AsFd as _, OwnedFd};
use std::{ops::ControlFlow, task::Context, task::Poll};

use aya::maps::{
    MapData, PerfEventArray,
    perf::{PerfEvent, PerfEventArrayBuffer},
};
use tokio::io::unix::AsyncFd;

use super::{KernelError, events::again, sys};

/// Pages of one CPU's buffer.
const PAGES: usize = 64;

/// The buffers of a perf event array (`BPF_MAP_TYPE_PERF_EVENT_ARRAY`), open from before the first
/// program is attached: what comes while there is none is lost without a trace.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    cpus: Vec<Cpu>,
}

struct Cpu {
    number: u32,
    buffer: PerfEventArrayBuffer<MapData>,
    /// An event of ours that writes to the same buffer and counts what found no room (Linux 6.0).
    counter: Option<OwnedFd>,
    /// What records in the buffer say was lost. The last loss is told only when there is room for
    /// another event, which is why it is counted above.
    told: u64,
}

impl std::fmt::Debug for Cpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cpu").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Buffers {
    pub(super) fn open(map: &MapData) -> Result<Self, KernelError> {
        const CALL: &str = "open perf buffers";
        let array = PerfEventArray::try_from(again(map, CALL)?);
        let mut array = array.map_err(|error| KernelError::within(CALL, &error))?;
        let online = aya::util::online_cpus();
        let online = online.map_err(|(path, error)| {
            KernelError::here(CALL, format!("{path}: {}", crate::files::plain(&error)))
        })?;
        let mut cpus = Vec::new();
        for number in online {
            let buffer = array.open(number, Some(PAGES));
            let buffer = buffer.map_err(|error| KernelError::within(CALL, &error))?;
            let counter = sys::perf_output_event(number, buffer.as_fd()).ok();
            if let Some(counter) = &counter {
                // From here on the program writes through the counting event.
                let value = u32::try_from(std::os::fd::AsRawFd::as_raw_fd(counter));
                let value = value.unwrap_or(u32::MAX).to_ne_bytes();
                sys::map_update(map.fd().as_fd(), number, &value)
                    .map_err(|error| KernelError::os("BPF_MAP_UPDATE_ELEM", &error))?;
            }
            cpus.push(Cpu { number, buffer, counter, told: 0 });
        }
        Ok(Self { cpus })
    }
}

/// A reader of a perf event array.
pub struct PerfEvents {
    cpus: Vec<Cpu>,
    /// The same buffers, for waiting.
    ready: Vec<AsyncFd<OwnedFd>>,
    /// The buffer that is read first, so that none is always last.
    first: usize,
    /// A record that goes round the end of its buffer.
    joined: Vec<u8>,
}

impl PerfEvents {
    pub(super) fn new(buffers: Buffers) -> Result<Self, KernelError> {
        const CALL: &str = "wait for perf buffers";
        let mut ready = Vec::new();
        for cpu in &buffers.cpus {
            let fd = cpu.buffer.as_fd().try_clone_to_owned();
            let fd = fd.map_err(|error| KernelError::os(CALL, &error))?;
            // SAFETY: an OwnedFd stays open, and the same, until the AsyncFd that owns it is
            // dropped.
            #[expect(unsafe_code, reason = "tokio asks for this promise")]
            let fd = unsafe { AsyncFd::register(fd) };
            ready.push(fd.map_err(|error| KernelError::within(CALL, &error))?);
        }
        Ok(Self { cpus: buffers.cpus, ready, first: 0, joined: Vec::new() })
    }

    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let mut any = Poll::Pending;
        for fd in &self.ready {
            if let Poll::Ready(ready) = fd.poll_read_ready(context) {
                ready?.clear_ready();
                any = Poll::Ready(Ok(()));
            }
        }
        any
    }

    pub(super) fn drain(
        &mut self,
        limit: usize,
        each: &mut dyn FnMut(Option<u32>, &[u8]),
    ) -> usize {
        let share = limit.div_ceil(self.cpus.len().max(1));
        let mut count = 0;
        // Round by round, until there is nothing left or enough was taken.
        loop {
            let before = count;
            self.first = (self.first + 1) % self.cpus.len().max(1);
            for turn in 0..self.cpus.len() {
                count += self.drain_one(turn, share.min(limit - count), each);
            }
            if count == before || count == limit {
                return count;
            }
        }
    }

    /// Hands over what the buffer has whose turn it is, at most `limit` records.
    fn drain_one(
        &mut self,
        turn: usize,
        limit: usize,
        each: &mut dyn FnMut(Option<u32>, &[u8]),
    ) -> usize {
        let Self { cpus, joined, first, .. } = self;
        let index = (*first + turn) % cpus.len().max(1);
        let Some(cpu) = cpus.get_mut(index).filter(|_| limit > 0) else { return 0 };
        let (number, told) = (Some(cpu.number), &mut cpu.told);
        let mut taken = 0;
        let _ = cpu.buffer.try_fold((), |(), event| {
            match event {
                PerfEvent::Lost { count } => *told += count,
                PerfEvent::Sample { head, tail } => {
                    taken += 1;
                    if tail.is_empty() {
                        each(number, head);
                    } else {
                        joined.clear();
                        joined.extend_from_slice(head);
                        joined.extend_from_slice(tail);
                        each(number, joined);
                    }
                }
            }
            if taken == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        taken
    }

    pub(super) fn has_several(&self) -> bool {
        self.cpus.len() > 1
    }

    /// How many events found no room so far.
    pub(super) fn lost(&self) -> u64 {
        let of = |cpu: &Cpu| {
            let counted = cpu.counter.as_ref().and_then(|fd| sys::perf_lost(fd.as_fd()).ok());
            counted.unwrap_or(cpu.told)
        };
        self.cpus.iter().map(of).sum()
    }

    /// Whether the last event that found no room is counted even when none came after it.
    pub(super) fn counts_all(&self) -> bool {
        self.cpus.iter().all(|cpu| cpu.counter.is_some())
    }
}
