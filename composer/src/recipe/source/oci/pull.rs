//! A recipe out of a registry.

use semver::Version;

use crate::recipe::{
    Digest, PACKED,
    source::{OciReference, error::FetchErrorKind, http::ServerSettings},
};

use super::{
    architecture,
    manifest::{OciDocument, OciManifest, choose},
    registry::{Registry, RegistryAccess},
};

/// The most bytes of a signature.
const SIGNATURE: u64 = 4 << 10;

/// The bytes of a packed recipe, as a registry has them.
pub(in crate::recipe::source) struct Pulled {
    pub(in crate::recipe::source) packed: Vec<u8>,
    pub(in crate::recipe::source) signature: Option<String>,
    /// The manifest or index.
    pub(in crate::recipe::source) document: Digest,
}

/// Fetches the recipe called `reference`.
pub(in crate::recipe::source) fn pull(
    reference: &OciReference,
    connection: &ServerSettings,
) -> Result<Pulled, FetchErrorKind> {
    let registry = Registry::new(reference, RegistryAccess::Pull, connection);
    let asked = asked(&registry, reference)?;
    let what = registry.name_of(&asked);
    let (manifest, document) = manifest_for_us(&registry, &asked)?;
    let image = |why| FetchErrorKind::Image { what, why };
    let (layer, signature) = manifest.recipe().map_err(image)?;
    let packed = registry.blob(layer, PACKED)?;
    let signature = signature.map(|layer| registry.blob(layer, SIGNATURE)).transpose()?;
    let signature = signature.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Pulled { packed, signature, document })
}

/// What to ask for: the digest, the tag, or else the newest version.
pub(super) fn asked(
    registry: &Registry<'_>,
    reference: &OciReference,
) -> Result<String, FetchErrorKind> {
    match (reference.digest(), reference.tag()) {
        (Some(digest), _) => Ok(digest.to_string()),
        (None, Some(tag)) => Ok(tag.to_owned()),
        (None, None) => Ok(newest(&registry.tags()?).unwrap_or_else(|| "latest".to_owned())),
    }
}

/// The tag with the newest version; versions before a release only where there is none.
pub(super) fn newest(tags: &[String]) -> Option<String> {
    let versions = tags.iter().filter_map(|tag| {
        // A tag cannot have the `+` of a version.
        let version: Version =
            tag.strip_prefix('v').unwrap_or(tag).replace('_', "+").parse().ok()?;
        Some((version.pre.is_empty(), version, tag))
    });
    versions.max().map(|(.., tag)| tag.clone())
}

/// The manifest of `asked` that is for this machine, and the digest of what `asked` is.
pub(super) fn manifest_for_us(
    registry: &Registry<'_>,
    asked: &str,
) -> Result<(OciManifest, Digest), FetchErrorKind> {
    let (document, digest) = registry.document(asked)?;
    match document {
        OciDocument::Manifest(manifest) => Ok((manifest, digest)),
        OciDocument::Index(list) => {
            let ours = choose(&list, architecture(), &registry.name_of(asked))?;
            let name = ours.digest.to_string();
            match registry.document(&name)?.0 {
                OciDocument::Manifest(manifest) => Ok((manifest, digest)),
                OciDocument::Index(_) => {
                    let why = "is an index in an index".to_owned();
                    Err(FetchErrorKind::Image { what: registry.name_of(&name), why })
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::newest;

    #[test]
    fn the_newest_tag_is_that_of_the_newest_release() {
        let of = |tags: &[&str]| newest(&tags.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&["1.9.0", "latest", "1.10.0", "2.0.0-rc.1"]).as_deref(), Some("1.10.0"));
        assert_eq!(of(&["v1.0.0", "main"]).as_deref(), Some("v1.0.0"));
        assert_eq!(of(&["2.0.0-rc.1", "2.0.0-rc.2"]).as_deref(), Some("2.0.0-rc.2"));
        assert_eq!(of(&["1.0.0_build", "main"]).as_deref(), Some("1.0.0_build"));
        assert_eq!(of(&["latest", "1"]), None);
    }
}
