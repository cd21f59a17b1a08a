//! Reads what programs write: the ring buffer and the counters.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    task::{Context, Poll},
};

use aya::maps::{Map, MapData, PerCpuArray, RingBuf};
use freplace_compose_common::NodeCount;
use tokio::io::unix::AsyncFd;

use super::{CountReader, KernelError, PerfEvents, RecordReader};

/// A reader of a ring buffer (`BPF_MAP_TYPE_RINGBUF`, Linux 5.8).
pub struct Events {
    ring: RingBuf<MapData>,
    /// The same buffer, for waiting.
    ready: AsyncFd<OwnedFd>,
}

impl Events {
    pub(super) fn open(map: &MapData) -> Result<Self, KernelError> {
        const CALL: &str = "open ring buffer";
        let ring = RingBuf::try_from(again(map, CALL)?);
        let ring = ring.map_err(|error| KernelError::within(CALL, &error))?;
        let fd = map.fd().as_fd().try_clone_to_owned();
        let fd = fd.map_err(|error| KernelError::os(CALL, &error))?;
        // SAFETY: an OwnedFd stays open, and the same, until the AsyncFd that owns it is dropped.
        #[expect(unsafe_code, reason = "tokio asks for this promise")]
        let ready = unsafe { AsyncFd::register(fd) };
        let ready = ready.map_err(|error| KernelError::within(CALL, &error))?;
        Ok(Self { ring, ready })
    }

    /// Hands over every record that is there, at most `limit`; returns how many.
    fn drain(&mut self, limit: usize, mut each: impl FnMut(&[u8])) -> usize {
        let mut count = 0;
        while count < limit
            && let Some(record) = self.ring.next()
        {
            each(&record);
            count += 1;
        }
        count
    }
}

/// A reader of a map of events, of either type.
pub enum MapReader {
    /// A ring buffer, whose losses only the program sees.
    Ring(Events),
    /// A perf event array.
    Perf(PerfEvents),
}

impl RecordReader for MapReader {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), KernelError>> {
        let ready = match self {
            Self::Ring(events) => match events.ready.poll_read_ready(context) {
                Poll::Ready(ready) => Poll::Ready(ready.map(|mut ready| ready.clear_ready())),
                Poll::Pending => Poll::Pending,
            },
            Self::Perf(events) => events.poll_ready(context),
        };
        ready.map_err(|error| KernelError::os(WAIT, &error))
    }

    fn read(&mut self, limit: usize, mut each: impl FnMut(Option<u32>, &[u8])) -> usize {
        match self {
            Self::Ring(events) => events.drain(limit, |record| each(None, record)),
            Self::Perf(events) => events.drain(limit, &mut each),
        }
    }

    fn has_several_buffers(&self) -> bool {
        match self {
            Self::Ring(_) => false,
            Self::Perf(events) => events.has_several(),
        }
    }

    fn lost(&self) -> Option<u64> {
        match self {
            Self::Ring(_) => None,
            Self::Perf(events) => Some(events.lost()),
        }
    }

    fn counts_all(&self) -> bool {
        match self {
            Self::Ring(_) => false,
            Self::Perf(events) => events.counts_all(),
        }
    }
}

const WAIT: &str = "wait for events";

/// A reader of the counters of every node.
pub struct Counts {
    counts: PerCpuArray<MapData, [u64; 2]>,
}

impl Counts {
    pub(super) fn open(map: &MapData) -> Result<Self, KernelError> {
        const CALL: &str = "open counters";
        let counts = PerCpuArray::try_from(again(map, CALL)?);
        Ok(Self { counts: counts.map_err(|error| KernelError::within(CALL, &error))? })
    }
}

impl CountReader for Counts {
    fn count(&self, node: u32) -> Result<NodeCount, KernelError> {
        let values = self.counts.get(&node, 0);
        let values = values.map_err(|error| KernelError::here("read counters", error))?;
        Ok(values.iter().fold(NodeCount::default(), |sum, [produced, lost]| NodeCount {
            produced: sum.produced + produced,
            lost: sum.lost + lost,
        }))
    }
}

/// The same map through a descriptor of its own, as aya's typed maps want it.
pub(super) fn again(map: &MapData, call: &'static str) -> Result<Map, KernelError> {
    let fd: OwnedFd =
        map.fd().as_fd().try_clone_to_owned().map_err(|error| KernelError::os(call, &error))?;
    let data = MapData::from_fd(fd).map_err(|error| KernelError::within(call, &error))?;
    Map::from_map_data(data).map_err(|error| KernelError::within(call, &error))
}
