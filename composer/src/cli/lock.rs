//! `lock [FILE]`: what a chain refers to, and chain.lock does not have yet.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    exit::Exit,
    recipe::{ConnectionFlags, Offer, source},
    report, screen,
};
use freplace_compose::{
    chain::{Chain, ChainInputs, RecipeFinder},
    diag::{Code, Diagnostic},
    recipe::{
        LOCK, LockOptions, LockResolver, Store,
        source::{RecipeSource, fetch, oci::fetch_object},
    },
};

/// Lock the recipes and objects that a chain refers to.
///
/// Fetches those that chain.lock beside the chain does not have, shows each recipe as `recipe add` does, and locks it when you
/// agree. What is locked stays as it is: `update` changes it.
///
/// Example: freplace-compose lock my.toml
#[derive(Debug, clap::Args)]
pub(super) struct LockArguments {
    /// Chain file.
    #[arg(value_name = "FILE", default_value = "chain.toml")]
    file: PathBuf,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    connection: ConnectionFlags,
}

pub(super) fn run(arguments: &LockArguments) -> Exit {
    let connection = arguments.connection.connection();
    let options = LockOptions { connection, ..LockOptions::default() };
    let folder = arguments.file.parent().unwrap_or(Path::new("")).to_owned();
    let new = AtomicUsize::new(0);
    let recipes = Arc::new(LockingRecipes { folder, options, yes: arguments.yes, new });
    let found = Some(Arc::clone(&recipes) as _);
    let inputs = ChainInputs { recipes: found, any_value: true, ..ChainInputs::default() };
    if let Err(found) = Chain::read(&arguments.file, &inputs) {
        report::all(&found);
        return Exit::Invalid;
    }
    if recipes.new.load(Ordering::Relaxed) == 0 {
        screen::say!("{LOCK} has everything that {} refers to.", arguments.file.display());
    }
    Exit::Done
}

/// Finds recipes as the lock says, and locks those that it does not have.
#[derive(Debug)]
struct LockingRecipes {
    /// Of the chain; what is included has locks of its own.
    folder: PathBuf,
    options: LockOptions,
    yes: bool,
    /// How many were locked.
    new: AtomicUsize,
}

impl LockingRecipes {
    fn resolver(&self, folder: &Path) -> Result<LockResolver, Vec<Diagnostic>> {
        let store = Store::of_user().map_err(|found| vec![*found])?;
        LockResolver::open(folder, store, self.options.clone())
    }

    /// Whether `found` is that `reference` of the chain itself is to be locked.
    fn is_to_be_locked(&self, found: &[Diagnostic], reference: &str, folder: &Path) -> bool {
        let is_new = found.first().is_some_and(|found| found.code == Code::NotLocked);
        is_new && reference.contains("://") && folder == self.folder
    }

    fn lock_recipe(&self, resolver: &LockResolver, reference: &str) -> Result<(), Vec<Diagnostic>> {
        let from = source(reference)?;
        let connection = &self.options.connection;
        let fetched = fetch(&from, &self.folder, connection);
        let fetched = fetched.map_err(|error| error.diagnostics(None))?;
        let offer = Offer::new(from, fetched, false, connection)?;
        if offer.agreed(self.yes).is_err() {
            let message = format!("`{reference}` was not locked");
            return Err(vec![Diagnostic::new(Code::NotLocked, message)]);
        }
        let mut lock = resolver.lock().clone();
        if lock.recipe(offer.name()).is_some() {
            let message = format!("there is a recipe `{}` in {LOCK}", offer.name());
            let help = format!(
                "Add it under another name, and include it by that: freplace-compose recipe add --as NAME {reference}"
            );
            return Err(vec![Diagnostic::new(Code::RecipeNameTaken, message).help(help)]);
        }
        lock.put_recipe(offer.keep(offer.name())?);
        lock.write(&self.folder.join(LOCK)).map_err(|found| vec![*found])?;
        self.told(&offer.title());
        Ok(())
    }

    fn lock_object(&self, resolver: &LockResolver, reference: &str) -> Result<(), Vec<Diagnostic>> {
        let RecipeSource::Oci(image) = source(reference)? else {
            let message = format!("`{reference}` is not an object of a registry");
            let found = Diagnostic::new(Code::BadSource, message);
            return Err(vec![found.help("Write oci://HOST/NAME:TAG, or the path of a file.")]);
        };
        let fetched = fetch_object(&image, &self.options.connection);
        let fetched = fetched.map_err(|error| error.diagnostics(None))?;
        let store = Store::of_user().map_err(|found| vec![*found])?;
        store.put_object(&fetched.bytes).map_err(|found| vec![*found])?;
        let mut lock = resolver.lock().clone();
        lock.put_object(fetched.locked(reference, &image));
        lock.write(&self.folder.join(LOCK)).map_err(|found| vec![*found])?;
        self.told(reference);
        Ok(())
    }

    fn told(&self, what: &str) {
        self.new.fetch_add(1, Ordering::Relaxed);
        screen::say!("Locked {what} in {LOCK}.");
    }
}

impl RecipeFinder for LockingRecipes {
    fn find(&self, reference: &str, folder: &Path) -> Result<PathBuf, Vec<Diagnostic>> {
        let resolver = self.resolver(folder)?;
        match resolver.recipe(reference) {
            Err(found) if self.is_to_be_locked(&found, reference, folder) => {
                self.lock_recipe(&resolver, reference)?;
                self.resolver(folder)?.recipe(reference)
            }
            found => found,
        }
    }

    fn object(&self, reference: &str, folder: &Path) -> Result<PathBuf, Vec<Diagnostic>> {
        let resolver = self.resolver(folder)?;
        match resolver.object(reference) {
            Err(found) if self.is_to_be_locked(&found, reference, folder) => {
                self.lock_object(&resolver, reference)?;
                self.resolver(folder)?.object(reference)
            }
            found => found,
        }
    }
}
