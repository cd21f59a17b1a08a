//! The validator as an oracle of the kernel: a corpus of chains, each judged by the validator and
//! then brought up on a real kernel. Both have to say the same of every one, for the same reason.
//!
//! `cargo xtask conformance` runs it in a micro-VM, one boot for each kernel, and writes what came
//! out into `docs/kernel-support.md`. It needs root, a kernel that allows freplace, and that kernel
//! for itself.

mod case;
mod corpus;
#[path = "../common/schema.rs"]
mod draft;
mod outcome;

#[allow(dead_code, unused_imports, reason = "the kernel tests use all of it")]
#[path = "../kernel/support/mod.rs"]
mod support;

use std::{collections::HashSet, process::Command};

use case::Case;
use outcome::Judge;
use support::Folder;

/// In front of lines that are meant for `cargo xtask conformance`: how many chains there are, which
/// one begins, and what became of it.
const CASES: &str = "conformance has: ";
const CASE_BEGINS: &str = "conformance begins: ";
const CASE_ENDS: &str = "conformance: ";

#[test]
fn the_corpus_is_large_and_each_case_has_a_name_of_its_own() {
    let cases = corpus::all();
    let names: HashSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 200, "{}", cases.len());
}

#[test]
fn each_case_is_a_chain_whose_objects_are_whole() {
    let folder = Folder::new("");
    for Case { name, chain, .. } in corpus::all() {
        let chain = freplace_compose::chain::Chain::parse(&folder.chain(), chain);
        let chain = chain.unwrap_or_else(|found| panic!("{name}: {found:?}"));
        let resolved = freplace_compose::resolve::Resolved::open(chain);
        assert!(resolved.is_ok(), "{name}: {:?}", resolved.err());
    }
}

/// Makes a device for netkit hosts, where the kernel has such devices.
fn netkit_device() {
    let made = Command::new("ip").args(["link", "add", "kit0", "type", "netkit"]).status();
    assert_eq!(made.expect("the guest has it").success(), support::series() >= (6, 7));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask conformance` runs it in a micro-VM"]
fn the_validator_says_what_the_kernel_does() {
    netkit_device();
    let mut judge = Judge::new();
    let mut wrong = Vec::new();
    // Some of them, for those who work on a rule: what their names begin with, one or several.
    let only = std::env::var("CONFORMANCE_ONLY").unwrap_or_default();
    let is_asked = |case: &Case| only.split(',').any(|start| case.name.starts_with(start));
    let cases = corpus::all().into_iter().filter(is_asked);
    let cases: Vec<_> = cases.collect();
    println!("{CASES}{}", cases.len());
    for case in cases {
        println!("{CASE_BEGINS}{}", case.name);
        let outcome = judge.judge(&case);
        println!("{CASE_ENDS}{}", serde_json::to_string(&outcome).expect("it is plain data"));
        if let Some(why) = &outcome.disagreement {
            wrong.push(format!("{}: {why}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
