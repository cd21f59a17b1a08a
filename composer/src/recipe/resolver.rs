//! What a chain refers to, as its `chain.lock` says: a reference → a folder whose contents have the
//! digest in the lock, from the cache or, where that does not have it, from the source.
//!
//! Only what is in the lock is fetched: it got there by `recipe add`, which showed it to somebody first.

use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, Source, Span};

use super::{
    CHAIN, Digest, LOCK, Lock, LockedSource, Packed, Store,
    source::{
        Fetched, RecipeSource, ServerSettings, fetch,
        oci::{FetchedObject, fetch_object},
    },
};

/// How a lock is obeyed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockOptions {
    /// Whether everything has to be in the lock and as it says, also folders of this machine.
    pub locked: bool,
    /// Whether only the cache is used.
    pub offline: bool,
    /// How servers are spoken to.
    pub connection: ServerSettings,
}

/// The references of the chains in one folder.
#[derive(Debug)]
pub struct LockResolver {
    /// Where relative paths begin, and where the lock is.
    folder: PathBuf,
    /// Empty where there is none.
    lock: Lock,
    store: Store,
    options: LockOptions,
}

impl LockResolver {
    /// For the chains in `folder`, with its lock, and `store` as the cache.
    ///
    /// # Errors
    /// Where the lock cannot be read.
    pub fn open(
        folder: &Path,
        store: Store,
        options: LockOptions,
    ) -> Result<Self, Vec<Diagnostic>> {
        let file = folder.join(LOCK);
        let lock = if file.exists() { Lock::open(&file)? } else { Lock::default() };
        Ok(Self { folder: folder.to_owned(), lock, store, options })
    }

    /// The lock.
    #[must_use]
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The folder of the recipe that `reference` stands for: the name of one in the lock, its source, or a path.
    /// Diagnostics about the reference have no place, which its reader knows.
    ///
    /// # Errors
    /// Where it is not in the lock, not to be had, or not what the lock says.
    pub fn recipe(&self, reference: &str) -> Result<PathBuf, Vec<Diagnostic>> {
        let entry = entry(&self.lock.recipes, reference);
        let path = self.folder.join(reference);
        match entry {
            None if !self.options.locked && path.is_dir() && path.join(CHAIN).is_file() => Ok(path),
            None if !self.options.locked && path.is_file() => {
                let packed = Packed::open(&path)?;
                self.store.put(&packed).map_err(|found| vec![*found])
            }
            None => Err(vec![self.not_locked(reference)]),
            Some(entry) => self.locked(entry),
        }
    }

    /// The file of the object that `reference` stands for, an image in a registry.
    ///
    /// # Errors
    /// As of a recipe.
    pub fn object(&self, reference: &str) -> Result<PathBuf, Vec<Diagnostic>> {
        let Some(entry) = entry(&self.lock.objects, reference) else {
            let found = self.not_locked(reference);
            return Err(vec![found.help("Lock it first: freplace-compose lock FILE")]);
        };
        let cached = self.store.object(&entry.digest).map_err(|found| vec![*found])?;
        if let Some(file) = cached {
            return Ok(file);
        }
        self.may_fetch(entry)?;
        let source = exact(entry)?;
        let RecipeSource::Oci(image) = &source else {
            let why = "an object comes from a registry: oci://HOST/NAME:TAG";
            return Err(vec![differs(entry, why.to_owned())]);
        };
        let FetchedObject { bytes, digest, .. } = fetch_object(image, &self.options.connection)
            .map_err(|error| error.diagnostics(None))?;
        verified(entry, digest)?;
        self.store.put_object(&bytes).map(|(_, file)| file).map_err(|found| vec![*found])
    }

    /// The folder of a recipe in the lock.
    fn locked(&self, entry: &LockedSource) -> Result<PathBuf, Vec<Diagnostic>> {
        if self.options.locked {
            self.unchanged(entry)?;
        }
        let cached = self.store.get(&entry.digest).map_err(|found| vec![*found])?;
        if let Some(folder) = cached {
            return Ok(folder);
        }
        self.may_fetch(entry)?;
        let fetched = fetch_locked(entry, &self.folder, &self.options.connection)?;
        self.store.put(&fetched.packed).map_err(|found| vec![*found])
    }

    /// Fails where a folder or file of this machine, which needs no server to be looked at, is no longer what was locked.
    fn unchanged(&self, entry: &LockedSource) -> Result<(), Vec<Diagnostic>> {
        let Ok(RecipeSource::Path(path)) = entry.source.parse() else { return Ok(()) };
        let path = self.folder.join(path);
        let packed = match path {
            path if path.is_dir() => Packed::of_folder(&path)?,
            path if path.is_file() => Packed::open(&path)?,
            _ => return Ok(()),
        };
        let found = packed.digest();
        if found == entry.digest {
            return Ok(());
        }
        Err(vec![
            Diagnostic::new(
                Code::NotLocked,
                format!("`{}` changed since it was locked", entry.name),
            )
            .note(format!("chain.lock: {}\n{}: {found}", entry.digest, entry.source))
            .help(format!("Run `freplace-compose update {}`, or leave out --locked.", entry.name)),
        ])
    }

    /// Fails where nothing may be fetched.
    fn may_fetch(&self, entry: &LockedSource) -> Result<(), Vec<Diagnostic>> {
        if !self.options.offline {
            return Ok(());
        }
        Err(vec![
            Diagnostic::new(Code::NotCached, format!("`{}` is not in the cache", entry.name))
                .note(format!("{} from {}", entry.digest, entry.source))
                .help("Run it once without --offline, while its source can be reached."),
        ])
    }

    fn not_locked(&self, reference: &str) -> Diagnostic {
        let names: Vec<_> = self.lock.recipes.iter().map(|one| one.name.as_str()).collect();
        let near = crate::diag::nearest(reference, names.iter().copied());
        let help = match near {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!(
                "Look at it and lock it first: freplace-compose recipe add {}",
                if reference.contains(['/', '.', ':']) { reference } else { "SOURCE" }
            ),
        };
        Diagnostic::new(Code::NotLocked, format!("`{reference}` is not in {LOCK}")).help(help)
    }
}

/// Fetches the recipe of `entry` from where it was when it was locked, and compares the digest. Relative paths begin
/// at the folder `base`.
///
/// # Errors
/// Where it cannot be had, or is not what was locked.
pub fn fetch_locked(
    entry: &LockedSource,
    base: &Path,
    connection: &ServerSettings,
) -> Result<Fetched, Vec<Diagnostic>> {
    let source = exact(entry)?;
    let fetched = fetch(&source, base, connection).map_err(|error| error.diagnostics(None))?;
    verified(entry, fetched.packed.digest())?;
    Ok(fetched)
}

/// Where `entry` comes from exactly.
fn exact(entry: &LockedSource) -> Result<RecipeSource, Vec<Diagnostic>> {
    let source = entry.source.parse::<RecipeSource>().map_err(|error| {
        let text = Source::first(LOCK, entry.source.clone());
        vec![error.diagnostic(&Span::new(&text, 0..entry.source.len()))]
    })?;
    Ok(match &entry.revision {
        Some(revision) => source.at(revision),
        None => source,
    })
}

/// The entry that a reference names, or whose source it is.
fn entry<'a>(entries: &'a [LockedSource], reference: &str) -> Option<&'a LockedSource> {
    let named = entries.iter().find(|entry| entry.name == reference);
    named.or_else(|| entries.iter().find(|entry| entry.source == reference))
}

fn verified(entry: &LockedSource, found: Digest) -> Result<(), Vec<Diagnostic>> {
    if found == entry.digest {
        return Ok(());
    }
    Err(vec![differs(entry, format!("chain.lock: {}\nthe source: {found}", entry.digest))])
}

fn differs(entry: &LockedSource, note: String) -> Diagnostic {
    Diagnostic::new(
        Code::SourceDiffers,
        format!("{} does not have what was locked as `{}`", entry.source, entry.name),
    )
    .note(note)
    .help(
        "It was changed since it was locked, or on its way. Ask whoever published it; if the change is \
         meant, `freplace-compose update` shows and locks it.",
    )
}
