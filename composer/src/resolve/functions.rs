//! The functions that stubs and tracers refer to, in the objects of their targets.

use petgraph::graph::NodeIndex;

use super::{NodeProgram, pattern::has_pattern};
use crate::{
    chain::{Chain, Node, NodeKind, Role, Spanned, Tracer, title},
    diag::{Code, Diagnostic, list, nearest},
    object::{Function, Object, Program},
};

/// A function that was not found.
pub(super) struct Unknown {
    /// The diagnostic.
    pub(super) found: Diagnostic,
    /// Whether a rule rejects the reference itself.
    pub(super) is_misplaced: bool,
}

/// The functions of node `index` that were not found in the programs of its targets.
pub(super) fn unknown<'a>(
    chain: &Chain,
    index: NodeIndex,
    node: &Node,
    program: impl Fn(NodeIndex) -> Option<&'a NodeProgram>,
) -> Vec<Unknown> {
    let (function, to_replace) = match &node.kind {
        NodeKind::Stub(stub) => (&stub.function, true),
        // A pattern stands for names that are there.
        NodeKind::Tracer(Tracer { function: Some(function), .. }) if !has_pattern(node) => {
            (function, false)
        }
        _ => return Vec::new(),
    };
    let one = |holder: NodeIndex| {
        let of = program(holder)?;
        let (object, program) = (of.object(), of.program());
        if object.function(&function.value).is_some() {
            return None;
        }
        let holder = chain.graph.node(holder);
        let found = not_found(function, holder, object, program, to_replace);
        // A stub of a replacement.
        let is_misplaced = to_replace && holder.role() == Role::Replacement;
        Some(Unknown { found, is_misplaced })
    };
    chain.graph.needs(index).into_iter().filter_map(one).collect()
}

pub(super) fn not_found(
    function: &Spanned<String>,
    holder: &Node,
    object: &Object,
    program: &Program,
    to_replace: bool,
) -> Diagnostic {
    let name = &function.value;
    let (message, label) = match &object.loaded {
        None => {
            let message = format!("function `{name}` not found in the object of {}", title(holder));
            (message, "not in the object")
        }
        Some(loaded) => {
            let of = format!("`{}` (program {})", program.name, loaded.id);
            (format!("function `{name}` not found in {of}"), "not in the program")
        }
    };
    let help = match nearest(name, candidates(object, program)) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => missing_help(object, program, to_replace),
    };
    Diagnostic::new(Code::UnknownFunction, message).label(&function.span, label).help(help)
}

/// The functions of `program` that may be meant.
pub(crate) fn candidates<'a>(object: &'a Object, program: &Program) -> Vec<&'a str> {
    let reachable = object.reachable(program).into_iter();
    let functions = reachable.filter(|index| *index != program.function);
    functions.filter_map(|index| object.functions.get(index).map(name)).collect()
}

fn name(function: &Function) -> &str {
    &function.name
}

/// The most likely reason why `object` lacks a function.
fn missing_help(object: &Object, program: &Program, to_replace: bool) -> String {
    let inlined = match to_replace {
        true => {
            "If the source has it, clang inlined it: declare it FC_STUB, which is noinline, and \
             not `static`."
        }
        false => {
            "If the source has it, clang inlined it: add __attribute__((noinline)). It can stay \
             `static`."
        }
    };
    let calls = list_or_nothing(&candidates(object, program));
    format!("{inlined} Program `{}` calls: {calls}.", program.name)
}

/// `names` as a list, or `no functions`.
pub(crate) fn list_or_nothing(names: &[&str]) -> String {
    if names.is_empty() { "no functions".to_owned() } else { list(names) }
}
