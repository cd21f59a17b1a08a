//! The attachment of a host, as a chain asks for it.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap as _,
};

use super::{AttachBtf, HostKind, KeySpec, Mechanism, Need, OnDemand, Setting, Values};
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

    /// How the program is run, where that is done once and not by the kernel.
    #[must_use]
    pub fn on_demand(&self) -> Option<OnDemand> {
        match self.mechanism() {
            Mechanism::Run(how) => Some(how),
            _ => None,
        }
    }

    /// The type of the kernel that the program is loaded for.
    #[must_use]
    pub fn attach_btf(&self) -> Option<AttachBtf> {
        (self.kind.attach_btf)(self)
    }

    /// The place that takes this host and no other, if it does.
    #[must_use]
    pub fn exclusive_place(&self) -> Option<(String, &'static str)> {
        let exclusive = self.kind.exclusive?;
        Some(((exclusive.place)(self), exclusive.help))
    }

    /// The map of the chain that it is attached to, by its name.
    #[must_use]
    pub fn map(&self) -> Option<&str> {
        (self.kind.map?.name)(self)
    }

    /// What not every kernel has, and the attachment needs: that of its kind, and of its settings.
    pub fn needs(&self) -> impl Iterator<Item = &'static Need> {
        let of_setting = |spec: &KeySpec| (spec.need)(self.setting(spec.key)?);
        let kind = self.kind;
        kind.needs.iter().copied().chain(kind.settings.iter().filter_map(of_setting))
    }

    /// The value of a key beside the kind's own.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The word that a key beside the kind's own is set to.
    #[must_use]
    pub fn word(&self, key: &str) -> Option<&'static str> {
        match self.setting(key) {
            Some(Setting::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// The number that a key beside the kind's own is set to.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<i64> {
        match self.setting(key) {
            Some(Setting::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The text that a key beside the kind's own is set to.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.setting(key) {
            Some(Setting::Text(text)) => Some(text),
            _ => None,
        }
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

impl<'de> Deserialize<'de> for Attach {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let mut fields = BTreeMap::<String, StoredSetting>::deserialize(reader)?;
        let mut text = |name: &'static str| match fields.remove(name) {
            Some(StoredSetting::Text(text)) => Ok(text),
            _ => Err(D::Error::missing_field(name)),
        };
        let name = text("hook")?;
        let unknown = || D::Error::custom(format!("unknown hook `{name}`"));
        let kind = HostKind::named(&name).ok_or_else(unknown)?;
        let parts = kind.target.parts.iter().map(|part| text(part));
        let target = parts.collect::<Result<Vec<_>, _>>()?.join("/");
        let target =
            (kind.target.read)(&target).map_err(|misfit| D::Error::custom(misfit.label))?;
        let mut settings = Vec::new();
        for spec in kind.settings {
            let setting = match fields.remove(spec.key) {
                Some(stored) => {
                    let wrong = || D::Error::custom(format!("`{}` is not {}", spec.key, spec.what));
                    Some(stored.of(&spec.values).ok_or_else(wrong)?)
                }
                None if spec.is_required() => return Err(D::Error::missing_field(spec.key)),
                None => spec.values.default(),
            };
            settings.extend(setting.map(|setting| (spec.key, setting)));
        }
        match fields.into_keys().next() {
            Some(key) => Err(D::Error::custom(format!("a {} has no `{key}`", kind.name))),
            None => Ok(Self { kind, target, settings }),
        }
    }
}

/// A setting that was written down.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredSetting {
    Number(i64),
    Numbers(BTreeMap<String, i64>),
    Text(String),
}

impl StoredSetting {
    /// The setting, when it is one of `values`.
    fn of(self, values: &Values) -> Option<Setting> {
        match (self, values) {
            (Self::Text(text), Values::Words(words) | Values::Required(words)) => {
                words.iter().copied().find(|word| *word == text).map(Setting::Word)
            }
            (Self::Text(text), Values::Text | Values::RequiredText(_)) => Some(Setting::Text(text)),
            (
                Self::Number(number),
                Values::Number(least, most) | Values::RequiredNumber(least, most),
            ) => (*least..=*most).contains(&number).then_some(Setting::Number(number)),
            (Self::Numbers(numbers), Values::Numbers(least, most)) => numbers
                .values()
                .all(|number| (*least..=*most).contains(number))
                .then_some(Setting::Numbers(numbers)),
            _ => None,
        }
    }
}
