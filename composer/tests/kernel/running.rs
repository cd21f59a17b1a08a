//! Programs that others loaded: bpftool, xdp-loader with its dispatcher, tc; what `ps` says of them beside
//! what bpftool says.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    net::{Ipv4Addr, UdpSocket},
    process::{Child, Command, Stdio},
};

use freplace_compose::running;
use serde_json::{Value, json};

use crate::{
    draft,
    support::{
        Folder, Live, Snapshot,
        events::{assert_schema, events, of},
        eventually,
        process::{Finished, binary, output},
        recipe,
    },
    xdp::ping,
};

/// Runs a line of shell with the tools of others that has to work, and what it printed.
#[track_caller]
pub(crate) fn shell(line: &str) -> String {
    let line = &format!("PATH=/tools:$PATH; {line}");
    let finished = output(Command::new("sh").args(["-c", line]));
    assert_eq!(finished.status.code(), Some(0), "{line}: {finished:#?}");
    finished.stdout
}

fn ps(words: &[&str]) -> Finished {
    output(binary().arg("ps").args(words))
}

/// The programs that `ps` lists, which fit its schema.
#[track_caller]
pub(crate) fn listed(words: &[&str]) -> Vec<Value> {
    let finished = ps(&[words, &["--format", "json"]].concat());
    finished.assert_done();
    let json: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    assert_eq!(draft::check(&running::schema(), &json), Ok(()), "{json:#}");
    assert_eq!(json["not_seen"].as_array().map(Vec::len), Some(0), "{json:#}");
    json["programs"].as_array().expect("a list").clone()
}

/// The program of this name.
#[track_caller]
pub(crate) fn one<'a>(programs: &'a [Value], name: &str) -> &'a Value {
    let named: Vec<_> = programs.iter().filter(|program| program["name"] == name).collect();
    let [one] = named.as_slice() else { panic!("{name}: {programs:#?}") };
    one
}

/// The places where a program is attached, in one line each.
pub(crate) fn places(program: &Value) -> Vec<String> {
    let list = program["attached"].as_array().expect("a list");
    let words = list.iter().map(|attached| {
        let place = &attached["place"];
        let text = |key: &str| place[key].as_str().unwrap_or_default();
        match place["program"].as_u64() {
            Some(on) => format!("{} {} of {on}", text("kind"), text("function")),
            None => format!("{} {}", text("kind"), text("at")),
        }
    });
    words.collect()
}

/// A dispatcher with two filters in it, which xdp-loader attaches to the loopback until this is dropped.
struct Dispatched;

impl Dispatched {
    fn new() -> Self {
        shell("mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf");
        // With a single one libxdp replaces the dispatcher as a whole.
        let objects = ["alw_udp", "dny_udp"].map(Self::object);
        shell(&format!("xdp-loader load -m skb lo {}", objects.join(" ")));
        Self
    }

    /// A filter of xdp-tools.
    fn object(what: &str) -> String {
        format!("/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_{what}.o")
    }
}

impl Drop for Dispatched {
    fn drop(&mut self) {
        shell("xdp-loader unload lo --all || true; rm -rf /sys/fs/bpf/xdp /sys/fs/bpf/xdp_*");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn nothing_that_bpftool_lists_is_missing() {
    let before = Snapshot::take();
    {
        let _dispatched = Dispatched::new();
        let tcp = Live::json(&recipe("tcp"));
        let cgroup = Live::json(&recipe("cgroup"));
        let programs = listed(&[]);
        let theirs: Value = serde_json::from_str(&shell("bpftool -j prog show")).expect("JSON");
        let ours: BTreeMap<_, _> =
            programs.iter().map(|program| (program["id"].as_u64(), program)).collect();
        let theirs = theirs.as_array().expect("a list");
        assert_eq!(ours.len(), theirs.len());
        for program in theirs {
            let found = ours.get(&program["id"].as_u64()).expect("it is listed");
            assert_eq!(found["type"], program["type"], "{program}");
            assert_eq!(found["tag"], program["tag"], "{program}");
            let cut = program["name"].as_str().unwrap_or_default();
            let name = found["name"].as_str().expect("a name");
            assert!(name == cut || (cut.len() == 15 && name.starts_with(cut)), "{name} {cut}");
            let maps = found["maps"].as_array().expect("a list");
            let ids: BTreeSet<_> = maps.iter().filter_map(|map| map["id"].as_u64()).collect();
            let wanted = program["map_ids"].as_array().into_iter().flatten();
            assert_eq!(ids, wanted.filter_map(Value::as_u64).collect(), "{program}");
        }
        let links: Value = serde_json::from_str(&shell("bpftool -j link show")).expect("JSON");
        for link in links.as_array().expect("a list") {
            let program = ours.get(&link["prog_id"].as_u64()).expect("it is listed");
            let attached = program["attached"].as_array().expect("a list");
            assert!(
                attached.iter().any(|attached| attached["link"] == link["id"]),
                "{link} {program:#}"
            );
        }
        drop((tcp.end(rustix::process::Signal::INT), cgroup.end(rustix::process::Signal::INT)));
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_dispatcher_is_shown_with_what_is_in_its_slots() {
    let before = Snapshot::take();
    {
        let _dispatched = Dispatched::new();
        let programs = listed(&[]);
        let dispatcher = one(&programs, "xdp_dispatcher");
        assert_eq!(places(dispatcher), ["xdp lo generic"]);
        assert_eq!(dispatcher["dispatcher"]["made_by"], "libxdp");
        let slot = &dispatcher["dispatcher"]["slots"][0];
        let filter = one(&programs, "xdpfilt_alw_udp");
        assert_eq!(slot["function"], "prog0");
        assert_eq!(slot["program"], filter["id"]);
        assert_eq!(places(filter), [format!("freplace prog0 of {}", dispatcher["id"])]);
        let tree = ps(&["--tree", "xdp:lo"]);
        tree.assert_done();
        let lines: Vec<_> = tree.stdout.lines().collect();
        assert!(lines[0].contains("dispatcher of libxdp"), "{}", tree.stdout);
        assert!(lines[1].starts_with("├─ freplace prog0  xdpfilt_alw_udp"), "{}", tree.stdout);
        assert!(lines[2].starts_with("└─ freplace prog1  xdpfilt_dny_udp"), "{}", tree.stdout);
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn functions_say_who_is_on_them_and_programs_who_holds_them() {
    let before = Snapshot::take();
    let live = Live::json(&recipe("tcp"));
    let programs = listed(&[]);
    let host = one(&programs, "k_tcp_connect");
    assert_eq!(places(host), ["kprobe tcp_connect"]);
    assert_eq!(
        host["processes"][0]["comm"], "freplace-compos",
        "the 15 letters that the kernel keeps"
    );
    let stub = &host["functions"][1];
    assert_eq!(stub["prototype"], "int stub_handler(__u64 socket)");
    let replacement = one(&programs, "freplace_handler");
    assert_eq!(stub["on_it"][0]["how"], "freplace");
    assert_eq!(stub["on_it"][0]["program"], replacement["id"]);
    let on_it: BTreeSet<_> = replacement["functions"][0]["on_it"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|by| by["how"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(on_it, BTreeSet::from(["fentry", "fexit"]));
    let page = ps(&["freplace_handler"]);
    page.assert_done();
    assert!(page.stdout.contains("fentry by fentry_freplace_handler"), "{}", page.stdout);
    live.end(rustix::process::Signal::INT).assert_done();
    before.assert_nothing_new();
}

/// Programs that no link attaches, and one in another network namespace.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_is_attached_without_a_link_is_found() {
    let before = Snapshot::take();
    let mut other = OtherNamespace::new();
    let folder = Folder::new(
        r#"
        [host.filter]
        object = "hooks.o"
        program = "tc_host"
        attach = { tc = "lo", direction = "egress", priority = 7 }
        "#,
    );
    let live = Live::json(&folder.chain());
    let pid = other.0.id();
    let there = Command::new("nsenter")
        .args(["-t", &pid.to_string(), "-n"])
        .arg(binary().get_program())
        .arg("up")
        .arg(recipe("xdp"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut there = there.expect("busybox has nsenter");
    let is_there = || listed(&[]).iter().any(|program| program["name"] == "xdp_host");
    assert!(eventually(is_there), "the other chain came up");
    let attached = || {
        one(&listed(&[]), "xdp_host")["attached"].as_array().is_some_and(|list| !list.is_empty())
    };
    assert!(eventually(attached), "and is attached");
    let programs = listed(&[]);
    let filter = one(&programs, "tc_host");
    assert_eq!(places(filter), ["tc lo egress, priority 7"]);
    assert_eq!(filter["attached"][0]["link"], Value::Null);
    let host = &one(&programs, "xdp_host")["attached"][0]["place"];
    assert_eq!(host["at"], "lo generic");
    assert_eq!(host["network_namespace"], format!("of cat/{pid}"));
    let child = rustix::process::Pid::from_child(&there);
    rustix::process::kill_process(child, rustix::process::Signal::INT).expect("it runs");
    there.wait().expect("our child");
    live.end(rustix::process::Signal::INT).assert_done();
    other.end();
    before.assert_nothing_new();
}

/// Actions of traffic control, operations of the kernel, and tables whose keys are any numbers.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn programs_of_actions_operations_and_hash_tables_are_found() {
    let before = Snapshot::take();
    let folder = Folder::new(
        r#"
        host.sends = { object = "elsewhere.o", program = "to_any_port", attach = { xdp = "lo", mode = "generic" } }
        [host.sent]
        object = "elsewhere.o"
        program = "at_any_port"
        attach = { devmap = "any_ports", key = 80000, interface = "lo" }
        "#,
    );
    let object = folder.chain().with_file_name("elsewhere.o");
    let (object, pin) = (object.display(), "/sys/fs/bpf/as_action");
    shell("mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf");
    shell(&format!(
        "bpftool prog load {object} {pin} && /tools/tc actions add action bpf object-pinned {pin} index 7 && \
         bpftool struct_ops register {object}"
    ));
    let live = Live::json(&folder.chain());
    let programs = listed(&[]);
    assert_eq!(places(one(&programs, "as_action")), ["tc action bpf, index 7"]);
    for member in ["ssthresh", "undo_cwnd"] {
        let found = places(one(&programs, &format!("congestion_{member}")));
        let [place] = found.as_slice() else { panic!("{found:?}") };
        let begin = format!("struct_ops tcp_congestion_ops.{member}, map ");
        assert!(place.starts_with(&begin) && place.ends_with(" fc_congestion"), "{place}");
    }
    // Profiles do not tell of this type of program.
    let text = "[host.theirs]\nrunning = { name = \"as_action\" }\n";
    let validate = ["validate", "--kernel", "running"];
    output(binary().args(validate).arg(Folder::new(text).chain())).assert_done();
    let entry = &one(&programs, "at_any_port")["tables"][0];
    assert_eq!((&entry["type"], &entry["key"]), (&json!("devmap_hash"), &json!(80000)));
    live.end(rustix::process::Signal::INT).assert_done();
    shell(&format!(
        "bpftool struct_ops unregister name fc_congestion && /tools/tc actions flush action bpf && rm {pin}"
    ));
    before.assert_nothing_new();
}

/// A process in a network namespace of its own, whose loopback is up.
struct OtherNamespace(Child);

impl OtherNamespace {
    fn new() -> Self {
        let waits = Command::new("unshare").args(["-n", "cat"]).stdin(Stdio::piped()).spawn();
        let waits = waits.expect("busybox has it");
        let own = std::fs::read_link("/proc/self/ns/net").expect("there are namespaces");
        let theirs = format!("/proc/{}/ns/net", waits.id());
        let comm = format!("/proc/{}/comm", waits.id());
        let apart = || {
            std::fs::read_link(&theirs).is_ok_and(|namespace| namespace != own)
                && std::fs::read_to_string(&comm).is_ok_and(|comm| comm.trim() == "cat")
        };
        assert!(eventually(apart), "the namespace is made");
        shell(&format!("nsenter -t {} -n /tools/ip link set lo up", waits.id()));
        Self(waits)
    }

    fn end(&mut self) {
        self.0.stdin.take();
        self.0.wait().expect("our child");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn names_that_are_of_no_program_or_of_no_kind_are_told() {
    let live = Live::json(&recipe("tcp"));
    let near = ps(&["k_tcp_conect"]);
    near.assert_failed(1, "FC0701");
    assert!(near.stderr.contains("Did you mean `k_tcp_connect`?"), "{}", near.stderr);
    for (name, words) in [
        ("xdp:lo", "No program is attached there"),
        ("/sys/fs/bpf/nothing", "is pinned there"),
        ("pid:1", "That process has no program"),
    ] {
        let refused = ps(&[name]);
        refused.assert_failed(1, "FC0701");
        assert!(refused.stderr.contains(words), "{name}: {}", refused.stderr);
    }
    ps(&["colour:red"]).assert_failed(1, "FC0703");
    live.end(rustix::process::Signal::INT).assert_done();
}

/// A program that bpftool loads with libbpf and attaches to the cgroup of all processes, without a link, as
/// systemd does; until this is dropped.
struct AttachedByOthers(Folder);

impl AttachedByOthers {
    const PIN: &str = "/sys/fs/bpf/plain";
    const CGROUP: &str = "/sys/fs/cgroup";

    fn new(chain: &str) -> Self {
        shell("mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf");
        let folder = Folder::new(chain);
        let object = folder.chain().with_file_name("plain.o");
        shell(&format!("bpftool prog load {} {}", object.display(), Self::PIN));
        shell(&format!("bpftool cgroup attach {} egress pinned {} multi", Self::CGROUP, Self::PIN));
        Self(folder)
    }
}

impl Drop for AttachedByOthers {
    fn drop(&mut self) {
        let (cgroup, pin) = (Self::CGROUP, Self::PIN);
        shell(&format!("bpftool cgroup detach {cgroup} egress pinned {pin}; rm {pin}"));
    }
}

/// Whether a packet may leave this machine's processes.
fn may_send() -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    match socket.send_to(b"?", (Ipv4Addr::LOCALHOST, 9)) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_that_libbpf_loaded_for_a_cgroup_is_seen_traced_extended_and_left_as_it_was() {
    let before = Snapshot::take();
    {
        let theirs = AttachedByOthers::new(
            r#"
            [host.egress]
            running = { cgroup = "/sys/fs/cgroup" }
            [stub.verdict]
            function = "plain_verdict"
            hosts = ["egress"]
            [replacement.refuse]
            object = "hooks.o"
            program = "netkit_for_context"
            stub = "verdict"
            "#,
        );
        let there = Snapshot::take();
        let programs = listed(&["cgroup:/sys/fs/cgroup"]);
        let program = one(&programs, "plain_filter_of_packets");
        assert_eq!(places(program), ["cgroup_inet_egress /sys/fs/cgroup"]);
        assert_eq!(program["attached"][0]["link"], Value::Null);
        assert_eq!(program["pins"][0], AttachedByOthers::PIN);
        assert_eq!(
            program["functions"][1]["prototype"],
            "int plain_verdict(struct __sk_buff *ctx)"
        );
        let traced = output(binary().args([
            "trace",
            "cgroup:/sys/fs/cgroup:plain_*",
            "--format",
            "json",
            "--",
            "ping",
            "-c",
            "1",
            "127.0.0.1",
        ]));
        traced.assert_done();
        let seen = events(&traced);
        let returned = |node: &str| {
            let of_node = seen.iter().filter(|event| {
                event["kind"] == "fexit"
                    && event["node"].as_str().is_some_and(|label| label.ends_with(node))
            });
            of_node.map(|event| event["ret"].as_i64()).collect::<Vec<_>>()
        };
        assert!(returned(":plain_filter_of_packets").len() >= 2, "echo and answer: {seen:#?}");
        assert!(returned(":plain_verdict").iter().all(|ret| *ret == Some(1)), "{seen:#?}");
        there.assert_as_it_was();
        for signal in [rustix::process::Signal::INT, rustix::process::Signal::KILL] {
            assert!(may_send());
            let live = Live::json(&theirs.0.chain());
            assert!(!may_send());
            let finished = live.end(signal);
            assert!(may_send(), "{signal:?}");
            if signal == rustix::process::Signal::INT {
                finished.assert_done();
                assert_eq!(of(&events(&finished), "refuse").len(), 1);
            }
            there.assert_as_it_was();
        }
    }
    before.assert_as_it_was();
}

/// A chain whose host is the one that [`base`] attaches to the loopback.
const ON_TOP: &str = r#"
    name = "on-top"
    [host.in]
    running = { xdp = "lo" }
    [stub.filter]
    function = "stub_filter"
    hosts = ["in"]
    [replacement.drop]
    object = "builtin:xdp-replacement"
    program = "drop_echo"
    stub = "filter"
    [tracer.seen]
    trace = "drop"
"#;

/// An xdp program that passes everything, attached by another process.
fn base() -> (Folder, Live) {
    let folder = Folder::new(
        r#"
        [host.ingress]
        object = "builtin:xdp"
        program = "xdp_host"
        attach = { xdp = "lo", mode = "generic" }
        "#,
    );
    let live = Live::json(&folder.chain());
    (folder, live)
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_of_somebody_else_is_extended_and_left_as_it_was() {
    let before = Snapshot::take();
    let (_folder, theirs) = base();
    let there = Snapshot::take();
    let folder = Folder::new(ON_TOP);
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::KILL] {
        assert!(ping("127.0.0.1").contains(" 0% packet loss"));
        let live = Live::json(&folder.chain());
        assert!(ping("127.0.0.1").contains(" 100% packet loss"));
        let programs = listed(&[]);
        let stub = &one(&programs, "xdp_host")["functions"][1];
        assert_eq!(stub["on_it"][0]["program"], one(&programs, "drop_echo")["id"]);
        let finished = live.end(signal);
        let drops = events(&finished);
        if signal == rustix::process::Signal::INT {
            finished.assert_done();
            assert!(!of(&drops, "seen").is_empty(), "{drops:#?}");
        }
        assert!(ping("127.0.0.1").contains(" 0% packet loss"));
        there.assert_nothing_new();
    }
    theirs.end(rustix::process::Signal::INT).assert_done();
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_chain_follows_a_program_that_is_loaded_anew() {
    let before = Snapshot::take();
    let (_theirs, first) = base();
    let folder = Folder::new(&ON_TOP.replace("\"lo\"", "\"lo\", follow = true"));
    let live = Live::json(&folder.chain());
    assert!(ping("127.0.0.1").contains(" 100% packet loss"));
    first.end(rustix::process::Signal::INT).assert_done();
    live.wait_for(|text| text.contains("\"now\":null,\"followed\":false"));
    assert!(ping("127.0.0.1").contains(" 0% packet loss"));
    let (_theirs, second) = base();
    let there = Snapshot::take();
    live.wait_for(|text| text.contains("\"followed\":true"));
    assert!(ping("127.0.0.1").contains(" 100% packet loss"));
    let finished = live.end(rustix::process::Signal::INT);
    finished.assert_done();
    assert_schema(&finished);
    let drops = events(&finished);
    let seen = of(&drops, "seen");
    let returned = seen.iter().filter(|event| event["ret_name"] == "XDP_DROP");
    assert!(returned.count() >= 6, "three before, and three after: {seen:#?}");
    assert!(ping("127.0.0.1").contains(" 0% packet loss"));
    there.assert_programs_gone();
    second.end(rustix::process::Signal::INT).assert_done();
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_slot_of_a_dispatcher_is_taken_and_given_back() {
    let before = Snapshot::take();
    {
        let _dispatched = Dispatched::new();
        let there = Snapshot::take();
        let id = one(&listed(&[]), "xdp_dispatcher")["id"].as_u64().expect("a number");
        // The slot that the filter is in is taken, and who has it is told without asking the kernel.
        let text = ON_TOP.replace("stub_filter", "prog0");
        let folder = Folder::new(&text);
        for words in [&["up"][..], &["validate", "--kernel", "running"]] {
            let refused = output(binary().args(words).arg(folder.chain()));
            refused.assert_failed(4, "FC0503");
            assert!(refused.stderr.contains("replaced by `xdpfilt_alw_udp`"), "{}", refused.stderr);
        }
        let traced = output(binary().args(["trace", &format!("{id}:*"), "--", "true"]));
        traced.assert_failed(0, "FC0347");
        assert!(traced.stderr.contains("replaced by `xdpfilt_alw_udp`"), "{}", traced.stderr);
        there.assert_nothing_new();
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn calls_of_running_programs_are_traced_without_a_chain() {
    let before = Snapshot::take();
    let (_folder, theirs) = base();
    let there = Snapshot::take();
    let traced = |words: &[&str]| {
        let mut command = binary();
        command.arg("trace").args(words).args(["--format", "json", "--"]);
        output(command.args(["ping", "-c", "1", "-W", "1", "127.0.0.1"]))
    };
    let both = traced(&["xdp:lo", "xdp_host:stub_*"]);
    both.assert_done();
    let seen = events(&both);
    let of_entry = of(&seen, "xdp_host");
    let of_stub: Vec<_> = seen
        .iter()
        .filter(|event| event["node"].as_str().is_some_and(|node| node.ends_with(":stub_filter")))
        .collect();
    assert!(of_entry.len() >= 4, "an entry and a return for each packet: {seen:#?}");
    assert_eq!(of_entry.len(), of_stub.len(), "{seen:#?}");
    let returned = of_entry.iter().find(|event| event["kind"] == "fexit").expect("a return");
    assert_eq!(returned["ret_name"], "XDP_PASS", "{returned:#}");
    let none = traced(&["xdp:lo", "--where", "ret == 1"]);
    none.assert_done();
    assert!(events(&none).is_empty(), "nothing was dropped");
    let missing = traced(&["xdp:lo:stub_filte"]);
    missing.assert_failed(3, "FC0208");
    assert!(missing.stderr.contains("Did you mean `stub_filter`?"), "{}", missing.stderr);
    traced(&["xdp:nowhere"]).assert_failed(4, "FC0701");
    there.assert_nothing_new();
    theirs.end(rustix::process::Signal::INT).assert_done();
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_name_of_several_programs_is_told_with_their_ids() {
    let before = Snapshot::take();
    let live = Live::json(&recipe("tcp"));
    let second = Live::json(&recipe("tcp"));
    let ids: Vec<_> = listed(&["name:k_tcp_connect"]);
    let [first, last] = ids.as_slice() else { panic!("{ids:#?}") };
    let refused = output(binary().args(["trace", "k_tcp_connect", "--", "true"]));
    refused.assert_failed(4, "FC0702");
    for program in [first, last] {
        assert!(refused.stderr.contains(&program["id"].to_string()), "{}", refused.stderr);
    }
    drop((live.end(rustix::process::Signal::INT), second.end(rustix::process::Signal::INT)));
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_is_imported_is_valid_here_and_comes_up() {
    let before = Snapshot::take();
    let (_folder, theirs) = base();
    let there = Snapshot::take();
    let imported = output(binary().arg("import"));
    imported.assert_done();
    let text = format!(
        "{}\n[replacement.drop]\nobject = \"builtin:xdp-replacement\"\nprogram = \"drop_echo\"\n\
         stub = \"stub_filter\"\n[tracer.seen]\ntrace = \"drop\"\n",
        imported.stdout
    );
    let folder = Folder::new(&text);
    output(binary().args(["validate", "--kernel", "running"]).arg(folder.chain())).assert_done();
    let live = Live::json(&folder.chain());
    assert!(ping("127.0.0.1").contains(" 100% packet loss"));
    live.end(rustix::process::Signal::INT).assert_done();
    there.assert_nothing_new();
    theirs.end(rustix::process::Signal::INT).assert_done();
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn stats_have_calls_and_times_of_a_running_program() {
    let before = Snapshot::take();
    let (_folder, theirs) = base();
    let counts = "/proc/sys/kernel/bpf_stats_enabled";
    std::fs::write(counts, "1").expect("this is root");
    let finished = output(binary().args([
        "trace",
        "xdp:lo",
        "--view",
        "stats",
        "--",
        "ping",
        "-q",
        "-c",
        "3",
        "-W",
        "1",
        "127.0.0.1",
    ]));
    std::fs::write(counts, "0").expect("this is root");
    finished.assert_done();
    // Two programs, one at each moment of six calls.
    assert!(finished.stdout.contains(" a run, the mean of 12.\n"), "{}", finished.stdout);
    let row = finished.stdout.lines().find(|line| line.starts_with("xdp_host")).expect("a row");
    let cells: Vec<_> = row.split_whitespace().collect();
    // Each packet is an entry and a return, and passes the loopback once.
    assert_eq!(&cells[1..4], ["trace", "12", "6"], "{}", finished.stdout);
    theirs.end(rustix::process::Signal::INT).assert_done();
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_dispatcher_that_is_built_anew_is_told_at_once_and_followed() {
    let before = Snapshot::take();
    {
        let dispatched = Dispatched::new();
        let old = one(&listed(&["xdp:lo"]), "xdp_dispatcher")["id"].as_u64().expect("a number");
        let mut command = binary();
        command.args(["trace", "xdp:lo", "--follow", "--format", "json"]).stdout(Stdio::piped());
        let live = Live::start(&mut command);
        let changes = |text: &str| {
            let record = |line| serde_json::from_str::<Value>(line).expect("JSON");
            let mut records: Vec<_> = text.lines().map(record).collect();
            records.retain(|record| record["record"] == "program_changed");
            records
        };
        shell(&format!("xdp-loader load -m skb lo {}", Dispatched::object("alw_udp")));
        live.wait_for(|text| changes(text).len() == 1);
        ping("127.0.0.1");
        live.wait_for(|text| text.matches("\"kind\":\"fexit\"").count() >= 3);
        let new = one(&listed(&["xdp:lo"]), "xdp_dispatcher")["id"].as_u64().expect("a number");
        assert_ne!(new, old);
        drop(dispatched);
        live.wait_for(|text| changes(text).len() == 2);
        let finished = live.end(rustix::process::Signal::INT);
        finished.assert_done();
        let told = changes(&finished.stdout);
        let told: Vec<_> =
            told.iter().map(|it| [&it["program"], &it["now"], &it["followed"]]).collect();
        assert_eq!(
            told,
            [[&json!(old), &json!(new), &json!(true)], [&json!(new), &Value::Null, &json!(false)]]
        );
        assert_schema(&finished);
        let said = &finished.stderr;
        assert_eq!(said.matches("\nFC0516\n").count(), 2, "{said}");
        assert!(said.contains(&format!("`xdp_dispatcher` (program {old})")), "{said}");
        assert!(said.contains(&format!("program {new} now")), "{said}");
    }
    before.assert_nothing_new();
}
