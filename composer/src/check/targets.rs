//! Attach targets of hosts that do not exist, for kernels whose BTF or symbols are known.
//!
//! Only names are checked. Functions that must not be probed are known only partly, and modules
//! that are not loaded not at all.

use super::Context;
use crate::{
    chain::{Host, Node, NodeKind},
    diag::{Code, Diagnostic, Severity},
    hook::{Attach, Lookup},
    profile::{Presence, Profile, Targets},
};

pub(super) fn check(context: &mut Context<'_>) {
    for (_, node) in context.chain.graph.nodes() {
        let NodeKind::Host(Host { attach: Some(attach), .. }) = &node.kind else { continue };
        let attached = &attach.value;
        let Some(lookup) = &attached.kind.lookup else { continue };
        let profiles = context.kernels.profiles.iter();
        let judged: Vec<_> = profiles
            .filter_map(|profile| {
                let targets = profile.targets.as_deref()?;
                Some((profile, targets, (lookup.presence)(&attached.target, profile, targets)))
            })
            .collect();
        let is_refused = |presence| !matches!(presence, Presence::There | Presence::Unsure);
        let names = |wanted: &dyn Fn(Presence) -> bool| {
            let some = judged.iter().filter(|(.., presence)| wanted(*presence));
            some.map(|(profile, ..)| profile.kernel.to_string()).collect::<Vec<_>>()
        };
        let refusing = names(&is_refused);
        let unsure = names(&|presence| presence == Presence::Unsure);
        let taking = names(&|presence| presence == Presence::There);
        // One finding for a host: of the kernels that say no, the first; else of the unsure ones.
        let first = |wanted: &dyn Fn(Presence) -> bool| {
            judged.iter().find(|(.., presence)| wanted(*presence))
        };
        let Some((profile, targets, presence)) =
            first(&is_refused).or_else(|| first(&|presence| presence == Presence::Unsure))
        else {
            continue;
        };
        let mut found = finding(node, (attached, lookup), profile, targets, *presence)
            .label(&attach.span, label(*presence));
        let lists = [("rejected by", refusing), ("unknown for", unsure), ("accepted by", taking)];
        if judged.len() > 1 {
            let lists = lists.iter().filter(|(_, names)| !names.is_empty());
            let lists: Vec<_> =
                lists.map(|(what, names)| format!("{what} Linux {}", names.join(", "))).collect();
            found = found.note(lists.join("; "));
        }
        let some_take_it = judged.len() < context.kernels.profiles.len()
            || judged.iter().any(|(.., presence)| !is_refused(*presence));
        if *presence == Presence::Unsure || (!context.kernels.asked && some_take_it) {
            found.severity = Severity::Warning;
        }
        context.found.push(found);
    }
}

fn label(presence: Presence) -> &'static str {
    match presence {
        Presence::Missing => "not found",
        Presence::Several(_) => "ambiguous: several kernel functions have this name",
        Presence::Data => "not a function",
        Presence::Gone => "removed after boot",
        Presence::Forbidden => "must not be probed",
        Presence::There | Presence::Unsure => "possibly not found",
    }
}

fn finding(
    node: &Node,
    (attach, lookup): (&Attach, &Lookup),
    profile: &Profile,
    targets: &Targets,
    presence: Presence,
) -> Diagnostic {
    let (id, kernel) = (&node.id.value, profile.kernel);
    let what = lookup.what;
    let why = match presence {
        Presence::Several(count) => format!("Linux {kernel} has {count} symbols named `{attach}`"),
        Presence::Data => format!("`{attach}` is a variable in Linux {kernel}"),
        Presence::Gone => format!("Linux {kernel} removes `{attach}` after boot"),
        Presence::Forbidden => format!("Linux {kernel} does not allow probing `{attach}`"),
        _ => format!("Linux {kernel} has no {what} `{attach}`"),
    };
    let message = match presence {
        Presence::Unsure => {
            format!(
                "attach target of `{id}` unknown until load: Linux {kernel} may have no {what} \
                 `{attach}`"
            )
        }
        _ => format!("`{id}` cannot be attached: {why}"),
    };
    let found = Diagnostic::new(Code::UnknownTarget, message);
    let answer = match presence {
        Presence::Missing => Some("ENOENT"),
        Presence::Several(_) => Some("EADDRNOTAVAIL"),
        Presence::Data | Presence::Gone | Presence::Forbidden => Some("EINVAL"),
        Presence::There | Presence::Unsure => None,
    };
    let found = match answer {
        Some(answer) => found.errno(answer),
        None => found,
    };
    found.help(help(attach, lookup, targets, presence))
}

fn help(attach: &Attach, lookup: &Lookup, targets: &Targets, presence: Presence) -> String {
    match presence {
        Presence::Several(_) => return "Probe a function with a unique name.".to_owned(),
        Presence::Forbidden => return "Probe a caller of the function.".to_owned(),
        _ => {}
    }
    match attach.near(targets) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => lookup.help.to_owned(),
    }
}
