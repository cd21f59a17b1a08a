//! The configuration of the built-in tracer: the Rust side of `ebpf-programs/bpf/trace.h`.
//!
//! A value of a call is read from its source by following pointers; a test compares a value with a
//! constant and continues with a later test or an end.

/// The read-only global that holds a [`Trace`].
pub const TRACE_GLOBAL: &str = "fc_trace";
/// The same of a program at both moments, for the entry.
pub const ENTRY_TRACE_GLOBAL: &str = "fc_trace_entry";
/// The per-CPU array, one entry for each node, with the calls that were entered and not yet left.
pub const TIMES_MAP: &str = "fc_times";
/// How many values a tracer reads at most.
pub const VALUES: usize = 16;
/// Maximum number of pointers followed to a value.
pub const HOPS: usize = 3;
/// How many comparisons a filter has at most.
pub const TESTS: usize = 16;

/// The source that is the result.
pub const RET: u8 = 0xfe;
/// The source that is the duration.
pub const TOOK: u8 = 0xff;
/// The place that is none.
pub const NOWHERE: u16 = 0xffff;
/// The end of a filter at which the call is recorded.
pub const PASS: u8 = 0xfe;
/// The end of a filter at which it is not.
pub const DROP: u8 = 0xff;
/// A relation: the value is less than the constant.
pub const LESS: u8 = 1;
/// A relation: they are equal.
pub const EQUAL: u8 = 2;
/// A relation: the value is greater.
pub const GREATER: u8 = 4;
/// A duration that is not known.
pub const UNKNOWN: u64 = u64::MAX;

/// A pointer that is followed.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hop {
    /// Bytes from where it points.
    pub offset: u32,
    /// Bytes that are read there.
    pub size: u32,
}

/// A value of a call.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapturedValue {
    /// The pointers that are followed.
    pub hops: [Hop; HOPS],
    /// Offset of the copied block from the target of the last pointer.
    pub block_offset: u32,
    /// How many bytes are copied from there.
    pub block_size: u16,
    /// Where they go in the payload.
    pub block_to: u16,
    /// Where the value itself goes, as eight bytes, or [`NOWHERE`].
    pub to: u16,
    /// The argument's number, [`RET`] or [`TOOK`].
    pub source: u8,
    /// The number of `hops` in use.
    pub hop_count: u8,
}

/// A comparison of a filter.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilterTest {
    /// The constant that the value is compared with.
    pub constant: u64,
    /// Which of the values.
    pub value: u8,
    /// How many of its upper bits do not count.
    pub shift: u8,
    /// Whether it has a sign.
    pub is_signed: u8,
    /// The relations in which the test holds.
    pub relations: u8,
    /// Where to go on when it holds: a later test, [`PASS`] or [`DROP`].
    pub if_true: u8,
    /// Where to go on when it does not.
    pub if_false: u8,
    /// Whether the value may be one that cannot be read; then the test does not hold.
    pub reads: u8,
    /// Nothing.
    pub unused: u8,
}

/// The configuration of one tracer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The filter; it begins at the first.
    pub tests: [FilterTest; TESTS],
    /// The values to read.
    pub values: [CapturedValue; VALUES],
    /// Which of the node's layouts the event has.
    pub r#type: u32,
    /// The payload's bytes.
    pub size: u32,
    /// Where a bit for each value that could not be read goes, or [`NOWHERE`].
    pub unread_to: u16,
    /// The number of `values` in use.
    pub value_count: u8,
    /// The number of `tests` in use.
    pub test_count: u8,
    /// Whether an entry is an event.
    pub tells: u8,
    /// Whether an exit needs the time of its entry.
    pub times: u8,
    /// A bit for each value that the filter tests; those are read first.
    pub tested: u16,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            tests: [FilterTest::default(); TESTS],
            values: [CapturedValue::default(); VALUES],
            r#type: 0,
            size: 0,
            unread_to: NOWHERE,
            value_count: 0,
            test_count: 0,
            tells: 0,
            times: 0,
            tested: 0,
        }
    }
}

impl Trace {
    /// The bytes of the global.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(size_of::<Self>());
        for test in &self.tests {
            out.extend(test.constant.to_ne_bytes());
            out.extend([test.value, test.shift, test.is_signed, test.relations]);
            out.extend([test.if_true, test.if_false, test.reads, test.unused]);
        }
        for value in &self.values {
            for hop in &value.hops {
                out.extend(hop.offset.to_ne_bytes());
                out.extend(hop.size.to_ne_bytes());
            }
            out.extend(value.block_offset.to_ne_bytes());
            out.extend(value.block_size.to_ne_bytes());
            out.extend(value.block_to.to_ne_bytes());
            out.extend(value.to.to_ne_bytes());
            out.extend([value.source, value.hop_count]);
        }
        out.extend(self.r#type.to_ne_bytes());
        out.extend(self.size.to_ne_bytes());
        out.extend(self.unread_to.to_ne_bytes());
        out.extend([self.value_count, self.test_count, self.tells, self.times]);
        out.extend(self.tested.to_ne_bytes());
        out
    }

    /// Reads a table from its bytes; `None` if there are too few or too many.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = ByteReader(bytes);
        let mut trace = Self::default();
        for test in &mut trace.tests {
            test.constant = u64::from_ne_bytes(rest.take()?);
            [test.value, test.shift, test.is_signed, test.relations] = rest.take()?;
            [test.if_true, test.if_false, test.reads, test.unused] = rest.take()?;
        }
        for value in &mut trace.values {
            for hop in &mut value.hops {
                hop.offset = u32::from_ne_bytes(rest.take()?);
                hop.size = u32::from_ne_bytes(rest.take()?);
            }
            value.block_offset = u32::from_ne_bytes(rest.take()?);
            value.block_size = u16::from_ne_bytes(rest.take()?);
            value.block_to = u16::from_ne_bytes(rest.take()?);
            value.to = u16::from_ne_bytes(rest.take()?);
            [value.source, value.hop_count] = rest.take()?;
        }
        trace.r#type = u32::from_ne_bytes(rest.take()?);
        trace.size = u32::from_ne_bytes(rest.take()?);
        trace.unread_to = u16::from_ne_bytes(rest.take()?);
        [trace.value_count, trace.test_count, trace.tells, trace.times] = rest.take()?;
        trace.tested = u16::from_ne_bytes(rest.take()?);
        rest.0.is_empty().then_some(trace)
    }
}

/// Bytes that are taken from the front.
struct ByteReader<'a>(&'a [u8]);

impl ByteReader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::{CapturedValue, FilterTest, PASS, Trace};

    #[test]
    fn bytes_stand_where_the_struct_has_them() {
        let mut trace = Trace { times: 1, size: 0x0102, ..Trace::default() };
        trace.tests[0] = FilterTest { if_true: PASS, ..FilterTest::default() };
        trace.values[1] = CapturedValue { source: 7, ..CapturedValue::default() };
        let bytes = trace.to_bytes();
        assert_eq!(bytes.len(), size_of::<Trace>());
        let values = std::mem::offset_of!(Trace, values);
        assert_eq!(bytes[std::mem::offset_of!(FilterTest, if_true)], PASS);
        let second =
            values + size_of::<CapturedValue>() + std::mem::offset_of!(CapturedValue, source);
        assert_eq!(bytes[second], 7);
        assert_eq!(bytes[std::mem::offset_of!(Trace, times)], 1);
        let size = std::mem::offset_of!(Trace, size);
        assert_eq!(bytes[size..size + 4], 0x0102_u32.to_ne_bytes());
    }

    #[test]
    fn what_was_written_is_read_back() {
        // Every byte another one, so that no two fields can be mistaken for each other.
        let bytes: Vec<u8> = (0..size_of::<Trace>()).map(|at| (at * 7 + at / 251) as u8).collect();
        let trace = Trace::from_bytes(&bytes).expect("as many as there have to be");
        assert_eq!(trace.to_bytes(), bytes);
        assert_eq!(Trace::from_bytes(&bytes[1..]), None);
        assert_eq!(Trace::from_bytes(&[bytes, vec![0]].concat()), None);
    }
}
