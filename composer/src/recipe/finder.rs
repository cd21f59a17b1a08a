//! The references of chains to recipes and objects from elsewhere, answered from the lock beside each chain.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{
    chain::{FoundReference, RecipeFinder},
    diag::Diagnostic,
};

use super::{LockOptions, LockResolver, Store};

/// Finds recipes as the locks say, and notes what it found.
#[derive(Debug)]
pub struct LockedRecipes {
    options: LockOptions,
    /// What was found before, on the machine that this micro-VM runs on.
    known: Vec<FoundReference>,
    found: Mutex<Vec<FoundReference>>,
}

impl LockedRecipes {
    /// With what is `known` already.
    #[must_use]
    pub fn new(options: LockOptions, known: Vec<FoundReference>) -> Self {
        Self { options, known, found: Mutex::default() }
    }

    fn answer(
        &self,
        reference: &str,
        folder: &Path,
        find: impl FnOnce(&LockResolver) -> Result<PathBuf, Vec<Diagnostic>>,
    ) -> Result<PathBuf, Vec<Diagnostic>> {
        let is_it = |one: &&FoundReference| one.reference == reference && one.folder == folder;
        if let Some(known) = self.known.iter().find(is_it) {
            return Ok(known.path.clone());
        }
        let store = Store::of_user().map_err(|found| vec![*found])?;
        let path = find(&LockResolver::open(folder, store, self.options.clone())?)?;
        let (folder, reference) = (folder.to_owned(), reference.to_owned());
        // A list that a panic left behind is still a good one.
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push(FoundReference { folder, reference, path: path.clone() });
        Ok(path)
    }
}

impl RecipeFinder for LockedRecipes {
    fn find(&self, reference: &str, folder: &Path) -> Result<PathBuf, Vec<Diagnostic>> {
        self.answer(reference, folder, |resolver| resolver.recipe(reference))
    }

    fn object(&self, reference: &str, folder: &Path) -> Result<PathBuf, Vec<Diagnostic>> {
        self.answer(reference, folder, |resolver| resolver.object(reference))
    }

    fn found(&self) -> Vec<FoundReference> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
