//! The attachment of a host, as a chain asks for it.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{HostKind, Mechanism, Setting};
use crate::profile::Targets;

/// A kind of host with a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// The kind.
    pub kind: &'static HostKind,
    /// The target: `tcp_connect`, `sock/inet_sock_set_state`, `lo`.
    pub target: String,
    /// What the other keys are set to, in the order of [`HostKind::settings`]; defaults included.
    pub settings: Vec<(&'static str, Setting)>,
}

impl Attach {
    /// What the kernel is asked for.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism<'_> {
        (self.kind.mechanism)(self)
    }

    /// The value of a key beside the kind's own.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The target that was most likely meant, of those that are known.
    #[must_use]
    pub fn near(&self, targets: &Targets) -> Option<String> {
        (self.kind.lookup.as_ref()?.near)(&self.target, targets)
    }

    /// The target's parts, each with its name.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let names = self.kind.target.parts;
        names.iter().copied().zip(self.target.splitn(names.len(), '/'))
    }
}

impl fmt::Display for Attach {
    /// The target alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.target)
    }
}

impl Serialize for Attach {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("hook", self.kind.name)?;
        for (name, part) in self.parts() {
            map.serialize_entry(name, part)?;
        }
        for (name, value) in &self.settings {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
