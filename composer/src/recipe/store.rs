//! The user's cache of recipes and objects: what was fetched once is there by its digest.
//!
//! `recipes/HEX` is the folder of a recipe, `objects/HEX` an object. Nothing is ever changed in place: an entry is
//! made under another name and renamed, under a lock, so that nobody sees a part of one. A folder is packed again
//! before it is used, which gives its digest: a file that was changed, added or removed is found.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::{digest::Digest, manifest::Manifest, packed::Packed};
use crate::{
    diag::{Code, Diagnostic},
    files, user_folders,
};

const RECIPES: &str = "recipes";
const OBJECTS: &str = "objects";
/// What an entry is called while it is made, and one that is removed.
const WORK: &str = "work-";

/// The cache.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// A recipe in the cache.
#[derive(Debug)]
pub struct StoredRecipe {
    /// Its digest.
    pub digest: Digest,
    /// Its folder.
    pub folder: PathBuf,
    /// What it says of itself, or why it cannot be used.
    pub manifest: Result<Manifest, Box<Diagnostic>>,
}

impl Store {
    /// The one of the user who runs this.
    ///
    /// # Errors
    /// When there is no folder for it.
    pub fn of_user() -> Result<Self, Box<Diagnostic>> {
        let folder = user_folders::cache().ok_or_else(|| {
            let found = Diagnostic::new(Code::CacheUnusable, "no cache folder for recipes");
            Box::new(found.help("Set FREPLACE_COMPOSE_CACHE to a folder."))
        })?;
        Ok(Self::in_folder(folder))
    }

    /// The one in `folder`, which need not exist.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Puts a recipe in, if it is not there; gives its folder. One that was damaged is replaced.
    ///
    /// # Errors
    /// When the cache cannot be written. Then it is as before.
    pub fn put(&self, packed: &Packed) -> Result<PathBuf, Box<Diagnostic>> {
        let place = self.recipe(&packed.digest());
        if is_whole_recipe(&place, &packed.digest()) {
            return Ok(place);
        }
        self.replace(RECIPES, &place, |work| {
            fs::create_dir(work)?;
            packed.unpack_into(work)
        })?;
        Ok(place)
    }

    /// The folder of a recipe, all of whose files were compared with the digest; none if it is not there.
    ///
    /// # Errors
    /// When it is there and is not what it was.
    pub fn get(&self, digest: &Digest) -> Result<Option<PathBuf>, Box<Diagnostic>> {
        let place = self.recipe(digest);
        if !is_there(&place) {
            return Ok(None);
        }
        if is_whole_recipe(&place, digest) { Ok(Some(place)) } else { Err(damaged(&place)) }
    }

    /// Puts an object in, if it is not there; gives its file.
    ///
    /// # Errors
    /// When the cache cannot be written. Then it is as before.
    pub fn put_object(&self, object: &[u8]) -> Result<(Digest, PathBuf), Box<Diagnostic>> {
        let digest = Digest::of(object);
        let place = self.object_place(&digest);
        if !is_whole_object(&place, &digest) {
            self.replace(OBJECTS, &place, |work| {
                let mut file = File::create_new(work)?;
                file.write_all(object)
            })?;
        }
        Ok((digest, place))
    }

    /// The file of an object that was compared with its digest; none if it is not there.
    ///
    /// # Errors
    /// When it is there and is not what it was.
    pub fn object(&self, digest: &Digest) -> Result<Option<PathBuf>, Box<Diagnostic>> {
        let place = self.object_place(digest);
        if !is_there(&place) {
            return Ok(None);
        }
        if is_whole_object(&place, digest) { Ok(Some(place)) } else { Err(damaged(&place)) }
    }

    /// The recipes in the cache, sorted by name and version; damaged ones last.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn recipes(&self) -> Result<Vec<StoredRecipe>, Box<Diagnostic>> {
        let folder = self.folder.join(RECIPES);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
        };
        let entries = entries.map_err(|error| unusable("read", &folder, &error))?;
        let mut found: Vec<_> = entries.iter().filter_map(stored).collect();
        found.sort_by_cached_key(|recipe| {
            let manifest = recipe.manifest.as_ref().ok();
            let name = manifest.map(|manifest| (manifest.name.clone(), manifest.version.clone()));
            (name.is_none(), name, recipe.digest)
        });
        Ok(found)
    }

    /// Removes a recipe; whether it was there.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn remove(&self, digest: &Digest) -> Result<bool, Box<Diagnostic>> {
        let place = self.recipe(digest);
        if !is_there(&place) {
            return Ok(false);
        }
        let work = self.work(RECIPES)?;
        let moved = fs::rename(&place, work.folder.path().join("old"));
        moved.map_err(|error| unusable("write", &place, &error))?;
        Ok(true)
    }

    fn recipe(&self, digest: &Digest) -> PathBuf {
        self.folder.join(RECIPES).join(digest.hex())
    }

    fn object_place(&self, digest: &Digest) -> PathBuf {
        self.folder.join(OBJECTS).join(digest.hex())
    }

    /// Puts what `make` writes at a path in the place of `place`.
    fn replace(
        &self,
        kind: &str,
        place: &Path,
        make: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), Box<Diagnostic>> {
        let work = self.work(kind)?;
        let (new, old) = (work.folder.path().join("new"), work.folder.path().join("old"));
        let put = || {
            make(&new)?;
            match fs::rename(place, &old) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::rename(&new, place)
        };
        put().map_err(|error| unusable("write", place, &error))
    }

    /// A folder to make an entry in, and the lock that is needed for it. Folders of processes that were killed go.
    fn work(&self, kind: &str) -> Result<StoreWork, Box<Diagnostic>> {
        let folder = self.folder.join(kind);
        let begin = || {
            fs::create_dir_all(&folder)?;
            let lock = File::create(folder.join("lock"))?;
            flock(&lock, FlockOperation::LockExclusive)?;
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                if entry.file_name().to_string_lossy().starts_with(WORK) {
                    fs::remove_dir_all(entry.path())?;
                }
            }
            let folder = tempfile::Builder::new().prefix(WORK).tempdir_in(&folder)?;
            Ok(StoreWork { folder, _lock: lock })
        };
        begin().map_err(|error: io::Error| unusable("write", &folder, &error))
    }
}

/// The folder goes before the lock does.
struct StoreWork {
    folder: tempfile::TempDir,
    _lock: File,
}

fn is_there(place: &Path) -> bool {
    place.symlink_metadata().is_ok()
}

fn is_whole_recipe(place: &Path, digest: &Digest) -> bool {
    let is_folder = place.symlink_metadata().is_ok_and(|found| found.is_dir());
    is_folder && Packed::of_stored(place).is_ok_and(|packed| packed.digest() == *digest)
}

fn is_whole_object(place: &Path, digest: &Digest) -> bool {
    files::read(place, files::OBJECT).is_ok_and(|bytes| Digest::of(&bytes) == *digest)
}

/// The recipe in an entry of the folder; none if its name is not a digest.
fn stored(entry: &fs::DirEntry) -> Option<StoredRecipe> {
    let digest = Digest::of_hex(entry.file_name().to_str()?).ok()?;
    let folder = entry.path();
    let packed = Packed::of_stored(&folder).ok().filter(|packed| packed.digest() == digest);
    let manifest = packed.map(|packed| packed.manifest().clone()).ok_or_else(|| damaged(&folder));
    Some(StoredRecipe { digest, folder, manifest })
}

fn damaged(place: &Path) -> Box<Diagnostic> {
    let message = format!("{} is not what its digest says", place.display());
    let found = Diagnostic::new(Code::CacheUnusable, message);
    Box::new(
        found.help("Remove it and fetch it again. It was changed since it was put into the cache."),
    )
}

fn unusable(what: &str, place: &Path, error: &io::Error) -> Box<Diagnostic> {
    let message = format!("cannot {what} the cache {}: {}", place.display(), files::plain(error));
    let found = Diagnostic::new(Code::CacheUnusable, message);
    Box::new(
        found
            .help("Make room or change its mode, or set FREPLACE_COMPOSE_CACHE to another folder."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    type Storing<T = ()> = Result<T, Box<dyn std::error::Error>>;

    fn packed() -> Storing<Packed> {
        let folder = tempfile::tempdir()?;
        let manifest = "format = 1\nname = \"a\"\nversion = \"1.0.0\"\ndescription = \"d\"\nlicense = \"MIT\"\n";
        fs::write(folder.path().join("recipe.toml"), manifest)?;
        let chain = "[host.one]\nobject = \"builtin:xdp\"\nprogram = \"xdp_host\"\nattach = { xdp = \"lo\" }\n";
        fs::write(folder.path().join("chain.toml"), chain)?;
        Packed::of_folder(folder.path()).map_err(|found| format!("{found:#?}").into())
    }

    fn plain<T>(found: Result<T, Box<Diagnostic>>) -> Storing<T> {
        found.map_err(|found| found.message.into())
    }

    #[test]
    fn a_recipe_that_is_changed_on_disk_is_found_and_replaced() -> Storing {
        let cache = tempfile::tempdir()?;
        let (store, packed) = (Store::in_folder(cache.path().to_owned()), packed()?);
        let digest = packed.digest();
        assert_eq!(plain(store.get(&digest))?, None);
        let folder = plain(store.put(&packed))?;
        let changes: [fn(&Path) -> io::Result<()>; 4] = [
            |folder| fs::write(folder.join("chain.toml"), ""),
            |folder| fs::remove_file(folder.join("recipe.toml")),
            |folder| fs::write(folder.join(".hidden"), ""),
            |folder| fs::remove_dir_all(folder).and_then(|()| fs::write(folder, "")),
        ];
        for change in changes {
            assert_eq!(plain(store.get(&digest))?, Some(folder.clone()));
            change(&folder)?;
            let found = store.get(&digest).expect_err("it was changed");
            assert!(found.message.ends_with("is not what its digest says"), "{}", found.message);
            plain(store.put(&packed))?;
        }
        let titles: Vec<_> = plain(store.recipes())?
            .into_iter()
            .map(|recipe| recipe.manifest.map(|manifest| manifest.title()))
            .collect();
        assert_eq!(titles, [Ok("a 1.0.0".to_owned())]);
        assert!(plain(store.remove(&digest))?);
        assert!(!plain(store.remove(&digest))?);
        let left = fs::read_dir(cache.path().join(RECIPES))?.count();
        assert_eq!(left, 1, "the lock");
        Ok(())
    }

    #[test]
    fn an_object_that_is_changed_on_disk_is_found_and_replaced() -> Storing {
        let cache = tempfile::tempdir()?;
        let store = Store::in_folder(cache.path().to_owned());
        let (digest, file) = plain(store.put_object(b"object"))?;
        assert_eq!(plain(store.object(&digest))?, Some(file.clone()));
        fs::write(&file, "objecT")?;
        assert!(store.object(&digest).is_err());
        assert_eq!(plain(store.put_object(b"object"))?, (digest, file.clone()));
        assert_eq!(plain(store.object(&digest))?, Some(file));
        assert_eq!(plain(store.object(&Digest::of(b"another")))?, None);
        Ok(())
    }

    #[test]
    fn what_a_killed_process_left_goes_with_the_next_entry() -> Storing {
        let cache = tempfile::tempdir()?;
        let left = cache.path().join("recipes/work-left/new");
        fs::create_dir_all(&left)?;
        fs::write(left.join("chain.toml"), "half of it")?;
        let store = Store::in_folder(cache.path().to_owned());
        assert_eq!(plain(store.recipes())?.len(), 0);
        plain(store.put(&packed()?))?;
        assert!(!left.exists());
        Ok(())
    }

    #[test]
    fn entries_are_whole_however_many_put_them_in_at_a_time() -> Storing {
        let cache = tempfile::tempdir()?;
        let (store, packed) = (Store::in_folder(cache.path().to_owned()), packed()?);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        assert!(store.put(&packed).is_ok());
                        assert!(matches!(store.get(&packed.digest()), Ok(Some(_))));
                    }
                });
            }
        });
        Ok(())
    }
}
