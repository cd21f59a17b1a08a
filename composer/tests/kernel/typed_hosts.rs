//! Hosts at functions: of programs and libraries, of the kernel by type, of system calls, and at many
//! functions at once. What cannot be replaced there is traced.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live, Snapshot,
    events::{assert_schema, events, nodes, stretch},
    fire, run,
};

/// Brings a chain up, lets `traffic` come to it, and returns its events; nothing is left of it.
#[track_caller]
fn seen(chain: &str, traffic: impl Fn()) -> Vec<Value> {
    let before = Snapshot::take();
    let folder = Folder::new(chain);
    let live = Live::json(&folder.chain());
    traffic();
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_schema(&finished);
    before.assert_nothing_new();
    events(&finished)
}

/// A chain with the host of hooks.bpf.c that is called `name`, its stub for a number replaced.
fn replaced(name: &str, attach: &str, replacement: &str) -> String {
    format!(
        r#"
        name = "typed"
        host.h = {{ object = "hooks.o", program = "{name}_host", attach = {{ {attach} }} }}
        stub.number = {{ function = "{name}_number", hosts = ["h"] }}
        replacement.n = {{ object = "hooks.o", program = "{replacement}", stub = "number" }}
        tracer.t = {{ trace = "n" }}
        "#
    )
}

/// Asserts that some call went through the replacement, which was traced, and the host.
#[track_caller]
fn assert_replaced(events: &[Value], answer: i64) {
    // Other processes come to some of these places as well.
    let own = std::process::id();
    let of_own: Vec<Value> = events.iter().filter(|event| event["pid"] == own).cloned().collect();
    let call = stretch(&of_own, ["t", "n", "t", "h"]);
    let call = call.unwrap_or_else(|| panic!("{events:#?}"));
    assert_eq!(call[3]["data"]["number"], answer, "{call:#?}");
}

/// Debian builds 6.1 without CONFIG_FPROBE.
fn lacks_multi_links() -> bool {
    rustix::system::uname().release().to_string_lossy().starts_with("6.1.")
}

/// Calls getpid(2) by the function of the C library.
fn asks_for_its_id() {
    assert_eq!(
        std::process::id(),
        rustix::process::getpid().as_raw_nonzero().get().cast_unsigned()
    );
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_uprobe_runs_at_a_function_of_a_library_of_one_process() {
    let own = std::process::id();
    let attach = format!(r#"uprobe = "libc:getpid", pid = {own}"#);
    let events = seen(&replaced("uprobe", &attach, "number_0"), asks_for_its_id);
    assert_replaced(&events, 0);
    let attach = format!(r#"uretprobe = "libc:getpid", pid = {own}"#);
    let chain = replaced("uprobe", &attach, "number_0");
    assert_replaced(&seen(&chain, asks_for_its_id), 0);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_system_call_is_named_as_its_users_name_it() {
    for hook in ["ksyscall", "kretsyscall"] {
        let chain = replaced("kprobe", &format!(r#"{hook} = "getpgid""#), "number_0");
        assert_replaced(&seen(&chain, || fire(21)), 0);
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn one_host_runs_at_many_functions() {
    for hook in ["kprobe_multi", "kretprobe_multi"] {
        let chain = replaced("kprobe", &format!(r#"{hook} = "__x64_sys_getpg?d""#), "number_0");
        if lacks_multi_links() {
            let folder = Folder::new(&chain);
            let finished = run(&folder.chain(), &["--", "true"]);
            finished.assert_failed(4, "FC0405");
            assert!(finished.stderr.contains("no kprobe multi links"), "{}", finished.stderr);
            continue;
        }
        assert_replaced(&seen(&chain, || fire(22)), 0);
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_typed_tracepoint_runs_and_its_stub_is_replaced() {
    let chain = replaced("tp_btf", r#"tp_btf = "sys_enter""#, "number_0");
    assert_replaced(&seen(&chain, || fire(23)), 0);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn kernel_functions_are_sources_of_events() {
    for hook in ["fentry", "fexit"] {
        let chain = format!(
            r#"
            name = "source"
            [host.h]
            object = "hooks.o"
            program = "{hook}_host"
            attach = {{ {hook} = "__x64_sys_getpgid" }}
            "#
        );
        let events = seen(&chain, || fire(24));
        assert_eq!(nodes(&events), ["h"], "{hook}");
        assert_eq!(events[0]["pid"], std::process::id());
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_socket_filter_sees_what_passes_an_interface() {
    let traffic = || {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.send_to(b"datagram", "127.0.0.1:9").expect("it is sent");
    };
    let chain = replaced("socket_filter", r#"socket_filter = "lo""#, "number_0");
    let events = seen(&chain, traffic);
    assert!(stretch(&events, ["t", "n", "t", "h"]).is_some(), "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn functions_that_are_not_there_are_told_before_anything_is_loaded() {
    let before = Snapshot::take();
    for (name, attach, words) in [
        ("uprobe", r#"uprobe = "libc:no_such_function""#, "`no_such_function` not found"),
        ("uprobe", r#"uprobe = "no_such_library:getpid""#, "`no_such_library` not found"),
        ("uprobe", r#"uprobe = "libc:getpid", pid = 4000000"#, "process 4000000 not found"),
        ("kprobe", r#"ksyscall = "getpgdi""#, "system call `getpgdi` not found"),
        ("kprobe", r#"kprobe_multi = "no_such_*""#, "no kernel function is named"),
        ("kprobe", r#"kprobe = "__x64_sys_getpgid", offset = 2"#, "begins at this offset"),
        ("socket_filter", r#"socket_filter = "no0""#, "no0 not found"),
        (
            "lsm_cgroup",
            r#"lsm_cgroup = "socket_bnd", cgroup = "/sys/fs/cgroup""#,
            "`socket_bnd` not found",
        ),
        (
            "lsm_cgroup",
            r#"lsm_cgroup = "socket_bind", cgroup = "/sys/fs/cgroup/no""#,
            "cgroup /sys/fs/cgroup/no not found",
        ),
    ] {
        if attach.starts_with("kprobe_multi") && lacks_multi_links() {
            continue;
        }
        let folder = Folder::new(&replaced(name, attach, "number_0"));
        let finished = run(&folder.chain(), &["--", "true"]);
        finished.assert_failed(1, "FC0502");
        assert!(finished.stderr.contains(words), "{attach}: {}", finished.stderr);
    }
    before.assert_nothing_new();
}
