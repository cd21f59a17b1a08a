//! The object in a layer of an image.

use std::io::Read;

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

/// The most bytes of an object, and of a layer that was compressed.
pub(super) const OBJECT: u64 = 64 << 20;
/// The most entries of a layer.
const ENTRIES: usize = 64;

/// How a layer holds files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LayerForm {
    Tar,
    TarGzip,
}

/// The one ELF file in the layer with these `bytes`.
///
/// # Errors
/// Why there is not one: the end of a sentence that begins with the name of the layer.
pub(super) fn object(form: LayerForm, bytes: &[u8]) -> Result<Vec<u8>, String> {
    match form {
        LayerForm::Tar => of_tar(bytes),
        LayerForm::TarGzip => of_tar(GzDecoder::new(bytes)),
    }
}

fn of_tar(reader: impl Read) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {}", crate::files::plain(&error));
    // One byte more than allowed, so that too much is told from just enough.
    let limited = reader.take(OBJECT + 1);
    let mut archive = Archive::new(limited);
    let mut found = None;
    for (at, entry) in archive.entries().map_err(cannot)?.enumerate() {
        let mut entry = entry.map_err(cannot)?;
        if at >= ENTRIES {
            return Err(format!("has more than {ENTRIES} files"));
        }
        match entry.header().entry_type() {
            EntryType::Directory => continue,
            EntryType::Regular | EntryType::Continuous => {}
            _ => return Err("has something else than files and folders".to_owned()),
        }
        let size = entry.size();
        if size > OBJECT {
            return Err(format!("has a file of {size} bytes, more than {OBJECT}"));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(cannot)?;
        if bytes.len() as u64 != size {
            return Err("ends within a file".to_owned());
        }
        if bytes.starts_with(b"\x7fELF") && found.replace(bytes).is_some() {
            return Err("has more than one object".to_owned());
        }
    }
    let mut left = archive.into_inner();
    // Whatever follows the archive is not looked at, but counts.
    std::io::copy(&mut left, &mut std::io::sink()).map_err(cannot)?;
    if left.limit() == 0 {
        return Err(format!("is larger than {OBJECT} bytes when it is unpacked"));
    }
    found.ok_or_else(|| "has no object (a file in ELF)".to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use tar::{Builder, EntryType, Header};

    use super::{LayerForm, OBJECT, object};

    const ELF: &[u8] = b"\x7fELF and so on";

    fn entry(tar: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, bytes: &[u8]) {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // `set_path` refuses some of them.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, bytes).expect("memory");
    }

    fn layer(entries: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        for (kind, name, bytes) in entries {
            entry(&mut tar, *kind, name, bytes);
        }
        tar.into_inner().expect("memory")
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).expect("memory");
        gzip.finish().expect("memory")
    }

    #[test]
    fn the_object_of_a_layer_is_its_one_elf_file() {
        let tar = layer(&[
            (EntryType::Directory, "licenses/", b""),
            (EntryType::Regular, "licenses/MIT", b"text"),
            (EntryType::Regular, "filter.o", ELF),
        ]);
        assert_eq!(object(LayerForm::Tar, &tar).as_deref(), Ok(ELF));
        assert_eq!(object(LayerForm::TarGzip, &packed(&tar)).as_deref(), Ok(ELF));
    }

    #[test]
    fn hostile_layers_are_refused() {
        let good = layer(&[(EntryType::Regular, "filter.o", ELF)]);
        let mut broken = good.clone();
        broken[0] ^= 1;
        let mut lying = layer(&[(EntryType::Regular, "filter.o", ELF)]);
        lying.truncate(515);
        let many: Vec<_> = (0..100).map(|_| (EntryType::Regular, "a", b"".as_slice())).collect();
        let large = {
            let mut header = Header::new_ustar();
            header.set_size(u64::from(u32::MAX));
            header.as_mut_bytes()[0] = b'a';
            header.set_cksum();
            header.as_bytes().to_vec()
        };
        let bomb =
            packed(&[good.clone(), vec![0; usize::try_from(OBJECT).expect("64 bits")]].concat());
        for (form, bytes, why) in [
            (LayerForm::Tar, Vec::new(), "has no object"),
            (LayerForm::Tar, b"nonsense".to_vec(), "cannot be read"),
            (LayerForm::Tar, broken, "cannot be read"),
            (LayerForm::Tar, lying, "ends within a file"),
            (LayerForm::Tar, large, "more than"),
            (LayerForm::Tar, layer(&many), "more than 64 files"),
            (LayerForm::Tar, layer(&[(EntryType::Regular, "a", b"#!/bin/sh")]), "has no object"),
            (
                LayerForm::Tar,
                layer(&[(EntryType::Regular, "a", ELF), (EntryType::Regular, "b", ELF)]),
                "more than one",
            ),
            (
                LayerForm::Tar,
                layer(&[(EntryType::Regular, "a", ELF), (EntryType::Regular, "a", ELF)]),
                "more than one",
            ),
            (LayerForm::Tar, layer(&[(EntryType::Symlink, "a.o", b"")]), "something else"),
            (LayerForm::Tar, layer(&[(EntryType::Link, "a.o", b"")]), "something else"),
            (LayerForm::Tar, layer(&[(EntryType::Char, "a.o", b"")]), "something else"),
            (LayerForm::Tar, layer(&[(EntryType::Block, "a.o", b"")]), "something else"),
            (LayerForm::Tar, layer(&[(EntryType::Fifo, "a.o", b"")]), "something else"),
            (LayerForm::Tar, layer(&[(EntryType::GNUSparse, "a.o", b"")]), ""),
            (LayerForm::TarGzip, good.clone(), "cannot be read"),
            (LayerForm::TarGzip, packed(&good)[..60].to_vec(), ""),
            (LayerForm::TarGzip, bomb, "is larger than"),
        ] {
            let error = object(form, &bytes).expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }
}
