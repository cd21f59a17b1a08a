//! How many events of each node there were, and when.

/// Intervals of a row. The more time there is, the longer they are.
pub(super) const INTERVALS: usize = 96;
/// The first length of an interval.
const SHORTEST: u64 = 1_000;

/// Counts of events in intervals of equal length.
#[derive(Debug)]
pub(super) struct Activity {
    /// When the first event was.
    start: Option<u64>,
    last: u64,
    /// Nanoseconds of an interval.
    length: u64,
    /// By node.
    rows: Vec<[u64; INTERVALS]>,
}

impl Activity {
    pub(super) fn new(nodes: usize) -> Self {
        Self { start: None, last: 0, length: SHORTEST, rows: vec![[0; INTERVALS]; nodes] }
    }

    pub(super) fn add(&mut self, node: usize, time_ns: u64) {
        let start = *self.start.get_or_insert(time_ns);
        self.last = self.last.max(time_ns);
        // An event of another CPU may come after one that is later.
        let after = time_ns.saturating_sub(start);
        while after / self.length >= INTERVALS as u64 {
            self.length = self.length.saturating_mul(2);
            for row in &mut self.rows {
                for to in 0..INTERVALS {
                    let pair = row.get(2 * to..2 * to + 2).map(|pair| pair.iter().sum());
                    row[to] = pair.unwrap_or(0);
                }
            }
        }
        let interval = usize::try_from(after / self.length).unwrap_or(0);
        if let Some(count) = self.rows.get_mut(node).and_then(|row| row.get_mut(interval)) {
            *count += 1;
        }
    }

    /// Nanoseconds of an interval.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// When the first and the last event were; none if there were none.
    pub(super) fn ends(&self) -> Option<(u64, u64)> {
        Some((self.start?, self.last))
    }

    pub(super) fn of(&self, node: usize) -> &[u64] {
        self.rows.get(node).map(<[u64; INTERVALS]>::as_slice).unwrap_or_default()
    }

    /// How many intervals there are up to the last event.
    pub(super) fn used(&self) -> usize {
        let span = self.ends().map_or(0, |(start, last)| last - start);
        usize::try_from(span / self.length).unwrap_or(0) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::{Activity, INTERVALS};

    #[test]
    fn no_event_is_lost_when_intervals_grow() {
        let mut activity = Activity::new(1);
        let mut count = 0;
        for time in [5, 0, 1_000, 95_999, 500_000, 1 << 40, u64::MAX] {
            activity.add(0, time);
            count += 1;
            assert_eq!(activity.of(0).iter().sum::<u64>(), count);
            assert!(activity.used() <= INTERVALS, "{}", activity.used());
        }
        assert_eq!(activity.ends(), Some((5, u64::MAX)));
    }
}
