//! The profiles included in this program. Each is read on demand: a run for one kernel reads one.

use super::{Profile, Version, parse};

macro_rules! profiles {
    ($($series:literal)+) => {
        /// Each series with the text of its profile, oldest first.
        const FILES: &[(&str, &str)] = &[
            $(($series, include_str!(concat!("../../profiles/", $series, ".toml")))),+
        ];
    };
}

profiles!("5.10" "6.1" "6.12" "6.18" "7.0" "7.2" "7.3");

/// How many of them, the oldest, are judged for only when they are asked for: they lack the links
/// of perf events, by which kprobes and tracepoints are attached, and came before Linux 5.15.
const OLD: usize = 1;

/// The series that there is a profile of, oldest first.
pub fn series() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(series, _)| *series)
}

/// The profile of a series.
#[must_use]
pub fn named(series: &str) -> Option<Profile> {
    let (_, text) = FILES.iter().find(|(name, _)| *name == series)?;
    parse(text).ok() // a test reads every one of them
}

/// The profiles that a chain is judged by when no kernel is named, oldest first.
#[must_use]
pub fn shipped() -> Vec<Profile> {
    series().skip(OLD).filter_map(named).collect()
}

/// The newest profile that is not newer than `version`; the newest of all when there is no version
/// to go by. Between the old ones and the oldest of the others it is the latter: links of perf
/// events make the difference, and Linux 5.15 has them.
#[must_use]
pub fn nearest(version: Option<Version>) -> Option<Profile> {
    let Some(version) = version else { return named(series().last()?) };
    let is_old = version < "5.15".parse().ok()?;
    let mut candidates: Vec<&str> = series().skip(if is_old { 0 } else { OLD }).collect();
    let newer = |series: &str| series.parse().is_ok_and(|series: Version| series > version);
    while candidates.len() > 1 && candidates.last().is_some_and(|last| newer(last)) {
        candidates.pop();
    }
    named(candidates.last()?)
}

#[cfg(test)]
mod tests {
    use super::{FILES, named, nearest, series, shipped};

    #[test]
    fn every_profile_is_read_and_they_are_in_order() {
        let mut before = None;
        for name in series() {
            let profile = named(name).unwrap_or_else(|| panic!("{name} is a profile"));
            assert_eq!(profile.kernel.to_string(), name);
            assert!(before < Some(profile.kernel), "{name}");
            before = Some(profile.kernel);
        }
        assert_eq!(shipped().len() + 1, FILES.len());
    }

    #[test]
    fn a_kernel_without_a_profile_is_judged_by_the_next_older_one() {
        for (version, profile) in [
            ("5.4", "5.10"),
            ("5.10", "5.10"),
            ("5.14", "5.10"),
            ("5.15", "6.1"),
            ("6.1", "6.1"),
            ("6.6", "6.1"),
            ("6.17", "6.12"),
            ("7.1", "7.0"),
            ("8.0", "7.3"),
        ] {
            let found = nearest(version.parse().ok()).expect("some are shipped");
            assert_eq!(found.kernel.to_string(), profile, "{version}");
        }
        assert_eq!(nearest(None).map(|found| found.kernel.to_string()).as_deref(), Some("7.3"));
    }

    #[test]
    fn a_chain_is_judged_by_no_kernel_that_is_too_old_for_most() {
        assert!(shipped().iter().all(|profile| profile.features.perf_links));
    }
}
