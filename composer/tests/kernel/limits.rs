//! Chains that ask for much, and an end that comes early: the limits of this process are told as
//! what they are, and nothing is left.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::{PermissionsExt as _, chown, lchown, symlink},
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::{
    environment::lacking,
    support::{
        Finished, Folder, Live, Snapshot,
        events::events,
        eventually, fire,
        process::{binary, output},
        recipe, run,
    },
};

/// So many hosts at one tracepoint, which takes 64.
fn hosts(count: usize) -> Folder {
    at("tracepoint", "syscalls/sys_enter_getpgid", count)
}

/// So many hosts at one place.
fn at(hook: &str, place: &str, count: usize) -> Folder {
    let mut text = "name = \"many\"\n".to_owned();
    for number in 0..count {
        let _ = writeln!(
            text,
            "[host.h{number}]\nobject = \"hosts.o\"\nprogram = \"at_{hook}\"\n\
             attach = {{ {hook} = \"{place}\" }}"
        );
    }
    Folder::new(&text)
}

/// Runs `freplace-compose WORDS` in a shell, after `limit`.
fn limited(limit: &str, words: &[&str], chain: Option<&Path>) -> Finished {
    let script = format!("{limit}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(binary().get_program()).args(words).args(chain);
    output(command.stdin(Stdio::null()).args(if chain.is_some() {
        &["--", "true"][..]
    } else {
        &[]
    }))
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_hundred_and_fifty_hosts_come_up_though_the_soft_limit_is_for_256_files() {
    let folder = at("kprobe", "__x64_sys_getpgid", 150);
    let before = Snapshot::take();
    let finished = limited("ulimit -Sn 256", &["up"], Some(&folder.chain()));
    finished.assert_done();
    assert!(finished.stderr.contains("detached 150 nodes"), "{}", finished.stderr);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_tracepoint_takes_64_programs_and_says_so() {
    let before = Snapshot::take();
    run(&hosts(64).chain(), &["--", "true"]).assert_done();
    let finished = run(&hosts(65).chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0503");
    assert!(finished.stderr.contains("already has 64 programs"), "{}", finished.stderr);
    before.assert_nothing_new();
}

/// A command is not to see what `up` raised for itself: programs that use select(2) rely on it.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_command_has_the_limit_that_up_was_started_with() {
    let folder = hosts(1);
    let script = "ulimit -Sn 321; exec \"$0\" up \"$1\" -- sh -c 'ulimit -Sn'";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(binary().get_program()).arg(folder.chain());
    let finished = output(command.stdin(Stdio::null()));
    finished.assert_done();
    assert_eq!(finished.stdout, "321\n");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn files_that_cannot_be_opened_are_no_verdict_of_the_verifier() {
    let folder = hosts(40);
    let before = Snapshot::take();
    // From where a program finds no room for itself to where it is a link that does not.
    for limit in [40, 41, 61, 62] {
        let finished = limited(&format!("ulimit -n {limit}"), &["up"], Some(&folder.chain()));
        finished.assert_failed(1, "FC0512");
        assert!(finished.stderr.contains("limit on open files"), "{}", finished.stderr);
        before.assert_nothing_new();
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn files_that_cannot_be_opened_are_no_lack_of_the_kernel() {
    let before = Snapshot::take();
    let (mut told, lacking) = (0, lacking());
    for limit in [6, 9, 12, 16, 20] {
        let limit = format!("ulimit -n {limit}");
        let doctor = limited(&limit, &["doctor"], None);
        let said = format!("{limit}: {}{}", doctor.stdout, doctor.stderr);
        let is_wrong = |line: &&str| {
            line.contains("  no  ") && !lacking.iter().any(|name| line.contains(name))
        };
        assert_eq!(said.lines().find(is_wrong), None, "{said}");
        assert!(!said.contains("panicked"), "{said}");
        let up = limited(&limit, &["up"], Some(&recipe("tcp")));
        let said = format!("{limit}: {}{}", up.stdout, up.stderr);
        for wrong in ["FC0403", "FC0402", "FC0404", "FC0501", "FC0504", "panicked"] {
            assert!(!said.contains(wrong), "{said}");
        }
        told += usize::from(said.contains("FC0512"));
        before.assert_nothing_new();
    }
    assert!(told > 1, "some of them are too few for the chain");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_signal_while_the_chain_comes_up_ends_it_after_the_current_step() {
    let folder = hosts(300);
    let before = Snapshot::take();
    for signal in [Signal::INT, Signal::TERM] {
        let mut command = binary();
        command.arg("up").arg(folder.chain()).args(["--", "echo", "never"]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be run");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut said = String::new();
        while !said.contains("load    h3 ") {
            assert!(stderr.read_line(&mut said).expect("a pipe") > 0, "{said}");
        }
        kill_process(Pid::from_child(&child), signal).expect("it is still there");
        stderr.read_to_string(&mut said).expect("a pipe");
        let ended = child.wait_with_output().expect("it is our child");
        assert_eq!(ended.status.code(), Some(0), "{said}");
        assert!(ended.stdout.is_empty(), "the command was not run");
        assert!(said.contains("interrupted: ") && said.contains("rolling back"), "{said}");
        assert!(!said.contains("h299 ") && !said.contains("  attach  "), "{said}");
        before.assert_nothing_new();
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_command_does_not_outlive_a_process_that_was_killed() {
    let folder = hosts(1);
    let before = Snapshot::take();
    let arguments = ["--", "sh", "-c", "trap '' TERM HUP; echo $$; while :; do sleep 1; done"];
    let live = Live::up(&folder.chain(), &arguments);
    live.wait_for(|text| text.ends_with('\n'));
    let pid = live.stdout().trim().parse().ok().and_then(Pid::from_raw);
    let pid = pid.expect("the command wrote its number");
    assert!(test_kill_process(pid).is_ok(), "it runs");
    live.signal(Signal::KILL);
    drop(live);
    assert!(eventually(|| test_kill_process(pid).is_err()), "the command still runs");
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn two_of_one_chain_each_see_every_event_and_end_apart() {
    let folder = hosts(1);
    let before = Snapshot::take();
    let first = Live::json(&folder.chain());
    let second = Live::json(&folder.chain());
    fire(1);
    first.wait_for(|text| text.contains(r#""value":1,"#));
    let first = first.end(Signal::INT);
    first.assert_done();
    fire(2);
    let second = second.end(Signal::INT);
    second.assert_done();
    assert_eq!((events(&first).len(), events(&second).len()), (1, 2));
    before.assert_nothing_new();
    // At once, not one after the other.
    let both = [folder.chain(), folder.chain()];
    let threads = both.map(|chain| std::thread::spawn(move || run(&chain, &["--", "true"])));
    for thread in threads {
        thread.join().expect("no panic").assert_done();
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_file_beyond_its_limit_is_an_error_of_the_write() {
    let folder = hosts(1);
    let before = Snapshot::take();
    let script = "ulimit -f 0; exec \"$0\" up \"$1\" --format json -o \"$1.out\" -- true";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(binary().get_program()).arg(folder.chain());
    let finished = output(command.stdin(Stdio::null()));
    finished.assert_failed(1, "FC0509");
    assert!(finished.stderr.contains("file too large"), "{}", finished.stderr);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn files_that_others_may_change_are_told_to_root_and_refused_when_asked_for() {
    let folder = hosts(1);
    let chain = folder.chain();
    let mode = |mode| fs::set_permissions(&chain, fs::Permissions::from_mode(mode)).expect("ours");
    let owner = |user| chown(&chain, Some(user), Some(user)).expect("we are root");
    let up = |strict: &[&str]| run(&chain, &[strict, &["--", "true"]].concat());
    mode(0o644);
    assert!(!up(&["--strict"]).stderr.contains("FC0408"), "it is root's alone");
    for (bits, user) in [(0o666, 0), (0o664, 1000), (0o644, 1000)] {
        owner(user);
        mode(bits);
        let warned = up(&[]);
        warned.assert_done();
        assert!(warned.stderr.contains("FC0408"), "{bits:o} {user}: {}", warned.stderr);
        up(&["--strict"]).assert_failed(4, "FC0408");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn no_output_goes_through_a_link_that_another_user_made() {
    let folder = hosts(1);
    let chain = folder.chain();
    let (victim, link) = (chain.with_extension("victim"), chain.with_extension("link"));
    fs::write(&victim, "precious").expect("writable");
    symlink(&victim, &link).expect("writable");
    let name = link.to_str().expect("it is ASCII");
    lchown(&link, Some(1000), Some(1000)).expect("we are root");
    for option in ["--output", "--verifier-log"] {
        run(&chain, &[option, name, "--", "true"]).assert_failed(1, "FC0514");
        assert_eq!(fs::read_to_string(&victim).expect("it is there"), "precious");
    }
    // One of our own is followed.
    lchown(&link, Some(0), Some(0)).expect("we are root");
    run(&chain, &["--output", name, "--", "true"]).assert_done();
    assert_eq!(fs::read_to_string(&victim).expect("it is there"), "");
}
