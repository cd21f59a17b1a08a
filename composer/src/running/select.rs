//! How a person names running programs: `41`, `balancer`, `id:41`, `tag:…`, `/sys/fs/bpf/pin`, `xdp:eth0`,
//! `pid:42`.

use std::{fmt, path::Path, str::FromStr};

use thiserror::Error;

use super::{Census, Place, RunningProgram};
use crate::pattern::NamePattern;

/// A name for one or several running programs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramRef {
    by: By,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum By {
    Id(u32),
    Name(String),
    Tag(String),
    Pin(String),
    Process(u32),
    Link(u32),
    /// The kind of place, and what is there: an interface, a folder.
    Place(&'static str, String),
}

/// Why a name stands for no program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RefError {
    /// Something that is no name of a program.
    #[error("`{0}` does not name a program: {1}")]
    Unreadable(String, &'static str),
    /// No such program.
    #[error("no program in this kernel is `{0}`")]
    NotFound(String),
    /// Several programs where one is meant.
    #[error("{} programs in this kernel are `{name}`", .ids.len())]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Those that it may be.
        ids: Vec<u32>,
    },
}

/// What may stand in front of a colon, as a key in a chain file too, and what comes after it.
pub const REFERENCE_KEYS: [(&str, &str); 10] = [
    ("id", "a number"),
    ("name", "the name of a program, or a pattern"),
    ("tag", "16 hexadecimal digits, or the first of them"),
    ("pin", "a path in a bpffs"),
    ("pid", "the number of a process"),
    ("link", "the number of a link"),
    ("xdp", "an interface"),
    ("tcx", "an interface"),
    ("tc", "an interface"),
    ("cgroup", "the folder of a cgroup"),
];

impl ProgramRef {
    /// Reads `PROGRAM[:FUNCTION]`: the name of a program, and what comes after it.
    ///
    /// # Errors
    /// [`RefError::Unreadable`].
    pub fn with_function(text: &str) -> Result<(Self, Option<&str>), RefError> {
        let key = text
            .split(':')
            .next()
            .filter(|key| REFERENCE_KEYS.iter().any(|(known, _)| known == key));
        // The colon behind a key and its value, or behind a name.
        let behind = key.filter(|key| key.len() < text.len()).map_or(0, |key| key.len() + 1);
        match text[behind..].split_once(':') {
            None => Ok((text.parse()?, None)),
            Some((value, function)) => Ok((text[..behind + value.len()].parse()?, Some(function))),
        }
    }

    /// The programs that it stands for, by id; at least one.
    ///
    /// # Errors
    /// [`RefError::NotFound`].
    pub fn all<'a>(&self, census: &'a Census) -> Result<Vec<&'a RunningProgram>, RefError> {
        let found: Vec<_> = census.programs.iter().filter(|program| self.is(program)).collect();
        if found.is_empty() { Err(RefError::NotFound(self.text.clone())) } else { Ok(found) }
    }

    /// The one program that it stands for.
    ///
    /// # Errors
    /// [`RefError::NotFound`] or [`RefError::Ambiguous`].
    pub fn one<'a>(&self, census: &'a Census) -> Result<&'a RunningProgram, RefError> {
        match self.all(census)?.as_slice() {
            [one] => Ok(one),
            several => Err(RefError::Ambiguous {
                name: self.text.clone(),
                ids: several.iter().map(|program| program.id).collect(),
            }),
        }
    }

    /// The programs that are meant: all where it may stand for several, else the one.
    ///
    /// # Errors
    /// Those of [`Self::all`] and [`Self::one`].
    pub fn meant<'a>(&self, census: &'a Census) -> Result<Vec<&'a RunningProgram>, RefError> {
        if self.may_be_several() { self.all(census) } else { Ok(vec![self.one(census)?]) }
    }

    /// The key that names it so in a chain file, one of [`REFERENCE_KEYS`], and the value.
    #[must_use]
    pub fn key_and_value(&self) -> (&'static str, String) {
        match &self.by {
            By::Id(id) => ("id", id.to_string()),
            By::Name(name) => ("name", name.clone()),
            By::Tag(tag) => ("tag", tag.clone()),
            By::Pin(path) => ("pin", path.clone()),
            By::Process(pid) => ("pid", pid.to_string()),
            By::Link(id) => ("link", id.to_string()),
            By::Place(kind, at) => (kind, at.clone()),
        }
    }

    /// Whether by its meaning it may stand for several: a process has many programs, and so may an interface.
    fn may_be_several(&self) -> bool {
        match &self.by {
            By::Process(_) | By::Place(..) => true,
            By::Name(name) => NamePattern::is_several(name),
            By::Id(_) | By::Tag(_) | By::Pin(_) | By::Link(_) => false,
        }
    }

    fn is(&self, program: &RunningProgram) -> bool {
        match &self.by {
            By::Id(id) => program.id == *id,
            By::Name(name) => NamePattern::new(name).matches(&program.name),
            By::Tag(tag) => program.tag.starts_with(tag.as_str()),
            By::Pin(path) => program.all_pins().into_iter().any(|pin| pin == Path::new(path)),
            By::Process(pid) => program.holders().iter().any(|process| process.pid == *pid),
            By::Link(id) => program.attachments.iter().any(|place| place.link == Some(*id)),
            By::Place(kind, wanted) => program.attachments.iter().any(|attachment| {
                let Place::Kernel { kind: at_kind, at, .. } = &attachment.place else {
                    return false;
                };
                match *kind {
                    "cgroup" => {
                        (at_kind.starts_with("cgroup_") || at_kind == "lsm_cgroup")
                            && Path::new(at) == Path::new(wanted)
                    }
                    kind => {
                        let is_kind = at_kind.split(['/', ' ']).next() == Some(kind);
                        is_kind && at.split(' ').next() == Some(wanted)
                    }
                }
            }),
        }
    }
}

impl FromStr for ProgramRef {
    type Err = RefError;

    fn from_str(text: &str) -> Result<Self, RefError> {
        let wrong = |why| RefError::Unreadable(text.to_owned(), why);
        let number = |value: &str, why| value.parse().map_err(|_| wrong(why));
        let by = match text.split_once(':') {
            _ if text.is_empty() => return Err(wrong("it is empty")),
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                By::Id(number(text, "the number is too large")?)
            }
            None if text.starts_with('/') => By::Pin(text.to_owned()),
            None => By::Name(text.to_owned()),
            Some((key, value)) => {
                let (key, what) = *REFERENCE_KEYS
                    .iter()
                    .find(|(known, _)| *known == key)
                    .ok_or_else(|| wrong("in front of the colon stands id, name, tag, pin, pid, link, xdp, tcx, tc or cgroup"))?;
                if value.is_empty() {
                    return Err(wrong("nothing stands behind the colon"));
                }
                match key {
                    "id" => By::Id(number(value, what)?),
                    "pid" => By::Process(number(value, what)?),
                    "link" => By::Link(number(value, what)?),
                    "name" => By::Name(value.to_owned()),
                    "tag" => By::Tag(value.to_ascii_lowercase()),
                    "pin" => By::Pin(value.to_owned()),
                    place => By::Place(place, value.to_owned()),
                }
            }
        };
        Ok(Self { by, text: text.to_owned() })
    }
}

impl fmt::Display for ProgramRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{ProgramRef, RefError};
    use crate::running::tests::census;

    fn ids(text: &str) -> Result<Vec<u32>, RefError> {
        let census = census();
        let found = text.parse::<ProgramRef>()?.all(&census)?;
        Ok(found.into_iter().map(|program| program.id).collect())
    }

    #[test]
    fn each_way_of_naming_finds_its_programs() {
        for (text, wanted) in [
            ("41", &[41][..]),
            ("id:44", &[44]),
            ("xdp_dispatcher", &[41]),
            ("name:count*", &[60]),
            ("tag:00000000000000", &[3, 41, 44, 50, 51, 60]),
            ("/sys/fs/bpf/xdp/dispatch-1-41/link", &[44]),
            ("pid:7", &[50, 51]),
            ("link:9", &[44]),
            ("xdp:lo", &[41]),
            ("cgroup:/sys/fs/cgroup/system.slice", &[3]),
            ("tcx:lo", &[60]),
        ] {
            assert_eq!(ids(text).as_deref(), Ok(wanted), "{text}");
        }
        for text in ["7", "xdp:eth0", "xdp_dispatch", "tc:lo", "pid:1", "cgroup:/", "tag:ff"] {
            assert_eq!(ids(text), Err(RefError::NotFound(text.to_owned())), "{text}");
        }
        for text in ["41", "lb", "name:a*", "tag:ff", "/sys/fs/bpf/lb", "pid:7", "link:9", "xdp:lo"]
        {
            let name: ProgramRef = text.parse().expect("a name");
            let (key, value) = name.key_and_value();
            let again: ProgramRef = format!("{key}:{value}").parse().expect("the same");
            assert_eq!(again.by, name.by, "{text}");
        }
        for text in ["", "id:x", "xdp:", "colour:red", "99999999999", "pid:-1"] {
            assert!(matches!(ids(text), Err(RefError::Unreadable(..))), "{text}");
        }
    }

    #[test]
    fn a_function_stands_behind_the_program() {
        let read = |text| {
            ProgramRef::with_function(text)
                .map(|(name, function)| (name.to_string(), function.map(str::to_owned)))
        };
        let pair = |name: &str, function: &str| Ok((name.to_owned(), Some(function.to_owned())));
        assert_eq!(read("41:parse_*"), pair("41", "parse_*"));
        assert_eq!(read("id:41:parse"), pair("id:41", "parse"));
        assert_eq!(read("balancer:parse"), pair("balancer", "parse"));
        assert_eq!(read("xdp:eth0:parse"), pair("xdp:eth0", "parse"));
        assert_eq!(read("xdp:eth0"), Ok(("xdp:eth0".to_owned(), None)));
        assert_eq!(read("id"), Ok(("id".to_owned(), None)), "a program may be called so");
    }
}
