//! The micro-VM as a user meets it: what comes back, what does not, and that nothing stays behind.
//!
//! Each test boots one, which takes some seconds and a kernel in the user's cache; `cargo xtask
//! test` runs them in a step of their own.

mod cache;
#[path = "../common/mod.rs"]
mod common;
mod luggage;
mod recipes;
#[allow(missing_docs, unreachable_pub, dead_code, reason = "a part of another test")]
#[path = "../recipe_sources/registry.rs"]
mod registry;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use common::{program, run, shown, workspace};
use freplace_compose::chain::recipes;
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that a test waits for: a boot on a busy machine.
const BOUND: Duration = Duration::from_secs(120);

fn vm(script: &str) -> std::process::Output {
    run(&workspace(), &["vm", "--quiet", "--kernel", "6.1", "--", "sh", "-c", script])
}

/// Processes called qemu whose parent is `child` or that `child` started through another.
fn qemus_of(child: &Child) -> Vec<u32> {
    let parent = |pid: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse::<u32>().ok()
    };
    let all = fs::read_dir("/proc").expect("there is a /proc").flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_qemu = |pid: &u32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.starts_with("qemu") && parent(*pid) == Some(child.id())
    };
    all.filter(is_qemu).collect()
}

#[track_caller]
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + BOUND;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(20)); // between two looks; the bound decides
    }
}

/// An `up` in a micro-VM that is listening, and the lines of its stderr from there on.
fn listening() -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child =
        program(&workspace(), &["--color", "never", "up", "--vm=6.1", "chains/xdp.toml"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it was built for this test");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut seen = String::new();
    while !seen.contains("listening") {
        let read = stderr.read_line(&mut seen).expect("it is text");
        assert!(read > 0, "it ended before it listened: {seen}");
    }
    (child, stderr)
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn the_exit_code_and_both_streams_come_back() {
    let output = vm("echo out; echo err >&2; exit 3");
    assert_eq!(shown(&output), "exit code 3\n--- stdout\nout\n--- stderr\nerr\n");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn the_profile_of_the_guests_kernel_is_printed() {
    let output = run(&workspace(), &["profile", "--vm=6.1"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("# Linux 6.1.") && text.contains("\nkernel = \"6.1\"\n"), "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn events_are_written_to_a_file_of_this_machine() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("trace.json");
    let path = file.to_str().expect("UTF-8");
    let words = ["up", "--vm=6.1", "chains/tcp.toml", "--format", "trace-event", "-o", path];
    let output = run(&workspace(), &[&words[..], &["--", "echo", "hello"]].concat());
    let text = shown(&output);
    assert!(text.starts_with("exit code 0\n--- stderr\n") && text.contains("\nhello\n"), "{text}");
    let trace: serde_json::Value =
        serde_json::from_slice(&fs::read(&file).expect("it was written")).expect("JSON");
    assert_eq!(trace[0]["args"]["name"], "tcp");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn a_panic_of_the_guest_is_an_error_with_the_end_of_the_console() {
    let output = vm("echo c >/proc/sysrq-trigger; sleep 60");
    let text = shown(&output);
    assert!(text.starts_with("exit code 1\n"), "{text}");
    assert!(text.contains("FC0601") && text.contains("panic"), "{text}");
    assert!(text.contains("sysrq"), "the console is shown: {text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn a_missing_exit_code_is_no_success() {
    let text = shown(&vm("busybox poweroff -f; sleep 60"));
    assert!(text.starts_with("exit code 1\n") && text.contains("FC0601"), "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn a_command_that_takes_too_long_is_ended() {
    let words = ["vm", "--quiet", "--kernel", "6.1", "--timeout", "2", "--", "sleep", "600"];
    let text = shown(&run(&workspace(), &words));
    assert!(text.starts_with("exit code 1\n") && text.contains("FC0601"), "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn a_chain_its_objects_and_the_command_come_along() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let below = folder.path().join("a folder/below");
    fs::create_dir_all(&below).expect("room for two folders");
    for name in ["xdp", "xdp-replacement"] {
        let object = freplace_compose_ebpf_programs::object(name).expect("built in");
        fs::write(below.join(format!("{name}.o")), object).expect("room for an object");
    }
    let chain = common::chain_text("xdp")
        .replace("builtin:xdp-replacement", "below/xdp-replacement.o")
        .replace("builtin:xdp\"", "below/xdp.o\"");
    assert!(chain.contains("below/xdp.o") && chain.contains("below/xdp-replacement.o"));
    fs::write(folder.path().join("a folder/my chain.toml"), chain).expect("room for a chain");
    // A script of this machine, which the guest has to be given.
    let script = folder.path().join("ping-twice");
    fs::write(&script, "#!/bin/sh\nping -c 1 -W 1 127.0.0.1\nping -c 1 -W 1 ::1\ntrue\n")
        .expect("room for a script");
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    let words = ["up", "--vm=6.1", "a folder/my chain.toml", "--", "./ping-twice"];
    let text = shown(&run(folder.path(), &words));
    assert!(text.starts_with("exit code 0\n"), "{text}");
    for id in ["ingress", "drop_echo", "before", "after"] {
        assert!(
            text.contains(&format!("  {id}  ")) || text.contains(&format!("  {id} ")),
            "{id}: {text}"
        );
    }
    assert!(text.contains("100% packet loss") && text.contains("= XDP_DROP"), "{text}");
}

/// Builds the example called `name` and brings its chain up around `script`.
fn example(name: &str, script: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let example = workspace().join("examples").join(name);
    let built = std::process::Command::new(example.join("build.sh")).arg(folder.path()).status();
    assert!(built.expect("there is a shell").success());
    let chain = folder.path().join("chain.toml");
    fs::copy(example.join("chain.toml"), &chain).expect("room for a chain");
    let words = ["up", "--vm=6.1", "chain.toml", "--", "sh", "-c", script];
    let text = shown(&run(folder.path(), &words));
    assert!(text.starts_with("exit code 0\n"), "{text}");
    text
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn the_example_builds_and_does_what_its_page_says() {
    let text = example("unlink", "touch /tmp/a /tmp/b.log; rm /tmp/a /tmp/b.log");
    for line in ["path=/tmp/a  = ORDINARY", "path=/tmp/b.log  = A_LOG"] {
        assert_eq!(text.matches(line).count(), 2, "the host's and the tracer's: {text}");
    }
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn the_example_of_another_tool_is_decoded_as_its_chain_says() {
    let get = |host: &str| format!("wget -q -O /dev/null http://{host}:9/");
    let text = example("other-tool", &format!("{}; {}; true", get("127.0.0.1"), get("[::1]")));
    assert!(text.contains("127.0.0.1 → 127.0.0.1:9"), "{text}");
    assert!(text.contains("family 10 is passed over"), "{text}");
    assert!(text.contains("lost events of `connect` cannot be counted"), "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn an_interrupt_undoes_the_chain_and_leaves_no_qemu() {
    let (mut child, mut stderr) = listening();
    let qemus = qemus_of(&child);
    assert_eq!(qemus.len(), 1, "{qemus:?}");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it is there");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("it is text");
    let status = child.wait().expect("it is ours");
    assert_eq!(status.code(), Some(0), "{rest}");
    assert!(rest.contains("detached 5 nodes"), "{rest}");
    wait_until("the end of qemu", || !alive(qemus[0]));
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn a_killed_parent_leaves_no_qemu() {
    let (mut child, _stderr) = listening();
    let qemus = qemus_of(&child);
    assert_eq!(qemus.len(), 1, "{qemus:?}");
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    wait_until("the end of qemu", || !alive(qemus[0]));
}

fn alive(pid: u32) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.starts_with("qemu")
}

/// A folder with chains of `test-programs`, each in a file called by its host's program.
fn verdicts(programs: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let object = freplace_compose_test_programs::object("verdicts").expect("it is a test program");
    fs::write(folder.path().join("verdicts.o"), object).expect("room for an object");
    for program in programs {
        let chain = format!(
            "[host.host]\nobject = \"verdicts.o\"\nprogram = \"{program}\"\nattach = {{ xdp = \"lo\" }}\n"
        );
        fs::write(folder.path().join(format!("{program}.toml")), chain).expect("room for a chain");
    }
    fs::write(folder.path().join("good.toml"), common::chain_text("xdp")).expect("room");
    folder
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn what_only_a_verifier_knows_is_told_against_the_chain() {
    let folder = verdicts(&["careless_host", "endless_host"]);
    let words = ["validate", "--vm", "--kernel", "6.1", "--verifier-log", "log"];
    let files = ["careless_host.toml", "good.toml", "endless_host.toml"];
    let output = run(folder.path(), &[&words[..], &files].concat());
    let text = shown(&output);
    assert!(text.starts_with("exit code 3\n"), "{text}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(lines[0].starts_with("good.toml"), "{text}");
    assert!(lines[0].contains("valid  5 nodes  accepted by the verifier of Linux 6.1."), "{text}");
    for words in [
        "[careless_host.toml:3:11]",
        "invalid access to packet",
        "verdicts.bpf.c:89  return data[0];",
        "[endless_host.toml:3:11]",
        "verdicts.bpf.c:103  for (;;)",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let log = fs::read_to_string(folder.path().join("log")).expect("it came back");
    let heads: Vec<_> = log.lines().filter(|line| line.starts_with("==> ")).collect();
    assert_eq!(heads.len(), 2, "{log}");
    assert!(heads[0].starts_with("==> careless_host.toml: `careless_host` of `host`, Linux 6.1."));
    assert!(log.contains("\n frame1: R1=ctx") && log.contains("\nprocessed "), "whole: {log}");
}

#[test]
#[ignore = "boots two micro-VMs; `cargo xtask test` does"]
fn each_kernel_asked_for_is_asked() {
    let folder = verdicts(&["forgetful_host"]);
    let unattached = common::chain_text("xdp").replace("\"lo\"", "\"eth7\"");
    fs::write(folder.path().join("elsewhere.toml"), unattached).expect("room for a chain");
    let words = ["validate", "--vm", "--kernel", "6.1,6.12", "--format", "json"];
    let files = ["good.toml", "elsewhere.toml", "forgetful_host.toml"];
    let output = run(folder.path(), &[&words[..], &files].concat());
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (number, (valid, codes)) in
        [(true, &[][..]), (true, &["FC0502 warning"]), (false, &["FC0501 error"])]
            .iter()
            .enumerate()
    {
        let file = &value[number];
        assert_eq!(file["file"], files[number]);
        assert_eq!(file["valid"], *valid);
        assert_eq!(file["diagnostics"], serde_json::json!([]), "the rules say nothing");
        for (kernel, series) in [(0, "6.1."), (1, "6.12.")] {
            let kernel = &file["kernels"][kernel];
            assert!(kernel["kernel"].as_str().is_some_and(|one| one.starts_with(series)));
            assert_eq!(kernel["valid"], *valid);
            let found = kernel["diagnostics"].as_array().expect("a list").iter();
            let text = |one: &serde_json::Value, key: &str| one[key].as_str().map(str::to_owned);
            let found: Vec<_> = found
                .map(|one| Some(text(one, "code")? + " " + &text(one, "severity")?))
                .collect::<Option<_>>()
                .expect("both are texts");
            assert_eq!(found, *codes, "{kernel}");
        }
    }
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn the_log_of_an_up_in_a_micro_vm_comes_back() {
    let folder = verdicts(&["careless_host"]);
    let words = ["up", "--vm=6.1", "--verifier-log", "log", "careless_host.toml"];
    let text = shown(&run(folder.path(), &words));
    assert!(text.starts_with("exit code 1\n") && text.contains("FC0501"), "{text}");
    let log = fs::read_to_string(folder.path().join("log")).expect("it came back");
    assert!(log.starts_with("==> careless_host.toml: `careless_host` of `host`, "), "{log}");
}

#[test]
#[ignore = "asks apt; `cargo xtask test` does"]
fn a_kernel_that_is_not_to_be_had_is_a_matter_of_the_environment() {
    for (kernel, code, words) in [
        ("9.99", "FC0602", "no Debian cloud kernel of series 9.99; available are 5.10, 6.1, 6.12"),
        ("/bin/sh", "FC0603", "not a bootable"),
        ("/no/such/vmlinuz", "FC0602", "kernel image /no/such/vmlinuz not found"),
    ] {
        let output = run(&workspace(), &["vm", "--kernel", kernel, "--", "true"]);
        let text = shown(&output);
        assert!(text.starts_with("exit code 4\n"), "{text}");
        // miette wraps the line.
        let flat = text.replace("\n  │ ", " ");
        assert!(flat.contains(code) && flat.contains(words), "{text}");
    }
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn every_new_host_comes_up_and_shows_events() {
    let hooks = ["kprobe", "kretprobe", "tracepoint", "raw_tracepoint", "xdp"];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = common::binary();
    let program = program.to_str().expect("UTF-8");
    let mut script = format!("set -e; cd '{}'\n", folder.path().display());
    for hook in hooks {
        let said =
            String::from_utf8(run(folder.path(), &["new", "host", hook]).stdout).expect("text");
        common::compile_as_printed(folder.path(), &said);
        let last = said.lines().last().expect("it says how to bring it up");
        let command = last.rsplit_once(" -- ").expect("with a command").1;
        script += &format!("'{program}' up --format json {hook}.toml -- {command}\n");
    }
    for kernel in ["6.1", "6.12"] {
        let added = folder.path().to_str().expect("UTF-8");
        let words = ["vm", "--quiet", "--kernel", kernel, "--add", added, "--add", program];
        let output = run(folder.path(), &[&words[..], &["--", "sh", "-c", &script]].concat());
        let text = shown(&output);
        assert!(text.starts_with("exit code 0\n"), "{text}");
        for hook in hooks {
            let event = format!("{{\"record\":\"event\",\"node\":\"{hook}\"");
            assert!(text.contains(&event), "{kernel} {hook}: {text}");
        }
    }
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn every_new_replacement_loads_in_the_place_of_its_stub() {
    let mut files = Vec::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in recipes() {
        let own = folder.path().join(name);
        fs::create_dir(&own).expect("room in /tmp");
        let chain = common::with_new_replacements(name, &own);
        if chain.contains("[replacement.") {
            fs::write(own.join("chain.toml"), chain).expect("room in /tmp");
            files.push(format!("{name}/chain.toml"));
        }
    }
    assert!(files.len() >= 10, "{files:?}");
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let output =
        run(folder.path(), &[&["validate", "--vm", "--kernel", "6.12"], &files[..]].concat());
    let text = shown(&output);
    assert!(text.starts_with("exit code 0\n"), "{text}");
    assert_eq!(text.matches("accepted by the verifier").count(), files.len(), "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn tests_run_on_each_kernel_and_what_came_is_written_here() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("tests.toml");
    let text = "chain = \"builtin:xdp\"\n\n[[test]]\nname = \"an echo request\"\nrun = \"ingress\"\n\
                packet = { ipv4 = {}, icmp = { type = 8 } }\nexpect = { returns = \"XDP_PASS\" }\n";
    fs::write(&file, text).expect("room in /tmp");
    let words = ["test", "--vm=6.1,6.12", "--update", "--format", "junit", "tests.toml"];
    let output = run(folder.path(), &words);
    let text = shown(&output);
    assert!(text.starts_with("exit code 1\n"), "{text}");
    for kernel in ["6.1", "6.12"] {
        let suite =
            format!("<testsuite name=\"tests.toml on Linux {kernel}\" tests=\"1\" failures=\"1\"");
        assert!(text.contains(&suite), "{text}");
    }
    assert!(text.contains("`ingress` returned XDP_DROP"), "{text}");
    let updated = fs::read_to_string(&file).expect("it is there");
    assert!(updated.contains("expect = { returns = \"XDP_DROP\" }"), "{updated}");
    let output = run(folder.path(), &["test", "--vm", "tests.toml"]);
    let text = shown(&output);
    assert!(text.starts_with("exit code 0\n") && text.contains("1 test on Linux"), "{text}");
}
