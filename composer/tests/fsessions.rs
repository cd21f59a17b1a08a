//! Built-in tracers of both moments where the kernel takes one program for them.

mod common;

use std::path::Path;

use freplace_compose::{
    chain::Chain,
    plan::{Action, LoadAs, Offers, Plan, build},
    resolve::Resolved,
};
use freplace_compose_common::trace::TIMES_MAP;

const OFFERED: Offers = Offers { fsession: true };

/// The hosts and stubs of the xdp recipe with these tracers, for a kernel that has such programs.
fn planned(tracers: &str) -> Plan {
    let text = common::chain_text("xdp");
    let (hosts, _) = text.split_once("[tracer.").expect("it has tracers");
    let chain = Chain::parse(Path::new("chain.toml"), format!("{hosts}\n{tracers}"));
    build(&Resolved::open(chain.expect("a chain")).expect("a good chain"), OFFERED)
}

/// The kinds of the tracers that are loaded, and how many are attached.
fn tracers(plan: &Plan) -> (Vec<&'static str>, usize) {
    let actions = || plan.operations.iter().map(|operation| &operation.action);
    let loaded = actions().filter_map(|action| match action {
        Action::Load { load_as, .. } => load_as.tracer_name(),
        _ => None,
    });
    let attached = actions().filter(|action| matches!(action, Action::AttachTracer { .. }));
    (loaded.collect(), attached.count())
}

fn has_times(plan: &Plan) -> bool {
    let is_times =
        |action: &Action| matches!(action, Action::CreateMap { map, .. } if map.name == TIMES_MAP);
    plan.operations.iter().any(|operation| is_times(&operation.action))
}

#[test]
fn both_moments_are_one_program_and_one_link_and_need_no_map() {
    for key in ["trace", "fexit"] {
        let plan = planned(&format!("[tracer.out]\n{key} = \"drop_echo\"\n"));
        assert_eq!(tracers(&plan), (vec!["fsession"], 1), "{key}");
        assert!(!has_times(&plan));
        let tells = plan.operations.iter().find_map(|operation| match &operation.action {
            Action::Load { load_as: LoadAs::Fsession, trace, trace_entry, .. } => {
                Some([trace.as_deref()?.tells(), trace_entry.as_deref()?.tells()])
            }
            _ => None,
        });
        assert_eq!(tells, Some([true, key == "trace"]));
        let text = serde_json::to_string(&plan).expect("JSON");
        assert_eq!(serde_json::from_str::<Plan>(&text).expect("a plan"), plan);
    }
}

#[test]
fn a_tracer_of_the_entry_alone_stays_what_it_is() {
    let plan = planned("[tracer.in]\nfentry = \"drop_echo\"\n");
    assert_eq!(tracers(&plan), (vec!["fentry"], 1));
}

#[test]
fn a_function_takes_four_of_them_and_further_tracers_are_two_programs() {
    let five: String =
        (0..5).map(|number| format!("[tracer.t{number}]\nfexit = \"drop_echo\"\n")).collect();
    let plan = planned(&five);
    let kind = "fsession";
    assert_eq!(tracers(&plan), (vec![kind, kind, kind, kind, "fentry", "fexit"], 6));
    assert!(has_times(&plan));
    // Each function has room for its own.
    let other = "[tracer.other]\nfexit = \"ingress\"\n";
    let names = tracers(&planned(&format!("{five}{other}"))).0;
    assert_eq!(names.iter().filter(|name| **name == kind).count(), 5, "{names:?}");
}

#[test]
fn a_kernel_without_them_gets_a_pair() {
    let (resolved, plan) = common::planned("trace");
    assert!(Offers::matter(&resolved) && !Offers::matter(&common::planned("tcp").0));
    let (names, attached) = tracers(&plan);
    assert_eq!(attached, names.len());
    assert!(names.contains(&"fentry") && !names.contains(&"fsession"), "{names:?}");
    let (fewer, _) = tracers(&build(&resolved, OFFERED));
    assert!(fewer.len() < names.len(), "{fewer:?} {names:?}");
}
