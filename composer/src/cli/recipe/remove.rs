//! `recipe remove NAME`: out of chain.lock, or out of the cache.

use std::path::Path;

use super::found::{lock, unknown};
use crate::cli::{exit::Exit, report, screen};
use freplace_compose::{
    diag::Diagnostic,
    recipe::{Digest, LOCK, Store},
};

/// Remove a recipe from chain.lock of this folder, or from the cache.
///
/// With --cached, what is kept of it in the cache is removed, and chain.lock stays as it is: what is in there is fetched
/// again when it is used.
///
/// Example: freplace-compose recipe remove drop-udp
#[derive(Debug, clap::Args)]
pub(super) struct RemoveRecipe {
    /// Name of the recipe; with --cached, it may be its digest.
    #[arg(value_name = "NAME")]
    name: String,
    /// Remove it from the cache.
    #[arg(long)]
    cached: bool,
}

pub(super) fn run(arguments: &RemoveRecipe) -> Exit {
    let removed = match arguments.cached {
        true => from_cache(&arguments.name),
        false => from_lock(&arguments.name),
    };
    match removed {
        Ok(()) => Exit::Done,
        Err(found) => {
            report::all(&found);
            Exit::Failed
        }
    }
}

fn from_lock(name: &str) -> Result<(), Vec<Diagnostic>> {
    let mut lock = lock()?;
    if !lock.remove_recipe(name) {
        return Err(vec![unknown(name, lock.recipes.iter().map(|recipe| recipe.name.as_str()))]);
    }
    lock.write(Path::new(LOCK)).map_err(|found| vec![*found])?;
    screen::say!("removed {name} from {LOCK}");
    Ok(())
}

/// Removes all versions of the name, or what has the digest.
fn from_cache(name: &str) -> Result<(), Vec<Diagnostic>> {
    let one = |found: Box<Diagnostic>| vec![*found];
    let store = Store::of_user().map_err(one)?;
    let stored = store.recipes().map_err(one)?;
    let digest = name.parse::<Digest>().ok();
    let is_meant = |digest_of: &Digest, own: Option<&str>| match digest {
        Some(digest) => *digest_of == digest,
        None => own == Some(name),
    };
    let mut removed = 0;
    for recipe in &stored {
        let own = recipe.manifest.as_ref().ok().map(|manifest| manifest.name.as_str());
        if is_meant(&recipe.digest, own) && store.remove(&recipe.digest).map_err(one)? {
            screen::say!("removed {} from the cache", recipe.folder.display());
            removed += 1;
        }
    }
    if removed == 0 {
        let names =
            stored.iter().filter_map(|recipe| Some(recipe.manifest.as_ref().ok()?.name.as_str()));
        return Err(vec![unknown(name, names)]);
    }
    Ok(())
}
