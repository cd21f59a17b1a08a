//! The reading half of the kernel boundary: records of programs, and the kernel's counts of them.

use std::task::{Context, Poll};

use freplace_compose_common::NodeCount;

use super::{Kernel, KernelError, LinkHandle, MapHandle, ProgramHandle, TraceHandle};
use crate::running::Runs;

/// What a session asks of a kernel while a chain is up.
pub trait KernelReader: Kernel {
    /// A reader of a map of events.
    type Records: RecordReader;
    /// A reader of lines of `bpf_printk`.
    type Lines: LineReader;
    /// A reader of the counters of every node.
    type Counters: CountReader;

    /// A reader of the event map `map`, which nobody reads yet. It needs a tokio runtime.
    ///
    /// # Errors
    /// When `map` carries no events, or cannot be mapped into memory.
    fn records(&mut self, map: MapHandle) -> Result<Self::Records, KernelError>;

    /// The reader of the lines that arrive at `trace`. It needs a tokio runtime.
    ///
    /// # Errors
    /// When there is one already.
    fn lines(&mut self, trace: TraceHandle) -> Result<Self::Lines, KernelError>;

    /// A reader of the counters in `map`.
    ///
    /// # Errors
    /// When `map` is no map of counters.
    fn counters(&self, map: MapHandle) -> Result<Self::Counters, KernelError>;

    /// The clock that programs read, `CLOCK_MONOTONIC` in nanoseconds.
    fn clock(&self) -> Clock;

    /// Waits until programs that were running when they were detached have ended, so that all they
    /// wrote is there.
    fn settle(&self);

    /// How often the kernel did not run `program` because it was running, or another one was, on
    /// the same CPU.
    ///
    /// # Errors
    /// When no such program is held.
    fn recursions(&self, program: ProgramHandle) -> Result<u64, KernelError>;

    /// How often `program` ran and how long that took, where the kernel counts it.
    ///
    /// # Errors
    /// When no such program is held.
    fn runs(&self, program: ProgramHandle) -> Result<Runs, KernelError>;

    /// How often the kernel came to the hook of `link`, of a kprobe or a tracepoint, and not as far
    /// as its program; none when it counts neither that nor what [`KernelReader::recursions`] tells
    /// of such programs.
    ///
    /// # Errors
    /// When no such link is held.
    fn missed(&self, link: LinkHandle) -> Result<Option<u64>, KernelError>;

    /// Whether `link` is one of an xdp program whose interface is gone, so that nothing is attached
    /// any more.
    ///
    /// # Errors
    /// When no such link is held.
    fn lost_interface(&self, link: LinkHandle) -> Result<bool, KernelError>;
}

/// Reads a clock, in nanoseconds.
pub type Clock = Box<dyn Fn() -> u64 + Send>;

/// A reader of a map of events. It is woken once for what came, however much that is: whoever takes
/// less than all has to come back without being woken.
pub trait RecordReader {
    /// Whether something came; if not, `context` is woken when it does.
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), KernelError>>;

    /// Hands over the records that are there, at most `limit`, each with the CPU that wrote it
    /// where that is known; returns how many.
    fn read(&mut self, limit: usize, each: impl FnMut(Option<u32>, &[u8])) -> usize;

    /// Whether each CPU writes to a buffer of its own, so that records come out of order.
    fn has_several_buffers(&self) -> bool;

    /// How many events found no room so far; none where that cannot be known.
    fn lost(&self) -> Option<u64>;

    /// Whether [`RecordReader::lost`] is the whole of it.
    fn counts_all(&self) -> bool;
}

/// A reader of lines of `bpf_printk`, woken as a [`RecordReader`] is.
pub trait LineReader {
    /// Whether something came; if not, `context` is woken when it does.
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), KernelError>>;

    /// Hands over lines that are there, without their ends; whether there may be more.
    fn read(&mut self, each: impl FnMut(&[u8])) -> bool;
}

/// A reader of the counters of every node.
pub trait CountReader {
    /// What node number `node` produced and lost so far, over all CPUs.
    ///
    /// # Errors
    /// When there is no such node.
    fn count(&self, node: u32) -> Result<NodeCount, KernelError>;
}
