//! `globals = { … }`: variables that no program uses.

use super::{Context, title};
use crate::{
    chain::{GlobalValue, Node},
    diag::{Code, Diagnostic, Severity},
    object::{Object, Program, Referent},
    resolve::SetGlobal,
};

pub(super) fn check(context: &mut Context<'_>) {
    for (_, node, of) in context.names.programs() {
        if node.data.globals.is_empty() {
            continue;
        }
        if node.built_in().is_some() {
            let first = &node.data.globals[0];
            let message =
                format!("`globals` requires `object`; {} is a built-in tracer", title(node));
            let span = first.path.text.span.clone();
            let help = "Remove `globals`, or give the tracer an object and a program.".to_owned();
            context.report(
                Code::BadValue,
                message,
                &span,
                "not valid for the built-in tracer",
                help,
            );
            continue;
        }
        for (one, number) in of.settings() {
            let value = &node.data.globals[*number];
            unused(context, node, of.object(), of.program(), one, value);
        }
    }
}

/// A variable in a section that the program never looks at: setting it does nothing.
fn unused(
    context: &mut Context<'_>,
    node: &Node,
    object: &Object,
    program: &Program,
    set: &SetGlobal,
    value: &GlobalValue,
) {
    let end = set.offset.saturating_add(set.bytes.len() as u64);
    let is_it = |referent: &Referent| match referent {
        Referent::Variable { section, offset, .. } => {
            *section == set.section && (set.offset..end.max(set.offset + 1)).contains(offset)
        }
        _ => false,
    };
    let uses =
        object.functions_of(program).any(|function| function.code.references.values().any(is_it));
    if uses {
        return;
    }
    let message = format!("{} sets `{}`, but its program does not use it", title(node), set.name);
    let mut found = Diagnostic::new(Code::GlobalUnused, message)
        .label(&value.path.text.span, "not used")
        .help(format!(
            "Set `{}` on the node whose program uses it, or remove it. Each node has its own \
             global variables.",
            set.name
        ));
    found.severity = Severity::Warning;
    context.found.push(found);
}
