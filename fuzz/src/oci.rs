//! What registries send, and the texts that name sources.

use freplace_compose::recipe::source::{
    RecipeSource,
    oci::manifest::{MOST, OciDocument},
};

/// The most bytes of a message about a document: it quotes some of it.
const MESSAGE: usize = 1000;

/// Reads `data` as a manifest or an index, and as the text of a source.
///
/// # Panics
/// When the composer does, when more would be fetched than may be, or when a source is not read back.
pub fn oci(data: &[u8]) {
    match OciDocument::read(data) {
        Ok(OciDocument::Manifest(manifest)) => {
            assert!(manifest.config.size <= MOST);
            if let Ok((layer, signature)) = manifest.recipe() {
                assert!(layer.size > 0 && signature.is_none_or(|signature| signature != layer));
            }
        }
        Ok(OciDocument::Index(list)) => {
            assert!(list.iter().all(|one| one.manifest.size <= MOST));
        }
        Err(why) => assert!(why.len() < MESSAGE, "{why}"),
    }
    let text = String::from_utf8_lossy(data);
    match text.parse::<RecipeSource>() {
        Ok(source) => assert_eq!(source.to_string().parse(), Ok(source)),
        Err(error) => assert!(text.get(error.at).is_some(), "{text}"),
    }
}
