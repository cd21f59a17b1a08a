//! What a chain takes from outside of its file: values of parameters, and the recipes that it includes.

use std::{
    collections::HashMap,
    fmt,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{recipe, recipe_name};
use crate::{
    diag::{Code, Diagnostic},
    files::{self, plain},
};

/// What a chain is read with.
#[derive(Debug, Clone, Default)]
pub struct ChainInputs {
    /// Values of parameters, in order: the last one of a name counts.
    pub set: Vec<SetValue>,
    /// Where the recipes are that are neither files nor part of this program.
    pub recipes: Option<Arc<dyn RecipeFinder>>,
    /// The files of a packed recipe, by their paths: no others are read then, and what the chain includes from
    /// elsewhere is left out.
    pub within: Option<Arc<HashMap<PathBuf, String>>>,
    /// Whether a parameter without a value is given some: what is asked of the chain does not depend on it.
    pub any_value: bool,
}

/// A value for a parameter, from outside of the chain's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetValue {
    /// The parameter.
    pub name: String,
    /// Its value as text, of which the type of the parameter makes one.
    pub text: String,
    /// Who gives it.
    pub by: SetBy,
}

/// Who gives a value to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetBy {
    /// A variable of the environment: it may be for another chain.
    Environment,
    /// The user, who means this chain.
    User,
}

/// What the names of variables begin with that give values to parameters: the rest is the name of the
/// parameter in capitals, with `_` in the place of `-`.
pub const PARAMETER_VARIABLE: &str = "FREPLACE_COMPOSE_PARAM_";

impl SetValue {
    /// Reads `NAME=VALUE`.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.split_once('=') {
            Some((name, text)) if !name.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), text: text.to_owned(), by: SetBy::User })
            }
            _ => Err("write NAME=VALUE"),
        }
    }

    /// The value of a variable of the environment; none where it is no parameter's.
    #[must_use]
    pub fn of_variable(name: &str, text: &str) -> Option<Self> {
        let name = name.strip_prefix(PARAMETER_VARIABLE)?.to_owned();
        Some(Self { name, text: text.to_owned(), by: SetBy::Environment })
    }

    /// The variable that gives the same value to a parameter of this name.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PARAMETER_VARIABLE}{}", name_in_variables(&self.name))
    }

    /// Whether it is for the parameter `name`.
    #[must_use]
    pub fn is_for(&self, name: &str) -> bool {
        match self.by {
            SetBy::User => self.name == name,
            SetBy::Environment => self.name == name_in_variables(name),
        }
    }
}

/// The name of a parameter in those of variables.
fn name_in_variables(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// Finds recipes that are neither files nor part of this program.
pub trait RecipeFinder: fmt::Debug + Send + Sync {
    /// The folder of the recipe that `reference` stands for in a chain of `folder`.
    ///
    /// # Errors
    /// Why it cannot be had. A diagnostic without a place is about the reference.
    fn find(&self, reference: &str, folder: &Path) -> Result<PathBuf, Vec<Diagnostic>>;

    /// The file of the object that `reference` stands for in a chain of `folder`.
    ///
    /// # Errors
    /// As above.
    fn object(&self, reference: &str, folder: &Path) -> Result<PathBuf, Vec<Diagnostic>>;

    /// What was found so far, for the same chain in a micro-VM.
    fn found(&self) -> Vec<FoundReference> {
        Vec::new()
    }
}

/// Where a reference led.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundReference {
    /// The folder of the chain that it is in.
    pub folder: PathBuf,
    /// As it is written there.
    pub reference: String,
    /// The folder of the recipe, or the file of the object.
    pub path: PathBuf,
}

/// The file of a chain within the folder of a recipe.
pub const CHAIN_FILE: &str = "chain.toml";

/// What the names of packed recipes end with.
pub const PACKED_EXTENSION: &str = "fcr";

/// `path` without `.` and `..`, as far as it goes.
fn plain_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// Whether `reference`, which is no file, can be what a [`RecipeFinder`] knows: a URL, or a name.
fn may_be_foreign(reference: &str) -> bool {
    reference.contains("://")
        || (!reference.contains('/') && Path::new(reference).extension().is_none())
}

impl ChainInputs {
    /// What a chain is looked at with that is in a packed recipe with these `files`.
    #[must_use]
    pub fn within(files: impl Iterator<Item = (PathBuf, String)>) -> Self {
        let files = files.map(|(path, text)| (plain_path(&path), text)).collect();
        Self { within: Some(Arc::new(files)), any_value: true, ..Self::default() }
    }

    /// Where `reference` leads from a chain in `folder`: a file, a folder, a recipe of this program, or what
    /// the finder knows. What is there as a file or a folder is meant before a name.
    pub(super) fn locate(
        &self,
        reference: &str,
        folder: &Path,
    ) -> Result<PathBuf, Vec<Diagnostic>> {
        if recipe_name(Path::new(reference)).is_some() {
            return Ok(PathBuf::from(reference));
        }
        let path = match (folder.as_os_str().is_empty(), recipe_name(folder)) {
            (true, _) | (_, Some(_)) => PathBuf::from(reference),
            _ => folder.join(reference),
        };
        if let Some(files) = &self.within {
            let path = plain_path(&path);
            let places = [path.join(CHAIN_FILE), path];
            return match places.into_iter().find(|path| files.contains_key(path)) {
                Some(path) => Ok(path),
                None if may_be_foreign(reference) => Err(Vec::new()),
                None => {
                    let shown = reference.escape_debug();
                    let message = format!("cannot read {shown}: it is not in the recipe");
                    let help = "Put the file into the recipe's folder.";
                    Err(vec![Diagnostic::new(Code::FileUnreadable, message).help(help)])
                }
            };
        }
        if path.join(CHAIN_FILE).is_file() {
            return Ok(path.join(CHAIN_FILE));
        }
        let is_packed = path.extension().is_some_and(|extension| extension == PACKED_EXTENSION);
        let is_file = path.exists() && !is_packed;
        match &self.recipes {
            Some(recipes) if is_packed || (!is_file && may_be_foreign(reference)) => {
                Ok(recipes.find(reference, folder)?.join(CHAIN_FILE))
            }
            // Why it cannot be read is told when it is.
            _ => Ok(path),
        }
    }

    /// The file that `path` stands for, and its text.
    pub(super) fn open(&self, path: &Path) -> Result<(PathBuf, String), Vec<Diagnostic>> {
        let path = match path.to_str() {
            Some(reference) => self.locate(reference, Path::new(""))?,
            None => path.to_owned(),
        };
        let text = self.text(&path).map_err(|found| vec![*found])?;
        Ok((path, text))
    }

    /// Reads the chain at `path`, which [`Self::locate`] found.
    pub(super) fn text(&self, path: &Path) -> Result<String, Box<Diagnostic>> {
        if let Some(text) = self.within.as_ref().and_then(|files| files.get(&plain_path(path))) {
            return Ok(text.clone());
        }
        if let Some(name) = recipe_name(path) {
            return recipe(name).map(str::to_owned);
        }
        let unreadable = |why: String, help: &str| {
            let message = format!("cannot read {}: {why}", path.display());
            Box::new(Diagnostic::new(Code::FileUnreadable, message).help(help))
        };
        let bytes = files::read(path, files::CHAIN).map_err(|error| {
            let help = match path.is_dir() {
                true => "Name a chain file, or a folder with a chain.toml.",
                false => {
                    "Name a chain file, or a recipe of `freplace-compose chains`: builtin:tcp."
                }
            };
            unreadable(plain(&error), help)
        })?;
        files::utf8(bytes).map_err(|why| unreadable(why, "Save the file as UTF-8."))
    }
}
