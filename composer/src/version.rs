//! Kernel series, and the requirements of chains on them.

use std::{fmt, str::FromStr};

use serde::Deserialize;

/// A kernel's series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Version {
    major: u16,
    minor: u16,
}

impl Version {
    /// The series `major.minor`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// The series of a release such as `6.12.117+deb12-cloud-amd64`.
    #[must_use]
    pub fn of_release(release: &str) -> Option<Self> {
        let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
        let mut next = || numbers.next()?.parse().ok();
        Some(Self { major: next()?, minor: next()? })
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

/// Which kernels a chain is meant for: `>=6.6`, or several bounds, `>=6.6, <7`. All of them hold.
///
/// A bound without a minor version is about all of the major one, as in Cargo: `<=6` takes 6.18.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    text: String,
    bounds: Vec<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    relation: Relation,
    major: u16,
    minor: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    AtLeast,
    AtMost,
    Above,
    Below,
    Equal,
}

/// As they are written; the longer ones first, which begin like the others.
const RELATIONS: [(&str, Relation); 5] = [
    (">=", Relation::AtLeast),
    ("<=", Relation::AtMost),
    (">", Relation::Above),
    ("<", Relation::Below),
    ("=", Relation::Equal),
];

impl Requirement {
    /// The pattern of the text, for schemas.
    pub const PATTERN: &str = "^ *(>=|<=|>|<|=) *[0-9]{1,4}(\\.[0-9]{1,4})? *\
                               (, *(>=|<=|>|<|=) *[0-9]{1,4}(\\.[0-9]{1,4})? *)*$";

    /// The oldest series that it includes, where it names that.
    #[must_use]
    pub fn oldest(&self) -> Option<Version> {
        let is_lower =
            |bound: &&Bound| matches!(bound.relation, Relation::AtLeast | Relation::Equal);
        let lower = self.bounds.iter().filter(is_lower);
        lower.map(|bound| Version::new(bound.major, bound.minor.unwrap_or(0))).max()
    }

    /// Whether it includes kernels of this series.
    #[must_use]
    pub fn takes(&self, version: Version) -> bool {
        self.bounds.iter().all(|bound| bound.takes(version))
    }
}

impl Bound {
    fn takes(self, version: Version) -> bool {
        let own = version.minor;
        let order = (version.major, own).cmp(&(self.major, self.minor.unwrap_or(own)));
        match self.relation {
            Relation::AtLeast => order.is_ge(),
            Relation::AtMost => order.is_le(),
            Relation::Above => order.is_gt(),
            Relation::Below => order.is_lt(),
            Relation::Equal => order.is_eq(),
        }
    }

    fn parse(text: &str) -> Result<Self, BadRequirement> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(BadRequirement::Nothing);
        }
        let found = RELATIONS.iter().find_map(|(sign, relation)| {
            Some((*relation, text.strip_prefix(sign)?.trim_start_matches(' ')))
        });
        let Some((relation, version)) = found else {
            return Err(BadRequirement::NoRelation(text.to_owned()));
        };
        let number = |digits: &str| {
            let plain = digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let parts: Vec<_> = version.split('.').map(number).collect();
        match parts.as_slice() {
            [Some(major)] => Ok(Self { relation, major: *major, minor: None }),
            [Some(major), Some(minor)] => Ok(Self { relation, major: *major, minor: Some(*minor) }),
            [Some(major), Some(minor), Some(_)] => {
                Err(BadRequirement::PointRelease(version.to_owned(), format!("{major}.{minor}")))
            }
            _ => Err(BadRequirement::NoVersion(version.to_owned())),
        }
    }
}

impl fmt::Display for Requirement {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text that is no requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequirement {
    /// Nothing where a bound should be.
    #[error("missing comparison")]
    Nothing,
    /// A bound that does not begin with a comparison.
    #[error("`{0}` must begin with >=, >, <=, < or =")]
    NoRelation(String),
    /// The bound is not a version.
    #[error("`{0}` is not a kernel series")]
    NoVersion(String),
    /// The bound is a release of a series.
    #[error("`{0}` is a single release: write its series, {1}")]
    PointRelease(String, String),
}

impl FromStr for Requirement {
    type Err = BadRequirement;

    fn from_str(text: &str) -> Result<Self, BadRequirement> {
        let bounds = text.split(',').map(Bound::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.trim_matches(' ').to_owned(), bounds })
    }
}

#[cfg(test)]
mod tests {
    use super::{BadRequirement, Requirement, Version};

    fn takes(requirement: &str, version: &str) -> bool {
        let requirement: Requirement = requirement.parse().expect("a requirement");
        requirement.takes(version.parse().expect("a version"))
    }

    #[test]
    fn the_oldest_series_is_that_of_the_greatest_lower_bound() {
        for (requirement, oldest) in [
            (">=6.6", Some("6.6")),
            (">=6, >=6.1, <7", Some("6.1")),
            ("=7", Some("7.0")),
            ("<7", None),
        ] {
            let requirement: Requirement = requirement.parse().expect("a requirement");
            assert_eq!(requirement.oldest().map(|oldest| oldest.to_string()).as_deref(), oldest);
        }
    }

    #[test]
    fn a_bound_without_a_minor_version_is_about_the_whole_major_one() {
        for (requirement, inside, outside) in [
            (">=6.6", &["6.6", "6.12", "7.0"][..], &["6.5", "5.15"][..]),
            (">6.6", &["6.7", "7.0"], &["6.6", "5.15"]),
            ("<=6.6", &["6.6", "5.15"], &["6.7", "7.1"]),
            ("<6.6", &["6.5", "5.19"], &["6.6", "6.12"]),
            ("=6.6", &["6.6"], &["6.7", "5.6"]),
            (">=6", &["6.0", "7.1"], &["5.19"]),
            (">6", &["7.0"], &["6.18", "5.0"]),
            ("<=6", &["6.18", "5.0"], &["7.0"]),
            ("<7", &["6.18"], &["7.0", "7.1"]),
            ("=6", &["6.0", "6.18"], &["5.19", "7.0"]),
            (">=6.6, <7", &["6.6", "6.18"], &["6.5", "7.0"]),
            ("  >= 6.6,<  7.1 ", &["6.6", "7.0"], &["6.5", "7.1"]),
        ] {
            assert!(inside.iter().all(|version| takes(requirement, version)), "{requirement}");
            assert!(!outside.iter().any(|version| takes(requirement, version)), "{requirement}");
        }
    }

    #[test]
    fn what_is_no_requirement_says_why() {
        let why = |text: &str| text.parse::<Requirement>().expect_err("none");
        for text in ["", " ", ",", ">=6.6,", ",<7"] {
            assert_eq!(why(text), BadRequirement::Nothing, "{text:?}");
        }
        for text in ["6.6", "^6.6", "~6", "six", "==6.6 "] {
            let why = why(text);
            let is_meant =
                matches!(why, BadRequirement::NoRelation(_) | BadRequirement::NoVersion(_));
            assert!(is_meant, "{text:?}: {why:?}");
        }
        for text in [">=", ">= six", ">=6.", ">=.6", ">=6.6-rc1", "<99999", ">=+6", "< = 6"] {
            assert!(matches!(why(text), BadRequirement::NoVersion(_)), "{text:?}");
        }
        let point = BadRequirement::PointRelease("6.6.10".to_owned(), "6.6".to_owned());
        assert_eq!(why(">=6.6.10"), point);
    }

    #[test]
    fn the_series_of_a_release_is_its_first_two_numbers() {
        let series = |release: &str| Version::of_release(release).map(|found| found.to_string());
        assert_eq!(series("6.12.117+deb12-cloud-amd64").as_deref(), Some("6.12"));
        assert_eq!(series("6.1-rc3").as_deref(), Some("6.1"));
        assert_eq!(series("linux"), None);
    }
}
