//! What is known of a kernel, as far as rules depend on it: data, one file for each.

mod file;
mod helpers;
mod symbols;
mod targets;
mod write;

use std::{collections::BTreeSet, sync::Arc};

use serde::Deserialize;

use crate::object::MapDef;
pub use crate::version::Version;
pub use file::open;
pub use helpers::Helpers;
pub use targets::{Presence, Targets};

/// A kernel, as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// What can be attached to in it, when that is known.
    pub targets: Option<Arc<Targets>>,
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
    /// A kprobe at a name that several symbols have is refused; others take one of them.
    #[serde(default = "yes")]
    pub unique_kprobe_symbol: bool,
    /// A tracer reads a pointer among its target's arguments as a whole or not at all.
    #[serde(default = "yes")]
    pub pointer_arguments_whole: bool,
    /// A loaded replacement may be put on further stubs (5.10).
    #[serde(default = "yes")]
    pub several_stubs: bool,
    /// kprobes and tracepoints are attached by links of perf events (5.15).
    #[serde(default = "yes")]
    pub perf_links: bool,
    /// A global function is verified only where the verifier comes to a call of it (6.8).
    #[serde(default = "yes")]
    pub lazy_functions: bool,
    /// Tags on parameters, such as `__arg_ctx`, are known (6.8).
    #[serde(default = "yes")]
    pub argument_tags: bool,
    /// What a function takes of the stack is rounded up to 16 bytes; before, to 32 (6.9).
    #[serde(default = "yes")]
    pub frames_of_16: bool,
    /// Functions of tracing programs may have stacks of their own, which do not add up (6.13).
    #[serde(default = "yes")]
    pub private_stacks: bool,
    /// The depth of calls is counted from each global function anew.
    #[serde(default = "yes")]
    pub frames_of_globals_apart: bool,
}

/// What a profile does not say is as in the newest kernel known here.
fn yes() -> bool {
    true
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
    Ok(read.profile())
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
    fn what_a_profile_does_not_say_is_not_judged() {
        let features = "nested_tracing = true\npacket_data_compared = true\n\
                        entry_without_argument = false\nunique_kprobe_symbol = true\n\
                        pointer_arguments_whole = true\nof_the_future = 1\n";
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
