//! The event ABI: the header that an eBPF program writes before each event, and the names of the
//! maps and global variables by which it takes part in a chain.
//!
//! The C side is `include/freplace_compose.h`. A test of `freplace-compose` compares the two by the
//! BTF that clang generates.

pub mod trace;

/// The ring buffer that all nodes of a chain write their events to.
pub const EVENTS_MAP: &str = "fc_events";
/// The per-CPU array with one [`NodeCount`] for each node.
pub const COUNTS_MAP: &str = "fc_counts";
/// The read-only global that holds the node's id: a `__u32`, its index in the chain's plan.
pub const NODE_GLOBAL: &str = "fc_node";
/// The read-only global, a `__u32`, that is 1 where the hook has a current task, else 0.
pub const HAS_TASK_GLOBAL: &str = "fc_has_task";

/// The header that programs in C include: its name, and its text.
pub const HEADER_FILE: &str = "freplace_compose.h";
/// See [`HEADER_FILE`].
pub const HEADER_TEXT: &str = include_str!("../include/freplace_compose.h");

/// The name of the header's struct in C.
pub const HEADER_STRUCT: &str = "fc_header";
/// The name of the counter's struct in C.
pub const COUNT_STRUCT: &str = "fc_count";

/// The header before each event's payload.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header {
    /// `CLOCK_MONOTONIC` in nanoseconds.
    pub time_ns: u64,
    /// The same for every node in one invocation of a host; 0 if there is none.
    pub call: u64,
    /// The node that emitted the event.
    pub node: u32,
    /// The BTF id of the payload's struct in the node's object.
    pub r#type: u32,
    /// Length of the payload in bytes.
    pub size: u32,
    /// The CPU the program ran on.
    pub cpu: u32,
    /// The process, 0 where the hook has no current task.
    pub pid: u32,
    /// The thread, likewise.
    pub tid: u32,
    /// The thread's name, NUL-padded.
    pub comm: [u8; 16],
}

impl Header {
    /// Length in bytes of the header in a record.
    pub const LEN: usize = size_of::<Self>();

    /// Splits a record of the ring buffer into its header and its payload; `None` if the record is
    /// shorter than a header or than the payload length in its header.
    #[inline]
    #[must_use]
    pub fn split(record: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = record.split_at_checked(Self::LEN)?;
        let u64_at = |at: usize| head.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes);
        let u32_at = |at: usize| head.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        let header = Self {
            time_ns: u64_at(0)?,
            call: u64_at(8)?,
            node: u32_at(16)?,
            r#type: u32_at(20)?,
            size: u32_at(24)?,
            cpu: u32_at(28)?,
            pid: u32_at(32)?,
            tid: u32_at(36)?,
            comm: head.get(40..56)?.try_into().ok()?,
        };
        Some((header, rest.get(..header.size as usize)?))
    }

    /// The thread's name up to its first NUL.
    #[must_use]
    pub fn comm(&self) -> &[u8] {
        self.comm.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// The events produced and lost by a node on one CPU.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeCount {
    /// Events the node tried to write.
    pub produced: u64,
    /// Those that found no room in the ring buffer.
    pub lost: u64,
}

#[cfg(test)]
mod tests {
    use super::Header;

    #[test]
    fn a_record_shorter_than_its_header_says_is_refused() {
        let mut record = [0_u8; Header::LEN + 4];
        record[24] = 5;
        assert_eq!(Header::split(&record), None);
        record[24] = 4;
        let (header, payload) = Header::split(&record).expect("four bytes are there");
        assert_eq!((header.size, payload.len()), (4, 4));
        assert_eq!(Header::split(&record[..Header::LEN - 1]), None);
    }
}
