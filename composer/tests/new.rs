//! `new`: what it writes is compiled by the command it prints, and valid as it is.

mod common;

use std::{fs, path::Path, process::Output};

use common::{run, shown};

/// Every hook, and a place other than the one it has by itself.
const HOOKS: [(&str, &str); 36] = [
    ("kprobe", "tcp_connect"),
    ("kretprobe", "do_unlinkat"),
    ("tracepoint", "sched/sched_switch"),
    ("raw_tracepoint", "sched_switch"),
    ("xdp", "eth0"),
    ("tcx", "eth0"),
    ("netkit", "nk1"),
    ("tc", "eth0"),
    ("netfilter", "ipv6/local_out"),
    ("cgroup_skb", "/sys/fs/cgroup/a.slice"),
    ("cgroup_sock", "/sys/fs/cgroup/a.slice"),
    ("cgroup_sock_addr", "/sys/fs/cgroup/a.slice"),
    ("cgroup_sockopt", "/sys/fs/cgroup/a.slice"),
    ("cgroup_sysctl", "/sys/fs/cgroup/a.slice"),
    ("cgroup_device", "/sys/fs/cgroup/a.slice"),
    ("sock_ops", "/sys/fs/cgroup/a.slice"),
    ("sk_lookup", "self"),
    ("flow_dissector", "self"),
    ("perf_event", "page-faults"),
    ("kprobe_multi", "udp_*"),
    ("kretprobe_multi", "udp_*"),
    ("ksyscall", "unlinkat"),
    ("kretsyscall", "unlinkat"),
    ("uprobe", "libc:malloc"),
    ("uretprobe", "libc:malloc"),
    ("usdt", "libc:libc:longjmp"),
    ("tp_btf", "sched_switch"),
    ("fentry", "tcp_connect"),
    ("fexit", "tcp_connect"),
    ("fmod_ret", "security_bprm_check"),
    ("lsm", "bprm_check_security"),
    ("socket_filter", "eth0"),
    ("devmap", "uplinks"),
    ("cpumap", "workers"),
    ("sk_msg", "peers"),
    ("sk_skb", "peers"),
];

fn new_host(folder: &Path, words: &[&str]) -> Output {
    run(folder, &[&["new", "host"][..], words].concat())
}

#[test]
fn a_new_host_is_compiled_by_what_is_printed_and_valid_as_it_is() {
    for (hook, place) in HOOKS {
        for words in [&[hook] as &[&str], &[hook, place, "--name", "mine"]] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let output = new_host(folder.path(), words);
            assert_eq!(output.status.code(), Some(0), "{words:?}: {}", shown(&output));
            let said = String::from_utf8(output.stdout).expect("text");
            common::compile_as_printed(folder.path(), &said);
            let is_own = words.len() == 1 || place == "self";
            assert_eq!(said.contains(" -- "), is_own, "{said}");
            let chain = format!("{}.toml", words.last().expect("there is one"));
            let output = run(folder.path(), &["validate", &chain]);
            let text = shown(&output);
            assert!(text.starts_with("exit code 0\n"), "{text}");
            assert!(!text.contains("warning") && !text.contains("FC0"), "{text}");
            let attached = fs::read_to_string(folder.path().join(&chain)).expect("it was written");
            assert!(words.len() == 1 || attached.contains(&format!("{hook} = \"{place}\"")));
        }
    }
}

#[test]
fn a_folder_of_any_name_is_made_and_named_as_a_shell_takes_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let words = ["xdp", "--folder", "my first/it's über"];
    let output = new_host(folder.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let said = String::from_utf8(output.stdout).expect("text");
    common::compile_as_printed(folder.path(), &said);
    let output = run(folder.path(), &["validate", "my first/it's über/xdp.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
}

#[test]
fn nothing_is_overwritten() {
    for (taken, words) in
        [("xdp.bpf.c", &["xdp"] as &[&str]), ("mine.toml", &["kprobe", "--name", "mine"])]
    {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join(taken), "mine").expect("room for a file");
        let output = new_host(folder.path(), words);
        let text = shown(&output);
        assert!(text.starts_with("exit code 2\n") && text.contains("already exists"), "{text}");
        assert_eq!(fs::read(folder.path().join(taken)).expect("it is there"), b"mine");
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1, "{words:?}");
    }
    // The header serves every node of a folder; one that was changed is the author's own.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let header = folder.path().join("freplace_compose.h");
    assert_eq!(new_host(folder.path(), &["kprobe"]).status.code(), Some(0));
    let text = fs::read_to_string(&header).expect("it was written");
    fs::write(&header, text + "/* mine */\n").expect("room for a file");
    let output = new_host(folder.path(), &["xdp"]);
    assert!(shown(&output).contains("kept ./freplace_compose.h"), "{}", shown(&output));
    assert!(fs::read_to_string(&header).expect("it is there").ends_with("/* mine */\n"));
}

#[test]
fn what_cannot_be_a_host_is_told_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (words, code, told) in [
        (&["tracepoint", "sched_switch"] as &[&str], 2, "FC0006"),
        (&["kprobe", ""], 2, "FC0006"),
        (&["kprob"], 2, "'kprobe'"),
        (&["kprobe", "--name", "my-host"], 2, "a C identifier"),
        (&["kprobe", "--folder", "/proc/nothing"], 2, "FC05"),
    ] {
        let text = shown(&new_host(folder.path(), words));
        assert!(text.starts_with(&format!("exit code {code}\n")), "{words:?}: {text}");
        assert!(text.contains(told), "{words:?}: {text}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 0);
}

/// Runs `new` with `words`, and asserts that it is refused with `code` and says `part`.
#[track_caller]
fn refused(folder: &Path, words: &[&str], code: &str, part: &str) {
    let output = run(folder, &[&["new"], words].concat());
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(2), "{words:?}: {text}");
    assert!(text.contains(code) && text.contains(part), "{part}: {text}");
}

#[test]
fn what_a_new_replacement_cannot_be_for_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    refused(folder, &["replacement", "--for", "filter"], "FC0208", "names no function");
    refused(
        folder,
        &["replacement", "--for", "builtin:xdp:stub_filtre"],
        "FC0208",
        "`stub_filter`?",
    );
    refused(
        folder,
        &["replacement", "--for", "builtin:xpd:stub_filter"],
        "FC0205",
        "`builtin:xdp`",
    );
    refused(folder, &["replacement", "--for", "nowhere.o:f"], "FC0201", "nowhere.o");
    let words = ["new", "replacement", "--for", "builtin:xdp:stub_filter"];
    assert_eq!(run(folder, &words).status.code(), Some(0));
    refused(folder, &words[1..], "FC0508", "already exists");
    let text = fs::read_to_string(folder.join("my_stub_filter.bpf.c")).expect("it was written");
    assert!(text.contains("int my_stub_filter(struct xdp_md *ctx)\n{\n\treturn 0;\n}"), "{text}");
}

#[test]
fn new_tests_of_every_recipe_are_valid() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    for name in freplace_compose::chain::recipes() {
        let recipe = format!("builtin:{name}");
        let output = run(folder, &["new", "test", &recipe]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", shown(&output));
        let file = format!("tests/{name}.toml");
        let said = String::from_utf8(output.stdout).expect("text");
        assert_eq!(said, format!("freplace-compose test --vm --update {file}\n"));
        let output = run(folder, &["test", "--list", &file]);
        let text = shown(&output);
        assert!(text.starts_with("exit code 0\n") && text.contains(" runs"), "{name}: {text}");
    }
    refused(folder, &["test", "builtin:tcp"], "FC0508", "already exists");
}

#[test]
fn a_new_replacement_of_every_stub_of_the_gallery_is_compiled_and_valid() {
    // The dispatcher of libxdp is not on every machine.
    let recipes = freplace_compose::chain::recipes().filter(|name| *name != "dispatcher");
    for name in recipes {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let chain = common::with_new_replacements(name, folder.path());
        fs::write(folder.path().join("chain.toml"), chain).expect("room in /tmp");
        let text = shown(&run(folder.path(), &["validate", "chain.toml"]));
        assert!(text.starts_with("exit code 0\n"), "{name}: {text}");
    }
}
