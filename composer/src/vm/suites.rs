//! Debian suites with cloud kernels: a machine's own release has one or two series, the others have
//! the rest.

use std::{fmt, path::Path};

/// A suite that is asked for kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    archive: DebianArchive,
}

/// Debian's security updates are an archive of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DebianArchive {
    Main,
    Security,
}

const fn suite(name: &'static str, archive: DebianArchive) -> Suite {
    Suite { name, archive }
}

/// In the order in which they are asked: the lists of the last one are ten times as long.
pub(super) const SUITES: [Suite; 5] = [
    suite("trixie-backports", DebianArchive::Main),
    suite("trixie-security", DebianArchive::Security),
    suite("bookworm-security", DebianArchive::Security),
    suite("bullseye-security", DebianArchive::Security),
    suite("sid", DebianArchive::Main),
];

/// The names under which a suite of Debian's own stands in a machine's sources.
const RELEASES: [&str; 10] = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

/// What signs the archive, by the names that Debian's package `debian-archive-keyring` gave it.
pub(super) const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/// Where Debian is fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirrors {
    main: String,
    security: String,
}

impl Mirrors {
    /// Those of a machine's own sources (address and suite of each); Debian's own where it has none.
    pub(super) fn of(sources: &[(String, String)]) -> Self {
        let address = |end: &str, fallback: &str| {
            let mut sources = sources.iter();
            let is = |suite: &str| suite.strip_suffix(end).is_some_and(|it| RELEASES.contains(&it));
            let found = sources.find(|(_, suite)| is(suite)).map(|(address, _)| address.as_str());
            found.unwrap_or(fallback).trim_end_matches('/').to_owned()
        };
        Self {
            main: address("", "http://deb.debian.org/debian"),
            security: address("-security", "http://deb.debian.org/debian-security"),
        }
    }

    /// The mirror that has a suite.
    pub(super) fn for_suite(&self, suite: Suite) -> &str {
        match suite.archive {
            DebianArchive::Main => &self.main,
            DebianArchive::Security => &self.security,
        }
    }

    /// The line of a sources.list for a suite, its lists of packages alone.
    pub(super) fn line(&self, suite: Suite, keyring: &Path) -> String {
        let (keyring, mirror, name) = (keyring.display(), self.for_suite(suite), suite.name);
        format!(
            "deb [arch=amd64 target=Packages lang=none signed-by={keyring}] {mirror} {name} main\n"
        )
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sources: &[(&str, &str)]) -> Mirrors {
        let own = |text: &str| text.to_owned();
        let sources: Vec<_> = sources.iter().map(|(uri, suite)| (own(uri), own(suite))).collect();
        Mirrors::of(&sources)
    }

    #[test]
    fn the_machines_own_mirrors_are_used() {
        let mirrors = of(&[
            ("https://deb.nodesource.com/node_20.x/", "nodistro"),
            ("http://mirror.example/debian/", "bookworm-updates"),
            ("http://mirror.example/debian/", "bookworm"),
            ("http://mirror.example/security/", "bookworm-security"),
        ]);
        assert_eq!(mirrors.for_suite(SUITES[0]), "http://mirror.example/debian");
        assert_eq!(mirrors.for_suite(SUITES[1]), "http://mirror.example/security");
        assert_eq!(
            mirrors.line(SUITES[4], Path::new("/k.gpg")),
            "deb [arch=amd64 target=Packages lang=none signed-by=/k.gpg] http://mirror.example/debian sid main\n"
        );
    }

    #[test]
    fn a_machine_that_is_not_debian_uses_debians_own() {
        for sources in [&[][..], &[("http://archive.ubuntu.com/ubuntu/", "noble-security")]] {
            assert_eq!(of(sources).for_suite(SUITES[0]), "http://deb.debian.org/debian");
            assert_eq!(of(sources).for_suite(SUITES[1]), "http://deb.debian.org/debian-security");
        }
    }
}
