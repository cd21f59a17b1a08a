//! How long calls took: as many durations as there are, in little memory.

use std::collections::BTreeMap;

/// Each power of two is divided into so many buckets, so that a quantile is within 3 % of the truth.
const PARTS: u64 = 16;
/// The binary digits of [`PARTS`].
const DIGITS: u32 = PARTS.ilog2();

/// Durations, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Durations {
    /// How many are in each bucket.
    buckets: BTreeMap<u64, u64>,
    count: u64,
    sum: u128,
    least: u64,
    most: u64,
}

impl Durations {
    pub(super) fn add(&mut self, ns: u64) {
        *self.buckets.entry(bucket(ns)).or_default() += 1;
        self.least = if self.count == 0 { ns } else { self.least.min(ns) };
        self.most = self.most.max(ns);
        self.count += 1;
        self.sum += u128::from(ns);
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn least(&self) -> u64 {
        self.least
    }

    pub(super) fn most(&self) -> u64 {
        self.most
    }

    /// 0 where there are none, here and below.
    pub(super) fn mean(&self) -> u64 {
        let mean = self.sum.checked_div(self.count.into());
        mean.and_then(|mean| mean.try_into().ok()).unwrap_or(0)
    }

    /// What so many of a thousand took at most: 500 for the median.
    pub(super) fn quantile(&self, per_mille: u64) -> u64 {
        let wanted = (u128::from(self.count) * u128::from(per_mille)).div_ceil(1000);
        let mut seen = 0_u128;
        for (bucket, count) in &self.buckets {
            seen += u128::from(*count);
            if seen >= wanted {
                let (from, width) = bounds(*bucket);
                return (from + width / 2).clamp(self.least, self.most);
            }
        }
        self.most
    }

    /// How many took less than each power of two and no less than the one before, from the shortest
    /// to the longest: pairs of the upper bound and the count.
    pub(super) fn powers(&self) -> Vec<(u64, u64)> {
        let mut found: Vec<(u64, u64)> = Vec::new();
        for (bucket, count) in &self.buckets {
            let (from, _) = bounds(*bucket);
            let power = from
                .checked_ilog2()
                .map_or(1, |power| 1_u64.checked_shl(power + 1).unwrap_or(u64::MAX));
            // Those between that nothing fell into have their line as well.
            while let Some((last, _)) = found.last()
                && *last < power
            {
                found.push((last.saturating_mul(2), 0));
            }
            match found.last_mut() {
                Some((_, sum)) => *sum += count,
                None => found.push((power, *count)),
            }
        }
        found
    }
}

/// The bucket of a number: the numbers below [`PARTS`] have one each.
fn bucket(ns: u64) -> u64 {
    match ns.checked_ilog2() {
        Some(power) if power >= DIGITS => {
            let shift = power - DIGITS;
            u64::from(shift + 1) * PARTS + (ns >> shift) - PARTS
        }
        _ => ns,
    }
}

/// The first number of a bucket, and how many there are in it.
fn bounds(bucket: u64) -> (u64, u64) {
    if bucket < PARTS {
        return (bucket, 1);
    }
    let shift = bucket / PARTS - 1;
    ((PARTS + bucket % PARTS) << shift, 1 << shift)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Durations, bounds, bucket};

    fn durations(all: &[u64]) -> Durations {
        let mut found = Durations::default();
        all.iter().for_each(|ns| found.add(*ns));
        found
    }

    proptest! {
        #[test]
        fn a_number_is_within_its_bucket(ns in any::<u64>(), shift in 0_u32..64) {
            let ns = ns >> shift;
            let (from, width) = bounds(bucket(ns));
            prop_assert!(from <= ns && ns - from < width);
            prop_assert!(width == 1 || width <= from / 16);
        }

        #[test]
        fn quantiles_are_near_the_true_ones(mut all in prop::collection::vec(0_u64..1_000_000, 1..200)) {
            let found = durations(&all);
            all.sort_unstable();
            for (per_mille, index) in [(500, all.len().div_ceil(2) - 1), (1000, all.len() - 1)] {
                let (near, exact) = (found.quantile(per_mille), all[index]);
                prop_assert!(near.abs_diff(exact) <= exact / 16 + 1, "{near} for {exact}");
            }
            prop_assert_eq!(found.mean(), all.iter().sum::<u64>() / all.len() as u64);
        }
    }

    #[test]
    fn powers_have_no_gaps_and_leave_nothing_out() {
        let powers = durations(&[0, 1, 5, 7, 40]).powers();
        assert_eq!(powers, [(1, 1), (2, 1), (4, 0), (8, 2), (16, 0), (32, 0), (64, 1)]);
        assert_eq!(durations(&[u64::MAX]).powers(), [(u64::MAX, 1)]);
        assert_eq!(durations(&[]).powers(), []);
        assert_eq!((durations(&[]).mean(), durations(&[]).quantile(500)), (0, 0));
    }
}
