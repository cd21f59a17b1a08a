//! What is known of a kernel, as far as rules depend on it: data, one file for each.

mod file;
mod symbols;
mod targets;

use std::sync::Arc;

use serde::Deserialize;

pub use crate::version::Version;
pub use file::open;
pub use targets::{Presence, Targets};

/// A kernel, as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Which kernel it is.
    pub kernel: Version,
    /// What it does that not every kernel does.
    pub features: Features,
    /// What can be attached to in it, when that is known.
    pub targets: Option<Arc<Targets>>,
}

/// What kernels differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// A tracer may trace a tracer, one level deep.
    pub nested_tracing: bool,
    /// An entry function without any argument may be replaced.
    pub entry_without_argument: bool,
    /// A replacement that changes packet data is refused where the stub does not.
    pub packet_data_compared: bool,
    /// A kprobe at a name that several symbols have is refused; others take one of them.
    pub unique_kprobe_symbol: bool,
    /// A tracer reads a pointer among its target's arguments as a whole or not at all.
    pub pointer_arguments_whole: bool,
}

/// The profiles that come with this program, oldest first.
#[must_use]
pub fn shipped() -> Vec<Profile> {
    const FILES: [&str; 2] =
        [include_str!("../../profiles/6.1.toml"), include_str!("../../profiles/6.12.toml")];
    // A test reads every one of them.
    FILES.iter().filter_map(|text| parse(text).ok()).collect()
}

/// The newest shipped profile that is not newer than `version`, or the oldest of all; the newest
/// when there is no version to go by.
#[must_use]
pub fn nearest(version: Option<Version>) -> Option<Profile> {
    let mut shipped = shipped();
    let newer = |profile: &Profile| version.is_some_and(|version| profile.kernel > version);
    let first_newer = shipped.iter().position(newer).unwrap_or(shipped.len());
    let found = first_newer.saturating_sub(1);
    (found < shipped.len()).then(|| shipped.swap_remove(found))
}

/// Reads a profile without the files it names.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(text: &str) -> Result<Profile, String> {
    let read: file::Text =
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())?;
    Ok(Profile { kernel: read.kernel, features: read.features, targets: None })
}

#[cfg(test)]
mod tests {
    use super::{nearest, parse, shipped};

    #[test]
    fn every_shipped_profile_is_read_and_they_are_in_order() {
        let names: Vec<_> = shipped().iter().map(|profile| profile.kernel.to_string()).collect();
        assert_eq!(names, ["6.1", "6.12"]);
    }

    #[test]
    fn a_kernel_without_a_profile_is_judged_by_the_next_older_one() {
        for (version, profile) in
            [("5.15", "6.1"), ("6.1", "6.1"), ("6.6", "6.1"), ("6.12", "6.12"), ("7.0", "6.12")]
        {
            let found = nearest(version.parse().ok()).expect("some are shipped");
            assert_eq!(found.kernel.to_string(), profile, "{version}");
        }
    }

    #[test]
    fn a_key_that_is_not_known_is_told() {
        assert!(
            parse("kernel = \"6.1\"\nfeature = {}").is_err_and(|error| error.contains("feature"))
        );
        assert!(parse("kernel = \"six\"").is_err_and(|error| error.contains("six")));
    }
}
