//! What a registry says that it has.

use crate::recipe::source::{FetchError, error::FetchErrorKind, http::ServerSettings};

use super::{
    pull::newest,
    registry::{Registry, RegistryAccess},
};

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryEntry {
    /// `oci://ghcr.io/example/tcp`
    pub source: String,
    /// The newest version among its tags, where they are versions.
    pub newest: Option<String>,
}

/// The most repositories whose tags are asked for.
const ENTRIES: usize = 50;

/// The repositories of the registry `host` with `word` in their names. Large public registries do not list theirs.
///
/// # Errors
/// Where the registry cannot be reached, or does not list what it has.
pub fn search(
    host: &str,
    word: &str,
    connection: &ServerSettings,
) -> Result<Vec<RegistryEntry>, FetchError> {
    of_registry(host, word, connection).map_err(|why| why.of(&format!("the list of {host}")))
}

fn of_registry(
    host: &str,
    word: &str,
    connection: &ServerSettings,
) -> Result<Vec<RegistryEntry>, FetchErrorKind> {
    let registry = Registry::of(host, "", RegistryAccess::Catalog, connection);
    let url = registry.url_of_all("_catalog?n=1000");
    let names = registry.list(url, "repositories", "list of repositories")?;
    let found = names.iter().filter(|name| name.contains(word)).take(ENTRIES);
    let entry = |name: &String| {
        let tags = Registry::of(host, name, RegistryAccess::Pull, connection).tags();
        let newest = tags.ok().and_then(|tags| newest(&tags));
        RegistryEntry { source: format!("oci://{host}/{name}"), newest }
    };
    Ok(found.map(entry).collect())
}
