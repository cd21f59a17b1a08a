//! Merges records of several buffers, one per CPU, by time.
//!
//! A program takes the time and then writes; before it has written, a later record of another CPU
//! may already have been read. So each record is held for a short time.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

/// How long a record is held: programs cannot sleep, so one that has taken the time has written long
/// before, unless its CPU is taken away from a virtual machine.
pub(super) const HELD: Duration = Duration::from_millis(20);
/// The most records that are held; of more, the oldest go on.
const MOST: usize = 1 << 16;

/// A record that is held.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OrderedRecord {
    /// The CPU that wrote it.
    pub(super) cpu: Option<u32>,
    /// When it was read, `CLOCK_MONOTONIC` in nanoseconds.
    pub(super) read: u64,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// Records by the times in them, equals as they were read.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    order: BinaryHeap<Reverse<(u64, u64)>>,
    records: BTreeMap<u64, OrderedRecord>,
    next: u64,
}

impl Ordered {
    /// Takes a record with the time `time`.
    pub(super) fn push(&mut self, time: u64, record: OrderedRecord) {
        self.order.push(Reverse((time, self.next)));
        self.records.insert(self.next, record);
        self.next += 1;
    }

    /// The next record, if it was held long enough at `now`.
    pub(super) fn pop(&mut self, now: u64) -> Option<OrderedRecord> {
        self.wait(now)?.is_zero().then(|| self.pop_any()).flatten()
    }

    /// The next record, however long it was held.
    pub(super) fn pop_any(&mut self) -> Option<OrderedRecord> {
        let Reverse((_, number)) = self.order.pop()?;
        self.records.remove(&number)
    }

    /// How long after `now` the next record is due; none when there is none.
    pub(super) fn wait(&self, now: u64) -> Option<Duration> {
        let Reverse((_, number)) = self.order.peek()?;
        let held = now.saturating_sub(self.records.get(number)?.read);
        match self.order.len() > MOST {
            true => Some(Duration::ZERO),
            false => Some(HELD.saturating_sub(Duration::from_nanos(held))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HELD, MOST, Ordered, OrderedRecord};

    fn record(read: u64, byte: u8) -> OrderedRecord {
        OrderedRecord { cpu: None, read, bytes: vec![byte] }
    }

    fn bytes(ordered: &mut Ordered, now: u64) -> Vec<u8> {
        std::iter::from_fn(|| ordered.pop(now)).map(|record| record.bytes[0]).collect()
    }

    #[test]
    fn what_is_read_late_comes_where_its_time_is() {
        let held = u64::try_from(HELD.as_nanos()).expect("it is short");
        let mut ordered = Ordered::default();
        for (time, byte) in [(30, 3), (40, 4), (10, 1)] {
            ordered.push(time, record(100, byte));
        }
        assert!(bytes(&mut ordered, 100 + held - 1).is_empty());
        ordered.push(20, record(100, 2));
        assert_eq!(bytes(&mut ordered, 100 + held), [1, 2, 3, 4]);
        assert_eq!(ordered.wait(0), None);
    }

    #[test]
    fn equal_times_are_as_they_were_read() {
        let mut ordered = Ordered::default();
        for byte in 0..9 {
            ordered.push(0, record(0, byte));
        }
        assert_eq!(bytes(&mut ordered, u64::MAX), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn no_more_than_so_many_are_held() {
        let mut ordered = Ordered::default();
        for number in 0..=MOST {
            ordered.push(number as u64, record(5, 7));
        }
        assert_eq!(bytes(&mut ordered, 5).len(), 1);
        assert!(ordered.pop_any().is_some());
    }
}
