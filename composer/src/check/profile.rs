//! What is known of a kernel, as far as rules depend on it: data, one file for each.

mod helpers;
mod write;

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::Deserialize;

pub use helpers::Helpers;

use crate::object::MapDef;

/// A kernel, as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Which kernel it is.
    pub kernel: Version,
    /// What it does that not every kernel does.
    pub features: Features,
    /// The types of programs that it loads, of those that a chain can have: `xdp`, `tracing` (what
    /// fentry and fexit are), `ext` (what a replacement is). None when that is not known.
    pub programs: Option<BTreeSet<String>>,
    /// The types of maps that it makes, as [`MapDef::type_name`] calls them. None when that is not
    /// known.
    pub maps: Option<BTreeSet<String>>,
    /// The helpers that programs may call. None when that is not known.
    pub helpers: Option<Helpers>,
}

impl Profile {
    /// Whether it is known to load no programs of the type called `name`.
    #[must_use]
    pub fn lacks_program(&self, name: &str) -> bool {
        self.programs.as_ref().is_some_and(|programs| !programs.contains(name))
    }

    /// Whether it is known to make no maps such as `map`.
    #[must_use]
    pub fn lacks_map(&self, map: &MapDef) -> bool {
        self.maps.as_ref().is_some_and(|maps| !maps.contains(map.type_name()))
    }

    /// Whether a program of the type called `name` is known not to be allowed this helper.
    #[must_use]
    pub fn lacks_helper(&self, name: &str, helper: u32) -> bool {
        let offers = self.helpers.as_ref().and_then(|helpers| helpers.offers(name, helper));
        offers == Some(false)
    }

    /// Whether this helper is known to be kept for programs with a licence that goes with the GPL.
    #[must_use]
    pub fn keeps_for_gpl(&self, helper: u32) -> bool {
        self.helpers.as_ref().is_some_and(|helpers| helpers.gpl_only.contains(&helper))
    }
}

/// What kernels differ in.
///
/// One that is not known here is passed over: a later version of this program may have written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Features {
    /// A tracer may trace a tracer, one level deep.
    pub nested_tracing: bool,
    /// An entry function without any argument may be replaced.
    pub entry_without_argument: bool,
    /// A replacement that changes packet data is refused where the stub does not.
    pub packet_data_compared: bool,
    /// A loaded replacement may be put on further stubs (5.10).
    #[serde(default = "yes")]
    pub several_stubs: bool,
    /// kprobes and tracepoints are attached by links of perf events (5.15).
    #[serde(default = "yes")]
    pub perf_links: bool,
}

/// What a profile does not say is as in every kernel that chains are made for.
fn yes() -> bool {
    true
}

/// A kernel's series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Version {
    major: u16,
    minor: u16,
}

impl Version {
    /// The series of a release such as `6.12.117+deb12-cloud-amd64`.
    ///
    /// # Errors
    /// When it does not begin with two numbers.
    pub fn of_release(release: &str) -> Result<Self, BadVersion> {
        let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
        let mut next = || numbers.next().and_then(|number| number.parse().ok());
        match (next(), next()) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(BadVersion(release.to_owned())),
        }
    }
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
    use super::{Version, parse, shipped};

    #[test]
    fn every_shipped_profile_is_read_and_they_are_in_order() {
        let names: Vec<_> = shipped().iter().map(|profile| profile.kernel.to_string()).collect();
        assert_eq!(names, ["6.1", "6.12"]);
    }

    #[test]
    fn a_release_belongs_to_a_series() {
        let series = |text| Version::of_release(text).map(|version| version.to_string());
        assert_eq!(series("6.12.117+deb12-cloud-amd64"), Ok("6.12".to_owned()));
        assert_eq!(series("7.0-rc1"), Ok("7.0".to_owned()));
        assert!(series("six").is_err());
    }

    #[test]
    fn what_a_profile_does_not_say_is_not_judged() {
        let features = "nested_tracing = true\npacket_data_compared = true\n\
                        entry_without_argument = false\nof_the_future = 1\n";
        let profile = parse(&format!("kernel = \"6.12\"\n[features]\n{features}"));
        let profile = profile.expect("the rest need not be there");
        assert!(profile.features.several_stubs && profile.features.perf_links);
        assert!(!profile.lacks_program("ext") && !profile.lacks_helper("xdp", 14));
        assert!(!profile.keeps_for_gpl(6));
    }

    #[test]
    fn a_key_that_is_not_known_is_told() {
        assert!(
            parse("kernel = \"6.1\"\nfeature = {}").is_err_and(|error| error.contains("feature"))
        );
        assert!(parse("kernel = \"six\"").is_err_and(|error| error.contains("six")));
    }
}
