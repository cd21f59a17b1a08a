//! Puts a chain together: its file with the values of parameters, and the files that it includes.
//!
//! One tree of values comes out, whose positions are those of several texts in a row
//! ([`Sources`]). It is read like the tree of a single file, so neither the reader nor
//! what comes behind it knows of parameters or includes, and each value is still found in its own file.
//!
//! A node `ingress` of a file that is included as `d` is the node `d.ingress`, and what that file says of
//! `ingress` is of `d.ingress`. Nothing is merged: what the including file wants to be otherwise, it writes
//! into `override`, node by node and key by key.

mod include;
mod overriding;
mod resolved_text;
mod texts;
mod tree;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use toml::de::{DeTable, DeValue};

use super::{
    Role, Spanned,
    inputs::ChainInputs,
    params::{self, Parameter, substitute},
    syntax,
    table::{Diagnostics, wrong_type},
};
use crate::diag::{Code, Diagnostic, Source, Sources, Span};
use include::{Include, includes};
pub(super) use resolved_text::resolved_text;
pub(crate) use texts::Texts;
use tree::{moved, qualify};

/// How deep files include each other.
const DEPTH: usize = 32;
/// How many files a chain includes, each as often as it is included.
const MOST: usize = 1000;

/// The tables that hold nodes.
const ROLES: [Role; 4] = [Role::Host, Role::Stub, Role::Replacement, Role::Tracer];
/// The other keys of a chain file: of an included one, what is for the whole chain.
const SETTINGS: [&str; 8] =
    ["name", "description", "requires", "printk", "buffer", "pins", "params", "include"];

/// A chain as one tree of values.
pub(super) struct Composition<'t> {
    /// What its file would say without parameters and includes.
    pub(super) root: DeTable<'t>,
    /// The texts that its positions are in.
    pub(super) sources: Sources,
    /// The parameters of its own file.
    pub(super) parameters: Vec<Parameter>,
    /// What included files say of themselves.
    pub(super) included: Vec<IncludedFile<'t>>,
    /// What ids of nodes begin with that are missing for another mistake.
    pub(super) unread: Vec<String>,
    /// Values with a reference to a parameter that is not there: nothing else is to be said of them.
    pub(super) unfilled: Vec<Span>,
}

/// What an included file says for all of its nodes.
pub(super) struct IncludedFile<'t> {
    pub(super) source: Arc<Source>,
    /// The file; `builtin:NAME` for a recipe of this program.
    pub(super) path: PathBuf,
    /// What the ids of its nodes begin with, without the last dot.
    pub(super) scope: String,
    pub(super) requires: Option<toml::Spanned<DeValue<'t>>>,
    pub(super) printk: Option<toml::Spanned<DeValue<'t>>>,
    pub(super) parameters: Vec<Parameter>,
}

/// Puts the chain together whose file, at `path`, is `first`. Continues after each error; none when that file is no
/// TOML.
pub(super) fn compose<'t>(
    first: &'t Arc<Source>,
    path: &Path,
    texts: &'t Texts,
    inputs: &ChainInputs,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Composition<'t>> {
    let (root, errors) = DeTable::parse_recoverable(&first.text);
    if !errors.is_empty() {
        let sources = Sources::one(first);
        let mut report = Diagnostics { sources: &sources, diagnostics, slips: &mut Vec::new() };
        syntax::report(&errors, root.get_ref(), &mut report);
        return None;
    }
    let mut root = root.into_inner();
    let mut composer = Composer {
        texts,
        inputs,
        first,
        more: Vec::new(),
        sources: Sources::one(first),
        end: first.text.len() + 1,
        included: Vec::new(),
        unread: Vec::new(),
        unfilled: Vec::new(),
        way: vec![IncludeStep {
            path: identity(path),
            source: Arc::clone(first),
            name: String::new(),
            span: None,
        }],
        diagnostics,
        slips: Vec::new(),
    };
    let mut parameters = composer.parameters(&root);
    let sources = composer.sources.clone();
    params::set(&mut parameters, &inputs.set, &mut composer.report(&sources));
    composer.fill(&mut root, &parameters);
    composer.fetch_objects(&mut root, path);
    composer.include(&mut root, path);
    let Composer { sources, included, unread, unfilled, .. } = composer;
    Some(Composition { root, sources, parameters, included, unread, unfilled })
}

/// Puts the values of parameters into the tests of a chain's own file, where these stand in it.
pub(crate) fn fill_tests<'t>(
    root: &mut DeTable<'t>,
    texts: &'t Texts,
    inputs: &ChainInputs,
    report: &mut Diagnostics<'_>,
) {
    if !root.contains_key("params") {
        return;
    }
    let parameters = own_parameters(root, report.sources, inputs);
    if let Some(tests) = root.get_mut("test") {
        substitute(tests, &parameters, texts, &mut Vec::new(), report);
    }
}

/// The parameters of a chain's own file, with the values that they are given. What is wrong with them is told with the
/// chain.
pub(super) fn own_parameters(
    root: &DeTable<'_>,
    sources: &Sources,
    inputs: &ChainInputs,
) -> Vec<Parameter> {
    let mut told = Vec::new();
    let mut unheard = Diagnostics { sources, diagnostics: &mut told, slips: &mut Vec::new() };
    let mut top = unheard.table("the chain".to_owned(), unheard.bytes(0..0), root);
    let mut parameters = params::params(&mut top, &mut unheard).unwrap_or_default();
    params::set(&mut parameters, &inputs.set, &mut unheard);
    parameters
}

/// A file on the way to the one that is being read.
struct IncludeStep {
    path: PathBuf,
    source: Arc<Source>,
    /// What it is included as.
    name: String,
    /// Where it is included; nowhere, for the chain's own file.
    span: Option<Span>,
}

struct Composer<'t, 'i> {
    texts: &'t Texts,
    inputs: &'i ChainInputs,
    first: &'i Arc<Source>,
    more: Vec<(usize, Arc<Source>)>,
    /// All of them.
    sources: Sources,
    /// The first position behind them.
    end: usize,
    included: Vec<IncludedFile<'t>>,
    unread: Vec<String>,
    unfilled: Vec<Span>,
    way: Vec<IncludeStep>,
    diagnostics: &'i mut Vec<Diagnostic>,
    /// Expressions are read later.
    slips: Vec<Diagnostic>,
}

impl<'t> Composer<'t, '_> {
    fn report<'r>(&'r mut self, sources: &'r Sources) -> Diagnostics<'r> {
        Diagnostics { sources, diagnostics: self.diagnostics, slips: &mut self.slips }
    }

    /// The parameters of a file.
    fn parameters(&mut self, root: &DeTable<'t>) -> Vec<Parameter> {
        let sources = self.sources.clone();
        let mut report = self.report(&sources);
        let mut top = report.table("the chain".to_owned(), report.bytes(0..0), root);
        params::params(&mut top, &mut report).unwrap_or_default()
    }

    /// Puts the values of parameters where the file refers to them. A file without parameters is left as it is.
    fn fill(&mut self, root: &mut DeTable<'t>, parameters: &[Parameter]) {
        if !root.contains_key("params") {
            return;
        }
        let missing = parameters.iter().filter(|one| one.value().is_none());
        for parameter in missing.filter(|_| !self.inputs.any_value) {
            let found = self.missing(parameter);
            self.diagnostics.push(found);
        }
        let (texts, sources) = (self.texts, self.sources.clone());
        let mut unfilled = std::mem::take(&mut self.unfilled);
        let mut report = self.report(&sources);
        for (key, value) in root.iter_mut() {
            // Those who read tests fill them.
            if !["params", "test"].contains(&key.get_ref().as_ref()) {
                substitute(value, parameters, texts, &mut unfilled, &mut report);
            }
        }
        self.unfilled = unfilled;
    }

    /// Puts files in the place of objects that are named by where they come from.
    fn fetch_objects(&mut self, root: &mut DeTable<'t>, path: &Path) {
        let Some(recipes) = &self.inputs.recipes else { return };
        let folder = path.parent().unwrap_or(Path::new(""));
        for role in ROLES {
            let Some(DeValue::Table(nodes)) = root.get_mut(role.name()).map(toml::Spanned::get_mut)
            else {
                continue;
            };
            let nodes = nodes.iter_mut().filter_map(|(_, node)| match node.get_mut() {
                DeValue::Table(keys) => keys.get_mut("object"),
                _ => None,
            });
            for object in nodes {
                let span = self.sources.span(object.span());
                let DeValue::String(reference) = object.get_mut() else { continue };
                if !reference.contains("://") {
                    continue;
                }
                match recipes.object(reference, folder) {
                    Ok(file) => *reference = file.to_string_lossy().into_owned().into(),
                    Err(found) => {
                        let placed =
                            found.into_iter().map(|one| one.or_label(&span, "this object"));
                        self.diagnostics.extend(placed);
                    }
                }
            }
        }
    }

    /// A parameter without a value.
    fn missing(&self, parameter: &Parameter) -> Diagnostic {
        let name = &parameter.name.value;
        let message = format!("parameter `{name}` has no value");
        let found = Diagnostic::new(Code::ParameterMissing, message);
        let found = match self.way.last().and_then(|step| step.span.as_ref()) {
            Some(span) => found
                .label(span, format!("`{name}` missing in `with`"))
                .label(&parameter.name.span, "has no default")
                .help(format!("Write with = {{ {name} = … }} where the file is included.")),
            None => found.label(&parameter.name.span, "has no default").help(format!(
                "Set it: --set {name}={}. Or give it a default.",
                parameter.of.example()
            )),
        };
        self.trail(found)
    }

    /// `found`, with the files on the way to the last include.
    fn trail(&self, found: Diagnostic) -> Diagnostic {
        let known: Vec<_> = found.labels.iter().map(|label| label.span.clone()).collect();
        let spans = self.way.iter().rev().filter_map(|step| step.span.as_ref());
        spans
            .filter(|span| !known.contains(span))
            .fold(found, |found, span| found.label(span, "included here"))
    }

    /// Reads what the file at `path` includes into its tree.
    fn include(&mut self, root: &mut DeTable<'t>, path: &Path) {
        root.remove("params");
        let Some(value) = root.remove("include") else { return };
        let sources = self.sources.clone();
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        for include in includes(&value, &mut self.report(&sources)) {
            let name = include.name.value.clone();
            match self.included_file(&include, &folder) {
                Some(tree) => self.merge(root, tree, &include),
                None => self.unread.push(format!("{name}.")),
            }
        }
    }

    /// The tree of an included file, with the ids of its nodes as in the file that includes it.
    fn included_file(&mut self, include: &Include<'_, 't>, folder: &Path) -> Option<DeTable<'t>> {
        let Spanned { value: reference, span } = &include.recipe;
        let path = self.inputs.locate(reference, folder);
        let read = path.and_then(|path| {
            let text = self.inputs.text(&path).map_err(|found| vec![*found])?;
            Ok((text, path))
        });
        let (text, path) = match read {
            Ok(read) => read,
            Err(found) => {
                for one in found {
                    let one = self.trail(one.or_label(span, "included here"));
                    self.diagnostics.push(one);
                }
                return None;
            }
        };
        let (text, base) = (self.texts.keep(text), self.end);
        let source = Arc::new(Source {
            name: path.display().to_string(),
            text: text.to_owned(),
            // Behind the chain's file, and that of its tests.
            number: self.more.len() + 2,
        });
        let step = IncludeStep {
            path: identity(&path),
            source: Arc::clone(&source),
            name: include.name.value.clone(),
            span: Some(span.clone()),
        };
        if let Some(found) = self.endless(&step) {
            self.diagnostics.push(found);
            return None;
        }
        let (tree, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let sources = Sources::one(&source);
            syntax::report(&errors, tree.get_ref(), &mut self.report(&sources));
            return None;
        }
        let mut tree: DeTable<'t> =
            tree.into_inner().into_iter().map(|entry| moved(entry, base)).collect();
        self.end += text.len() + 1;
        self.more.push((base, Arc::clone(&source)));
        self.sources = Sources::row(self.first, &self.more);
        self.way.push(step);
        self.check_keys(&tree, base);
        let mut parameters = self.parameters(&tree);
        if let Some(values) = include.with {
            let sources = self.sources.clone();
            params::with(&mut parameters, values, &source.name, &mut self.report(&sources));
        }
        self.fill(&mut tree, &parameters);
        self.fetch_objects(&mut tree, &path);
        self.include(&mut tree, &path);
        let names: Vec<_> = self.way.iter().skip(1).map(|step| step.name.as_str()).collect();
        let scope = names.join(".");
        self.way.pop();
        let (requires, printk) = (tree.remove("requires"), tree.remove("printk"));
        let within = match super::recipe_name(&path) {
            Some(_) => PathBuf::new(),
            None => {
                let own = path.parent().unwrap_or(Path::new(""));
                own.strip_prefix(folder).unwrap_or(own).to_path_buf()
            }
        };
        self.included.push(IncludedFile { source, path, scope, requires, printk, parameters });
        qualify(&mut tree, &include.name.value, &within);
        Some(tree)
    }

    /// What to say of an include that would never end.
    fn endless(&self, step: &IncludeStep) -> Option<Diagnostic> {
        let message = if let Some(at) = self.way.iter().position(|other| other.path == step.path) {
            let files = self.way.iter().skip(at).chain([step]);
            let files: Vec<_> = files.map(|step| step.source.name.as_str()).collect();
            format!("files include each other in a circle: {}", files.join(" → "))
        } else if self.way.len() >= DEPTH {
            format!("files include each other more than {DEPTH} deep")
        } else if self.more.len() >= MOST {
            format!("the chain includes more than {MOST} files")
        } else {
            return None;
        };
        let span = step.span.as_ref()?;
        let found = Diagnostic::new(Code::IncludeCycle, message).label(span, "included here");
        Some(self.trail(found).help("Remove one of the includes."))
    }

    /// Reports keys that a chain file does not have: of the chain's own file its reader does.
    fn check_keys(&mut self, tree: &DeTable<'t>, base: usize) {
        let sources = self.sources.clone();
        let mut report = self.report(&sources);
        let mut top = report.table("the chain".to_owned(), report.bytes(base..base), tree);
        for key in SETTINGS {
            top.get(key);
        }
        top.get("test");
        for role in ROLES {
            if let Some((_, value)) = top.get(role.name())
                && !value.get_ref().is_table()
            {
                let key = role.name();
                let wanted = format!("single tables: [{key}.NAME]");
                wrong_type(&format!("`{key}`"), &wanted, value, &mut report);
            }
        }
        top.finish(&mut report);
    }

    /// Puts the nodes of an included file beside those of the file that includes it, as that wants them.
    fn merge(&mut self, root: &mut DeTable<'t>, mut tree: DeTable<'t>, include: &Include<'_, 't>) {
        let sources = self.sources.clone();
        if let Some(changes) = include.overriding {
            let name = &include.name.value;
            overriding::apply(&mut tree, name, changes, &mut self.report(&sources));
        }
        for key in ["buffer", "pins"] {
            if let Some((place, value)) = tree.remove_entry(key) {
                self.setting(root, (place, value));
            }
        }
        for role in ROLES {
            let Some((key, value)) = tree.remove_entry(role.name()) else { continue };
            let DeValue::Table(nodes) = value.into_inner() else { continue };
            let span = key.span();
            let own = root
                .entry(key)
                .or_insert_with(|| toml::Spanned::new(span, DeValue::Table(DeTable::new())));
            let DeValue::Table(own) = own.get_mut() else { continue };
            for (id, node) in nodes {
                if let Some((first, _)) = own.get_key_value(&**id.get_ref()) {
                    let message = format!("duplicate node id `{}`", id.get_ref());
                    let found = Diagnostic::new(Code::DuplicateId, message)
                        .label(&sources.span(first.span()), format!("{role} with this id"))
                        .label(&sources.span(id.span()), format!("included {role} with this id"))
                        .help("Include the file under another name: as = \"…\".");
                    self.diagnostics.push(found);
                } else {
                    own.insert(id, node);
                }
            }
        }
    }

    /// A setting of an included file is one of the whole chain, unless the including file has its own.
    fn setting(
        &mut self,
        root: &mut DeTable<'t>,
        (key, value): (toml::Spanned<std::borrow::Cow<'t, str>>, toml::Spanned<DeValue<'t>>),
    ) {
        let Some((place, other)) = root.get_key_value(&**key.get_ref()) else {
            root.insert(key, value);
            return;
        };
        let place = self.sources.span(place.span());
        let is_own = self.way.last().is_some_and(|step| Arc::ptr_eq(&step.source, place.source()));
        if is_own || tree::text(other.get_ref()) == tree::text(value.get_ref()) {
            return;
        }
        let name = key.get_ref();
        let found = Diagnostic::new(
            Code::IncludeConflict,
            format!("included files have different values of `{name}`"),
        )
        .label(&self.sources.span(value.span()), "one value")
        .label(&self.sources.span(other.span()), "another one")
        .help(format!("Set `{name}` in the file that includes them."));
        self.diagnostics.push(found);
    }
}

/// What makes two ways to a file one.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
