//! What the names of a chain refer to: all of them to something, or each that does not is an error.

mod common;

use std::fs;

use common::{event_maps, objects, run, shipped, workspace};
use freplace_compose::{
    chain::Chain,
    check::{Kernels, check},
    diag::Severity,
    event::{Decoder, Printk, UserEventMap},
    plan::{self, Action, Plan},
    resolve::{PartlyResolved, Resolved, ResolvedKind},
};

/// The chain files below `tests/fixtures` that can be read.
fn fixtures() -> Vec<(String, Chain)> {
    let entries = fs::read_dir(workspace().join("composer/tests/fixtures")).expect("fixtures");
    let paths = entries.map(|entry| entry.expect("it is readable").path());
    let files = paths.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let read = files.filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        let text = fs::read_to_string(&path).ok()?;
        // Objects are beside the chain.
        let chain = Chain::parse(&objects().join(&name), text).ok()?;
        Some((name, chain))
    });
    read.collect()
}

#[test]
fn a_chain_is_whole_or_the_check_has_an_error() {
    let (mut whole, mut broken) = (0, 0);
    for (name, chain) in fixtures() {
        let names = PartlyResolved::open(chain);
        let found = check(&names, &Kernels::default());
        match names.whole() {
            Ok(resolved) => {
                behind_the_check(&resolved);
                whole += 1;
            }
            Err(wrong) => {
                assert!(!wrong.is_empty(), "{name}");
                assert!(found.iter().any(|one| one.severity == Severity::Error), "{name}");
                broken += 1;
            }
        }
    }
    assert!(whole >= 20 && broken >= 10, "{whole} {broken}");
}

/// Does all that is done with a resolved chain without a kernel, whatever rules it breaks.
fn behind_the_check(resolved: &Resolved) {
    let plan = plan::build(resolved, plan::Offers::default());
    assert_eq!(plan.nodes.len(), resolved.chain().graph.len());
    let _ = (Decoder::new(resolved), Printk::new(resolved));
    let read = UserEventMap::all(resolved);
    let read: Vec<_> = read.iter().map(|map| (map.node, map.map.as_str())).collect();
    assert_eq!(event_maps(&plan), read);
    for (index, node, resolved) in resolved.nodes() {
        let loads = loads(&plan, index.index());
        match resolved.kind() {
            ResolvedKind::Stub => assert_eq!(loads, 0, "{}", node.id.value),
            ResolvedKind::BuiltIn { functions, .. } => {
                let tables: usize = functions.iter().map(|one| one.tracings().len()).sum();
                assert!(loads >= tables && tables > 0, "{}", node.id.value);
            }
            _ => assert!(loads > 0, "{}", node.id.value),
        }
    }
}

/// How many programs are loaded for a node.
fn loads(plan: &Plan, node: usize) -> usize {
    let is_load = |action: &Action| matches!(action, Action::Load { .. });
    plan.operations.iter().filter(|one| one.node == Some(node) && is_load(&one.action)).count()
}

#[test]
fn the_shipped_chains_go_all_the_way() {
    for (resolved, _) in shipped() {
        behind_the_check(&resolved);
    }
}

#[test]
fn what_stands_for_nothing_is_reported_where_the_rules_are_not_asked() {
    let host = "[host.h]\nobject = \"host.bpf.o\"\nattach = { kprobe = \"tcp_connect\" }\n";
    let (file, program) = ("names.toml", "program = \"first\"\n");
    for (rest, code) in [
        ("program = \"no_such\"\n".to_owned(), "FC0206"),
        (format!("{program}globals = {{ no_such = 1 }}\n"), "FC0214"),
        (format!("{program}events = {{ map = \"no_such\" }}\n"), "FC0326"),
        (format!("{program}[tracer.t]\nfexit = \"h\"\nfunction = \"no_such\"\n"), "FC0208"),
    ] {
        fs::write(objects().join(file), format!("{host}{rest}")).expect("room for it");
        let output = run(&objects(), &["validate", "--ask-kernel", file]);
        let shown = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{shown}");
        assert!(shown.contains(code), "{code}: {shown}");
    }
}
