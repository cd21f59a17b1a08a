//! A host that somebody else loaded becomes another program while the chain is up: what is done anew, and that
//! nothing is left whatever fails.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use freplace_compose::{
    chain::Chain,
    check::{self, Kernels},
    diag::Diagnostic,
    kernel::fake::Fake,
    object::{KernelProgram, Object, ProgramType},
    plan::{self, Action, OperationId, Plan},
    resolve::{Resolved, RunningPrograms},
    run::{self, Running},
    running::ProgramRef,
};

/// Programs in a kernel, all of them the same one under other ids.
struct SamePrograms(HashMap<&'static str, u32>);

impl RunningPrograms for SamePrograms {
    fn find(&self, wanted: &ProgramRef) -> Result<Arc<Object>, Box<Diagnostic>> {
        let bytes = packet();
        let object = Object::parse(bytes).expect("a good object");
        let id = self.0[wanted.to_string().as_str()];
        let loaded = KernelProgram {
            id,
            tag: format!("{id:016x}"),
            program_type: ProgramType::Xdp,
            taken: Vec::new(),
            in_table: None,
            attached: Vec::new(),
        };
        let program = object.program("packet_host").expect("it is there");
        let reached = object.reachable(program).into_iter();
        let functions: Vec<_> =
            reached.filter_map(|index| object.functions[index].btf_id).collect();
        Ok(Arc::new(Object::of_loaded("packet_host", loaded, &functions, object.btf)))
    }
}

/// A program with stubs, and replacements of them.
fn packet() -> &'static [u8] {
    freplace_compose_test_programs::object("packet").expect("it was compiled")
}

const CHAIN: &str = r#"
    [host.lo]
    running = { xdp = "lo", follow = true }
    [host.other]
    running = { name = "other" }
    [host.own]
    object = "packet.o"
    program = "packet_host"
    attach = { xdp = "eth0" }
    [stub.of_lo]
    function = "stub_keeps"
    hosts = ["lo"]
    [stub.of_other]
    function = "stub_keeps"
    hosts = ["other"]
    [replacement.one]
    object = "packet.o"
    program = "keeps"
    stub = "of_lo"
    [replacement.two]
    object = "packet.o"
    program = "keeps"
    stub = "of_other"
    [tracer.of_one]
    trace = "one"
    [tracer.of_two]
    trace = "two"
"#;

fn chain(lo: u32, other: u32) -> (Resolved, Plan) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("packet.o"), packet()).expect("room in /tmp");
    let chain = Chain::parse(&folder.path().join("chain.toml"), CHAIN.to_owned()).expect("good");
    let there = SamePrograms(HashMap::from([("xdp:lo", lo), ("name:other", other)]));
    let resolved =
        check::open_in(chain, &Kernels::default(), &there).expect("a good chain").resolved;
    let plan = plan::build(&resolved, plan::Offers::default());
    (resolved, plan)
}

/// The nodes of these operations.
fn nodes<'a>(plan: &'a Plan, operations: &BTreeSet<OperationId>) -> BTreeSet<&'a str> {
    let of = operations.iter().filter_map(|id| plan.operation(*id)?.node);
    of.map(|node| plan.nodes[node].id.as_str()).collect()
}

#[test]
fn what_is_on_the_program_that_changed_is_done_anew_and_nothing_else() {
    let (_, before) = chain(41, 50);
    let redone = |lo, other| before.redone(&chain(lo, other).1).expect("the same chain");
    assert_eq!(redone(41, 50), BTreeSet::new());
    assert_eq!(nodes(&before, &redone(42, 50)), BTreeSet::from(["lo", "one", "of_one"]));
    assert_eq!(nodes(&before, &redone(41, 51)), BTreeSet::from(["other", "two", "of_two"]));
    let all = redone(42, 51);
    let kept = before.operations.iter().filter(|operation| !all.contains(&operation.id));
    assert!(kept.clone().any(|operation| matches!(operation.action, Action::AttachHook { .. })));
    assert!(kept.clone().all(|operation| {
        matches!(&operation.action, Action::CreateMap { .. } | Action::AttachHook { .. })
            || matches!(&operation.action, Action::Load { program, .. } if program == "packet_host")
    }));
    let mut other = chain(42, 50).1;
    other.nodes[0].id.push('x');
    assert_eq!(before.redone(&other), None, "another chain");
}

/// A chain that is up, of which `lo` is left.
fn left(kernel: &mut Fake) -> (Running, Plan, Resolved, BTreeSet<OperationId>) {
    let (resolved, before) = chain(41, 50);
    let mut running =
        run::up(kernel, &before, resolved.objects(), &mut run::unwatched).expect("comes up");
    let (resolved, next) = chain(42, 50);
    let redone = before.redone(&next).expect("the same chain");
    assert!(running.undo(kernel, |operation| redone.contains(&operation)).is_empty());
    (running, next, resolved, redone)
}

#[test]
fn it_comes_up_on_the_new_program_and_goes_down_as_a_whole() {
    let mut kernel = Fake::default();
    let (mut running, next, resolved, redone) = left(&mut kernel);
    let left = kernel.left();
    assert!(!left.contains(&"program 41".to_owned()), "{left:?}");
    running
        .redo(&mut kernel, &next, &redone, resolved.objects(), &mut run::unwatched)
        .expect("nothing fails");
    assert!(kernel.left().contains(&"program 42".to_owned()), "{:?}", kernel.left());
    assert_eq!(running.links().count(), next.operations.iter().filter(is_attachment).count());
    assert!(running.down(&mut kernel).is_empty());
    assert_eq!(kernel.left(), [""; 0]);
}

fn is_attachment(operation: &&plan::Operation) -> bool {
    matches!(
        operation.action,
        Action::AttachHook { .. } | Action::AttachReplacement { .. } | Action::AttachTracer { .. }
    )
}

#[test]
fn where_a_step_fails_the_rest_of_the_chain_stays_up_and_another_program_can_be_followed() {
    let whole = chain(41, 50).1.operations.len();
    let anew = left(&mut Fake::default()).3.len();
    for step in whole..whole + anew {
        let mut kernel = Fake::failing_at(step);
        let (mut running, next, resolved, redone) = left(&mut kernel);
        let rest = kernel.left();
        let failure = running
            .redo(&mut kernel, &next, &redone, resolved.objects(), &mut run::unwatched)
            .expect_err("told to");
        assert!(redone.contains(&failure.operation) && failure.left.is_empty());
        assert_eq!(kernel.left(), rest, "{step}");
        let (resolved, third) = chain(43, 50);
        let again = next.redone(&third).expect("the same chain");
        assert_eq!(again, redone);
        assert!(running.undo(&mut kernel, |operation| again.contains(&operation)).is_empty());
        running
            .redo(&mut kernel, &third, &again, resolved.objects(), &mut run::unwatched)
            .expect("nothing fails");
        assert!(running.down(&mut kernel).is_empty());
        assert_eq!(kernel.left(), [""; 0], "{step}");
    }
}

#[test]
fn an_id_cannot_be_followed() {
    let text = "[host.in]\nrunning = { id = 41, follow = true }\n";
    let found = Chain::parse(Path::new("chain.toml"), text.to_owned()).expect_err("it cannot");
    let [found] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(found.message, "`follow` cannot find a program again by its id");
    for fine in ["id = 41, follow = false", "name = \"lb\", follow = true"] {
        let text = format!("[host.in]\nrunning = {{ {fine} }}\n");
        assert!(Chain::parse(Path::new("chain.toml"), text).is_ok(), "{fine}");
    }
}
