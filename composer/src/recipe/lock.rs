//! `chain.lock`: what the recipes and objects of a chain were when it was locked.

use std::{collections::HashMap, fmt::Write as _, path::Path};

use semver::Version;
use serde_json::Value;

use super::{digest::Digest, file, manifest};
use crate::{
    chain::{
        Spanned,
        table::{Diagnostics, Table},
    },
    diag::{Code, Diagnostic, Span},
};

/// The contents of a `chain.lock`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// The recipes, each name once, sorted by name.
    pub recipes: Vec<LockedSource>,
    /// Objects that are fetched, each name once, sorted by name.
    pub objects: Vec<LockedSource>,
}

/// A source and what came from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedSource {
    /// What the chain calls it.
    pub name: String,
    /// Where it is from, as it was asked for.
    pub source: String,
    /// The version of a recipe; an object may have none.
    pub version: Option<Version>,
    /// Of the packed recipe, or of the object.
    pub digest: Digest,
    /// What the source was at, where it names something that moves: a commit, the digest of a manifest.
    pub revision: Option<String>,
    /// The public key that signed it, if one did.
    pub key: Option<String>,
}

impl Lock {
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
        file::parse(path, text, "the lock", |top, report| {
            let known = file::format(&["version"], top, report);
            let recipes = entries("recipe", true, top, report);
            let objects = entries("object", false, top, report);
            known?;
            Some(Self { recipes, objects })
        })
    }

    /// The recipe called `name`.
    #[must_use]
    pub fn recipe(&self, name: &str) -> Option<&LockedSource> {
        self.recipes.iter().find(|recipe| recipe.name == name)
    }

    /// Puts `recipe` in, in the place of one of that name.
    pub fn put_recipe(&mut self, recipe: LockedSource) {
        put(&mut self.recipes, recipe);
    }

    /// Puts `object` in, in the place of one of that name.
    pub fn put_object(&mut self, object: LockedSource) {
        put(&mut self.objects, object);
    }

    /// Takes the recipe called `name` out; whether it was there.
    pub fn remove_recipe(&mut self, name: &str) -> bool {
        let before = self.recipes.len();
        self.recipes.retain(|recipe| recipe.name != name);
        self.recipes.len() < before
    }

    /// The text of the file. The same contents give the same text.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out =
            "# Written by freplace-compose. Keep it with the chain.\nversion = 1\n".to_owned();
        let recipes = self.recipes.iter().map(|recipe| ("recipe", recipe));
        for (kind, entry) in recipes.chain(self.objects.iter().map(|object| ("object", object))) {
            let version = entry.version.as_ref().map(ToString::to_string);
            let digest = entry.digest.to_string();
            let keys = [
                ("name", Some(&entry.name)),
                ("source", Some(&entry.source)),
                ("version", version.as_ref()),
                ("digest", Some(&digest)),
                ("revision", entry.revision.as_ref()),
                ("key", entry.key.as_ref()),
            ];
            let _ = write!(out, "\n[[{kind}]]\n"); // a String takes everything
            for (key, value) in keys {
                if let Some(value) = value {
                    // A string of TOML has the escapes of one of JSON.
                    let _ = writeln!(out, "{key} = {}", Value::from(value.as_str()));
                }
            }
        }
        out
    }
}

fn put(entries: &mut Vec<LockedSource>, entry: LockedSource) {
    entries.retain(|other| other.name != entry.name);
    entries.push(entry);
    entries.sort_by(|one, other| one.name.cmp(&other.name));
}

/// Reads the list at `kind`; only recipes have names of recipes, and versions.
fn entries(
    kind: &'static str,
    is_recipe: bool,
    top: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Vec<LockedSource> {
    let read = file::tables(kind, top, report, |table, report| entry(is_recipe, table, report));
    let mut places: HashMap<&str, &Span> = HashMap::new();
    for (span, entry) in &read {
        if let Some(first) = places.insert(&entry.name, span) {
            let message = format!("two entries for the {kind} `{}`", entry.name.escape_debug());
            report.push(
                Diagnostic::new(Code::BadValue, message)
                    .label(span, "again here")
                    .label(first, "first here")
                    .help(
                        "Remove one of them, or write the file anew with `freplace-compose lock`.",
                    ),
            );
        }
    }
    let mut entries: Vec<_> = read.into_iter().map(|(_, entry)| entry).collect();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries
}

fn entry(
    is_recipe: bool,
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<(Span, LockedSource)> {
    let name = match is_recipe {
        true => file::parsed(&["name"], "\"drop-udp\"", table, report, manifest::name),
        false => file::parsed(&["name"], "\"filter.bpf.o\"", table, report, file::line),
    };
    let source = file::parsed(
        &["source"],
        "\"https://example.org/drop-udp-1.0.0.fcr\"",
        table,
        report,
        file::line,
    );
    let version = match is_recipe || table.get("version").is_some() {
        true => {
            file::parsed(&["version"], "\"1.0.0\"", table, report, str::parse::<Version>).map(Some)
        }
        false => Some(None),
    };
    let digest = file::parsed(&["digest"], "\"sha256:…\"", table, report, str::parse::<Digest>);
    let mut text = |key: &'static [&'static str; 1]| match table.get(key[0]) {
        Some(_) => file::parsed(key, "\"…\"", table, report, file::line).map(|text| text.value),
        None => None,
    };
    let (revision, key) = (text(&["revision"]), text(&["key"]));
    let Spanned { value: name, span } = name?;
    let (source, digest) = (source?.value, digest?.value);
    let version = version?.map(|version| version.value);
    Some((span, LockedSource { name, source, version, digest, revision, key }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(text: &str) -> Result<Lock, Vec<String>> {
        let found = Lock::parse("chain.lock".as_ref(), text.to_owned());
        found.map_err(|found| found.into_iter().map(|found| found.message).collect())
    }

    #[test]
    fn what_is_written_is_read_back() {
        let of = |name: &str, version: Option<&str>| LockedSource {
            name: name.to_owned(),
            source: format!("https://example.org/\"{name}\"?a=ü"),
            version: version.map(|version| version.parse().expect("a version")),
            digest: Digest::of(name.as_bytes()),
            revision: version.map(|_| "0123abcd".to_owned()),
            key: None,
        };
        let mut written = Lock::default();
        written.put_recipe(of("zebra", Some("1.0.0-rc.1+build")));
        written.put_recipe(of("ape", Some("0.0.1")));
        written.put_recipe(of("zebra", Some("2.0.0")));
        written.put_object(of("filter.bpf.o", None));
        let text = written.to_toml();
        assert_eq!(lock(&text), Ok(written.clone()), "{text}");
        assert_eq!(written.recipes.len(), 2);
        assert!(written.remove_recipe("zebra") && !written.remove_recipe("zebra"));
        assert_eq!(lock(&Lock::default().to_toml()), Ok(Lock::default()));
    }

    #[test]
    fn every_mistake_of_a_lock_is_reported() {
        let digest = Digest::of(b"");
        let text = format!(
            "version = 1\n[[recipe]]\nname = \"a\"\nsource = \"b\"\nversion = \"1\"\ndigest = \"{digest}\"\n\
             [[recipe]]\nname = \"A\"\nsorce = \"b\"\nversion = \"1.0.0\"\ndigest = \"sha256:00\"\n\
             [[object]]\nname = \"x\"\nsource = \"x\"\ndigest = \"{digest}\"\n\
             [[object]]\nname = \"x\"\nsource = \"y\"\ndigest = \"{digest}\"\n"
        );
        assert_eq!(
            lock(&text).expect_err("it is wrong"),
            [
                "invalid `version`: 1",
                "invalid `name`: A",
                "unknown key `sorce` in [[recipe]]",
                "invalid `digest`: sha256:00",
                "two entries for the object `x`",
            ]
        );
        assert_eq!(
            lock("version = 2\nnew = 1").expect_err("it is newer"),
            ["version 2 is newer than this program"]
        );
        assert_eq!(lock("").expect_err("it is empty"), ["missing key `version` in the lock"]);
    }
}
