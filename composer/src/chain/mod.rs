//! The chain file: text in, a typed graph of nodes out, or every diagnostic at once.
//!
//! Pure: it has no access to kernels or objects; [`check`](crate::check) determines whether the
//! programs named here exist.
//!
//! `read` parses the text (keys, types, spans), `spec` holds the values, `graph` connects the nodes.
//! Every value that can be wrong keeps its byte range.

mod answer;
mod buffer;
mod expression;
mod globals;
mod graph;
mod hook;
mod layout;
mod maps;
mod output;
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

pub use answer::{GeneratedAnswer, ResultCase, Results};
pub use buffer::buffer_size;
pub use expression::{Access, CompareOp, Comparison, Constant, Filter, PathStep, ValuePath};
pub use globals::{GlobalValue, Value};
pub use graph::{Dependency, Graph, Jump};
pub use layout::Declared;
pub use maps::{Data, MapChange, Pinning, TailEntry};
pub use output::{EventMap, Output};
pub use recipe::{recipe, recipe_name, recipes, recipes_schema};
pub use schema::schema;
pub(crate) use spec::title;
pub use spec::{
    Builtin, Host, Node, NodeKind, ObjectRef, ProbePoint, Replacement, Role, Spanned, SpannedRef,
    Stub, Tracer, TracerProgram,
};
pub use text::{FieldRef, FieldStep, Hint, TextPiece};

use crate::{
    diag::{Code, Diagnostic, Source, in_file_order},
    files,
    version::Requirement,
};

/// A chain as its file describes it.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The chain's name: the key `name`, else the file's stem.
    pub name: String,
    /// The purpose of the chain.
    pub description: Option<String>,
    /// The supported kernels; all if not given.
    pub requires: Option<Spanned<Requirement>>,
    /// The size of the event buffer in bytes; that of the object if not given.
    pub buffer: Option<u32>,
    /// The folder of pinned maps.
    pub pins: PathBuf,
    /// The folder that relative paths of objects start from.
    pub folder: PathBuf,
    /// The file's text, for diagnostics.
    pub source: Arc<Source>,
    /// The nodes in file order, and their dependencies.
    pub graph: Graph,
}

impl Chain {
    /// Reads the file at `path`, or the recipe that it stands for.
    ///
    /// # Errors
    /// Every diagnostic of the file; see [`Chain::parse`].
    pub fn open(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        Self::read(path).and_then(whole)
    }

    /// Reads the file at `path`, or the recipe that it stands for, and continues after invalid
    /// expressions: the chain contains everything else, so that further errors can be found, but must
    /// not be planned.
    ///
    /// # Errors
    /// Every diagnostic of the file, if there are other errors.
    pub fn read(path: &Path) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        if let Some(name) = recipe_name(path) {
            let text = recipe(name).map_err(|unknown| vec![*unknown])?;
            return Self::parse_on(path, text.to_owned());
        }
        let unreadable = |why: String, help: &str| {
            let message = format!("cannot read {}: {why}", path.display());
            vec![Diagnostic::new(Code::FileUnreadable, message).help(help)]
        };
        let bytes = files::read(path, files::CHAIN).map_err(|error| {
            let help = match path.is_dir() {
                true => "Name a chain file, not a folder.",
                false => {
                    "Name a chain file, or a recipe of `freplace-compose chains`: builtin:tcp."
                }
            };
            unreadable(files::plain(&error), help)
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()]; // valid up to there
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            unreadable(format!("invalid UTF-8 in line {line}"), "Save the file as UTF-8.")
        })?;
        Self::parse_on(path, text)
    }

    /// Reads `text`, the contents of `path`.
    ///
    /// # Errors
    /// Every diagnostic of the file: syntax, keys, types, references, cycles.
    pub fn parse(path: &Path, text: String) -> Result<Self, Vec<Diagnostic>> {
        Self::parse_on(path, text).and_then(whole)
    }

    /// [`Chain::read`] for a text that is at hand.
    fn parse_on(path: &Path, text: String) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let source = Source::first(path.display().to_string(), text);
        let (mut diagnostics, mut slips) = (Vec::new(), Vec::new());
        let file = read::file(&source, &mut diagnostics, &mut slips);
        let graph = Graph::build(file.nodes, &file.unread, &mut diagnostics);
        if !diagnostics.is_empty() {
            diagnostics.append(&mut slips);
            return Err(in_file_order(diagnostics));
        }
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let chain = Self {
            name: file.name.or(stem).unwrap_or_default(),
            description: file.description,
            requires: file.requires,
            buffer: file.buffer,
            pins: file.pins.unwrap_or_else(|| PathBuf::from(maps::PINS)),
            folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            source,
            graph,
        };
        Ok((chain, slips))
    }
}

/// The chain, if nothing is wrong within it.
fn whole((chain, slips): (Chain, Vec<Diagnostic>)) -> Result<Chain, Vec<Diagnostic>> {
    if slips.is_empty() { Ok(chain) } else { Err(in_file_order(slips)) }
}
