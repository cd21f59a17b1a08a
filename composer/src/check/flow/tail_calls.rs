//! Tail calls that are rejected whether or not they are ever executed.
//!
//! The entries of program arrays are checked in [`tails`](super::super::tails). This module checks
//! the array itself, which belongs to the first program loaded with it (`bpf_prog_map_compatible`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/core.c>), and functions without a
//! return value (`check_btf_func`, kernel/bpf/verifier.c).

use std::collections::{HashMap, HashSet};

use petgraph::graph::NodeIndex;

use super::{Context, loaded};
use crate::{
    chain::{Node, NodeKind, Role},
    check::title,
    diag::{Code, Diagnostic},
    function::has_trusted_entry,
    object::{Object, Program, ProgramKind, Referent, TAIL_CALL, btf::Type},
    resolve::NodeProgram,
};

/// `BPF_MAP_TYPE_PROG_ARRAY`.
const PROGRAMS: u32 = 3;

/// What a program has to have in common with the first one of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner<'a> {
    kind: ProgramKind,
    /// For a tracer, the traced function, if the kernel uses its prototype.
    traced: Option<(NodeIndex, &'a str)>,
}

pub(super) fn check(context: &mut Context<'_>) {
    let graph = &context.chain.graph;
    let mut owners: HashMap<&str, (Owner<'_>, &Node, &NodeProgram)> = HashMap::new();
    let mut told = HashSet::new();
    let mut found = Vec::new();
    // Tables are taken in the order of loading.
    for index in graph.order() {
        let node = graph.node(index);
        let Some(of) = context.names.program(index) else { continue };
        let (object, program) = (of.object(), of.program());
        // Without a table there is no tail call.
        let has_table = object.maps.iter().any(|map| map.map_type == PROGRAMS);
        if !has_table || context.misfits.contains(&index) {
            continue;
        }
        if let Some(function) = without_result(object, program)
            && told.insert((&of.reference().value, &program.name))
        {
            found.push(
                Diagnostic::new(
                    Code::TailCall,
                    format!(
                        "{} makes a tail call in `{function}`, which does not return a number",
                        title(node)
                    ),
                )
                .label(of.asked(), "makes the call")
                .says("EINVAL", "tail_call is only allowed in functions that return 'int'.")
                .help(format!(
                    "Change the return type of `{function}` to int, or declare it \
                               __always_inline."
                )),
            );
            continue;
        }
        let owners_of_loads = owners_of(context, index, node);
        for table in tables(object, program) {
            for owner in &owners_of_loads {
                let Some((first, first_node, first_of)) = owners.get(table) else {
                    owners.insert(table, (*owner, node, of));
                    continue;
                };
                if first == owner {
                    continue;
                }
                let what = if first.kind == owner.kind { "functions" } else { "types" };
                found.push(
                    Diagnostic::new(
                        Code::TailCall,
                        format!(
                            "`{}` and `{}` share program array `{table}`, but are programs for \
                             different {what}",
                            first_node.id.value, node.id.value
                        ),
                    )
                    .label(of.asked(), format!("also uses `{table}`"))
                    .label(first_of.asked(), "first used here")
                    .errno("EINVAL")
                    .help(
                        "Use a separate program array for each. Maps of the same name are one map \
                         for the whole chain, and a program array holds programs of one type.",
                    ),
                );
                break;
            }
        }
    }
    context.found.extend(found);
}

/// What a program is, each time it is loaded.
fn owners_of<'a>(context: &Context<'a>, index: NodeIndex, node: &'a Node) -> Vec<Owner<'a>> {
    let graph = &context.chain.graph;
    let loaded = context.own(index).map(|load| loaded(context, index, &load)).unwrap_or_default();
    let kinds = loaded.into_iter().map(|loaded| loaded.kind.base());
    if !matches!(node.kind, NodeKind::Tracer(_)) {
        return kinds.map(|kind| Owner { kind, traced: None }).collect();
    }
    let targets = context.names.functions(index).filter_map(|function| {
        let (target, name) = (function.holder, function.name.as_str());
        let (object, program) = context.program(target)?;
        let definition = &object.functions[function.index];
        let is_entry =
            program.function == function.index && graph.node(target).role() == Role::Host;
        match is_entry {
            true if has_trusted_entry(object, program) => Some(Some((target, name))),
            true => Some(None),
            // Of a static function it is not known which.
            false => definition.is_global.then_some(Some((target, name))),
        }
    });
    let targets: Vec<_> = targets.collect();
    kinds
        .flat_map(|kind| targets.iter().map(move |traced| Owner { kind, traced: *traced }))
        .collect()
}

/// The tables that `program` uses, in the order of the object.
fn tables<'a>(object: &'a Object, program: &Program) -> Vec<&'a str> {
    let reached = object.reachable(program);
    let functions = || reached.iter().filter_map(|index| object.functions.get(*index));
    let uses = |name: &str| {
        let is_it = |referent: &Referent| matches!(referent, Referent::Map(map) if map == name);
        functions().any(|function| function.code.references.values().any(is_it))
    };
    let tables = object.maps.iter().filter(|map| map.map_type == PROGRAMS);
    tables.map(|map| map.name.as_str()).filter(|name| uses(name)).collect()
}

/// A function of `program` that makes a tail call and returns no number.
fn without_result<'a>(object: &'a Object, program: &Program) -> Option<&'a str> {
    let reached = object.reachable(program).into_iter();
    let inner = reached.filter(|index| *index != program.function);
    let mut functions = inner.filter_map(|index| object.functions.get(index));
    let found = functions.find(|function| {
        let returns = function.prototype.and_then(|id| match object.btf.get(id)? {
            Type::Prototype { returns, .. } => object.btf.resolve(returns),
            _ => None,
        });
        let is_number = match returns {
            Some((_, Type::Int { size, .. } | Type::Enum { size, .. })) => size <= 8,
            // Without a type nothing is claimed.
            None => true,
            _ => false,
        };
        // A global one without a result is refused for that alone.
        function.helpers.contains(&TAIL_CALL) && !is_number && !function.is_global
    });
    found.map(|function| function.name.as_str())
}
