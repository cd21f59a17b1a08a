//! What a recipe would do: where its programs are attached, and what they can change.

use std::collections::BTreeMap;

use super::packed::Packed;
use crate::{
    chain::{Node, NodeKind, ObjectRef},
    diag::Diagnostic,
    object::{Change, Object, helper},
    picture::detail,
    resolve::{open_object, parse_object},
};

/// What the chain of a recipe would do.
#[derive(Debug, Default)]
pub struct Summary {
    /// The nodes with programs, in the order of the file.
    pub programs: Vec<ProgramSummary>,
}

/// A program of a recipe.
#[derive(Debug)]
pub struct ProgramSummary {
    /// The id of its node.
    pub node: String,
    /// The kind of its node: `xdp`, `freplace`, `fentry`, …
    pub kind: &'static str,
    /// Where it is attached, or which function it is about.
    pub place: String,
    /// The program's name.
    pub program: String,
    /// The object that it is in, as the chain names it.
    pub object: String,
    /// What it can change, each with the helpers by which; direct access to packets is not among it.
    pub changes: BTreeMap<Change, Vec<&'static str>>,
}

impl Summary {
    /// That of `packed`.
    ///
    /// # Errors
    /// When an object in it is none.
    pub fn of(packed: &Packed) -> Result<Self, Vec<Diagnostic>> {
        let mut objects: BTreeMap<&ObjectRef, Object> = BTreeMap::new();
        let (mut programs, mut found) = (Vec::new(), Vec::new());
        for (_, node) in packed.chain().graph.nodes() {
            let Some((object, program)) = node.program() else { continue };
            if !objects.contains_key(object.value) {
                match opened(packed, object.value) {
                    Ok(Some(opened)) => drop(objects.insert(object.value, opened)),
                    Ok(None) => {}
                    Err(wrong) => {
                        found.push(wrong.label(object.span, "this object"));
                        continue;
                    }
                }
            }
            let changes = objects.get(object.value).map(|object| changes(object, program.value));
            programs.push(ProgramSummary {
                node: node.id.value.clone(),
                kind: node.label(),
                place: place(node),
                program: program.value.to_owned(),
                object: object.value.to_string(),
                changes: changes.unwrap_or_default(),
            });
        }
        if found.is_empty() { Ok(Self { programs }) } else { Err(found) }
    }
}

/// An object of the recipe or of this program; none where it is made, or in a kernel.
fn opened(packed: &Packed, object: &ObjectRef) -> Result<Option<Object>, Box<Diagnostic>> {
    match object {
        ObjectRef::File(path) => {
            let bytes = packed.object(path).unwrap_or_default();
            parse_object(object, bytes).map(Some)
        }
        ObjectRef::Builtin(_) => open_object(object).map(Some),
        ObjectRef::Running(_) | ObjectRef::Generated(_) => Ok(None),
    }
}

fn changes(object: &Object, program: &str) -> BTreeMap<Change, Vec<&'static str>> {
    let mut changes: BTreeMap<Change, Vec<&'static str>> = BTreeMap::new();
    let Some(program) = object.program(program) else { return changes };
    for helper in object.helpers(program.function).into_iter().filter_map(helper) {
        if let Some(change) = helper.changes {
            changes.entry(change).or_default().push(helper.name);
        }
    }
    changes
}

fn place(node: &Node) -> String {
    match &node.kind {
        NodeKind::Replacement(replacement) => format!("in the place of {}", replacement.stub.value),
        NodeKind::Tracer(tracer) => match detail(node) {
            own if own.is_empty() => format!("of {}", tracer.target.value),
            own => format!("of {}: {own}", tracer.target.value),
        },
        NodeKind::Host(_) | NodeKind::Stub(_) => detail(node),
    }
}
