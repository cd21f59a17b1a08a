//! The helpers that a kernel offers to each program type.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::object::helper_called;

/// The helpers that a kernel offers, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Written")]
pub struct Helpers {
    /// By the name of a program type; a replacement is one of its host's type.
    pub by_type: BTreeMap<String, BTreeSet<u32>>,
    /// Those kept for programs with a licence that goes with the GPL.
    pub gpl_only: BTreeSet<u32>,
    /// Those of them that programs of one type may call without such a licence, by that type.
    pub without_gpl: BTreeMap<String, BTreeSet<u32>>,
    /// How the verifier refuses another one, in front of its name: `unknown func`.
    pub refusal: Option<String>,
}

impl Helpers {
    /// Whether a program of the type called `name` may call this helper; none when the type is not
    /// known.
    #[must_use]
    pub fn offers(&self, name: &str, helper: u32) -> Option<bool> {
        self.by_type.get(name).map(|helpers| helpers.contains(&helper))
    }

    /// Whether a program of the type called `name` needs a licence that goes with the GPL to call
    /// this helper.
    #[must_use]
    pub fn needs_gpl(&self, name: &str, helper: u32) -> bool {
        let free = self.without_gpl.get(name).is_some_and(|free| free.contains(&helper));
        self.gpl_only.contains(&helper) && !free
    }

    /// Those that every type of program may call.
    #[must_use]
    pub fn every(&self) -> BTreeSet<u32> {
        let mut types = self.by_type.values();
        let first = types.next().cloned().unwrap_or_default();
        types.fold(first, |all, one| &all & one)
    }
}

/// The same as a profile has it: by name, and what all types have in common once.
#[derive(Deserialize)]
struct Written {
    refusal: Option<String>,
    #[serde(default)]
    gpl_only: Vec<String>,
    #[serde(default)]
    without_gpl: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    every: Vec<String>,
    #[serde(flatten)]
    types: BTreeMap<String, Vec<String>>,
}

impl From<Written> for Helpers {
    fn from(written: Written) -> Self {
        // A name that is not known here is of a kernel to come: no rule can ask for it.
        let numbers = |names: &[String]| -> BTreeSet<u32> {
            names.iter().filter_map(|name| Some(helper_called(name)?.id)).collect()
        };
        let every = numbers(&written.every);
        let types = written.types.into_iter();
        Self {
            by_type: types.map(|(name, own)| (name, &every | &numbers(&own))).collect(),
            gpl_only: numbers(&written.gpl_only),
            without_gpl: written
                .without_gpl
                .iter()
                .map(|(name, free)| (name.clone(), numbers(free)))
                .collect(),
            refusal: written.refusal,
        }
    }
}
