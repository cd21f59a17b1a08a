//! What a source of chain.lock has now.

use std::path::Path;

use freplace_compose::{
    diag::{Code, Diagnostic},
    recipe::{
        LockedSource,
        source::{
            Fetched, RecipeSource, ServerSettings, fetch,
            oci::{FetchedObject, fetch_object},
        },
    },
};

use super::add::source;

/// A recipe or an object as its source has it now.
pub(in crate::cli) struct Latest<T> {
    pub(in crate::cli) source: RecipeSource,
    /// What came.
    pub(in crate::cli) fetched: T,
    /// What chain.lock would say of it; without a key.
    pub(in crate::cli) new: LockedSource,
    /// Whether it is what is locked.
    pub(in crate::cli) is_same: bool,
}

impl Latest<Fetched> {
    /// That of a recipe.
    pub(in crate::cli) fn recipe(
        entry: &LockedSource,
        connection: &ServerSettings,
    ) -> Result<Self, Vec<Diagnostic>> {
        let source = source(&entry.source)?;
        let fetched = fetch(&source, Path::new(""), connection);
        let fetched = fetched.map_err(|error| error.diagnostics(None))?;
        let new = fetched.locked(&entry.name, &source, None);
        Ok(Self { source, fetched, is_same: new.digest == entry.digest, new })
    }
}

impl Latest<FetchedObject> {
    /// That of an object.
    pub(in crate::cli) fn object(
        entry: &LockedSource,
        connection: &ServerSettings,
    ) -> Result<Self, Vec<Diagnostic>> {
        let source = source(&entry.source)?;
        let RecipeSource::Oci(image) = &source else {
            let message = format!("`{}` is not from a registry", entry.name);
            let found = Diagnostic::new(Code::BadSource, message);
            return Err(vec![found.help("Objects come from oci://HOST/NAME:TAG, or are files.")]);
        };
        let fetched = fetch_object(image, connection).map_err(|error| error.diagnostics(None))?;
        let new = fetched.locked(&entry.name, image);
        Ok(Self { is_same: new.digest == entry.digest, new, fetched, source })
    }
}
