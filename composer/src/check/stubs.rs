//! Functions to replace or trace that are not part of the program as the kernel loads it.

use std::iter;

use petgraph::graph::NodeIndex;

use super::{Context, title};
use crate::{
    chain::{Node, NodeKind, Role, Spanned},
    diag::{Code, Diagnostic, list},
    function::LoadedFunction,
    object::{Object, Program},
    resolve::functions::{candidates, list_or_nothing},
};

pub(super) fn check(context: &mut Context<'_>) {
    for (index, node) in context.chain.graph.nodes() {
        match &node.kind {
            NodeKind::Stub(stub) => {
                for host in context.chain.graph.needs(index) {
                    let outer = context.chain.graph.node(host);
                    if outer.role() == Role::Replacement {
                        nested(context, node, outer);
                        continue;
                    }
                    if not_replaceable(context, node, outer) {
                        continue;
                    }
                    check_function(context, node, &stub.function, host, true);
                    entry(context, index, node, &stub.function, host);
                }
            }
            NodeKind::Tracer(tracer) => {
                let (Some(function), Some(target)) =
                    (&tracer.function, context.chain.graph.needs(index).first().copied())
                else {
                    continue;
                };
                match context.chain.graph.node(target).kind {
                    NodeKind::Stub(_) => {
                        let message = format!(
                            "`{}` traces a stub, which is a single function",
                            node.id.value
                        );
                        let help = "Remove `function`.".to_owned();
                        let span = function.span.clone();
                        context.report(
                            Code::BadValue,
                            message,
                            &span,
                            "not valid for a stub",
                            help,
                        );
                    }
                    _ => check_function(context, node, function, target, false),
                }
            }
            NodeKind::Host(_) | NodeKind::Replacement(_) => {}
        }
    }
}

/// A stub in a host of a kind whose functions the kernel does not replace. Whether it is one.
///
/// `bpf_check_attach_target` in
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>: "Cannot extend fentry/fexit".
fn not_replaceable(context: &mut Context<'_>, stub: &Node, host: &Node) -> bool {
    let NodeKind::Stub(spec) = &stub.kind else { return false };
    let Some(kind) = host.attach().map(|attach| attach.value.kind) else { return false };
    let Some(fixed) = kind.not_replaceable else { return false };
    // Of the program's own entry the kernel says that it is static.
    if host.program().is_some_and(|(_, name)| name.value == spec.function.value) {
        return false;
    }
    let name = &host.id.value;
    let Some(reference) = spec.hosts.iter().find(|host| host.value == *name) else { return false };
    // A stub that nothing replaces is a function that can be traced.
    let graph = &context.chain.graph;
    let is_replaced = graph.nodes().any(|(_, node)| {
        matches!(&node.kind, NodeKind::Replacement(new) if new.stub.value == stub.id.value)
    });
    if !is_replaced {
        return false;
    }
    let found = Diagnostic::new(
        Code::WrongNodeKind,
        format!(
            "{} is in a host at {}, whose functions cannot be replaced",
            title(stub),
            kind.name
        ),
    )
    .label(&reference.span, format!("is attached to {}", kind.name))
    .help(format!(
        "{} The kernel does not replace functions of {} programs.",
        fixed.help, kind.name
    ));
    context.found.push(match fixed.says {
        Some(words) => found.says("EINVAL", words),
        None => found.errno("EINVAL"),
    });
    true
}

/// A stub of a replacement: the graph can say it, the kernel refuses it.
///
/// `bpf_check_attach_target` in
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>: "Cannot recursively attach".
fn nested(context: &mut Context<'_>, stub: &Node, replacement: &Node) {
    let NodeKind::Stub(spec) = &stub.kind else { return };
    let name = &replacement.id.value;
    let Some(reference) = spec.hosts.iter().find(|host| host.value == *name) else { return };
    let found = Diagnostic::new(
        Code::WrongNodeKind,
        format!("{} is in a replacement, which cannot contain a stub", title(stub)),
    )
    .label(&reference.span, "is a replacement")
    .label(&replacement.id.span, "replacement defined here")
    .says("EINVAL", "Cannot recursively attach")
    .help(
        "Move the stub to a host, or trace the replacement. The kernel does not replace functions \
         of a replacement.",
    );
    context.found.push(found);
}

/// A program's own entry may be replaced, if the kernel trusts its prototype: one argument, the
/// context of its type. Of any other it takes no note, and then calls it static.
fn entry(
    context: &mut Context<'_>,
    index: NodeIndex,
    node: &Node,
    function: &Spanned<String>,
    host: NodeIndex,
) {
    let Some((object, program)) = context.program(host) else { return };
    if program.name != function.value {
        return;
    }
    let Some(entry) = LoadedFunction::of(object, program.function).untrusted_entry() else {
        return;
    };
    let definition = &object.functions[program.function];
    // Of none the older kernels think nothing wrong, and then compare prototypes.
    let empty = object.has_no_parameters(definition);
    let help = match entry.trusted() {
        Some(trusted) => format!("Declare it as {trusted}."),
        None => format!(
            "Call a global function from the program, and replace that function. The kernel has \
             no named context for SEC(\"{}\").",
            program.section
        ),
    };
    let found = Diagnostic::new(
        Code::UntrustedEntry,
        format!("{} is an entry function with an untrusted prototype", title(node)),
    )
    .label(&function.span, "entry function")
    .note(format!("stub  {}", object.prototype(definition).unwrap_or_default()))
    .says("EINVAL", "Cannot replace static functions")
    .help(help);
    if empty {
        context.push_where(found, |profile| !profile.features.entry_without_argument);
        return;
    }
    context.found.push(found);
    context.misfits.insert(index);
}

/// Checks that `target`'s program holds `function`; and, `to_replace`, that the kernel would let it
/// be replaced.
fn check_function(
    context: &mut Context<'_>,
    node: &Node,
    function: &Spanned<String>,
    target: NodeIndex,
    to_replace: bool,
) {
    let Some(of) = context.names.program(target) else { return };
    let (object, program) = (of.object(), of.program());
    let target = context.chain.graph.node(target);
    let name = &function.value;
    let span = function.span.clone();
    let Some((index, found)) = object.function(name) else { return };
    // With it are loaded the programs that its tables for tail calls hold.
    let loaded = LoadedFunction::with(object, index, iter::once(program).chain(of.leaves()));
    let not_global = format!("{name}() is not a global function");
    let absent = format!("Subprog {name} doesn't exist");
    if to_replace && loaded.is_static() {
        let message = format!("{} is a static function, which cannot be replaced", title(node));
        let help = format!(
            "Declare it without `static`: __attribute__((noinline)) {}; The verifier checks a \
             static function together with its callers, so it cannot be replaced.",
            object.prototype(found).unwrap_or_else(|| format!("int {name}(...)"))
        );
        let found = Diagnostic::new(Code::StaticStub, message)
            .label(&span, "static")
            .says("EINVAL", if loaded.is_loaded() { not_global } else { absent })
            .help(help);
        context.found.push(found);
        return;
    }
    if !loaded.is_loaded() {
        let message = format!("{} does not call `{name}`", title(target));
        let help = not_called(object, program, index, to_replace);
        let label = format!("not called by `{}`", program.name);
        let found = Diagnostic::new(Code::StubNotCalled, message)
            .label(&span, label)
            .says("EINVAL", absent)
            .help(help);
        context.found.push(found);
    }
}

/// Why `program` does not reach the function `index`, most likely.
fn not_called(object: &Object, program: &Program, index: usize, to_replace: bool) -> String {
    let loaded = LoadedFunction::of(object, index);
    let others: Vec<_> = loaded.programs().map(|other| other.name.as_str()).collect();
    let why = if !others.is_empty() {
        format!("It is called by: {}.", list(&others))
    } else if to_replace {
        "If the source calls it, clang inlined it or removed the call. Declare it FC_STUB, which \
         is noinline, and hide its result with `return fc_stub(result, arguments...)` of \
         freplace_compose.h or with asm volatile(\"\" : \"+r\"(result))."
            .to_owned()
    } else {
        "If the source calls it, clang inlined it: add __attribute__((noinline)). It can stay \
         `static`."
            .to_owned()
    };
    format!(
        "{why} The kernel loads a program only with the functions it calls. Program `{}` calls: \
         {}.",
        program.name,
        list_or_nothing(&candidates(object, program))
    )
}
