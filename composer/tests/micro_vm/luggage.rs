//! What comes along into the micro-VM, what stays behind, and traffic in it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Output};

use crate::common::{program, run, shown, workspace};

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("room");
    fs::write(path, text).expect("room for a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

fn flat(output: &Output) -> String {
    shown(output).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "boots a micro-VM and fetches modules; `cargo xtask test` does"]
fn files_modules_and_memory_come_along() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("notes"), "of mine\n").expect("room");
    let chain = workspace().join("chains/xdp.toml").canonicalize().expect("it is shipped");
    let all = "cat notes /tmp/other; cut -d' ' -f1 /proc/modules; \
               ip link add name a type veth peer name b && echo made; \
               awk '/MemTotal/ && $2 > 1200000 {print \"large\"}' /proc/meminfo";
    let words = ["up", "--vm=6.12", "--add", "notes", "--add=notes:/tmp/other", "--module", "veth"];
    let chain = [chain.to_str().expect("UTF-8"), "--memory", "1536", "--", "sh", "-c", all];
    let output = run(folder.path(), &[&words[..], &chain].concat());
    let text = shown(&output);
    assert!(text.starts_with("exit code 0\n"), "{text}");
    for line in ["of mine\nof mine\n", "\nveth\n", "\nmade\n", "\nlarge\n"] {
        assert!(text.contains(line), "{line:?}: {text}");
    }
}

#[test]
#[ignore = "boots a micro-VM and fetches modules; `cargo xtask test` does"]
fn an_interface_that_went_is_named_at_the_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let chain = crate::common::chain_text("xdp").replace(r#"xdp = "lo""#, r#"xdp = "dummy0""#);
    fs::write(folder.path().join("xdp.toml"), chain).expect("room");
    let up = ["up", "--vm=6.12", "--module", "dummy", "xdp.toml", "--", "sh", "-c"];
    let deleted = "ip link del dummy0";
    let made_again = "ip link del dummy0 && ip link add dummy0 type dummy";
    for command in [deleted, made_again, "ip link show dummy0"] {
        let text = shown(&run(folder.path(), &[&up[..], &[command]].concat()));
        assert!(text.starts_with("exit code 0\n"), "{text}");
        let told = text.contains("FC0515") && text.contains("`dummy0` of `ingress`");
        assert_eq!(told, command.contains("del"), "{command}: {text}");
        assert!(!text.contains("bug:"), "{text}");
    }
}

#[test]
#[ignore = "boots a micro-VM and fetches modules; `cargo xtask test` does"]
fn a_chain_is_judged_with_the_modules_and_files_it_needs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let chain = crate::common::chain_text("xdp").replace(r#"xdp = "lo""#, r#"xdp = "dummy0""#);
    fs::write(folder.path().join("xdp.toml"), chain).expect("room");
    let ask = |more: &[&str]| {
        shown(&run(folder.path(), &[&["validate", "--vm=6.12", "xdp.toml"], more].concat()))
    };
    let without = ask(&[]);
    assert!(without.starts_with("exit code 0\n") && without.contains("FC0502"), "{without}");
    let with = ask(&["--module", "dummy"]);
    assert!(with.starts_with("exit code 0\n") && !with.contains("FC0502"), "{with}");
    assert!(with.contains("accepted by the verifier of Linux 6.12"), "{with}");
    let nothing = ask(&["--add", "not-there"]);
    assert!(nothing.starts_with("exit code 1\n") && nothing.contains("FC0601"), "{nothing}");
    assert!(nothing.contains("not-there"), "{nothing}");
}

#[test]
#[ignore = "boots a micro-VM and fetches modules; `cargo xtask test` does"]
fn two_network_namespaces_reach_each_other_and_tc_needs_no_module_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let written = run(folder.path(), &["new", "host", "tc", "eth0"]);
    assert_eq!(written.status.code(), Some(0), "{}", shown(&written));
    crate::common::compile_as_printed(folder.path(), &String::from_utf8_lossy(&written.stdout));
    let all = "ping -c 1 -W 5 10.0.0.2 && ping -c 1 -W 5 fd00::2 && \
               nsenter --net=/run/netns/peer ping -c 1 -W 5 10.0.0.1 && \
               nsenter --net=/run/netns/peer ip addr show eth0";
    let words = ["up", "--vm=6.1", "--network", "tc.toml", "--", "sh", "-c", all];
    let text = shown(&run(folder.path(), &words));
    assert!(text.starts_with("exit code 0\n"), "{text}");
    assert_eq!(text.matches(" 0% packet loss").count(), 3, "{text}");
    assert!(text.contains("10.0.0.2/24") && text.contains("protocol="), "{text}");
    assert!(text.contains("0 lost") && !text.contains("FC0"), "{text}");
}

#[test]
#[ignore = "fetches modules; `cargo xtask test` does"]
fn a_module_that_is_not_there_is_a_mistake_in_usage() {
    let words = ["vm", "--quiet", "--kernel", "6.12", "--module", "veht", "--", "true"];
    let text = shown(&run(&workspace(), &words));
    assert!(text.starts_with("exit code 2\n") && text.contains("FC0607"), "{text}");
    assert!(text.contains("did you mean `veth`?"), "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn files_that_a_failed_command_names_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("notes"), "of mine\n").expect("room");
    fs::write(folder.path().join("xdp.toml"), crate::common::chain_text("xdp")).expect("room");
    let words = ["up", "--vm=6.1", "xdp.toml", "--", "sh", "-c", "cat <notes | wc; cat notes"];
    let text = flat(&run(folder.path(), &words));
    assert!(text.starts_with("exit code 1 ") && text.contains("FC0506"), "{text}");
    assert!(text.contains("`notes` is on your machine but not in the micro-VM"), "{text}");
    assert!(text.contains("--add notes"), "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn an_interpreter_behind_a_shim_comes_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let perl = std::process::Command::new("sh").args(["-c", "command -v perl"]).output();
    let perl = String::from_utf8(perl.expect("there is a shell").stdout).expect("UTF-8");
    let shim = folder.path().join("shims/perl");
    script(&shim, &format!("#!/bin/sh\nexec {} \"$@\"\n", perl.trim()));
    script(
        &folder.path().join("say"),
        "#!/usr/bin/env perl\nuse POSIX; print POSIX::floor(42.5), qq(\\n);\n",
    );
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = program(folder.path(), &["vm", "-q", "--kernel", "6.1", "--", "./say"]);
    command.env("PATH", format!("{}:{path}", folder.path().join("shims").display()));
    let output = command.output().expect("it was built for this test");
    assert_eq!(shown(&output), "exit code 0\n--- stdout\n42\n");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn a_guest_that_fills_its_memory_says_so() {
    let words = ["vm", "--quiet", "--kernel", "6.1", "--memory", "512", "--", "tail", "/dev/zero"];
    let text = shown(&run(&workspace(), &words));
    assert!(text.starts_with("exit code 137\n") && text.contains("FC0606"), "{text}");
    assert!(text.contains("killed `tail`") && text.contains("--memory 1024"), "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn traffic_is_there_and_is_counted() {
    let each = "for protocol in udp tcp icmp; do for host in 127.0.0.1 ::1; do \
                freplace-compose traffic $protocol $host --count 3 --size 100 || exit 1; done; done";
    let words = ["vm", "--quiet", "--kernel", "6.1", "--", "sh", "-c", each];
    let text = shown(&run(&workspace(), &words));
    assert!(text.starts_with("exit code 0\n"), "{text}");
    assert_eq!(
        text.matches("3 of 3 datagrams sent, 3 arrived  100 bytes each").count(),
        2,
        "{text}"
    );
    assert_eq!(text.matches("3 of 3 connections sent, 3 arrived").count(), 2, "{text}");
    assert_eq!(text.matches("3 of 3 echo requests sent, 3 answered").count(), 2, "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn traffic_that_a_chain_drops_is_a_failure_unless_it_may_be_lost() {
    let script = "freplace-compose traffic icmp --count 2 --wait 200ms; echo $?; \
                  freplace-compose traffic icmp --wait 200ms --lossy; echo $?; \
                  freplace-compose traffic udp; echo $?";
    let words = ["up", "--vm=6.1", "chains/xdp.toml", "--", "sh", "-c", script];
    let text = shown(&run(&workspace(), &words));
    assert!(text.contains("2 of 2 echo requests sent, 0 answered"), "{text}");
    assert!(text.contains(" ms\n1\n") && text.contains("1 datagram sent, 1 arrived"), "{text}");
    assert!(text.contains("1 echo request sent, 0 answered"), "{text}");
}
