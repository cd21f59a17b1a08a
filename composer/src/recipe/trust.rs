//! Whose signatures are trusted, and for what: `trust.toml` in the user's folder of settings.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{file, signature::SigningKey};
use crate::{
    diag::{Code, Diagnostic},
    user_folders,
};

/// The keys that a user trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// In the order in which they were added.
    pub keys: Vec<TrustedKey>,
}

/// A key that is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub key: SigningKey,
    /// What sources begin with that it is for; all if not given. A source that a key was given for needs a
    /// signature by such a key.
    pub source: Option<String>,
}

const FILE: &str = "trust.toml";

impl Trust {
    /// The file of the user who runs this.
    ///
    /// # Errors
    /// When there is no folder for it.
    pub fn path() -> Result<PathBuf, Box<Diagnostic>> {
        let folder = user_folders::settings().ok_or_else(|| {
            let found = Diagnostic::new(Code::FileUnreadable, "no folder for settings");
            Box::new(found.help("Set XDG_CONFIG_HOME to a folder."))
        })?;
        Ok(folder.join(FILE))
    }

    /// Reads the file at `path`; without one, nobody is trusted.
    ///
    /// # Errors
    /// Every diagnostic of the file.
    pub fn open(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            _ => Self::parse(path, file::open(path)?),
        }
    }

    /// Reads `text`, the contents of `path`.
    ///
    /// # Errors
    /// Every diagnostic of the file.
    pub fn parse(path: &Path, text: String) -> Result<Self, Vec<Diagnostic>> {
        file::parse(path, text, "the file", |top, report| {
            let known = file::format(&["version"], top, report);
            let keys = file::tables("key", top, report, |table, report| {
                let key = file::parsed(&["public"], "\"RWQ…\"", table, report, str::parse);
                let source = match table.get("source") {
                    Some(_) => file::parsed(
                        &["source"],
                        "\"https://example.org/\"",
                        table,
                        report,
                        file::line,
                    )
                    .map(Some),
                    None => Some(None),
                };
                Some(TrustedKey { key: key?.value, source: source?.map(|source| source.value) })
            });
            known.map(|()| Self { keys })
        })
    }

    /// Adds a key; whether it was not there.
    pub fn add(&mut self, key: TrustedKey) -> bool {
        let is_new = !self.keys.contains(&key);
        if is_new {
            self.keys.push(key);
        }
        is_new
    }

    /// Takes out what is there of the key with this text or id; how many entries that were.
    pub fn remove(&mut self, key: &str) -> usize {
        let before = self.keys.len();
        self.keys.retain(|trusted| trusted.key.to_string() != key && trusted.key.id() != key);
        before - self.keys.len()
    }

    /// Writes the file at `path`, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Box<Diagnostic>> {
        file::write(path, &self.to_toml())
    }

    fn to_toml(&self) -> String {
        let mut out = "# Written by `freplace-compose trust`.\nversion = 1\n".to_owned();
        for TrustedKey { key, source } in &self.keys {
            // A string of TOML has the escapes of one of JSON, and a String takes everything.
            let _ = write!(out, "\n[[key]]\npublic = {}\n", Value::from(key.to_string()));
            if let Some(source) = source {
                let _ = writeln!(out, "source = {}", Value::from(source.as_str()));
            }
        }
        out
    }

    /// The keys for `source`: those given for it; where there are none, those for all. And whether they were given
    /// for it, so that it needs a signature.
    #[must_use]
    pub fn keys_for(&self, source: &str) -> (Vec<&SigningKey>, bool) {
        let of = |wanted: &dyn Fn(Option<&str>) -> bool| -> Vec<&SigningKey> {
            let keys = self.keys.iter().filter(|key| wanted(key.source.as_deref()));
            keys.map(|key| &key.key).collect()
        };
        let pinned = of(&|prefix| prefix.is_some_and(|prefix| begins(source, prefix)));
        match pinned.is_empty() {
            true => (of(&|prefix| prefix.is_none()), false),
            false => (pinned, true),
        }
    }
}

/// Whether `source` begins with `prefix`, which ends where a name ends: not within that of another host or repository.
fn begins(source: &str, prefix: &str) -> bool {
    let Some(rest) = source.strip_prefix(prefix) else { return false };
    let goes_on = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    prefix.ends_with('/') || !rest.starts_with(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn key(text: &str) -> SigningKey {
        text.parse().expect("a key")
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut trust = Trust::default();
        let pinned =
            TrustedKey { key: key(ONE), source: Some("https://example.org/a\"b".to_owned()) };
        assert!(trust.add(TrustedKey { key: key(ONE), source: None }));
        assert!(trust.add(pinned.clone()) && !trust.add(pinned));
        let read = Trust::parse("trust.toml".as_ref(), trust.to_toml());
        assert_eq!(read.map(|read| read.keys), Ok(trust.keys.clone()));
        assert_eq!(trust.remove("E7620F1842B4E81F"), 2);
    }

    #[test]
    fn a_source_with_keys_of_its_own_has_no_others() {
        let other = "RWSVkbTN6FIwQpRh2K3X0JQnuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let mut trust = Trust::default();
        trust.add(TrustedKey { key: key(other), source: None });
        trust.add(TrustedKey { key: key(ONE), source: Some("oci://example.org/team".to_owned()) });
        for (source, pinned) in [
            ("oci://example.org/team:1.0", true),
            ("oci://example.org/team/drop@sha256:00", true),
            ("oci://example.org/team", true),
            ("oci://example.org/team-b/drop", false),
            ("oci://example.org", false),
            ("https://example.org/team", false),
        ] {
            let expected = if pinned { key(ONE) } else { key(other) };
            assert_eq!(trust.keys_for(source), (vec![&expected], pinned), "{source}");
        }
    }

    #[test]
    fn every_mistake_is_reported() {
        let text = "version = 1\n[[key]]\npublic = \"RWQ\"\nsource = 1\n[[key]]\nsource = \"a\"\n";
        let found = Trust::parse("trust.toml".as_ref(), text.to_owned()).expect_err("it is wrong");
        let messages: Vec<_> = found.into_iter().map(|found| found.message).collect();
        assert_eq!(
            messages,
            [
                "invalid `public`: RWQ",
                "`source` must be a string",
                "missing key `public` in [[key]]"
            ]
        );
    }
}
