//! The reading half of the fake kernel: tests play the programs.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use freplace_compose_common::NodeCount;
use tokio::time::Instant;

use super::{Fake, refuse};
use crate::{
    kernel::{
        Clock, CountReader, KernelError, KernelReader, LineReader, LinkHandle, MapHandle,
        ProgramHandle, RecordReader, TraceHandle,
    },
    running::Runs,
};

/// The programs of a fake kernel. All copies of it are of the same programs.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    state: Arc<Mutex<State>>,
    counters: FakeCounters,
    /// Where lines of `bpf_printk` arrive.
    pub lines: FakeLines,
}

#[derive(Debug, Default)]
struct State {
    /// By the name of their map.
    buffers: BTreeMap<String, FakeBuffer>,
    /// Records for `fc_events` that are on their way when the programs are detached.
    late: Vec<Vec<u8>>,
    /// How often the kernel did not run each program; none when it does not count it.
    recursions: Option<u64>,
    /// The same of each attachment.
    missed: Option<u64>,
    lost_interface: bool,
}

impl Programs {
    /// The buffer of the event map `map`.
    #[must_use]
    pub fn buffer(&self, map: &str) -> FakeBuffer {
        lock(&self.state).buffers.entry(map.to_owned()).or_default().clone()
    }

    /// Node number `node` writes a record to the buffer of `map`, and counts that as
    /// `fc_reserve()` does.
    pub fn emit(&self, map: &str, node: u32, record: &[u8]) {
        let took = self.buffer(map).write(None, record);
        self.counters.add(node, 1, u64::from(!took));
    }

    /// Node number `node` counts that it produced so many events, of which so many were lost.
    pub fn count(&self, node: u32, produced: u64, lost: u64) {
        self.counters.add(node, produced, lost);
    }

    /// A record that `node` is about to write to `fc_events` when it is detached.
    pub fn emit_late(&self, node: u32, record: &[u8]) {
        self.counters.add(node, 1, 0);
        lock(&self.state).late.push(record.to_owned());
    }

    /// How often the kernel came to programs, and to attachments, and did not run the program; none
    /// when it does not count that.
    pub fn skip(&self, recursions: Option<u64>, missed: Option<u64>) {
        let mut state = lock(&self.state);
        (state.recursions, state.missed) = (recursions, missed);
    }

    /// Every interface is deleted.
    pub fn delete_interfaces(&self) {
        lock(&self.state).lost_interface = true;
    }
}

/// What one map holds.
#[derive(Debug, Clone, Default)]
pub struct FakeBuffer(Arc<Mutex<Buffer>>);

#[derive(Debug, Default)]
struct Buffer {
    records: VecDeque<(Option<u32>, Vec<u8>)>,
    /// How many records fit; any number when it is not given.
    room: Option<usize>,
    lost: u64,
    /// Whether the kernel counts what is lost, and each CPU has a buffer of its own.
    is_perf: bool,
    fails: bool,
    wake: Wake,
}

impl FakeBuffer {
    /// From now on no more than `room` records fit.
    pub fn holds(&self, room: usize) {
        lock(&self.0).room = Some(room);
    }

    /// It is a perf event array: CPUs have buffers of their own, and losses are counted.
    pub fn is_perf(&self) {
        lock(&self.0).is_perf = true;
    }

    /// Waiting for it fails from now on.
    pub fn fail(&self) {
        let mut buffer = lock(&self.0);
        buffer.fails = true;
        buffer.wake.up();
    }

    /// A program writes a record; whether there was room.
    pub fn write(&self, cpu: Option<u32>, record: &[u8]) -> bool {
        let mut buffer = lock(&self.0);
        if buffer.room.is_some_and(|room| buffer.records.len() >= room) {
            buffer.lost += 1;
            return false;
        }
        buffer.records.push_back((cpu, record.to_owned()));
        buffer.wake.up();
        true
    }

    /// How many records wait to be read.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.0).records.len()
    }
}

impl RecordReader for FakeBuffer {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), KernelError>> {
        let mut buffer = lock(&self.0);
        match (buffer.wake.poll(context), buffer.fails) {
            (Poll::Ready(()), true) => Poll::Ready(Err(refuse("told to fail", 5))),
            (ready, _) => ready.map(Ok),
        }
    }

    fn read(&mut self, limit: usize, mut each: impl FnMut(Option<u32>, &[u8])) -> usize {
        let mut buffer = lock(&self.0);
        let count = limit.min(buffer.records.len());
        let records: Vec<_> = buffer.records.drain(..count).collect();
        drop(buffer);
        records.iter().for_each(|(cpu, record)| each(*cpu, record));
        count
    }

    fn has_several_buffers(&self) -> bool {
        lock(&self.0).is_perf
    }

    fn lost(&self) -> Option<u64> {
        let buffer = lock(&self.0);
        buffer.is_perf.then_some(buffer.lost)
    }

    fn counts_all(&self) -> bool {
        lock(&self.0).is_perf
    }
}

/// Lines of `bpf_printk`.
#[derive(Debug, Clone, Default)]
pub struct FakeLines(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<Vec<u8>>,
    wake: Wake,
}

impl FakeLines {
    /// The kernel writes a line to the trace, as it stands in `trace_pipe`.
    pub fn write(&self, line: &str) {
        let mut lines = lock(&self.0);
        lines.lines.push_back(line.as_bytes().to_owned());
        lines.wake.up();
    }
}

impl LineReader for FakeLines {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), KernelError>> {
        lock(&self.0).wake.poll(context).map(Ok)
    }

    fn read(&mut self, mut each: impl FnMut(&[u8])) -> bool {
        let line = lock(&self.0).lines.pop_front();
        line.inspect(|line| each(line)).is_some()
    }
}

/// What the programs counted.
#[derive(Debug, Clone, Default)]
pub struct FakeCounters(Arc<Mutex<BTreeMap<u32, NodeCount>>>);

impl FakeCounters {
    fn add(&self, node: u32, produced: u64, lost: u64) {
        let mut counts = lock(&self.0);
        let count = counts.entry(node).or_default();
        count.produced += produced;
        count.lost += lost;
    }
}

impl CountReader for FakeCounters {
    fn count(&self, node: u32) -> Result<NodeCount, KernelError> {
        Ok(lock(&self.0).get(&node).copied().unwrap_or_default())
    }
}

/// Wakes a reader once for all that came since it was woken last, as epoll does with `EPOLLET`.
#[derive(Debug, Default)]
struct Wake {
    is_up: bool,
    waker: Option<Waker>,
}

impl Wake {
    fn up(&mut self) {
        self.is_up = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.is_up) {
            return Poll::Ready(());
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// What is behind `mutex`, whether or not a test panicked with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl KernelReader for Fake {
    type Records = FakeBuffer;
    type Lines = FakeLines;
    type Counters = FakeCounters;

    fn records(&mut self, map: MapHandle) -> Result<FakeBuffer, KernelError> {
        let name = self.maps.get(&map).ok_or_else(|| refuse("no such map", 9))?;
        Ok(self.programs_do.buffer(name))
    }

    fn lines(&mut self, trace: TraceHandle) -> Result<FakeLines, KernelError> {
        match self.traces.contains(&trace) {
            true => Ok(self.programs_do.lines.clone()),
            false => Err(refuse("no such trace", 9)),
        }
    }

    fn counters(&self, map: MapHandle) -> Result<FakeCounters, KernelError> {
        match self.maps.contains_key(&map) {
            true => Ok(self.programs_do.counters.clone()),
            false => Err(refuse("no such map", 9)),
        }
    }

    /// The time since it was asked for, by the clock of the runtime.
    fn clock(&self) -> Clock {
        let start = Instant::now();
        Box::new(move || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn settle(&self) {
        let late = std::mem::take(&mut lock(&self.programs_do.state).late);
        for record in late {
            self.programs_do.buffer(freplace_compose_common::EVENTS_MAP).write(None, &record);
        }
    }

    fn recursions(&self, program: ProgramHandle) -> Result<u64, KernelError> {
        self.loaded(program)?;
        let recursions = lock(&self.programs_do.state).recursions;
        recursions.ok_or_else(|| refuse("not counted", 22))
    }

    fn runs(&self, program: ProgramHandle) -> Result<Runs, KernelError> {
        self.loaded(program)?;
        Ok(Runs::default()) // as a kernel that does not count them
    }

    fn missed(&self, link: LinkHandle) -> Result<Option<u64>, KernelError> {
        match self.links.contains_key(&link) {
            true => Ok(lock(&self.programs_do.state).missed),
            false => Err(refuse("no such link", 9)),
        }
    }

    fn lost_interface(&self, link: LinkHandle) -> Result<bool, KernelError> {
        match self.links.contains_key(&link) {
            true => Ok(lock(&self.programs_do.state).lost_interface),
            false => Err(refuse("no such link", 9)),
        }
    }
}
