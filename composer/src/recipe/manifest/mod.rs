//! `recipe.toml`: what a recipe says of itself.

mod licence;
mod read;

use std::path::Path;

use semver::Version;

use super::{digest::Digest, file};
use crate::{chain::Spanned, diag::Diagnostic};

pub(super) use read::name;

/// What a `recipe.toml` says.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Lower-case letters, digits and `-`, at most 64; begins with a letter.
    pub name: String,
    /// The version of the recipe.
    pub version: Version,
    /// One line.
    pub description: String,
    /// Who made it; may be empty.
    pub authors: Vec<String>,
    /// An SPDX expression, for example `MIT OR Apache-2.0`. Whether its names are known is not checked.
    pub license: String,
    /// How objects are made of C sources.
    pub build: Vec<BuildStep>,
    /// The kernels that the recipe was tried on, as its author says.
    pub seen: Vec<SeenKernel>,
}

/// An object that clang makes of a source. There are no commands, so that nothing else can be run.
#[derive(Debug, Clone)]
pub struct BuildStep {
    /// The C source, a path in the recipe.
    pub source: Spanned<String>,
    /// The object, a path in the recipe.
    pub object: Spanned<String>,
    /// Macros for the source: `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
}

/// How a recipe did on a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenKernel {
    /// The kernel's release, as `uname -r` prints it.
    pub kernel: String,
    /// What became of it.
    pub verdict: SeenVerdict,
    /// [`Packed::tested_digest`](super::Packed::tested_digest) of the recipe that was tried.
    pub digest: Digest,
    /// The day: `2026-11-29`.
    pub date: String,
}

/// What became of a recipe on a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenVerdict {
    /// It came up, and its tests passed.
    Passed,
    /// It came up, and a test failed.
    Failed,
    /// It did not come up.
    Refused,
}

impl SeenVerdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Refused];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

impl Manifest {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Every diagnostic of the file.
    pub fn open(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        Self::parse(path, file::open(path)?)
    }

    /// Reads `text`, the contents of `path`.
    ///
    /// # Errors
    /// Every diagnostic of the file.
    pub fn parse(path: &Path, text: String) -> Result<Self, Vec<Diagnostic>> {
        file::parse(path, text, "the recipe", read::manifest)
    }

    /// Name and version: `drop-udp 1.2.0`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// What the packed recipe is called: `drop-udp-1.2.0.fcr`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.{}", self.name, self.version, super::EXTENSION)
    }
}

#[cfg(test)]
mod tests;
