//! Recipes: any bytes are a packed recipe, a recipe.toml, a chain.lock or a file of trusted keys, or are refused.

use std::path::Path;

use freplace_compose::{
    diag::Diagnostic,
    recipe::{Digest, Lock, Manifest, Packed, Summary, Trust},
};

/// Reads `data` as a packed recipe.
///
/// # Panics
/// When the composer does, or when what was read is not whole or leaves the folder.
pub fn packed(data: &[u8]) {
    let packed = match Packed::of_bytes("some.fcr", data.to_vec()) {
        Ok(packed) => packed,
        Err(found) => return good(&found),
    };
    assert_eq!(packed.bytes(), data);
    assert_eq!(packed.digest(), Digest::of(data));
    let mut last = "";
    for (path, bytes) in packed.files() {
        assert!(last < path, "{last} {path}");
        assert!(bytes.len() < data.len());
        assert!(!path.starts_with('/') && path.split('/').all(|part| !part.starts_with('.')));
        last = path;
    }
    if let Err(found) = Summary::of(&packed) {
        good(&found);
    }
}

/// Reads `data` as recipe.toml, chain.lock and trust.toml.
///
/// # Panics
/// When the composer does, or when a lock is not what is written of it.
pub fn recipe(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    match Manifest::parse(Path::new("recipe.toml"), text.clone()) {
        Ok(manifest) => assert!(!manifest.file_name().contains(['/', '\0'])),
        Err(found) => good(&found),
    }
    match Lock::parse(Path::new("chain.lock"), text.clone()) {
        Ok(lock) => {
            let again = Lock::parse(Path::new("chain.lock"), lock.to_toml());
            assert_eq!(again, Ok(lock));
        }
        Err(found) => good(&found),
    }
    if let Err(found) = Trust::parse(Path::new("trust.toml"), text) {
        good(&found);
    }
}

/// What is wrong is said, each at a place of the text.
fn good(found: &[Diagnostic]) {
    assert!(!found.is_empty());
    for label in found.iter().flat_map(|one| &one.labels) {
        let source = label.span.source();
        assert!(source.text.get(label.span.range()).is_some(), "{:?}", label.span);
    }
}
