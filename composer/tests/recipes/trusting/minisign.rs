//! Keys and signatures in the form of minisign, made by openssl.
//! <https://jedisct1.github.io/minisign/>

use std::{fs, path::PathBuf, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::common::shown;

/// A secret key with its number.
pub(super) struct Secret {
    folder: tempfile::TempDir,
    number: [u8; 8],
}

impl Secret {
    pub(super) fn new(number: u8) -> Self {
        let secret = Self { folder: tempfile::tempdir().expect("a folder"), number: [number; 8] };
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", &secret.file("key")]);
        secret
    }

    fn file(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The public key, as a line of minisign.pub.
    pub(super) fn public(&self) -> String {
        let out = self.file("public");
        openssl(&["pkey", "-in", &self.file("key"), "-pubout", "-outform", "DER", "-out", &out]);
        let der = fs::read(out).expect("it was written");
        let key = der.last_chunk::<32>().expect("an Ed25519 key");
        STANDARD.encode([b"Ed", &self.number[..], key].concat())
    }

    /// The text of FILE.minisig for a file with these bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> String {
        self.sign_as(b"ED", bytes)
    }

    /// The same with a name of the algorithm: `ED` signs a hash, and `Ed`, the old one, the file.
    pub(super) fn sign_as(&self, algorithm: &[u8; 2], bytes: &[u8]) -> String {
        let comment = "timestamp:1795000000\tfile:it.fcr\thashed";
        fs::write(self.path("file"), bytes).expect("it is writable");
        let hash = self.file("hash");
        openssl(&["dgst", "-blake2b512", "-binary", "-out", &hash, &self.file("file")]);
        let signed = if algorithm == b"ED" { "hash" } else { "file" };
        let signature = self.raw(signed);
        fs::write(self.path("global"), [&signature[..], comment.as_bytes()].concat())
            .expect("writable");
        let global = self.raw("global");
        let first = STANDARD.encode([&algorithm[..], &self.number[..], &signature[..]].concat());
        let second = STANDARD.encode(global);
        format!("untrusted comment: signature\n{first}\ntrusted comment: {comment}\n{second}\n")
    }

    /// The signature of a file of the folder.
    fn raw(&self, name: &str) -> Vec<u8> {
        let out = self.file("signature");
        let (key, file) = (self.file("key"), self.file(name));
        openssl(&["pkeyutl", "-sign", "-inkey", &key, "-rawin", "-in", &file, "-out", &out]);
        fs::read(out).expect("it was written")
    }
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    assert!(output.status.success(), "{}", shown(&output));
}
