//! The sources of recipes, as they are written.

use std::{fmt, path::PathBuf};

use crate::recipe::Digest;

/// Where a recipe comes from. `Display` writes what `FromStr` reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecipeSource {
    /// A folder or a packed file of this machine: `../dispatcher`, `file:///srv/tcp-1.0.0.fcr`.
    Path(PathBuf),
    /// A packed file on a server: `https://example.org/tcp-1.0.0.fcr`.
    Web(WebAddress),
    /// A folder in a git repository: `git+https://example.org/recipes.git?rev=v1&folder=tcp`.
    Git(GitSource),
    /// An artifact in an OCI registry: `oci://ghcr.io/example/tcp:1.0.0@sha256:…`.
    Oci(OciReference),
    /// A recipe of this program: `builtin:tcp`.
    Builtin(String),
}

/// An https URL without a user, a password or a fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebAddress(pub(super) String);

/// A folder of a git repository at a revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GitSource {
    /// What git is given: `https://…`, `ssh://…` or `file:///…`.
    pub(super) url: String,
    /// A branch, a tag, or the 40 digits of a commit. None: what the repository has as its default.
    pub(super) revision: Option<String>,
    /// The folder in the repository. None: its root.
    pub(super) folder: Option<String>,
}

/// What a registry knows a manifest by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OciReference {
    /// `ghcr.io`, `127.0.0.1:5000`, `[::1]:5000`.
    pub(super) host: String,
    /// `example/tcp`.
    pub(super) repository: String,
    /// None: `latest`, unless there is a digest.
    pub(super) tag: Option<String>,
    /// Of a manifest or an index.
    pub(super) digest: Option<Digest>,
}

impl WebAddress {
    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GitSource {
    /// The same folder at a commit.
    pub(super) fn at(&self, commit: &str) -> Self {
        Self { revision: Some(commit.to_owned()), ..self.clone() }
    }

    /// Whether its revision is a commit, which never changes.
    pub(super) fn is_exact(&self) -> bool {
        self.revision.as_deref().is_some_and(is_commit)
    }
}

/// Whether `revision` is the whole name of a commit.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

impl OciReference {
    /// The registry: `ghcr.io`, `127.0.0.1:5000`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The name in the registry: `example/tcp`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest of a manifest or index.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The same with the digest of what was found.
    pub(super) fn at(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }
}

impl RecipeSource {
    /// Whether what it names can never change: a commit, or a digest.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        match self {
            Self::Git(git) => git.is_exact(),
            Self::Oci(reference) => reference.digest.is_some(),
            Self::Builtin(_) => true,
            Self::Path(_) | Self::Web(_) => false,
        }
    }

    /// The same at a revision that does not move: a commit, the digest of a manifest. Others have none.
    #[must_use]
    pub fn at(&self, revision: &str) -> Self {
        match (self, revision.parse()) {
            (Self::Git(git), _) => Self::Git(git.at(revision)),
            (Self::Oci(reference), Ok(digest)) => Self::Oci(reference.at(digest)),
            _ => self.clone(),
        }
    }

    /// Whether it is on this machine, so that no network is needed.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Path(_) | Self::Builtin(_) => true,
            Self::Git(git) => git.url.starts_with("file:"),
            Self::Web(_) | Self::Oci(_) => false,
        }
    }
}

impl fmt::Display for RecipeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Web(address) => f.write_str(&address.0),
            Self::Git(git) => git.fmt(f),
            Self::Oci(reference) => reference.fmt(f),
            Self::Builtin(name) => write!(f, "builtin:{name}"),
        }
    }
}

impl fmt::Display for GitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "git+{}", self.url)?;
        let options = [("rev", &self.revision), ("folder", &self.folder)];
        let options = options.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        for (at, (key, value)) in options.enumerate() {
            write!(f, "{}{key}={value}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Display for OciReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}
