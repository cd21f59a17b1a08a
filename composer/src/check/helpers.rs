//! May each program call the helpers that it calls?
//!
//! A helper is there for some types of program and not for others, and some are kept for programs
//! under the GPL: `check_helper_call`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>. Only calls that the
//! verifier is sure to come to are judged: one behind a condition may be dead code to it.

use std::collections::{BTreeSet, HashSet};

use petgraph::graph::NodeIndex;

use super::{Context, Load, Profile, features};
use crate::{
    chain::{Node, NodeKind},
    diag::{Code, Diagnostic, Severity},
    object::{helper_name, helper_number},
};

/// Helpers that some programs are refused in other words than the usual ones: those that sleep,
/// those of a few functions of the kernel, and one that kprobes have with a condition.
const OTHER_WORDS: [&str; 4] =
    ["bpf_d_path", "bpf_copy_from_user", "bpf_copy_from_user_task", "bpf_get_func_ip"];

/// What the kernel takes for a licence that goes with the GPL:
/// <https://github.com/torvalds/linux/blob/v6.12/include/linux/license.h>.
const WITH_GPL: [&str; 6] =
    ["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

pub(super) fn check(context: &mut Context<'_>) {
    let mut told = HashSet::new();
    for (index, node) in context.chain.graph.nodes() {
        if context.misfits.contains(&index) {
            continue;
        }
        let Some((reference, _)) = node.program() else { continue };
        for load in context.loads(node) {
            let mut called = load.object.sure_helpers(load.program);
            if matches!(&node.kind, NodeKind::Tracer(tracer) if tracer.builtin.is_some()) {
                // What it calls hangs on the table that it is given; there is none without this.
                called.extend(helper_number("bpf_get_func_arg"));
            }
            let types = match load.is_own {
                true => program_types(context, index),
                // It is loaded once, whichever nodes have the table.
                false if !told.insert((&reference.value, &load.program.name)) => continue,
                false => BTreeSet::from([load.program.kind.program_type().name()]),
            };
            for helper in &called {
                available(context, &load, &types, *helper);
            }
            licence(context, &load, &types, &called);
        }
    }
}

/// The program types by which the helpers of a node's program are judged: a replacement is taken
/// for a program of its host's type.
pub(super) fn program_types(context: &Context<'_>, index: NodeIndex) -> BTreeSet<&'static str> {
    let graph = &context.chain.graph;
    let of_host =
        |node: &Node| context.program(node).map(|(_, program)| program.kind.program_type().name());
    match &graph.node(index).kind {
        NodeKind::Host(_) => of_host(graph.node(index)).into_iter().collect(),
        NodeKind::Stub(_) => BTreeSet::new(),
        NodeKind::Replacement(_) => {
            let hosts = graph.hosts_below(index).into_iter();
            hosts.filter_map(|host| of_host(graph.node(host))).collect()
        }
        NodeKind::Tracer(_) => BTreeSet::from(["tracing"]),
    }
}

fn available(context: &mut Context<'_>, load: &Load<'_>, types: &BTreeSet<&str>, helper: u32) {
    let Some(name) = helper_name(helper) else { return };
    let node = load.node;
    let Some((_, program)) = node.program() else { return };
    let lacking = |profile: &Profile| {
        types.iter().copied().find(|of_type| profile.lacks_helper(of_type, helper))
    };
    let mut profiles = context.kernels.profiles.iter();
    let first = profiles.find_map(|profile| Some((profile, lacking(profile)?)));
    let Some((refusing, of_type)) = first else { return };
    let mut found = Diagnostic::new(
        Code::HelperNotAvailable,
        format!("{} calls {name}, which is not for {of_type} programs", load.title()),
    )
    .label(&program.span, format!("calls {name}"))
    .help(help(load, of_type, helper, refusing));
    let words = refusing.helpers.as_ref().and_then(|helpers| helpers.refusal.as_ref());
    if let (Some(words), false) = (words, OTHER_WORDS.contains(&name)) {
        found = found.says("EINVAL", format!("{words} {name}#{helper}"));
    }
    // Where more than the helper is missing, that is told instead.
    let library = context.library;
    context.push_where(found, |profile| {
        lacking(profile).is_some() && !features::lacks_something(library, node, profile)
    });
}

/// What to do, on a kernel that refuses it.
fn help(load: &Load<'_>, of_type: &str, helper: u32, refusing: &Profile) -> String {
    let types = refusing.helpers.iter().flat_map(|helpers| helpers.by_type.iter());
    let offering: Vec<&str> = types
        .filter(|(_, helpers)| helpers.contains(&helper))
        .map(|(name, _)| name.as_str())
        .collect();
    let there = if offering.is_empty() {
        format!("Linux {} offers it to no program of a chain.", refusing.kernel)
    } else {
        format!("Linux {} offers it to: {}.", refusing.kernel, offering.join(", "))
    };
    let judged = match &load.node.kind {
        NodeKind::Replacement(_) if load.is_own => {
            " A replacement is taken for a program of its host's type."
        }
        _ => "",
    };
    let instead = if of_type == "xdp" {
        "Do without; or put the call behind `if (fc_has_task)` of freplace_compose.h, if the \
         source is for hooks with a current process too."
    } else {
        "Do without, or let a node of such a type call it."
    };
    format!("{there}{judged} {instead}")
}

/// What is kept for the GPL, and the object is not under it.
fn licence(
    context: &mut Context<'_>,
    load: &Load<'_>,
    types: &BTreeSet<&str>,
    called: &BTreeSet<u32>,
) {
    let Load { node, object, program, .. } = *load;
    let licence = object.license.as_deref();
    if licence.is_some_and(|licence| WITH_GPL.contains(&licence)) {
        return;
    }
    let Some((reference, span)) = node.program() else { return };
    let profiles = &context.kernels.profiles;
    let kept = |profile: &Profile, helper: u32| {
        profile.keeps_for_gpl(helper)
            && !types.iter().any(|of_type| profile.lacks_helper(of_type, helper))
    };
    let kept_among = |helpers: &BTreeSet<u32>| -> Vec<u32> {
        let kept = |helper: &&u32| profiles.iter().any(|profile| kept(profile, **helper));
        helpers.iter().filter(kept).copied().collect()
    };
    let mut all = kept_among(called);
    // A licence that is not there was forgotten: that is told of calls which may be dead code, too.
    let perhaps = all.is_empty() && licence.is_none();
    if perhaps {
        all = kept_among(&object.helpers(program.function));
    }
    let names: Vec<_> = all.iter().filter_map(|helper| helper_name(*helper)).collect();
    let [first, ..] = names.as_slice() else { return };
    let calls = if perhaps { "may call" } else { "calls" };
    let found = Diagnostic::new(
        Code::LicenceNotGpl,
        format!("{} {calls} {first}, which is kept for programs under the GPL", load.title()),
    )
    .label(&span.span, format!("{calls} {}", names.join(", ")))
    .label(
        &reference.span,
        match licence {
            Some(licence) => format!("its licence is \"{licence}\""),
            None => "it has no licence".to_owned(),
        },
    )
    .says("EINVAL", "cannot call GPL-restricted function from non-GPL compatible program")
    .help(format!(
        "The kernel asks each object for itself. If it may be had under the GPL, write so next to \
         `{}`: char LICENSE[] SEC(\"license\") = \"GPL\"; or another that the kernel knows: {}.",
        program.name,
        WITH_GPL[1..].join(", ")
    ));
    if perhaps {
        context.found.push(Diagnostic { severity: Severity::Warning, ..found });
        return;
    }
    context.push_where(found, |profile| all.iter().any(|helper| kept(profile, *helper)));
}
