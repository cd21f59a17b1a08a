//! Measured times, and their summary.

use std::{fmt, time::Duration};

use serde_json::Value;

use crate::Result;

/// Sorted times, at least one. In milliseconds unless stated otherwise.
#[derive(Debug)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    pub(super) fn new(times: &[Duration]) -> Self {
        Self::of(times.iter().map(|time| time.as_secs_f64() * 1e3).collect())
    }

    /// Creates a sample from times in any unit.
    pub(super) fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    /// Parses a list of milliseconds.
    pub(super) fn read(list: &Value) -> Result<Self> {
        let times: Option<Vec<f64>> =
            list.as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
        match times {
            Some(times) if !times.is_empty() => Ok(Self::of(times)),
            _ => Err(format!("no times in {list}").into()),
        }
    }

    pub(super) fn milliseconds(&self) -> &[f64] {
        &self.0
    }

    /// The median, or the lower of two.
    pub(super) fn median(&self) -> f64 {
        self.0[(self.0.len() - 1) / 2]
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (self.0[0], self.0[self.0.len() - 1]);
        write!(f, "{:.1} ms   ({least:.1} to {most:.1})", self.median())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Sample;

    #[test]
    fn a_sample_says_its_median_and_its_range() {
        let times = [7, 1, 3].map(Duration::from_millis);
        assert_eq!(Sample::new(&times).to_string(), "3.0 ms   (1.0 to 7.0)");
    }
}
