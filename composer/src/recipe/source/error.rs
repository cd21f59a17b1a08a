//! Why a recipe could not be fetched.

use std::{path::PathBuf, time::Duration};

use thiserror::Error;

use crate::{
    diag::{Code, Diagnostic, Span},
    recipe::Digest,
};

/// Why something could not be had from a source.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct FetchError {
    /// What was asked for, as the user wrote it.
    pub source_text: String,
    /// Why it could not be had.
    pub why: FetchErrorKind,
}

/// The reasons.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// Nobody answers, or not as the protocol says.
    #[error("{server} cannot be reached: {why}")]
    Unreachable {
        /// `ghcr.io`, or an address with its port.
        server: String,
        /// The system's words.
        why: String,
    },
    /// The answer takes too long.
    #[error("{server} did not answer within {} s", limit.as_secs_f32())]
    Slow {
        /// The server.
        server: String,
        /// How long was waited.
        limit: Duration,
    },
    /// A certificate that is not trusted.
    #[error("the certificate of {server} is not trusted: {why}")]
    Certificate {
        /// The server.
        server: String,
        /// The words of the check.
        why: String,
    },
    /// The server wants to know who asks, or refuses whoever asked.
    #[error("{server} requires a login")]
    Login {
        /// The server.
        server: String,
        /// Whether a name and password were sent.
        was_sent: bool,
        /// Why those of the user were not sent, or what the server says.
        why: Option<String>,
    },
    /// The server does not have it.
    #[error("{server} has no {what}")]
    Absent {
        /// The server or repository.
        server: String,
        /// What was asked for: `revision v9`, `manifest 1.0.0 of example/tcp`.
        what: String,
    },
    /// An answer that is none of the above.
    #[error("{server} answers with {status}{}", said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Answer {
        /// The server.
        server: String,
        /// The number of HTTP.
        status: u16,
        /// The first words of the answer, where it has words.
        said: Option<String>,
    },
    /// A redirect that is not followed.
    #[error("{server} redirects to {to}, which is not followed: {why}")]
    Redirect {
        /// The server.
        server: String,
        /// Where to.
        to: String,
        /// Why not.
        why: &'static str,
    },
    /// More bytes than may be.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// Other bytes than the digest says.
    #[error("{what} has the digest {found} instead of {wanted}")]
    Digest {
        /// What has.
        what: String,
        /// What it should be.
        wanted: Digest,
        /// What it is.
        found: Digest,
    },
    /// A manifest, an index or a layer that cannot be used.
    #[error("{what} {why}")]
    Image {
        /// Of what: `the manifest of example/tcp:1.0.0`.
        what: String,
        /// Why not: `has no layer`.
        why: String,
    },
    /// Nothing for this machine.
    #[error("{what} has nothing for {wanted}, only for {}", list(has))]
    Architecture {
        /// What has.
        what: String,
        /// The architecture asked for.
        wanted: String,
        /// Those it has.
        has: Vec<String>,
    },
    /// The git program is not there, or cannot be started.
    #[error("git cannot be started: {0}")]
    NoGit(String),
    /// A repository that wants to know who asks.
    #[error("{server} requires a login")]
    GitLogin {
        /// The address.
        server: String,
        /// What git says.
        why: String,
    },
    /// git says no.
    #[error("git: {0}")]
    Git(String),
    /// Something in a repository that cannot be part of a recipe.
    #[error("`{path}` in {server} {why}")]
    InRepository {
        /// The file.
        path: String,
        /// The repository.
        server: String,
        /// Why not: `is a symbolic link`.
        why: &'static str,
    },
    /// A file of this machine that cannot be read or written.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// A source that cannot be fetched by itself.
    #[error("{0}")]
    NotFetched(&'static str),
    /// A folder without recipe.toml.
    #[error("there is no recipe.toml in its folder")]
    NotARecipe,
    /// What was fetched is a recipe with mistakes.
    #[error("it is not a valid recipe")]
    Invalid(Vec<Diagnostic>),
}

fn list(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    crate::diag::list(&names)
}

impl FetchErrorKind {
    /// Puts the name of what was asked for beside it.
    pub(super) fn of(self, source: &impl ToString) -> FetchError {
        FetchError { source_text: source.to_string(), why: self }
    }

    fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. }
            | Self::Slow { .. }
            | Self::Certificate { .. }
            | Self::Answer { .. }
            | Self::Redirect { .. }
            | Self::NoGit(_)
            | Self::Git(_)
            | Self::File { .. } => Code::SourceUnreachable,
            Self::Login { .. } | Self::GitLogin { .. } => Code::SourceLogin,
            Self::Absent { .. } => Code::SourceAbsent,
            Self::Digest { .. } => Code::SourceDiffers,
            Self::TooLarge { .. }
            | Self::Image { .. }
            | Self::Architecture { .. }
            | Self::InRepository { .. }
            | Self::NotFetched(_)
            | Self::NotARecipe
            | Self::Invalid(_) => Code::SourceUnusable,
        }
    }

    /// What to do.
    fn help(&self) -> String {
        match self {
            Self::Unreachable { server, .. } if server.starts_with("127.") => {
                format!("Start the server, or correct the port in `{server}`.")
            }
            Self::Unreachable { .. } => {
                "Check the name, and whether this machine has a network. `--offline` uses what is \
                 in the cache."
                    .to_owned()
            }
            Self::Slow { .. } => "Try again, or wait longer with `--timeout SECONDS`.".to_owned(),
            Self::Certificate { .. } => {
                "If the server belongs to you, name the certificate of its authority: `--ca FILE`, \
                 or `SSL_CERT_FILE`. Otherwise do not use it."
                    .to_owned()
            }
            Self::Login { server, was_sent: true, .. } => format!(
                "Correct the name and password of {server} in ~/.docker/config.json, as `docker \
                 login {server}` writes them, or ask for the right to read it."
            ),
            Self::Login { server, .. } => format!(
                "Log in with `docker login {server}` or `podman login {server}`: name and password \
                 are read from ~/.docker/config.json or the file that REGISTRY_AUTH_FILE names."
            ),
            Self::Absent { .. } => {
                "Check the spelling, and that it was pushed there. `recipe search` lists what a \
                 registry has."
                    .to_owned()
            }
            Self::Answer { .. } => "Try again later, or tell whoever runs the server.".to_owned(),
            Self::Redirect { .. } => {
                "Write the address that it redirects to, if you trust it.".to_owned()
            }
            Self::TooLarge { .. } => {
                "A recipe holds objects, sources and tests, and nothing large.".to_owned()
            }
            Self::Digest { .. } => {
                "It was changed since it was published, or on its way. Do not use it before whoever \
                 published it says why."
                    .to_owned()
            }
            Self::Image { .. } => {
                "`freplace-compose recipe push` makes what `recipe add` reads. Objects may also be in \
                 images of bpfman and Inspektor Gadget."
                    .to_owned()
            }
            Self::Architecture { .. } => {
                "Objects depend on the architecture. Ask the author for one for this machine.".to_owned()
            }
            Self::NoGit(_) => {
                "Install git (on Debian: apt-get install git), or use another source.".to_owned()
            }
            Self::GitLogin { .. } => {
                "Set up a key or a credential helper of git: prompts are off.".to_owned()
            }
            Self::Git(_) => "Check the address with `git ls-remote ADDRESS`.".to_owned(),
            Self::InRepository { .. } => {
                "A recipe has regular files only. Commit the file itself.".to_owned()
            }
            Self::File { .. } => "Correct the path, or the permissions of the file.".to_owned(),
            Self::NotFetched(_) => "Use it by its name.".to_owned(),
            Self::NotARecipe => {
                "Name the folder that has it; in a repository with `folder=FOLDER`.".to_owned()
            }
            Self::Invalid(_) => "Ask the author for a valid recipe.".to_owned(),
        }
    }
}

impl FetchError {
    /// The diagnostics, at the place where the source stands if it stands in a file.
    #[must_use]
    pub fn diagnostics(self, place: Option<&Span>) -> Vec<Diagnostic> {
        if let FetchErrorKind::Invalid(found) = self.why {
            return found;
        }
        let (code, help) = (self.why.code(), self.why.help());
        let mut found = Diagnostic::new(code, format!("cannot fetch {}", self.source_text))
            .maybe_label(place, "this source")
            .note(self.why.to_string())
            .help(help);
        if let FetchErrorKind::Login { why: Some(why), .. } | FetchErrorKind::GitLogin { why, .. } =
            &self.why
        {
            found = found.note(why.clone());
        }
        vec![found]
    }
}
