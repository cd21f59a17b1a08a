//! A recipe into a registry.

use serde::Serialize;

use crate::recipe::{
    Digest, MANIFEST as RECIPE_TOML, Packed,
    source::{FetchError, OciReference, error::FetchErrorKind, http::ServerSettings},
};

use super::{
    RECIPE, RECIPE_CONFIG, RECIPE_LAYER, RECIPE_SIGNATURE,
    manifest::{INDEX, IndexedManifest, MANIFEST, OciDocument, RawDescriptor, RawPlatform},
    registry::{Registry, RegistryAccess},
};

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// With its tag and the digest.
    pub reference: OciReference,
    /// The architectures that are now under the tag; empty where it is for all.
    pub architectures: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewManifest {
    schema_version: u32,
    media_type: &'static str,
    artifact_type: &'static str,
    config: RawDescriptor,
    layers: Vec<RawDescriptor>,
    annotations: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewIndex {
    schema_version: u32,
    media_type: &'static str,
    artifact_type: &'static str,
    manifests: Vec<RawDescriptor>,
}

/// Puts `recipe` under the tag of `reference`, or else under its version. With an `architecture` (`arm64`) it
/// takes its place beside those that are under the tag.
///
/// # Errors
/// Where the registry cannot be reached or does not take it.
pub fn push(
    recipe: &Packed,
    signature: Option<&str>,
    reference: &OciReference,
    architecture: Option<&str>,
    connection: &ServerSettings,
) -> Result<Pushed, FetchError> {
    to_registry(recipe, signature, reference, architecture, connection)
        .map_err(|why| why.of(reference))
}

fn to_registry(
    recipe: &Packed,
    signature: Option<&str>,
    reference: &OciReference,
    architecture: Option<&str>,
    connection: &ServerSettings,
) -> Result<Pushed, FetchErrorKind> {
    if reference.digest().is_some() {
        return Err(FetchErrorKind::NotFetched(
            "what is pushed gets its digest from the registry: name a tag",
        ));
    }
    let registry = Registry::new(reference, RegistryAccess::Push, connection);
    // A tag cannot have the `+` of a version.
    let version = recipe.manifest().version.to_string().replace('+', "_");
    let tag = reference.tag().unwrap_or(&version);
    let manifest = manifest(recipe, signature, &registry)?;
    let (kind, bytes, architectures) = match architecture {
        None => (MANIFEST, manifest, Vec::new()),
        Some(architecture) => {
            let digest = Digest::of(&manifest).to_string();
            registry.push_document(&digest, MANIFEST, &manifest)?;
            let mut entries = others(&registry, tag, architecture)?;
            entries.push(indexed(RawDescriptor::new(MANIFEST, &manifest), architecture));
            entries.sort_by(|one, other| name(one).cmp(name(other)));
            let architectures = entries.iter().map(|one| name(one).to_owned()).collect();
            let index = NewIndex {
                schema_version: 2,
                media_type: INDEX,
                artifact_type: RECIPE,
                manifests: entries,
            };
            (INDEX, json(&index), architectures)
        }
    };
    registry.push_document(tag, kind, &bytes)?;
    let reference = OciReference { tag: Some(tag.to_owned()), ..reference.clone() };
    Ok(Pushed { reference: reference.at(Digest::of(&bytes)), architectures })
}

/// Pushes the parts of a manifest, which is returned.
fn manifest(
    recipe: &Packed,
    signature: Option<&str>,
    registry: &Registry<'_>,
) -> Result<Vec<u8>, FetchErrorKind> {
    let config = recipe.files().find(|(path, _)| *path == RECIPE_TOML).map(|(_, bytes)| bytes);
    let config = config.unwrap_or_default();
    registry.push_blob(config)?;
    registry.push_blob(recipe.bytes())?;
    let says = recipe.manifest();
    let mut layer = RawDescriptor::new(RECIPE_LAYER, recipe.bytes());
    layer.annotations.insert("org.opencontainers.image.title".to_owned(), says.file_name());
    let mut layers = vec![layer];
    if let Some(signature) = signature {
        registry.push_blob(signature.as_bytes())?;
        layers.push(RawDescriptor::new(RECIPE_SIGNATURE, signature.as_bytes()));
    }
    let annotations = [
        ("title", says.name.clone()),
        ("version", says.version.to_string()),
        ("description", says.description.clone()),
        ("licenses", says.license.clone()),
        ("authors", says.authors.join(", ")),
    ];
    let annotations = annotations.into_iter().filter(|(_, value)| !value.is_empty());
    let annotations =
        annotations.map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.into()));
    Ok(json(&NewManifest {
        schema_version: 2,
        media_type: MANIFEST,
        artifact_type: RECIPE,
        config: RawDescriptor::new(RECIPE_CONFIG, config),
        layers,
        annotations: annotations.collect(),
    }))
}

/// What is under `tag` for other architectures.
fn others(
    registry: &Registry<'_>,
    tag: &str,
    architecture: &str,
) -> Result<Vec<RawDescriptor>, FetchErrorKind> {
    let list = match registry.document(tag) {
        Ok((OciDocument::Index(list), _)) => list,
        // One that is for all gives way to those that are for one each.
        Ok((OciDocument::Manifest(_), _)) | Err(FetchErrorKind::Absent { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    let kept = list.into_iter().filter_map(|one| {
        let IndexedManifest { manifest, architecture: Some(of), .. } = one else { return None };
        let raw = RawDescriptor {
            media_type: manifest.media_type,
            digest: manifest.digest.to_string(),
            size: manifest.size,
            artifact_type: None,
            platform: None,
            annotations: std::collections::BTreeMap::new(),
        };
        (of != architecture).then(|| indexed(raw, &of))
    });
    Ok(kept.collect())
}

fn indexed(raw: RawDescriptor, architecture: &str) -> RawDescriptor {
    let platform = RawPlatform { architecture: architecture.to_owned(), os: "linux".to_owned() };
    RawDescriptor { artifact_type: Some(RECIPE.to_owned()), platform: Some(platform), ..raw }
}

fn name(raw: &RawDescriptor) -> &str {
    raw.platform.as_ref().map_or("", |platform| &platform.architecture)
}

/// The same value gives the same bytes.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default() // these have no maps but of texts
}
