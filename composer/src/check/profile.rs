//! What is known of a kernel, as far as rules depend on it: data, one file for each.

use std::{fmt, str::FromStr};

use serde::Deserialize;

/// A kernel, as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Which kernel it is.
    pub kernel: Version,
    /// What it does that not every kernel does.
    pub features: Features,
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
    /// A tracer reads a pointer among its target's arguments as a whole or not at all.
    pub pointer_arguments_whole: bool,
}

/// A kernel's series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Version {
    major: u16,
    minor: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that is no version of a kernel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kernel version: write, for example, 6.12")]
pub struct BadVersion(String);

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let (major, minor) = text.split_once('.').ok_or_else(|| BadVersion(text.to_owned()))?;
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Ok(Self { major, minor }),
            _ => Err(BadVersion(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = BadVersion;

    fn try_from(text: String) -> Result<Self, BadVersion> {
        text.parse()
    }
}

/// The profiles that come with this program, oldest first.
#[must_use]
pub fn shipped() -> Vec<Profile> {
    const FILES: [&str; 2] =
        [include_str!("../../profiles/6.1.toml"), include_str!("../../profiles/6.12.toml")];
    // A test reads every one of them.
    FILES.iter().filter_map(|text| parse(text).ok()).collect()
}

/// Reads a profile.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(text: &str) -> Result<Profile, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{parse, shipped};

    #[test]
    fn every_shipped_profile_is_read_and_they_are_in_order() {
        let names: Vec<_> = shipped().iter().map(|profile| profile.kernel.to_string()).collect();
        assert_eq!(names, ["6.1", "6.12"]);
    }

    #[test]
    fn a_key_that_is_not_known_is_told() {
        assert!(
            parse("kernel = \"6.1\"\nfeature = {}").is_err_and(|error| error.contains("feature"))
        );
        assert!(parse("kernel = \"six\"").is_err_and(|error| error.contains("six")));
    }
}
