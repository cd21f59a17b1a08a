//! A profile written by a user, and the files that it names.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;

use super::{Features, Helpers, Profile, Targets, Version};
use crate::{
    diag::{Code, Diagnostic, Source, Span},
    files::{self, plain},
    object::btf::BtfError,
};

/// What stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileText {
    pub(super) kernel: Version,
    pub(super) features: Features,
    programs: Option<BTreeSet<String>>,
    maps: Option<BTreeSet<String>>,
    helpers: Option<Helpers>,
    /// The kernel's BTF, as in `/sys/kernel/btf/vmlinux`; relative to the profile.
    btf: Option<toml::Spanned<PathBuf>>,
    /// The kernel's symbols, as in `/proc/kallsyms` or one name a line; relative to the profile.
    symbols: Option<toml::Spanned<PathBuf>>,
}

impl ProfileText {
    /// The profile, without the files it names.
    pub(super) fn profile(self) -> Profile {
        let Self { kernel, features, programs, maps, helpers, .. } = self;
        Profile { kernel, features, programs, maps, helpers, targets: None }
    }
}

/// Reads the profile at `path`, and the BTF and symbols it names.
///
/// # Errors
/// What is wrong with it, or with a file it names.
pub fn open(path: &Path) -> Result<Profile, Vec<Diagnostic>> {
    let name = path.display().to_string();
    let text = files::read(path, files::CHAIN)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| std::io::Error::other("not UTF-8")));
    let text = text.map_err(|error| {
        let message = format!("cannot read the profile {name}: {}", plain(&error));
        let help = "Use a series such as 6.12, `running`, or a profile file.";
        vec![Diagnostic::new(Code::FileUnreadable, message).help(help)]
    })?;
    let source = Source::first(name, text);
    let read: ProfileText = toml::from_str(&source.text).map_err(|error: toml::de::Error| {
        let message = format!("invalid profile {}: {}", source.name, error.message());
        let span = Span::new(&source, error.span().unwrap_or_default());
        let help = "See the profiles in composer/profiles for the format.";
        vec![Diagnostic::new(Code::BadValue, message).label(&span, "here").help(help)]
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    let mut bytes = |file: Option<&toml::Spanned<PathBuf>>| -> Option<Vec<u8>> {
        let file = file?;
        let bytes = files::read(&folder.join(file.get_ref()), files::OBJECT);
        bytes.map_err(|error| found.push(unreadable(&source, file, &plain(&error)))).ok()
    };
    let btf = bytes(read.btf.as_ref());
    let symbols = bytes(read.symbols.as_ref());
    let symbols = symbols.as_deref().map(String::from_utf8_lossy);
    let named = read.btf.is_some() || read.symbols.is_some();
    let targets = Targets::new(btf, symbols.as_deref());
    let targets = targets.map_err(|error| found.extend(damaged(&source, &read, &error))).ok();
    if !found.is_empty() {
        return Err(found);
    }
    let targets = targets.filter(|_| named).map(Arc::new);
    Ok(Profile { targets, ..read.profile() })
}

fn unreadable(source: &Arc<Source>, file: &toml::Spanned<PathBuf>, why: &str) -> Diagnostic {
    let message = format!("cannot read {}: {why}", file.get_ref().display());
    Diagnostic::new(Code::FileUnreadable, message)
        .label(&Span::new(source, file.span()), "used here")
        .help("Check the path. Paths in a profile are relative to its file.")
}

fn damaged(source: &Arc<Source>, read: &ProfileText, error: &BtfError) -> Option<Diagnostic> {
    let file = read.btf.as_ref()?;
    let message = format!("invalid kernel BTF {}: {error}", file.get_ref().display());
    Some(
        Diagnostic::new(Code::BadValue, message)
            .label(&Span::new(source, file.span()), "used here")
            .help("Copy it from the machine: cp /sys/kernel/btf/vmlinux vmlinux.btf"),
    )
}
