//! Whatever fails, half-way or at the end, nothing of the chain is left in the kernel.

use crate::{
    support::{Finished, Folder, Live, Snapshot, recipe, run},
    xdp::ping,
};
use rustix::process::Signal;

/// Brings `chain` up, which fails with `diagnostic`, and looks at what is left.
#[track_caller]
fn fails(chain: &str, code: i32, diagnostic: &str, words: &[&str]) -> Finished {
    let folder = Folder::new(chain);
    let before = Snapshot::take();
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(code, diagnostic);
    for word in words {
        assert!(finished.stderr.contains(word), "no {word:?} in {}", finished.stderr);
    }
    assert_eq!(finished.stdout, "", "no data where nothing ran");
    before.assert_nothing_new();
    finished
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_rejection_by_the_verifier_undoes_what_was_loaded_before() {
    let chain = r#"
        name = "rejected"
        host.ingress = { object = "builtin:xdp", program = "xdp_host", attach = { xdp = "lo" } }
        stub.filter = { function = "stub_filter", hosts = ["ingress"] }
        [replacement.careless]
        object = "rejected.o"
        program = "reads_past_the_end"
        stub = "filter"
    "#;
    let words = ["verifier rejected", "`careless`", "invalid access to packet", "rolled back"];
    let finished = fails(chain, 1, "FC0501", &words);
    assert!(finished.stderr.contains("load    ingress"), "the host was loaded before");
    assert!(!finished.stderr.contains("processed "), "statistics only with -v");
    let folder = Folder::new(chain);
    let verbose = run(&folder.chain(), &["-v", "--", "true"]);
    assert!(verbose.stderr.contains("processed "), "{}", verbose.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_second_program_on_an_interface_is_refused_and_the_first_stays() {
    let before = Snapshot::take();
    let first = Live::json(&recipe("xdp"));
    let with_first = Snapshot::take();
    let second = run(&recipe("xdp"), &["--", "true"]);
    second.assert_failed(1, "FC0503");
    assert!(second.stderr.contains("lo already has an xdp program"), "{}", second.stderr);
    let holder = format!("held by freplace-compos/{}", first.pid());
    assert!(second.stderr.contains("`xdp_host` (program "), "{}", second.stderr);
    assert!(second.stderr.contains(&holder), "{holder}: {}", second.stderr);
    with_first.assert_nothing_new();
    assert!(ping("127.0.0.1").contains(" 100% packet loss"), "the first one works on");
    first.end(Signal::INT).assert_done();
    before.assert_nothing_new();
}

fn host(kind: &str, program: &str, attach: &str) -> String {
    format!(
        "name = \"x\"\n[host.h]\nobject = \"{kind}\"\nprogram = \"{program}\"\nattach = {attach}"
    )
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_function_to_probe_that_is_not_there_is_named() {
    for probe in ["kprobe", "kretprobe"] {
        let attach = format!("{{ {probe} = \"no_such_function\" }}");
        let chain = host("hosts.o", &format!("at_{probe}"), &attach);
        fails(
            &chain,
            1,
            "FC0502",
            &["kernel function `no_such_function` not found", "/proc/kallsyms"],
        );
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_function_that_must_not_be_probed_is_named() {
    // On the list of functions that probing itself uses.
    let chain = host("hosts.o", "at_kprobe", "{ kprobe = \"kprobe_int3_handler\" }");
    fails(&chain, 1, "FC0502", &["`kprobe_int3_handler`", "cannot be probed"]);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn an_interface_that_is_not_there_is_named() {
    let chain = host("builtin:xdp", "xdp_host", "{ xdp = \"nowhere0\" }");
    fails(&chain, 1, "FC0502", &["network interface nowhere0 not found", "ip link"]);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_tracepoint_that_is_not_there_is_named() {
    let chain = host("hosts.o", "at_tracepoint", "{ tracepoint = \"syscalls/sys_enter_no\" }");
    fails(&chain, 1, "FC0502", &["tracepoint syscalls/sys_enter_no not found"]);
    let chain = host("hosts.o", "at_raw_tracepoint", "{ raw_tracepoint = \"sys_enter_no\" }");
    fails(&chain, 1, "FC0502", &["raw tracepoint sys_enter_no not found"]);
}
