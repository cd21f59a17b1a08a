//! Objects in images: those that bpfman and Inspektor Gadget run.
//!
//! - bpfman: an image of one layer with one object in it
//!   (<https://bpfman.io/v0.5.4/developer-guide/shipping-bytecode/>)
//! - Inspektor Gadget: an artifact with the object as a layer of a type of its own
//!   (<https://github.com/inspektor-gadget/inspektor-gadget/blob/v0.40.0/docs/spec/oci.md>)

use crate::recipe::{
    Digest, LockedSource,
    source::{FetchError, OciReference, error::FetchErrorKind, http::ServerSettings},
};

use super::{
    image::{LayerForm, OBJECT, object},
    manifest::{Descriptor, OciManifest},
    pull::{asked, manifest_for_us},
    registry::{Registry, RegistryAccess},
};

/// An object out of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedObject {
    /// The ELF file.
    pub bytes: Vec<u8>,
    /// Of the ELF file.
    pub digest: Digest,
    /// The image, with the digest of its manifest or index.
    pub image: OciReference,
}

impl FetchedObject {
    /// What chain.lock says of it as `name`, fetched as `image`.
    #[must_use]
    pub fn locked(&self, name: &str, image: &OciReference) -> LockedSource {
        LockedSource {
            name: name.to_owned(),
            source: image.to_string(),
            version: None,
            digest: self.digest,
            revision: self.image.digest().map(|digest| digest.to_string()),
            key: None,
        }
    }
}

/// The layer of a gadget's programs.
const GADGET: &str = "application/vnd.gadget.ebpf.program.v1+binary";
/// The layers of images.
const LAYERS: [(&str, LayerForm); 4] = [
    ("application/vnd.oci.image.layer.v1.tar", LayerForm::Tar),
    ("application/vnd.oci.image.layer.v1.tar+gzip", LayerForm::TarGzip),
    ("application/vnd.docker.image.rootfs.diff.tar", LayerForm::Tar),
    ("application/vnd.docker.image.rootfs.diff.tar.gzip", LayerForm::TarGzip),
];

/// Fetches the object in the image called `reference`, for the architecture of this machine.
///
/// # Errors
/// Where it cannot be had, or has not one object.
pub fn fetch_object(
    reference: &OciReference,
    connection: &ServerSettings,
) -> Result<FetchedObject, FetchError> {
    of_registry(reference, connection).map_err(|why| why.of(reference))
}

fn of_registry(
    reference: &OciReference,
    connection: &ServerSettings,
) -> Result<FetchedObject, FetchErrorKind> {
    let registry = Registry::new(reference, RegistryAccess::Pull, connection);
    let asked = asked(&registry, reference)?;
    let (manifest, document) = manifest_for_us(&registry, &asked)?;
    let image = |why| FetchErrorKind::Image { what: registry.name_of(&asked), why };
    let (layer, form) = of_manifest(&manifest).map_err(image)?;
    let bytes = registry.blob(layer, OBJECT)?;
    let bytes = match form {
        None if bytes.starts_with(b"\x7fELF") => bytes,
        None => return Err(image("has a layer of programs that is not in ELF".to_owned())),
        Some(form) => object(form, &bytes).map_err(|why| FetchErrorKind::Image {
            what: registry.name_of(&layer.digest.to_string()),
            why,
        })?,
    };
    let digest = Digest::of(&bytes);
    Ok(FetchedObject { bytes, digest, image: reference.at(document) })
}

/// The layer with the object, and how it is packed.
fn of_manifest(manifest: &OciManifest) -> Result<(&Descriptor, Option<LayerForm>), String> {
    let mut gadgets = manifest.layers.iter().filter(|layer| layer.media_type == GADGET);
    if let Some(layer) = gadgets.next() {
        return match gadgets.next() {
            None => Ok((layer, None)),
            Some(_) => Err("has several layers of programs".to_owned()),
        };
    }
    let [layer] = manifest.layers.as_slice() else {
        let count = manifest.layers.len();
        return Err(format!("has {count} layers instead of one with an object"));
    };
    let form = LAYERS.iter().find(|(kind, _)| *kind == layer.media_type);
    form.map(|(_, form)| (layer, Some(*form))).ok_or_else(|| {
        let kind: String = layer.media_type.chars().take(100).collect();
        format!("has a layer of the type `{kind}`, which holds no object that is known")
    })
}

#[cfg(test)]
mod tests {
    use super::{GADGET, of_manifest};
    use crate::recipe::{
        Digest,
        source::oci::manifest::{Descriptor, OciManifest},
    };

    #[test]
    fn the_layer_with_the_object_is_known_by_its_type() {
        let of = |kinds: &[&str]| {
            let describe = |kind: &&str| Descriptor {
                media_type: (*kind).to_owned(),
                digest: Digest::of(kind.as_bytes()),
                size: 1,
            };
            let manifest = OciManifest {
                artifact_type: None,
                config: describe(&"config"),
                layers: kinds.iter().map(describe).collect(),
            };
            of_manifest(&manifest).map(|(layer, form)| (layer.media_type.clone(), form.is_some()))
        };
        let (gzip, wasm) = (
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.gadget.wasm.program.v1+binary",
        );
        assert_eq!(of(&[gzip]), Ok((gzip.to_owned(), true)));
        assert_eq!(of(&[GADGET, wasm]), Ok((GADGET.to_owned(), false)));
        assert_eq!(of(&[wasm, GADGET]), Ok((GADGET.to_owned(), false)));
        for wrong in [
            &[][..],
            &[gzip, gzip],
            &[GADGET, GADGET],
            &[wasm],
            &["application/vnd.oci.image.layer.v1.tar+zstd"],
        ] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }
}
