//! Signatures of packed recipes, as the minisign program writes them: `FILE.minisig`.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use minisign_verify::{Error, PublicKey, Signature};

use super::{packed::Packed, trust::Trust};
use crate::{
    diag::{Code, Diagnostic},
    inert,
};

/// A public key of minisign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    text: String,
    id: String,
    key: PublicKey,
}

/// A text that is not a public key of minisign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key of minisign, which begins with RW and has 56 characters")]
pub struct NotAKey;

impl SigningKey {
    /// The number that minisign shows of it: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for SigningKey {
    type Err = NotAKey;

    /// Reads a key, or the text of a file `minisign.pub`.
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let mut lines = text.lines().map(str::trim);
        let text = lines.rfind(|line| !line.is_empty() && !line.starts_with(COMMENT));
        let text = text.ok_or(NotAKey)?;
        let key = PublicKey::from_base64(text).map_err(|_| NotAKey)?;
        Ok(Self { text: text.to_owned(), id: id(text).ok_or(NotAKey)?, key })
    }
}

const COMMENT: &str = "untrusted comment:";

/// The number of the key that is in a key or a signature: bytes 2 to 10, the last one first.
fn id(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text).ok()?;
    let number = bytes.get(2..10)?;
    Some(number.iter().rev().map(|byte| format!("{byte:02X}")).collect())
}

/// Who signed a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// Nobody.
    Nobody,
    /// Somebody whose key is not trusted for the source, and whose signature could not be verified.
    Unknown {
        /// The number of the key that the signature names.
        id: String,
    },
    /// The owner of a trusted key.
    Trusted {
        /// The key.
        key: SigningKey,
        /// What was signed with the recipe, by minisign time and name of the file.
        comment: String,
    },
}

/// Who signed `packed`, which is from `source`; `signature` is the text of a `.minisig` file. It has to be one of a
/// trusted key where `required`, and where `trust` has keys for this source.
///
/// # Errors
/// When a required signature is not there or is of another key, and whenever there is one of a trusted key that
/// is not right.
pub fn verify(
    packed: &Packed,
    signature: Option<&str>,
    source: &str,
    trust: &Trust,
    required: bool,
) -> Result<Signer, Box<Diagnostic>> {
    let (keys, pinned) = trust.keys_for(source);
    let title = packed.manifest().title();
    let shown = inert::line(source);
    let refused = |why: String| {
        let found = Diagnostic::new(Code::SignatureRefused, format!("{title} of {shown}: {why}"));
        let help = match (pinned, keys.as_slice()) {
            (true, _) => {
                "Keys were given for this source with `freplace-compose trust add --source`. Ask its owner."
            }
            (false, []) => {
                "No key is trusted. Add the one of its author: freplace-compose trust add KEY"
            }
            (false, _) => "Ask its author, or add the key with `freplace-compose trust add`.",
        };
        Box::new(found.help(help))
    };
    let required = required || pinned;
    let Some(text) = signature else {
        return if required {
            Err(refused("it is not signed".to_owned()))
        } else {
            Ok(Signer::Nobody)
        };
    };
    let malformed = || refused("its signature is not one of minisign".to_owned());
    let signature = Signature::decode(text).map_err(|_| malformed())?;
    for key in &keys {
        match key.key.verify(packed.bytes(), &signature, false) {
            Ok(()) => {
                let comment = signature.trusted_comment().to_owned();
                return Ok(Signer::Trusted { key: (*key).clone(), comment });
            }
            Err(Error::UnexpectedKeyId) => {}
            Err(Error::UnexpectedAlgorithm) => {
                return Err(refused(
                    "its signature has the old form of minisign, without a hash".to_owned(),
                ));
            }
            Err(_) => {
                return Err(refused(format!(
                    "its signature by key {} is not of this file",
                    key.id()
                )));
            }
        }
    }
    let id = text.lines().nth(1).and_then(id).ok_or_else(malformed)?;
    match required {
        true => Err(refused(format!("it is signed by key {id}, which is not trusted"))),
        false => Ok(Signer::Unknown { id }),
    }
}
