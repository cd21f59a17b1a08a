//! The JSON of registries: manifests and indexes. Bytes in, what is in them out, or why they cannot be
//! used; every size is limited, and every digest is one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::recipe::{Digest, source::FetchErrorKind};

use super::{RECIPE, RECIPE_LAYER, RECIPE_SIGNATURE};

/// The most bytes of a manifest or an index: what registries accept.
pub const MOST: u64 = 4 << 20;
/// The most layers, and the most manifests of an index.
const ENTRIES: usize = 128;
/// The most bytes of a layer: what is read of it is smaller.
const LAYER: u64 = 256 << 20;

/// The types of JSON documents that registries are asked for.
pub(super) const ACCEPTED: [&str; 4] = [INDEX, MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST];
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Something in a registry that is named by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its type, as the document says.
    pub media_type: String,
    /// Of its bytes.
    pub digest: Digest,
    /// Number of its bytes.
    pub size: u64,
}

/// A manifest: a configuration and layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciManifest {
    /// What kind of artifact it says to be.
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, in order.
    pub layers: Vec<Descriptor>,
}

/// A manifest of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedManifest {
    /// The manifest.
    pub manifest: Descriptor,
    /// `amd64`; none where it is for every architecture.
    pub architecture: Option<String>,
    /// What kind of artifact it is said to be.
    pub artifact_type: Option<String>,
}

/// What a name in a registry refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OciDocument {
    /// One manifest.
    Manifest(OciManifest),
    /// A manifest for each of several architectures.
    Index(Vec<IndexedManifest>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDocument {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
    manifests: Option<Vec<RawDescriptor>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawDescriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<RawPlatform>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Deserialize, Serialize)]
pub(super) struct RawPlatform {
    pub(super) architecture: String,
    pub(super) os: String,
}

impl RawDescriptor {
    pub(super) fn new(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes).to_string(),
            size: bytes.len() as u64,
            artifact_type: None,
            platform: None,
            annotations: BTreeMap::new(),
        }
    }

    fn checked(&self, limit: u64) -> Result<Descriptor, String> {
        let digest = self.digest.parse().map_err(|_| {
            let digest: String = self.digest.chars().take(80).collect();
            format!("names something by `{digest}`, which is not a SHA-256")
        })?;
        if self.size == 0 || self.size > limit {
            return Err(format!(
                "says that {digest} has {} bytes; from 1 to {limit} are allowed",
                self.size
            ));
        }
        Ok(Descriptor { media_type: self.media_type.clone(), digest, size: self.size })
    }
}

impl OciDocument {
    /// Reads a manifest or an index of a registry.
    ///
    /// # Errors
    /// What is wrong with it: the end of a sentence that begins with its name.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > MOST {
            return Err(format!("is larger than {MOST} bytes"));
        }
        let raw: RawDocument = serde_json::from_slice(bytes).map_err(|error| {
            // It quotes the document.
            let why: String = error.to_string().chars().take(200).collect();
            format!("is neither a manifest nor an index: {why}")
        })?;
        if raw.schema_version != 2 {
            return Err(format!("has version {} of its schema instead of 2", raw.schema_version));
        }
        let is_index = match raw.media_type.as_deref() {
            Some(INDEX | DOCKER_INDEX) => true,
            Some(MANIFEST | DOCKER_MANIFEST) => false,
            None => raw.manifests.is_some(),
            Some(other) => {
                let other: String = other.chars().take(100).collect();
                return Err(format!("is of the unknown type `{other}`"));
            }
        };
        match (is_index, raw) {
            (true, RawDocument { manifests: Some(list), config: None, layers: None, .. }) => {
                index(&list).map(Self::Index)
            }
            (
                false,
                RawDocument {
                    artifact_type,
                    config: Some(config),
                    layers: Some(layers),
                    manifests: None,
                    ..
                },
            ) => manifest(artifact_type, &config, &layers).map(Self::Manifest),
            _ => Err("has the parts of both a manifest and an index, or of neither".to_owned()),
        }
    }
}

fn manifest(
    artifact_type: Option<String>,
    config: &RawDescriptor,
    layers: &[RawDescriptor],
) -> Result<OciManifest, String> {
    if layers.len() > ENTRIES {
        return Err(format!("has {} layers, more than {ENTRIES}", layers.len()));
    }
    Ok(OciManifest {
        artifact_type,
        config: config.checked(MOST)?,
        layers: layers.iter().map(|layer| layer.checked(LAYER)).collect::<Result<_, _>>()?,
    })
}

fn index(list: &[RawDescriptor]) -> Result<Vec<IndexedManifest>, String> {
    if list.len() > ENTRIES {
        return Err(format!("has {} manifests, more than {ENTRIES}", list.len()));
    }
    // Attestations of docker's builder are for `unknown/unknown`.
    let is_for_us =
        |raw: &&RawDescriptor| raw.platform.as_ref().is_none_or(|platform| platform.os == "linux");
    list.iter()
        .filter(is_for_us)
        .map(|raw| {
            Ok(IndexedManifest {
                manifest: raw.checked(MOST)?,
                architecture: raw.platform.as_ref().map(|platform| platform.architecture.clone()),
                artifact_type: raw.artifact_type.clone(),
            })
        })
        .collect()
}

/// The manifest of an index for `architecture`, or else the one that is for all; `what` is the index.
///
/// # Errors
/// Where there is none for it.
pub(super) fn choose<'a>(
    list: &'a [IndexedManifest],
    architecture: &str,
    what: &str,
) -> Result<&'a Descriptor, FetchErrorKind> {
    let of = |wanted: Option<&str>| {
        list.iter().find(|one| one.architecture.as_deref() == wanted).map(|one| &one.manifest)
    };
    of(Some(architecture)).or_else(|| of(None)).ok_or_else(|| {
        let mut has: Vec<_> = list.iter().filter_map(|one| one.architecture.clone()).collect();
        has.sort();
        has.dedup();
        FetchErrorKind::Architecture { what: what.to_owned(), wanted: architecture.to_owned(), has }
    })
}

impl OciManifest {
    /// The packed recipe, and its signature where it has one.
    ///
    /// # Errors
    /// Why it is not a recipe.
    pub fn recipe(&self) -> Result<(&Descriptor, Option<&Descriptor>), String> {
        if self.artifact_type.as_deref() != Some(RECIPE) {
            let kind = self.artifact_type.as_deref().unwrap_or(&self.config.media_type);
            let kind: String = kind.chars().take(100).collect();
            return Err(format!("is not a recipe but of the type `{kind}`"));
        }
        let of = |kind: &str| {
            let mut found = self.layers.iter().filter(|layer| layer.media_type == kind);
            let first = found.next();
            if found.next().is_some() {
                return Err(format!("has several layers of the type `{kind}`"));
            }
            Ok(first)
        };
        let Some(layer) = of(RECIPE_LAYER)? else {
            return Err(format!("has no layer of the type `{RECIPE_LAYER}`"));
        };
        Ok((layer, of(RECIPE_SIGNATURE)?))
    }
}

#[cfg(test)]
mod tests;
