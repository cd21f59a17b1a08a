//! What is known about a kernel, as far as rules depend on it: data, one file per kernel.

mod features;
mod file;
mod helpers;
mod shipped;
mod symbols;
mod targets;
mod write;

use std::{collections::BTreeSet, sync::Arc};

use crate::object::MapDef;
use crate::version::Version;
pub use features::Features;
pub use file::open;
pub use helpers::Helpers;
pub use shipped::{named, nearest, series, shipped};
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

    /// Whether this helper is known to be kept for those programs of the type called `name` that have
    /// a licence that goes with the GPL.
    #[must_use]
    pub fn keeps_for_gpl(&self, name: &str, helper: u32) -> bool {
        self.helpers.as_ref().is_some_and(|helpers| helpers.needs_gpl(name, helper))
    }
}

/// Reads a profile without the files it names.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(text: &str) -> Result<Profile, String> {
    let read: file::ProfileText =
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())?;
    Ok(read.profile())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_a_profile_does_not_say_is_not_judged() {
        let features = "nested_tracing = true\npacket_data_compared = true\n\
                        entry_without_argument = false\nunique_kprobe_symbol = true\n\
                        pointer_arguments_whole = true\nof_the_future = 1\n";
        let profile = parse(&format!("kernel = \"6.12\"\n[features]\n{features}"));
        let profile = profile.expect("the rest need not be there");
        assert!(profile.features.several_stubs && profile.features.perf_links);
        assert!(!profile.lacks_program("ext") && !profile.lacks_helper("xdp", 14));
        assert!(!profile.keeps_for_gpl("xdp", 6));
    }

    #[test]
    fn a_key_that_is_not_known_is_told() {
        assert!(
            parse("kernel = \"6.1\"\nfeature = {}").is_err_and(|error| error.contains("feature"))
        );
        assert!(parse("kernel = \"six\"").is_err_and(|error| error.contains("six")));
    }
}
