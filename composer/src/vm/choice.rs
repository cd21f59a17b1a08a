//! The kernel that a micro-VM boots: a series of Debian's cloud kernels, or the user's own image.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::profile::{self, Profile};

/// The default series: the newest one that Debian stable offers as a cloud kernel, with the widest
/// support for eBPF (kprobe.multi, tcx, arena) among those.
pub const DEFAULT_SERIES: &str = "6.12";

/// The requested kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelChoice {
    /// A kernel series such as `6.1` or `6.12`: the newest Debian cloud kernel of that series, fetched once.
    Series(String),
    /// A bootable x86-64 kernel image (`vmlinuz`, a bzImage) on this machine.
    Image(PathBuf),
}

impl Default for KernelChoice {
    fn default() -> Self {
        Self::Series(DEFAULT_SERIES.to_owned())
    }
}

impl KernelChoice {
    /// What is known of it; none of an image.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        match self {
            Self::Series(series) => profile::nearest(series.parse().ok()),
            Self::Image(_) => None,
        }
    }
}

impl fmt::Display for KernelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Series(series) => f.write_str(series),
            Self::Image(path) => path.display().fmt(f),
        }
    }
}

/// The text names neither a kernel series nor an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a kernel series such as 6.1 or 6.12 nor the path of a kernel image")]
pub struct BadKernelChoice(pub String);

impl FromStr for KernelChoice {
    type Err = BadKernelChoice;

    /// A text with a `/`, or the name of an existing file, is an image; `digits.digits` is a series.
    fn from_str(text: &str) -> Result<Self, BadKernelChoice> {
        let path = PathBuf::from(text);
        if text.contains('/') || path.is_file() {
            return Ok(Self::Image(path));
        }
        match text.split_once('.') {
            Some((major, minor)) if is_number(major) && is_number(minor) => {
                Ok(Self::Series(text.to_owned()))
            }
            _ => Err(BadKernelChoice(text.to_owned())),
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The series a kernel package or release belongs to: `6.12` for `6.12.117+deb12-cloud-amd64`.
pub(super) fn series_of(release: &str) -> Option<String> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let (major, minor) = (numbers.next()?, numbers.next()?);
    (is_number(major) && is_number(minor)).then(|| format!("{major}.{minor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_dot_digits_is_a_series() {
        assert_eq!("6.12".parse(), Ok(KernelChoice::Series("6.12".to_owned())));
    }

    #[test]
    fn a_text_with_a_slash_is_an_image() {
        assert_eq!("./6.12".parse(), Ok(KernelChoice::Image("./6.12".into())));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "6", "6.", ".12", "6.12.1", "v6.1", "latest", "6.-1"] {
            assert_eq!(text.parse::<KernelChoice>(), Err(BadKernelChoice(text.to_owned())));
        }
    }

    #[test]
    fn the_series_of_a_release_is_its_first_two_numbers() {
        assert_eq!(series_of("6.12.117+deb12-cloud-amd64").as_deref(), Some("6.12"));
        assert_eq!(series_of("6.1.0-56-cloud-amd64").as_deref(), Some("6.1"));
        assert_eq!(series_of("cloud-amd64"), None);
    }
}
