//! Entries of program arrays: those defined in an object, and those of a chain.

use std::collections::HashSet;

use petgraph::graph::NodeIndex;

use super::{Context, flow::loaded, title};
use crate::{
    chain::{Jump, Node, NodeKind},
    diag::{Code, Diagnostic, Severity, Span},
    object::{Object, Program, ProgramKind},
    resolve::{NodeProgram, is_only_jumped_to, tables::is_table},
};

pub(super) fn check(context: &mut Context<'_>) {
    let graph = &context.chain.graph;
    for jump in graph.jumps() {
        let found = entry(context, jump);
        context.found.extend(found);
    }
    let jumped_to: HashSet<NodeIndex> = graph.jumps().iter().map(|jump| jump.to).collect();
    for (index, node, of) in context.names.programs() {
        let (object, program) = (of.object(), of.program());
        // Without a table there is no tail call.
        let has_table = object.maps.iter().any(is_table);
        if !has_table && !jumped_to.contains(&index) {
            continue;
        }
        for leaf in of.leaves() {
            if !may_hold(context, index, leaf.kind) {
                let message = format!(
                    "{} and `{}` in its program array have different program types",
                    title(node),
                    leaf.name
                );
                let found = Diagnostic::new(Code::TailEntry, message)
                    .label(of.asked(), "uses the program array")
                    .errno("EINVAL")
                    .help(one_type(node, [(&leaf.name, leaf), (&program.name, program)]));
                context.found.push(found);
            }
            replaced(context, index, object, Some(leaf), program);
        }
        if jumped_to.contains(&index) {
            replaced(context, index, object, None, program);
        }
        passed_by(context, index, node, of);
    }
}

/// What is wrong with one entry of the chain.
fn entry(context: &Context<'_>, jump: &Jump) -> Option<Diagnostic> {
    let graph = &context.chain.graph;
    let (from, to) = (graph.node(jump.from), graph.node(jump.to));
    let (object, program) = context.program(jump.from)?;
    let name = &jump.map.value;
    let found = |code, message: String, span: &Span, label: &str| {
        Diagnostic::new(code, message).label(span, label)
    };
    let map = object.maps.iter().find(|map| map.name == *name && is_table(map))?;
    let change = from.data.maps.iter().find(|change| change.map.value == *name);
    let entries = change.and_then(|change| change.max_entries.as_ref());
    let entries = entries.map_or(map.max_entries, |entries| entries.value);
    if jump.entry.value >= entries && entries > 0 {
        let message = format!("index out of range: program array `{name}` has {entries} entries");
        let help = format!(
            "Write a lower index, or increase the size: maps = {{ {name} = {{ max_entries = {} }} \
             }}",
            jump.entry.value.saturating_add(1)
        );
        let found = found(Code::TailEntry, message, &jump.entry.span, "out of range");
        return Some(found.errno("E2BIG").help(help));
    }
    let (_, target) = context.program(jump.to)?;
    if !may_hold(context, jump.from, target.kind) {
        let message = format!(
            "`{}` cannot be in a program array of `{}`: the program types differ",
            to.id.value, from.id.value
        );
        let help = one_type(from, [(&to.id.value, target), (&from.id.value, program)]);
        let found = found(Code::TailEntry, message, &jump.span, "different program type");
        return Some(found.errno("EINVAL").help(help));
    }
    None
}

/// Whether a table of node `index` can hold programs of this kind: those of the type that the node's
/// own program is loaded as, which of a replacement is the host's. `bpf_prog_map_compatible`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/core.c>.
fn may_hold(context: &Context<'_>, index: NodeIndex, kind: ProgramKind) -> bool {
    let own = context.loads(index).into_iter().find(|load| load.is_own);
    let types = own.map(|own| loaded(context, index, &own)).unwrap_or_default();
    types.iter().all(|one| one.kind.base() == kind.base())
}

/// What to do where the second program uses a table with the first in it.
fn one_type(node: &Node, [(id, held), (user, of)]: [(&str, &Program); 2]) -> String {
    let judged = match node.kind {
        NodeKind::Replacement(_) => " A replacement is loaded as a program of its host's type.",
        _ => "",
    };
    format!(
        "Use programs of one type: `{id}` is SEC(\"{}\"), `{user}` is SEC(\"{}\"). A program array \
         holds programs of the type that uses it.{judged}",
        held.section, of.section
    )
}

/// A program in a table whose function is replaced, which no kernel has: `prog_fd_array_get_ptr`
/// and `bpf_freplace_check_tgt_prog` in
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf>.
fn replaced(
    context: &mut Context<'_>,
    holder: NodeIndex,
    object: &Object,
    leaf: Option<&Program>,
    main: &Program,
) {
    let graph = &context.chain.graph;
    let holds = |program: &Program, function: &str| {
        object.functions_of(program).any(|one| one.name == function)
    };
    let mut found = Vec::new();
    for stub in graph.needed_by(holder) {
        let NodeKind::Stub(spec) = &graph.node(stub).kind else { continue };
        let function = spec.function.value.as_str();
        let is_it = match leaf {
            Some(leaf) => holds(leaf, function) && !holds(main, function),
            None => holds(main, function),
        };
        let replacement = graph
            .needed_by(stub)
            .into_iter()
            .find(|index| matches!(graph.node(*index).kind, NodeKind::Replacement(_)));
        let Some(replacement) = replacement.filter(|_| is_it) else { continue };
        let replacement = graph.node(replacement);
        let name = leaf.map_or(&graph.node(holder).id.value, |leaf| &leaf.name);
        let NodeKind::Replacement(by) = &replacement.kind else { continue };
        found.push(
            Diagnostic::new(
                Code::TailCall,
                format!(
                    "{} replaces a function of `{name}`, which is in a program array",
                    title(replacement)
                ),
            )
            .label(&by.stub.span, "replaced")
            .label(&spec.function.span, format!("function of `{name}`"))
            .errno("EBUSY")
            .help(
                "Replace a function of the program that makes the tail call, or attach both \
                 programs separately. The kernel does not allow both, since a program could \
                 continue in itself without end.",
            ),
        );
    }
    context.found.extend(found);
}

/// Tracers at the entry of a program that nobody calls: a tail call enters a program behind the
/// place that is patched for them, `X86_TAIL_CALL_OFFSET` in
/// <https://github.com/torvalds/linux/blob/v6.12/arch/x86/net/bpf_jit_comp.c>.
fn passed_by(context: &mut Context<'_>, index: NodeIndex, node: &Node, of: &NodeProgram) {
    let graph = &context.chain.graph;
    let program = of.program();
    let leaves: Vec<&str> = of.leaves().map(|leaf| leaf.name.as_str()).collect();
    let mut found = Vec::new();
    for tracer in graph.needed_by(index) {
        let tracer = graph.node(tracer);
        let NodeKind::Tracer(spec) = &tracer.kind else { continue };
        let function = spec.function.as_ref().map_or(program.name.as_str(), |name| &name.value);
        let is_entry = function == program.name && is_only_jumped_to(node);
        if !is_entry && (!leaves.contains(&function) || function == program.name) {
            continue;
        }
        let span = spec.function.as_ref().map_or(&spec.target.span, |name| &name.span);
        let mut passed = Diagnostic::new(
            Code::PassedByTailCall,
            format!("{} sees no call of `{function}`", title(tracer)),
        )
        .label(span, "entered only by tail calls")
        .help(
            "Trace a function that the program calls, or the program that makes the tail call. A \
             tail call skips the instruction at which a tracer is attached.",
        );
        passed.severity = Severity::Warning;
        found.push(passed);
    }
    context.found.extend(found);
}
