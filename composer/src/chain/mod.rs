//! The chain file: text in, a typed graph of nodes out, or every diagnostic at once.
//!
//! Pure: it has no access to kernels or objects; [`check`](crate::check) determines whether the
//! programs named here exist.
//!
//! `read` parses the text (keys, types, spans), `spec` holds the values, `graph` connects the nodes.
//! Every value that can be wrong keeps its byte range.

mod answer;
mod buffer;
mod compose;
mod expression;
mod globals;
mod graph;
mod hook;
mod inputs;
mod layout;
mod maps;
mod output;
mod params;
mod read;
pub(crate) mod reading;
mod recipe;
mod running;
mod schema;
mod spec;
mod syntax;
pub(crate) mod table;
mod text;
mod tracer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use toml::de::DeTable;

pub use answer::{GeneratedAnswer, ResultCase, Results};
pub use buffer::buffer_size;
pub use expression::{Access, CompareOp, Comparison, Constant, Filter, PathStep, ValuePath};
pub use globals::{GlobalValue, Value};
pub use graph::{Dependency, Graph, Jump};
pub use inputs::{
    CHAIN_FILE, ChainInputs, FoundReference, PACKED_EXTENSION, PARAMETER_VARIABLE, RecipeFinder,
    SetBy, SetValue,
};
pub use layout::Declared;
pub use maps::{Data, MapChange, Pinning, TailEntry};
pub use output::{EventMap, Output};
pub use params::{Given, Parameter, ParameterKind, ParameterValue, ValueOrigin};
pub use recipe::{recipe, recipe_name, recipes, recipes_schema};
pub use schema::schema;
pub(crate) use spec::title;
pub use spec::{
    Builtin, Host, Node, NodeKind, ObjectRef, ProbePoint, Replacement, Role, Spanned, SpannedRef,
    Stub, Tracer, TracerProgram, map_name,
};
pub use text::{FieldRef, FieldStep, Hint, TextPiece};

use crate::{
    diag::{Diagnostic, Source, Sources, in_file_order},
    version::Requirement,
};
use compose::{Composition, Texts, compose, own_parameters, resolved_text};

/// A chain as its file describes it.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The chain's name: the key `name`, else the file's stem.
    pub name: String,
    /// The purpose of the chain.
    pub description: Option<String>,
    /// The supported kernels, by each of its files that says so; all if none does.
    pub requires: Vec<Spanned<Requirement>>,
    /// The size of the event buffer in bytes; that of the object if not given.
    pub buffer: Option<u32>,
    /// The folder of pinned maps.
    pub pins: PathBuf,
    /// The folder that relative paths of objects start from.
    pub folder: PathBuf,
    /// Its file; `builtin:NAME` for a recipe of this program.
    pub path: PathBuf,
    /// The file's text, for diagnostics.
    pub source: Arc<Source>,
    /// The parameters of the file, with their values.
    pub parameters: Vec<Parameter>,
    /// The files that it includes, each as often as it does.
    pub included: Vec<PathBuf>,
    /// The nodes in file order, and their dependencies.
    pub graph: Graph,
}

impl Chain {
    /// Reads the chain that `path` stands for, without inputs: a file, the folder of a recipe, or a recipe.
    ///
    /// # Errors
    /// Every diagnostic of the file; see [`Chain::parse`].
    pub fn open(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        Self::open_with(path, &ChainInputs::default())
    }

    /// [`Self::open`] with `inputs`.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(path: &Path, inputs: &ChainInputs) -> Result<Self, Vec<Diagnostic>> {
        Self::read(path, inputs).and_then(whole)
    }

    /// Reads the chain that `path` stands for, and continues after invalid expressions: the chain contains
    /// everything else, so that further errors can be found, but must not be planned.
    ///
    /// # Errors
    /// Every diagnostic of its files, if there are other errors.
    pub fn read(
        path: &Path,
        inputs: &ChainInputs,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let (path, text) = inputs.open(path)?;
        Self::parse_on(&path, text, inputs)
    }

    /// Reads `text`, the contents of `path`.
    ///
    /// # Errors
    /// Every diagnostic of the file: syntax, keys, types, references, cycles.
    pub fn parse(path: &Path, text: String) -> Result<Self, Vec<Diagnostic>> {
        Self::parse_with(path, text, &ChainInputs::default())
    }

    /// [`Self::parse`] with `inputs`.
    ///
    /// # Errors
    /// As there.
    pub fn parse_with(
        path: &Path,
        text: String,
        inputs: &ChainInputs,
    ) -> Result<Self, Vec<Diagnostic>> {
        Self::parse_on(path, text, inputs).and_then(whole)
    }

    /// [`Chain::read`] for a text that is at hand.
    fn parse_on(
        path: &Path,
        text: String,
        inputs: &ChainInputs,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let source = Source::first(path.display().to_string(), text);
        let (mut diagnostics, texts) = (Vec::new(), Texts::default());
        match compose(&source, path, &texts, inputs, &mut diagnostics) {
            Some(composed) => Self::of(path, &composed, diagnostics),
            None => Err(in_file_order(diagnostics)),
        }
    }

    /// The chain of `path` that was put together, with what is wrong so far.
    fn of(
        path: &Path,
        composed: &Composition<'_>,
        mut diagnostics: Vec<Diagnostic>,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let mut slips = Vec::new();
        let before = diagnostics.len();
        let file = read::file(composed, &mut diagnostics, &mut slips);
        let graph = Graph::build(file.nodes, &file.unread, &composed.unread, &mut diagnostics);
        if !diagnostics.is_empty() {
            let is_other = |found: &Diagnostic| {
                found.place().is_none_or(|place| !composed.unfilled.contains(place))
            };
            let later = diagnostics.split_off(before);
            diagnostics.extend(later.into_iter().filter(is_other));
            diagnostics.append(&mut slips);
            return Err(in_file_order(diagnostics));
        }
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let included = composed.included.iter().map(|file| &file.path);
        let chain = Self {
            name: file.name.or(stem).unwrap_or_default(),
            description: file.description,
            requires: file.requires,
            buffer: file.buffer,
            pins: file.pins.unwrap_or_else(|| PathBuf::from(maps::PINS)),
            folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            path: path.to_owned(),
            source: Arc::clone(composed.sources.first()),
            parameters: composed.parameters.clone(),
            included: included.filter(|path| recipe_name(path).is_none()).cloned().collect(),
            graph,
        };
        Ok((chain, slips))
    }
}

/// The chain that `path` stands for as one text, a chain file without parameters and includes, with where each
/// value is from.
///
/// # Errors
/// Every diagnostic of its files.
pub fn config(path: &Path, inputs: &ChainInputs) -> Result<String, Vec<Diagnostic>> {
    let (path, text) = inputs.open(path)?;
    let source = Source::first(path.display().to_string(), text);
    let (mut diagnostics, texts) = (Vec::new(), Texts::default());
    let Some(composed) = compose(&source, &path, &texts, inputs, &mut diagnostics) else {
        return Err(in_file_order(diagnostics));
    };
    Chain::of(&path, &composed, diagnostics).and_then(whole)?;
    Ok(resolved_text(&composed))
}

/// The parameters of the chain that `path` stands for that need a value and have none; none when the file cannot be
/// read, which is told when the chain is.
#[must_use]
pub fn open_parameters(path: &Path, inputs: &ChainInputs) -> Vec<Parameter> {
    let Ok((path, text)) = inputs.open(path) else { return Vec::new() };
    let source = Source::first(path.display().to_string(), text);
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        return Vec::new();
    }
    let parameters = own_parameters(root.get_ref(), &Sources::one(&source), inputs);
    parameters.into_iter().filter(|one| one.value().is_none()).collect()
}

/// The chain, if nothing is wrong within it.
fn whole((chain, slips): (Chain, Vec<Diagnostic>)) -> Result<Chain, Vec<Diagnostic>> {
    if slips.is_empty() { Ok(chain) } else { Err(in_file_order(slips)) }
}
