//! Maps whose values contain locks or timers, in programs that may not use them.
//!
//! A program that may interrupt the holder of a lock must not take it, so programs at kprobes,
//! tracepoints and perf events are rejected if they use a map with a lock in any way:
//! `check_map_prog_compatibility`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>. Whether this check treats
//! a replacement as a program of its host's type differs between kernels.

use std::collections::HashSet;

use petgraph::graph::NodeIndex;

use super::{Context, Load, helpers::program_types, is_replacement};
use crate::{
    diag::{Code, Diagnostic},
    object::{
        MapDef, ProgramType,
        btf::{Btf, Type},
    },
    profile::Profile,
};

/// What a value holds that is not for every program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpecialField {
    Lock,
    Timer,
}

impl SpecialField {
    const ALL: [Self; 2] = [Self::Lock, Self::Timer];

    /// The struct.
    fn name(self) -> &'static str {
        match self {
            Self::Lock => "bpf_spin_lock",
            Self::Timer => "bpf_timer",
        }
    }

    /// Whether a kernel refuses it to a tracing program, or to what replaces a function of one.
    fn is_refused(self, profile: &Profile, in_replacement: bool) -> bool {
        let features = &profile.features;
        let taken = match (self, in_replacement) {
            (Self::Lock, false) => false,
            (Self::Lock, true) => features.locks_in_tracing_replacements,
            (Self::Timer, false) => features.timers_in_tracing,
            (Self::Timer, true) => features.timers_in_tracing_replacements,
        };
        !taken
    }
}

pub(super) fn check(context: &mut Context<'_>) {
    let mut told = HashSet::new();
    for index in context.chain.graph.node_indices() {
        if context.misfits.contains(&index) {
            continue;
        }
        for load in context.loads(index) {
            // A table's program is loaded once, whichever nodes have the table.
            if load.is_own || told.insert((&load.of.reference().value, &load.program.name)) {
                program(context, index, &load);
            }
        }
    }
}

fn program(context: &mut Context<'_>, index: NodeIndex, load: &Load<'_>) {
    let Load { node, of, object, program, is_own } = *load;
    let types = program_types(context, index, load);
    let may_interrupt =
        |name: &&str| ProgramType::named(name).is_some_and(ProgramType::may_interrupt);
    let Some(of_type) = types.iter().copied().find(may_interrupt) else { return };
    let in_replacement = is_own && is_replacement(node);
    for part in SpecialField::ALL {
        let mut used = object.maps_of(program);
        let Some(map) = used.find(|map| holds(&object.btf, map, part)) else { continue };
        let (what, name) = (part.name(), &map.name);
        let judged = if in_replacement {
            " Some kernels check the type of a replacement's host here, others do not."
        } else {
            ""
        };
        let found = Diagnostic::new(
            Code::LockInTracing,
            format!("{} uses map `{name}`, whose values contain a {what}", load.title()),
        )
        .label(of.asked(), format!("at a {of_type}"))
        .says("EINVAL", format!("tracing progs cannot use {what} yet"))
        .help(format!(
            "Count with __sync_fetch_and_add, or use a per-CPU map. Programs at kprobes and \
             tracepoints may not use such a map.{judged}"
        ));
        context.push_where(found, |profile| part.is_refused(profile, in_replacement));
    }
}

/// Whether a field of the map's value is a `part`. Older kernels look at the value's own fields
/// alone, so those of structs within it are left open.
fn holds(btf: &Btf, map: &MapDef, part: SpecialField) -> bool {
    let Some((_, Type::Struct { members, .. })) = btf.resolve(map.types.1) else { return false };
    members.iter().any(|member| {
        let of = btf.resolve(member.of).map(|(_, of)| of);
        matches!(of, Some(Type::Struct { name, .. }) if name == part.name())
    })
}
