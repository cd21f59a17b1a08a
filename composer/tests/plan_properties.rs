//! Whatever graph a valid chain is, its plan brings it up in an order in which nothing is missed.

mod common;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use freplace_compose::{
    chain::{Chain, NodeKind, Role},
    check::{self, Kernels},
    diag::Severity,
    kernel::fake::Fake,
    plan::{self, Action, Filling, Operation, Plan},
    resolve::{PartlyResolved, Resolved},
    run,
};
use proptest::{prelude::*, sample::Index, test_runner::Config};

/// A tracer's target: an index over all nodes that came before.
#[derive(Debug, Clone)]
struct ChainShape {
    hosts: usize,
    stubs: Vec<Vec<Index>>,
    replacements: Vec<Index>,
    tracers: Vec<(Index, bool)>,
    order: Vec<u32>,
}

fn shapes() -> impl Strategy<Value = ChainShape> {
    let hosts = prop::collection::vec(any::<Index>(), 1..4);
    (
        1_usize..5,
        prop::collection::vec(hosts, 0..4),
        prop::collection::vec(any::<Index>(), 0..4),
        prop::collection::vec((any::<Index>(), any::<bool>()), 0..6),
        prop::collection::vec(any::<u32>(), 20),
    )
        .prop_map(|(hosts, stubs, replacements, tracers, order)| ChainShape {
            hosts,
            stubs,
            replacements,
            tracers,
            order,
        })
}

/// The chain as a file, its tables in any order.
fn write(shape: &ChainShape) -> String {
    let mut tables = Vec::new();
    let mut ids = Vec::new();
    for number in 0..shape.hosts {
        ids.push(format!("host{number}"));
        tables.push(format!(
            "[host.host{number}]\nobject = \"builtin:tcp\"\nprogram = \"k_tcp_connect\"\n\
             attach = {{ kprobe = \"tcp_connect\" }}\n"
        ));
    }
    for (number, hosts) in shape.stubs.iter().enumerate() {
        let mut hosts: Vec<_> = hosts.iter().map(|host| host.index(shape.hosts)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let hosts: Vec<_> = hosts.iter().map(|host| format!("\"host{host}\"")).collect();
        ids.push(format!("stub{number}"));
        tables.push(format!(
            "[stub.stub{number}]\nfunction = \"stub_handler\"\nhosts = [{}]\n",
            hosts.join(", ")
        ));
    }
    for (number, stub) in shape.replacements.iter().enumerate() {
        if shape.stubs.is_empty() {
            continue;
        }
        ids.push(format!("new{number}"));
        tables.push(format!(
            "[replacement.new{number}]\nobject = \"builtin:tcp-replacement\"\n\
             program = \"freplace_handler\"\nstub = \"stub{}\"\n",
            stub.index(shape.stubs.len())
        ));
    }
    for (number, (target, entry)) in shape.tracers.iter().enumerate() {
        let moment = if *entry { "fentry" } else { "fexit" };
        let target = target.index(ids.len());
        tables.push(format!(
            "[tracer.tracer{number}]\nobject = \"builtin:tcp-tracer\"\n\
             program = \"{moment}_freplace_handler\"\n{moment} = \"{}\"\n",
            ids[target]
        ));
        ids.push(format!("tracer{number}"));
    }
    let mut tables: Vec<_> = shape.order.iter().zip(tables).collect();
    tables.sort();
    tables.into_iter().map(|(_, table)| table).collect()
}

fn parsed(text: &str) -> Chain {
    Chain::parse(Path::new("generated.toml"), text.to_owned()).expect(text)
}

fn ready(text: &str) -> (Resolved, Plan) {
    // What stands in each other's way is refused by the rules, and planned all the same.
    let resolved = Resolved::open(parsed(text)).expect(text);
    let plan = plan::build(&resolved, plan::Offers::default());
    (resolved, plan)
}

/// Where the operations of each node stand that `wanted` picks.
fn places(plan: &Plan, wanted: fn(&Action) -> bool) -> HashMap<usize, Vec<usize>> {
    let mut found: HashMap<usize, Vec<usize>> = HashMap::new();
    for (place, operation) in plan.operations.iter().enumerate() {
        if let Some(node) = operation.node.filter(|_| wanted(&operation.action)) {
            found.entry(node).or_default().push(place);
        }
    }
    found
}

/// Who needs whom to be loaded: the graph's edges with the stubs, which load nothing, left out.
fn needs(chain: &Chain) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (from, node) in chain.graph.nodes().filter(|(_, node)| node.role() != Role::Stub) {
        for to in chain.graph.needs(from) {
            match chain.graph.node(to).role() {
                Role::Stub => {
                    let hosts = chain.graph.needs(to).into_iter();
                    found.extend(hosts.map(|host| (from.index(), host.index())));
                }
                _ => found.push((from.index(), to.index())),
            }
        }
        assert!(node.program().is_some());
    }
    found
}

fn each_comes_after_all_that_it_names(plan: &Plan) -> bool {
    let mut before = HashSet::new();
    plan.operations.iter().all(|operation| {
        let mut names = operation.needs.iter().chain(&operation.after);
        names.all(|name| before.contains(name)) && before.insert(operation.id)
    })
}

fn is_load(action: &Action) -> bool {
    matches!(action, Action::Load { .. })
}

fn is_attach(action: &Action) -> bool {
    matches!(
        action,
        Action::AttachHook { .. } | Action::AttachReplacement { .. } | Action::AttachTracer { .. }
    )
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_order_respects_every_edge(shape in shapes()) {
        let (resolved, plan) = ready(&write(&shape));
        let chain = resolved.chain();
        let (loads, attaches) = (places(&plan, is_load), places(&plan, is_attach));
        for (from, to) in needs(chain) {
            // Loaded after what it needs, attached before it.
            prop_assert!(loads[&from].iter().min() > loads[&to].iter().max());
            prop_assert!(attaches[&from].iter().max() < attaches[&to].iter().min());
        }
        for operation in &plan.operations {
            if let Action::Load { slot, target: Some(target), .. } = &operation.action {
                prop_assert!(target.slot < *slot);
            }
        }
    }

    #[test]
    fn maps_then_loads_then_attachments_and_hosts_last(shape in shapes()) {
        let (resolved, plan) = ready(&write(&shape));
        let chain = resolved.chain();
        let rank = |action: &Action| match action {
            Action::Listen | Action::CreateMap { .. } => 0,
            Action::Load { .. } | Action::Adopt { .. } | Action::Fill { .. } => 1,
            Action::AttachTracer { .. } | Action::AttachReplacement { .. } => 2,
            Action::AttachHook { .. } => 3,
            Action::Run { .. } => 4,
        };
        let ranks: Vec<_> = plan.operations.iter().map(|one| rank(&one.action)).collect();
        prop_assert!(ranks.is_sorted());
        prop_assert_eq!(ranks.iter().filter(|rank| **rank == 3).count(), shape.hosts);
        // Each program once, a tracer of a stub once for each of its hosts.
        let loads = places(&plan, is_load);
        for (index, node) in chain.graph.nodes() {
            let expected = match &node.kind {
                NodeKind::Stub(_) => 0,
                NodeKind::Tracer(_) => traced(chain, index),
                _ => 1,
            };
            let found = loads.get(&index.index()).map_or(0, Vec::len);
            prop_assert_eq!(found, expected, "{}", &node.id.value);
        }
    }

    #[test]
    fn without_an_operation_a_plan_is_still_one(shape in shapes(), at in any::<Index>()) {
        let (resolved, plan) = ready(&write(&shape));
        let refused = &plan.operations[at.index(plan.operations.len())];
        let Some(rest) = plan.without(refused.id) else {
            let is_map = matches!(refused.action, Action::CreateMap { .. });
            return { prop_assert!(is_map); Ok(()) };
        };
        prop_assert!(rest.operations.len() < plan.operations.len());
        prop_assert!(each_comes_after_all_that_it_names(&rest));
        // Each program is there when it is asked for.
        let mut loaded = HashSet::new();
        for operation in &rest.operations {
            let asked = match &operation.action {
                Action::Load { slot, target, .. } => {
                    loaded.insert(*slot);
                    target.as_ref().map_or(vec![], |target| vec![target.slot])
                }
                Action::Adopt { slot, .. } => {
                    loaded.insert(*slot);
                    vec![]
                }
                Action::AttachReplacement { slot, target } => vec![*slot, target.slot],
                Action::AttachHook { slot, .. }
                | Action::Run { slot, .. }
                | Action::AttachTracer { slot } => vec![*slot],
                Action::Listen | Action::CreateMap { .. } | Action::Fill { .. } => vec![],
            };
            prop_assert!(asked.iter().all(|slot| loaded.contains(slot)));
        }
        // What is left is what it was, but for the names of what is gone.
        for operation in &rest.operations {
            let mut before = plan[operation.id].clone();
            before.after.retain(|id| rest.operation(*id).is_some());
            prop_assert_eq!(operation, &before);
        }
        // Who was loaded is loaded still, unless it needs what is gone.
        if is_load(&refused.action) {
            let gone = refused.node;
            prop_assert!(rest.operations.iter().all(|one| one.node != gone || gone.is_none()));
        }
        let mut kernel = Fake::default();
        let asked = run::ask(&mut kernel, &plan, resolved.objects());
        prop_assert!(asked.left.is_none() && kernel.left().is_empty());
    }

    #[test]
    fn each_operation_comes_after_all_that_it_names(shape in shapes()) {
        let (resolved, plan) = ready(&write(&shape));
        let chain = resolved.chain();
        prop_assert!(each_comes_after_all_that_it_names(&plan));
        let names = |id| plan.operations.iter().filter(move |one: &&Operation| one.node == Some(id));
        for operation in &plan.operations {
            let node = operation.cause.of;
            prop_assert!(operation.node.is_none_or(|of| of == node), "{operation:?}");
            match &operation.action {
                // A program needs its maps, and what it is loaded against.
                Action::Load { target, .. } => {
                    let loads = operation.needs.iter().filter(|id| is_load(&plan[**id].action));
                    prop_assert_eq!(loads.count(), usize::from(target.is_some()));
                    prop_assert!(operation.needs.len() > usize::from(target.is_some()), "maps");
                }
                // A host is attached when all that is on it is.
                Action::AttachHook { .. } => {
                    let on_it = needs(chain).into_iter().filter(|(_, to)| *to == node);
                    let attached = on_it.flat_map(|(from, _)| names(from));
                    let attached = attached.filter(|one| is_attach(&one.action));
                    for one in attached {
                        prop_assert!(operation.after.contains(&one.id), "{one:?}");
                    }
                }
                _ => {}
            }
        }
    }

    #[test]
    fn the_same_chain_gives_the_same_plan(shape in shapes()) {
        let text = write(&shape);
        let json = |plan: &Plan| serde_json::to_string(plan).expect("a plan is JSON");
        prop_assert_eq!(json(&ready(&text).1), json(&ready(&text).1));
    }

    #[test]
    fn undo_is_the_exact_reverse(shape in shapes()) {
        let (resolved, plan) = ready(&write(&shape));
        let mut kernel = Fake::default();
        // A function that is taken is refused; what was done before is undone then.
        if let Ok(running) = run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched) {
            prop_assert_eq!(kernel.journal.len(), plan.operations.len());
            prop_assert!(running.down(&mut kernel).is_empty());
        }
        prop_assert_eq!(kernel.left(), Vec::<String>::new());
        common::assert_undone_in_reverse(&kernel.journal);
    }

    #[test]
    fn the_rules_let_through_what_a_kernel_takes_and_nothing_else(shape in shapes()) {
        let names = PartlyResolved::open(parsed(&write(&shape)));
        let found = check::check(&names, &Kernels::default());
        let resolved = names.whole().expect("its names are those of the objects");
        let (plan, objects) = (plan::build(&resolved, plan::Offers::default()), resolved.objects());
        let done = run::up(&mut Fake::default(), &plan, objects, &mut run::unwatched);
        // What only some kernels refuse is a warning.
        let sound = found.iter().all(|found| found.severity == Severity::Warning);
        prop_assert_eq!(sound, done.is_ok(), "{:?} {:?}", found, done);
    }
}

/// How many programs a tracer is loaded as: one for each of those its target is.
fn traced(chain: &Chain, tracer: petgraph::graph::NodeIndex) -> usize {
    let target = chain.graph.needs(tracer)[0];
    match chain.graph.node(target).kind {
        NodeKind::Stub(_) => chain.graph.needs(target).len(),
        NodeKind::Tracer(_) => traced(chain, target),
        _ => 1,
    }
}

/// A table is one for the whole chain: the node whose program loads what it holds may not be the first
/// of the file that has it.
#[test]
fn what_a_table_holds_from_the_start_is_put_there_whoever_has_it_first() {
    let object = common::objects().join("tail.bpf.o");
    let object = object.display();
    let text = format!(
        "[replacement.new]\nobject = \"{object}\"\nprogram = \"leaf\"\nstub = \"deep\"\n\
         tail = {{ to_deep = {{ 1 = \"host\" }} }}\n\
         [stub.deep]\nfunction = \"deep\"\nhosts = [\"host\"]\n\
         [host.host]\nobject = \"{object}\"\nprogram = \"enter_deep\"\nattach = {{ xdp = \"lo\" }}\n"
    );
    let (_, plan) = ready(&text);
    let loaded = plan.operations.iter().find_map(|operation| match &operation.action {
        Action::Load { slot, program, .. } if program == "too_deep" => Some(*slot),
        _ => None,
    });
    let filled = plan.operations.iter().find_map(|operation| match &operation.action {
        Action::Fill { entry: 0, with: Filling::Program { slot }, .. } => Some(*slot),
        _ => None,
    });
    assert_eq!((loaded.is_some(), filled), (true, loaded));
}
