//! What a host answers is what happens: an operation that it denies fails, with the error that it says.

use std::{
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, UdpSocket},
    os::unix::net::{UnixDatagram, UnixListener, UnixStream},
};

use aya::programs::{TestRun as _, TestRunOptions, Xdp, loaded_programs};
use aya_obj::programs::XdpAttachType;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live, Snapshot,
    events::{assert_schema, events, of, stretch},
    run,
};

/// A chain with the host of hooks.bpf.c that is called `name`, its stub for a number replaced by one that
/// answers `answer`, which is traced.
fn chain(name: &str, attach: &str, answer: u8) -> String {
    format!(
        r#"
        name = "denials"
        host.h = {{ object = "hooks.o", program = "{name}_host", attach = {{ {attach} }} }}
        stub.number = {{ function = "{name}_number", hosts = ["h"] }}
        replacement.n = {{ object = "hooks.o", program = "number_{answer}", stub = "number" }}
        tracer.t = {{ trace = "n" }}
        "#
    )
}

/// Brings a chain up, does something, and returns the events of that, as far as they are of this
/// process, and what came of it.
#[track_caller]
fn during<T>(chain: &str, act: impl FnOnce() -> T) -> (Vec<Value>, T) {
    let before = Snapshot::take();
    let folder = Folder::new(chain);
    let live = Live::json(&folder.chain());
    let done = act();
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_schema(&finished);
    before.assert_nothing_new();
    let mut events = events(&finished);
    events.retain(|event| event["pid"].is_null() || event["pid"] == std::process::id());
    (events, done)
}

/// A host that lets an operation pass with one answer, and denies it with another.
#[track_caller]
fn denies<T>(name: &str, attach: &str, answers: [u8; 2], act: impl Fn() -> io::Result<T> + Copy) {
    for (answer, denied) in [(answers[0], false), (answers[1], true)] {
        let (events, done) = during(&chain(name, attach, answer), act);
        let error = done.err().map(|error| error.kind());
        assert_eq!(error, denied.then_some(ErrorKind::PermissionDenied), "{attach}: {answer}");
        let call = stretch(&events, ["t", "n", "t", "h"]);
        let call = call.unwrap_or_else(|| panic!("{attach}: {events:#?}"));
        assert_eq!(call[3]["data"]["number"], answer, "{attach}");
    }
    act().unwrap_or_else(|error| panic!("{attach}: it passes afterwards: {error}"));
}

fn bind() -> io::Result<UdpSocket> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_a_replacement_denies_fails() {
    denies("fmod_ret", r#"fmod_ret = "security_socket_bind""#, [0, 77], bind);
    denies("lsm", r#"lsm = "socket_bind""#, [0, 77], bind);
    let cgroup = r#"lsm_cgroup = "socket_bind", cgroup = "/sys/fs/cgroup""#;
    denies("lsm_cgroup", cgroup, [1, 0], bind);
}

/// A socket in a folder of its own.
fn unix<T>(act: impl FnOnce(&std::path::Path) -> io::Result<T>) -> io::Result<T> {
    let folder = tempfile::tempdir()?;
    act(&folder.path().join("socket"))
}

fn connect() -> io::Result<UnixStream> {
    unix(|path| {
        let _listener = UnixListener::bind(path)?;
        UnixStream::connect(path)
    })
}

fn send() -> io::Result<usize> {
    unix(|path| {
        let receiver = UnixDatagram::bind(path)?;
        let sent = UnixDatagram::unbound()?.send_to(b"datagram", path)?;
        receiver.recv_from(&mut [0; 16])?;
        Ok(sent)
    })
}

fn names() -> io::Result<()> {
    unix(|path| {
        let listener = UnixListener::bind(path)?;
        let stream = UnixStream::connect(path)?;
        stream.peer_addr()?;
        listener.local_addr().map(drop)
    })
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn calls_of_unix_sockets_are_decided() {
    let attach = |call: &str| format!(r#"cgroup_sock_addr = "/sys/fs/cgroup", at = "{call}_unix""#);
    let lacking = crate::environment::lacking();
    if lacking.contains(&"calls of Unix sockets at cgroups") {
        let folder = Folder::new(&chain("cgroup_sock_addr", &attach("connect"), 1));
        let before = Snapshot::take();
        let finished = run(&folder.chain(), &["--", "true"]);
        finished.assert_failed(4, "FC0405");
        assert!(finished.stderr.contains("calls of Unix sockets"), "{}", finished.stderr);
        return before.assert_nothing_new();
    }
    denies("cgroup_sock_addr", &attach("connect"), [1, 0], connect);
    denies("cgroup_sock_addr", &attach("sendmsg"), [1, 0], send);
    // These cannot be denied.
    let program = |call: &str| {
        format!(
            "name = \"unix\"\nhost.h = {{ object = \"denials.o\", program = \"looks\", \
             attach = {{ {} }} }}\n",
            attach(call)
        )
    };
    for (call, act) in [
        ("recvmsg", (|| send().map(drop)) as fn() -> io::Result<()>),
        ("getpeername", names),
        ("getsockname", names),
    ] {
        let (events, done) = during(&program(call), act);
        done.unwrap_or_else(|error| panic!("{call}: {error}"));
        assert!(!of(&events, "h").is_empty(), "{call}");
    }
}

/// Runs the only XDP program by itself; whether that fails.
fn test_run() -> Result<u32, String> {
    let program = loaded_programs().flatten().find(|program| program.name() == b"xdp_host");
    let program = program.expect("the chain has one");
    let program = Xdp::from_program_info(program, "xdp_host".into(), XdpAttachType::Interface)
        .expect("it is one of XDP");
    let options = TestRunOptions { data_in: Some(&[0; 64]), ..TestRunOptions::default() };
    program
        .test_run(options)
        .map(|result| result.return_value)
        .map_err(|error| format!("{error:?}"))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_at_a_writable_tracepoint_changes_what_that_hands_over() {
    let base = r#"
        name = "writable"
        host.h = { object = "denials.o", program = "decides", attach = { raw_tracepoint = "bpf_test_finish" } }
        host.x = { object = "hooks.o", program = "xdp_host", attach = { xdp = "lo", mode = "generic" } }
        tracer.t = { trace = "h" }
        "#;
    let (events, done) = during(base, test_run);
    assert_eq!(done, Ok(2), "XDP_PASS");
    assert_eq!(of(&events, "h")[0]["data"]["allowed"], 1);
    let replaced = r#"
        stub.allowed = { function = "allowed", hosts = ["h"] }
        replacement.r = { object = "denials.o", program = "refuses", stub = "allowed" }
        "#;
    let (events, done) = during(&format!("{base}{replaced}"), test_run);
    let error = done.expect_err("the host says so");
    assert!(error.contains("code: 95"), "{error}");
    assert_eq!(of(&events, "h")[0]["data"]["allowed"], 0);
    assert_eq!(of(&events, "t").len(), 2, "{events:#?}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn only_a_writable_tracepoint_takes_a_program_that_writes() {
    let before = Snapshot::take();
    let folder = Folder::new(
        r#"
        name = "writable"
        host.h = { object = "denials.o", program = "decides", attach = { raw_tracepoint = "sys_enter" } }
        "#,
    );
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0502");
    assert!(finished.stderr.contains("does not pass what the program"), "{}", finished.stderr);
    before.assert_nothing_new();
}

/// Lets the kernel spread received packets over the CPUs by their flow, until it is dropped.
struct SpreadPackets;

impl SpreadPackets {
    const CPUS: &str = "/sys/class/net/lo/queues/rx-0/rps_cpus";

    fn new() -> Self {
        fs::write(Self::CPUS, "3").expect("the kernel can");
        Self
    }
}

impl Drop for SpreadPackets {
    fn drop(&mut self) {
        let _ = fs::write(Self::CPUS, "0"); // it was that before
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_flow_dissector_reads_the_headers_of_a_packet() {
    let _spread = SpreadPackets::new();
    let attach = r#"flow_dissector = "self""#;
    let (events, received) = during(&chain("flow_dissector", attach, 1), || {
        let receiver = bind()?;
        receiver.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
        bind()?.send_to(b"datagram", receiver.local_addr()?)?;
        receiver.recv(&mut [0; 16])
    });
    assert_eq!(received.expect("it passes"), 8);
    assert!(stretch(&events, ["t", "n", "t", "h"]).is_some(), "{events:#?}");
}
