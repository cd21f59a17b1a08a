//! The recipe that a word of the command line means: a folder, a packed recipe, or a name.

use std::path::Path;

use freplace_compose::{
    diag::{Code, Diagnostic, nearest},
    recipe::{LOCK, Lock, LockedSource, Packed, SIGNATURE, Store},
};

/// A recipe, and how it came here.
pub(super) struct FoundRecipe {
    pub(super) packed: Packed,
    /// The text of the signature beside it.
    pub(super) signature: Option<String>,
    /// Its source: where it was fetched from, or its path.
    pub(super) source: String,
}

/// The recipe that `word` means. A path has a slash, or is of something that is there.
pub(super) fn recipe(word: &str) -> Result<FoundRecipe, Vec<Diagnostic>> {
    let path = Path::new(word);
    if path.is_dir() {
        let packed = Packed::of_folder(path)?;
        let signature = signature(&path.join("recipe.fcr"));
        return Ok(FoundRecipe { packed, signature, source: word.to_owned() });
    }
    if word.contains('/') || path.exists() {
        let packed = Packed::open(path)?;
        return Ok(FoundRecipe { packed, signature: signature(path), source: word.to_owned() });
    }
    named(word)
}

/// The text of the signature beside `path`.
fn signature(path: &Path) -> Option<String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(SIGNATURE);
    std::fs::read_to_string(name).ok()
}

/// The lock of this folder; an empty one where there is none.
pub(in crate::cli) fn lock() -> Result<Lock, Vec<Diagnostic>> {
    let path = Path::new(LOCK);
    if path.symlink_metadata().is_ok() { Lock::open(path) } else { Ok(Lock::default()) }
}

/// The recipe called `name` in chain.lock of this folder, else the newest of that name in the cache.
fn named(name: &str) -> Result<FoundRecipe, Vec<Diagnostic>> {
    let one = |found: Box<Diagnostic>| vec![*found];
    let (store, lock) = (Store::of_user().map_err(one)?, lock()?);
    if let Some(locked) = lock.recipe(name) {
        let folder = store.get(&locked.digest).map_err(one)?;
        let folder = folder.ok_or_else(|| one(Box::new(not_fetched(locked))))?;
        return Ok(FoundRecipe {
            packed: Packed::of_folder(&folder)?,
            signature: None,
            source: locked.source.clone(),
        });
    }
    let stored = store.recipes().map_err(one)?;
    let of_name = stored
        .iter()
        .rev()
        .find(|recipe| recipe.manifest.as_ref().is_ok_and(|manifest| manifest.name == name));
    if let Some(recipe) = of_name {
        let source = recipe.folder.display().to_string();
        return Ok(FoundRecipe {
            packed: Packed::of_folder(&recipe.folder)?,
            signature: None,
            source,
        });
    }
    let names =
        stored.iter().filter_map(|recipe| Some(recipe.manifest.as_ref().ok()?.name.as_str()));
    let names = names.chain(lock.recipes.iter().map(|recipe| recipe.name.as_str()));
    Err(vec![unknown(name, names)])
}

/// That no recipe is called `name`.
pub(in crate::cli) fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Diagnostic {
    let found =
        Diagnostic::new(Code::NoSuchRecipe, format!("unknown recipe `{}`", name.escape_debug()));
    found.help(match nearest(name, names) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => "`freplace-compose recipe list` prints the recipes of chain.lock and of the cache. A folder or a file is \
                 named by its path: ./NAME"
            .to_owned(),
    })
}

fn not_fetched(locked: &LockedSource) -> Diagnostic {
    let message = format!("`{}` is in chain.lock, and not in the cache", locked.name);
    Diagnostic::new(Code::NoSuchRecipe, message).help(format!("It is from {}.", locked.source))
}
