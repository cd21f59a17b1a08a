//! Cookies of attachments: a program at each hook that hands one over reads it.

use std::fs;

use rustix::process::Signal;

use crate::{
    environment, running,
    support::{Folder, Live, Snapshot, events::events, eventually, fire, run},
};

/// More than 32 bits, so that both halves are seen.
const COOKIE: u64 = 0x1234_5678_9abc;

/// Each hook with a program of cookies.bpf.c that is called as it is, a target that `traffic` comes to,
/// and what a kernel without its cookies lacks.
const HOOKS: [(&str, &str, Option<&str>); 14] = [
    ("kprobe", "__x64_sys_getpgid", None),
    ("kretprobe", "__x64_sys_getpgid", None),
    ("ksyscall", "getpgid", None),
    ("kprobe_multi", "__x64_sys_getpg?d", Some("kprobe multi links")),
    ("uprobe", "libc:getpid", None),
    ("uretprobe", "libc:getpid", None),
    ("tracepoint", "syscalls/sys_enter_getpgid", None),
    ("raw_tracepoint", "sys_enter", Some("cookies at raw tracepoints")),
    ("tp_btf", "sys_enter", Some("cookies at raw tracepoints")),
    ("fentry", "__x64_sys_getpgid", Some("cookies at functions")),
    ("fexit", "__x64_sys_getpgid", Some("cookies at functions")),
    ("fmod_ret", "security_file_open", Some("cookies at functions")),
    ("lsm", "file_open", Some("cookies at functions")),
    ("perf_event", "cpu-clock", None),
];

fn chain(hook: &str, target: &str) -> String {
    format!(
        r#"
        name = "cookies"
        [host.h]
        object = "cookies.o"
        program = "at_{hook}"
        attach = {{ {hook} = "{target}", cookie = {COOKIE} }}
        "#
    )
}

/// Comes to each of the targets.
fn traffic() {
    fire(31);
    fs::File::open("/proc/version").expect("it is readable");
    assert_eq!(
        std::process::id(),
        rustix::process::getpid().as_raw_nonzero().get().cast_unsigned()
    );
    let _ = (0..2_000_000_u64).fold(0, |sum, number| sum ^ std::hint::black_box(number));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_reads_the_cookie_of_its_attachment() {
    let lacking = environment::lacking();
    let before = Snapshot::take();
    for (hook, target, need) in HOOKS {
        let folder = Folder::new(&chain(hook, target));
        if let Some(need) = need.filter(|need| lacking.contains(need)) {
            let finished = run(&folder.chain(), &["--", "true"]);
            finished.assert_failed(4, "FC0405");
            assert!(finished.stderr.contains(need), "{hook}: {}", finished.stderr);
            continue;
        }
        let live = Live::json(&folder.chain());
        assert!(
            eventually(|| {
                traffic();
                live.stdout().contains(r#""node":"h""#)
            }),
            "{hook}"
        );
        let finished = live.end(Signal::INT);
        finished.assert_done();
        for event in events(&finished) {
            assert_eq!(event["data"]["cookie"], COOKIE, "{hook}: {event}");
        }
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn one_of_many_functions_has_a_cookie_of_its_own() {
    if environment::lacking().contains(&"kprobe multi links") {
        return;
    }
    let folder = Folder::new(
        r#"
        name = "many"
        [host.h]
        object = "cookies.o"
        program = "at_kprobe_multi"
        [host.h.attach]
        kprobe_multi = "__x64_sys_getpgid, __x64_sys_getpriority, __x64_sys_prlimit64"
        cookie = 5
        cookies = { __x64_sys_getpriority = 0x123456789, __x64_sys_prlimit64 = 7 }
        "#,
    );
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    fire(33);
    let _ = rustix::process::getpriority_process(None);
    let _ = rustix::process::getrlimit(rustix::process::Resource::Core);
    let functions = "__x64_sys_getpgid, __x64_sys_getpriority, __x64_sys_prlimit64";
    let host = running::listed(&["at_kprobe_multi"]);
    let places = running::places(running::one(&host, "at_kprobe_multi"));
    assert_eq!(places, [format!("kprobe_multi {functions}")]);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    before.assert_nothing_new();
    let events = events(&finished);
    for cookie in [5, 0x0001_2345_6789_u64, 7] {
        let is_it = |event: &serde_json::Value| event["data"]["cookie"] == cookie;
        assert!(events.iter().any(is_it), "{cookie}: {events:#?}");
    }
}

/// One program at two places, which it tells apart.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn hosts_of_one_program_have_cookies_of_their_own() {
    let host = |id: &str, attach: &str| {
        format!(
            r#"host.{id} = {{ object = "cookies.o", program = "at_kprobe", attach = {attach} }}"#
        )
    };
    let folder = Folder::new(&format!(
        "name = \"two\"\n{}\n{}\n{}\n",
        host("one", "{ kprobe = \"__x64_sys_getpgid\", cookie = 1 }"),
        host("two", "{ kretprobe = \"__x64_sys_getpgid\", cookie = 2 }"),
        host("none", "{ kprobe = \"__x64_sys_getpgid\" }"),
    ));
    let before = Snapshot::take();
    let live = Live::json(&folder.chain());
    fire(32);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    before.assert_nothing_new();
    let events = events(&finished);
    for (node, cookie) in [("one", 1), ("two", 2), ("none", 0)] {
        let own = events.iter().find(|event| event["node"] == node);
        let own = own.unwrap_or_else(|| panic!("{node}: {events:#?}"));
        assert_eq!(own["data"]["cookie"], cookie, "{own}");
    }
}
