//! Helpers that a program may not call.
//!
//! A helper is available to some program types only, and some are restricted to GPL-compatible
//! programs: `check_helper_call`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>. Only calls that the
//! verifier is certain to reach are checked: one behind a condition may be dead code.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use petgraph::graph::NodeIndex;

use super::{
    Context, Load, Profile, features,
    flow::{LoadedAs, loaded},
};
use crate::{
    chain::NodeKind,
    diag::{Code, Diagnostic, Severity},
    object::{Helper, ProgramKind, ProgramType, helper, helper_called, helpers},
};

/// Helpers that sleep. Profiles are measured with programs that may not: of one that may it is not
/// known whether a kernel offers them to its type.
const SLEEPING: [&str; 4] =
    ["bpf_copy_from_user", "bpf_copy_from_user_task", "bpf_ima_inode_hash", "bpf_ima_file_hash"];

/// Other helpers that some programs are refused in other words than the usual ones: those of a few
/// functions of the kernel, and one that kprobes have with a condition.
const OTHER_WORDS: [&str; 2] = ["bpf_d_path", "bpf_get_func_ip"];

/// What the kernel takes for a licence that goes with the GPL:
/// <https://github.com/torvalds/linux/blob/v6.12/include/linux/license.h>.
const WITH_GPL: [&str; 6] =
    ["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

pub(super) fn check(context: &mut Context<'_>) {
    let mut told = HashSet::new();
    // By program type, the helpers that every kernel offers.
    let mut everywhere: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for index in context.chain.graph.node_indices() {
        if context.misfits.contains(&index) {
            continue;
        }
        for load in context.loads(index) {
            // A table's program is loaded once, whichever nodes have the table.
            if !load.is_own && !told.insert((&load.of.reference().value, &load.program.name)) {
                continue;
            }
            let (mut types, mut called) = (BTreeSet::new(), BTreeSet::new());
            // As a program of which types it calls what some kernel does not offer.
            let mut lacking: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
            for loaded in loaded(context, index, &load) {
                let of_type = type_name(loaded.kind);
                let offered = everywhere
                    .entry(of_type)
                    .or_insert_with(|| offered_everywhere(&context.kernels.profiles, of_type));
                let helpers = certain(context, &load, loaded);
                let is_known = |id: &&u32| !(load.program.traits.sleepable && sleeps(**id));
                for helper in helpers.difference(offered).filter(is_known) {
                    lacking.entry(*helper).or_default().insert(of_type);
                }
                called.extend(helpers);
                types.insert(of_type);
            }
            for (helper, types) in lacking {
                available(context, index, &load, &types, helper);
            }
            licence(context, &load, &types, &called);
        }
    }
}

/// The helpers that a program certainly calls.
fn certain<'a>(context: &mut Context<'a>, load: &Load<'a>, loaded: LoadedAs) -> BTreeSet<u32> {
    if load.node.built_in().is_some() {
        // What it calls hangs on the table that it is given; there is none without this.
        return helper_called("bpf_get_func_arg").map(|helper| helper.id).into_iter().collect();
    }
    context.readings.of(load, loaded).helpers.clone()
}

/// Whether only programs that may sleep have this helper.
fn sleeps(id: u32) -> bool {
    helper(id).is_some_and(|helper| SLEEPING.contains(&helper.name))
}

/// The helpers that no kernel of `profiles` is known to keep from programs of a type.
fn offered_everywhere(profiles: &[Profile], of_type: &str) -> BTreeSet<u32> {
    let lacks = |id: u32| profiles.iter().any(|profile| profile.lacks_helper(of_type, id));
    helpers().map(|helper| helper.id).filter(|id| !lacks(*id)).collect()
}

/// The program types by which a program is judged: a replacement is taken for a program of its
/// host's type.
pub(super) fn program_types(
    context: &Context<'_>,
    index: NodeIndex,
    load: &Load<'_>,
) -> BTreeSet<&'static str> {
    loaded(context, index, load).into_iter().map(|loaded| type_name(loaded.kind)).collect()
}

/// What profiles call the program type of `kind`.
fn type_name(kind: ProgramKind) -> &'static str {
    kind.program_type().map_or("unknown", ProgramType::name)
}

fn available(
    context: &mut Context<'_>,
    index: NodeIndex,
    load: &Load<'_>,
    types: &BTreeSet<&str>,
    called: u32,
) {
    let Some(Helper { name, .. }) = helper(called) else { return };
    let lacking = |profile: &Profile| {
        types.iter().copied().find(|of_type| profile.lacks_helper(of_type, called))
    };
    let mut profiles = context.kernels.profiles.iter();
    let first = profiles.find_map(|profile| Some((profile, lacking(profile)?)));
    let Some((refusing, of_type)) = first else { return };
    let mut found = Diagnostic::new(
        Code::HelperNotAvailable,
        format!("{} calls {name}, which is not available to {of_type} programs", load.title()),
    )
    .label(load.of.asked(), format!("calls {name}"))
    .help(help(load, of_type, called, refusing));
    let words = refusing.helpers.as_ref().and_then(|helpers| helpers.refusal.as_ref());
    if let (Some(words), false) = (words, sleeps(called) || OTHER_WORDS.contains(name)) {
        found = found.says("EINVAL", format!("{words} {name}#{called}"));
    }
    // Where more than the helper is missing, that is told instead.
    let names = context.names;
    context.push_where(found, |profile| {
        lacking(profile).is_some() && !features::lacks_something(names, index, profile)
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
        format!("Linux {} does not offer this helper to any program of a chain.", refusing.kernel)
    } else {
        format!("Linux {} offers this helper to: {}.", refusing.kernel, offering.join(", "))
    };
    let judged = match &load.node.kind {
        NodeKind::Replacement(_) if load.is_own => {
            " A replacement is verified as a program of its host's type."
        }
        _ => "",
    };
    let instead = if of_type == "xdp" {
        "Remove the call, or guard it with `if (fc_has_task)` of freplace_compose.h if the source \
         is also used at hooks with a current process."
    } else {
        "Remove the call, or move it to a node of one of these types."
    };
    format!("{instead} {there}{judged}")
}

/// What is kept for the GPL, and the object is not under it.
fn licence(
    context: &mut Context<'_>,
    load: &Load<'_>,
    types: &BTreeSet<&str>,
    called: &BTreeSet<u32>,
) {
    let Load { of, object, program, .. } = *load;
    let licence = object.license.as_deref();
    if licence.is_some_and(|licence| WITH_GPL.contains(&licence)) {
        return;
    }
    let profiles = &context.kernels.profiles;
    let kept = |profile: &Profile, helper: u32| {
        types.iter().any(|of_type| profile.keeps_for_gpl(of_type, helper))
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
    let names: Vec<_> = all.iter().filter_map(|called| Some(helper(*called)?.name)).collect();
    let [first, ..] = names.as_slice() else { return };
    let calls = if perhaps { "may call" } else { "calls" };
    let found = Diagnostic::new(
        Code::LicenceNotGpl,
        format!("{} {calls} the GPL-only helper {first}", load.title()),
    )
    .label(of.asked(), format!("{calls} {}", names.join(", ")))
    .label(
        &of.reference().span,
        match licence {
            Some(licence) => format!("licence is \"{licence}\""),
            None => "has no licence".to_owned(),
        },
    )
    .says("EINVAL", "cannot call GPL-restricted function from non-GPL compatible program")
    .help(format!(
        "If the object can be licensed under the GPL, write next to `{}`: char LICENSE[] \
         SEC(\"license\") = \"GPL\"; or another licence that the kernel accepts: {}.",
        program.name,
        WITH_GPL[1..].join(", ")
    ));
    if perhaps {
        context.found.push(Diagnostic { severity: Severity::Warning, ..found });
        return;
    }
    context.push_where(found, |profile| all.iter().any(|helper| kept(profile, *helper)));
}
