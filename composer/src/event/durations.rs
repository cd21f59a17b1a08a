//! Durations of calls, in buckets: how many, their mean, and how long the slowest took.
//!
//! A bucket is an eighth of a power of two, so a percentile is at most 12.5 % above the true one; memory does not
//! grow with the number of calls.

/// Buckets for each power of two.
const PARTS: u64 = 8;
/// Below this every number has a bucket.
const EXACT: u64 = 2 * PARTS;

/// Durations that were seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    /// By bucket, as many as the longest needs.
    buckets: Vec<u64>,
    count: u64,
    sum: u128,
    longest: u64,
}

impl Durations {
    /// Adds one, in nanoseconds.
    pub fn add(&mut self, nanoseconds: u64) {
        let bucket = bucket(nanoseconds);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        self.sum += u128::from(nanoseconds);
        self.longest = self.longest.max(nanoseconds);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean in nanoseconds; none without any.
    #[must_use]
    pub fn mean(&self) -> Option<u64> {
        let mean = self.sum.checked_div(u128::from(self.count))?;
        u64::try_from(mean).ok()
    }

    /// The longest in nanoseconds; none without any.
    #[must_use]
    pub fn longest(&self) -> Option<u64> {
        (self.count > 0).then_some(self.longest)
    }

    /// What `percent` of them are not longer than, in nanoseconds; none without any.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = (u128::from(self.count) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().position(|count| {
            seen += u128::from(*count);
            seen >= wanted
        });
        found.map(|bucket| last_of(bucket).min(self.longest))
    }

    /// The buckets that are not empty, in order: the shortest and the longest that they are for, in
    /// nanoseconds, and how many are in each.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let all = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        all.map(|(bucket, count)| {
            let first = bucket.checked_sub(1).map_or(0, |before| last_of(before).saturating_add(1));
            (first, last_of(bucket), *count)
        })
    }
}

fn bucket(nanoseconds: u64) -> usize {
    if nanoseconds < EXACT {
        return nanoseconds as usize;
    }
    let power = u64::from(nanoseconds.ilog2()) - u64::from(PARTS.ilog2());
    // The leading bit and the three behind it.
    (power * PARTS + (nanoseconds >> power)) as usize
}

/// The longest that `bucket` is for.
fn last_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT {
        return bucket;
    }
    let (power, part) = (bucket / PARTS - 1, bucket % PARTS + PARTS);
    u64::try_from(((u128::from(part) + 1) << power) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Durations, bucket, last_of};

    #[test]
    fn each_number_is_in_its_bucket_and_within_an_eighth_of_its_end() {
        for number in
            (0..70).chain([999, 1_000, 1_023, 1_024, u64::from(u32::MAX), u64::MAX - 1, u64::MAX])
        {
            let at = bucket(number);
            assert!(number <= last_of(at), "{number}");
            assert!(at == 0 || number > last_of(at - 1), "{number}");
            assert!(last_of(at) - number <= number / 8, "{number} {}", last_of(at));
        }
    }

    #[test]
    fn percentiles_are_of_all_that_were_seen() {
        let mut durations = Durations::default();
        assert_eq!(
            (durations.mean(), durations.percentile(50), durations.longest()),
            (None, None, None)
        );
        (1..=100).for_each(|number| durations.add(number * 1_000));
        assert_eq!(durations.count(), 100);
        assert_eq!(durations.mean(), Some(50_500));
        assert_eq!(durations.longest(), Some(100_000));
        let near = |found: Option<u64>, exact: u64| {
            found.is_some_and(|found| found >= exact && found - exact <= exact / 8)
        };
        assert!(near(durations.percentile(50), 50_000), "{:?}", durations.percentile(50));
        assert!(near(durations.percentile(99), 99_000), "{:?}", durations.percentile(99));
        assert_eq!(durations.percentile(100), Some(100_000));
        assert_eq!(durations.buckets().map(|(.., count)| count).sum::<u64>(), 100);
    }
}
