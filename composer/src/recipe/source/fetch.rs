//! A source → a packed recipe.

use std::path::Path;

use crate::{
    diag::Diagnostic,
    recipe::{EXTENSION, LockedSource, PACKED, Packed, SIGNATURE},
};

use super::{
    RecipeSource, WebAddress,
    error::{FetchError, FetchErrorKind},
    git,
    http::{Client, HttpRequest, ServerSettings},
    oci,
};

/// A recipe from a source.
#[derive(Debug)]
pub struct Fetched {
    /// The recipe.
    pub packed: Packed,
    /// The minisign signature that came with it; nobody has verified it.
    pub signature: Option<String>,
    /// What the source was at, where it names something that moves: a commit, the digest of a manifest.
    pub revision: Option<String>,
}

impl Fetched {
    /// What chain.lock says of it as `name`; `key` is the one that signed it.
    #[must_use]
    pub fn locked(&self, name: &str, source: &RecipeSource, key: Option<String>) -> LockedSource {
        LockedSource {
            name: name.to_owned(),
            source: source.to_string(),
            version: Some(self.packed.manifest().version.clone()),
            digest: self.packed.digest(),
            revision: self.revision.clone(),
            key,
        }
    }
}

/// The most bytes of a signature.
const SIGNED: u64 = 4 << 10;

/// Fetches the recipe at `source`. Relative paths begin at the folder `base`.
///
/// # Errors
/// Why it cannot be had, or is no recipe.
pub fn fetch(
    source: &RecipeSource,
    base: &Path,
    connection: &ServerSettings,
) -> Result<Fetched, FetchError> {
    let fetched = match source {
        RecipeSource::Path(path) => of_path(&base.join(path)),
        RecipeSource::Web(address) => of_web(address, connection),
        RecipeSource::Git(repository) => {
            let scratch = tempfile::tempdir().map_err(|error| FetchErrorKind::File {
                path: std::env::temp_dir(),
                why: crate::files::plain(&error),
            });
            scratch.and_then(|folder| {
                let commit = git::fetch(repository, connection, folder.path())?;
                Ok(Fetched { revision: Some(commit), ..of_folder(folder.path())? })
            })
        }
        RecipeSource::Oci(reference) => oci::pull(reference, connection).and_then(|pulled| {
            let packed = Packed::of_bytes(&reference.to_string(), pulled.packed);
            Ok(Fetched {
                packed: packed.map_err(FetchErrorKind::Invalid)?,
                signature: pulled.signature,
                revision: Some(pulled.document.to_string()),
            })
        }),
        RecipeSource::Builtin(_) => {
            Err(FetchErrorKind::NotFetched("the recipes of this program need not be fetched"))
        }
    };
    fetched.map_err(|why| why.of(source))
}

/// A folder, or a packed file with its signature beside it.
fn of_path(path: &Path) -> Result<Fetched, FetchErrorKind> {
    if path.is_dir() {
        return of_folder(path);
    }
    let packed = Packed::open(path).map_err(FetchErrorKind::Invalid)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{SIGNATURE}"));
    Ok(Fetched { packed, signature: signature(Path::new(&name)), revision: None })
}

/// A folder, which may have the signature of the file that it is packed as.
fn of_folder(folder: &Path) -> Result<Fetched, FetchErrorKind> {
    let packed = Packed::of_folder(folder).map_err(|found: Vec<Diagnostic>| {
        let is_absent = !folder.join(crate::recipe::MANIFEST).is_file();
        match is_absent {
            true => FetchErrorKind::NotARecipe,
            false => FetchErrorKind::Invalid(found),
        }
    })?;
    let signature = signature(&folder.join(format!("recipe.{EXTENSION}.{SIGNATURE}")));
    Ok(Fetched { packed, signature, revision: None })
}

fn signature(path: &Path) -> Option<String> {
    String::from_utf8(crate::files::read(path, SIGNED).ok()?).ok()
}

/// A file of a server, with its signature beside it.
fn of_web(address: &WebAddress, connection: &ServerSettings) -> Result<Fetched, FetchErrorKind> {
    let client = Client::new(connection);
    let (path, query) = address.as_str().split_once('?').unwrap_or((address.as_str(), ""));
    let name = path.rsplit('/').next().unwrap_or(path);
    let answer = client.send(&HttpRequest::get(address.as_str()))?;
    if answer.status() != 200 {
        return Err(answer.refused(&format!("file {name}")));
    }
    let packed = Packed::of_bytes(name, answer.body(name, PACKED)?);
    let packed = packed.map_err(FetchErrorKind::Invalid)?;
    let mark = if query.is_empty() { "" } else { "?" };
    let beside = format!("{path}.{SIGNATURE}{mark}{query}");
    let answer = client.send(&HttpRequest::get(beside))?;
    let signature = match answer.status() {
        200 => String::from_utf8(answer.body("the signature", SIGNED)?).ok(),
        // Whether there has to be one is for others to say.
        _ => None,
    };
    Ok(Fetched { packed, signature, revision: None })
}
