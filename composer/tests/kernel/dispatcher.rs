//! The dispatcher of libxdp, as Debian's package installs it, with programs in its slots.
//! `cargo xtask test` installs the package and brings the files along.

use rustix::process::Signal;

use crate::{
    support::{
        Folder, Live, Snapshot,
        events::{events, of},
        recipe,
    },
    xdp::{connect, ping},
};

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn programs_in_the_slots_of_a_dispatcher_run_and_are_traced() {
    let before = Snapshot::take();
    assert!(ping("127.0.0.1").contains(" 0% packet loss"));
    let live = Live::json(&recipe("dispatcher"));
    assert!(ping("127.0.0.1").contains(" 100% packet loss"));
    connect();
    let finished = live.end(Signal::INT);
    assert!(ping("127.0.0.1").contains(" 0% packet loss"));
    let events = events(&finished);
    for node in ["frames", "filtered", "dropped", "passed"] {
        assert!(!of(&events, node).is_empty(), "{node}: {events:#?}");
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn tracers_of_another_tool_take_its_settings() {
    let before = Snapshot::take();
    let folder = Folder::new(
        r#"
        [host.ingress]
        object = "builtin:xdp"
        program = "xdp_host"
        attach = { xdp = "lo", mode = "generic" }

        [tracer.captured]
        fentry = "ingress"
        object = "/usr/lib/x86_64-linux-gnu/bpf/xdpdump_bpf.o"
        program = "trace_on_entry"

        [tracer.captured.globals]
        "trace_cfg.capture_if_ifindex" = 1
        "trace_cfg.capture_snaplen" = 64
        "trace_cfg.capture_prog_index" = 7
        "#,
    );
    let live = Live::json(&folder.chain());
    connect();
    let finished = live.end(Signal::INT);
    let events = events(&finished);
    assert!(!of(&events, "captured").is_empty(), "{events:#?}");
    before.assert_nothing_new();
}
