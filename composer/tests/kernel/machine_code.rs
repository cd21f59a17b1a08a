//! The way of a call through the machine code of this kernel, and that it agrees with the links.

use std::fs;

use freplace_compose::machine_code;
use serde_json::Value;

use crate::{
    draft,
    support::{
        Live, Snapshot,
        process::{Finished, binary, output},
        recipe,
    },
};

fn flow(words: &[&str]) -> Finished {
    output(binary().arg("flow").args(words))
}

/// The JSON that it writes, which fits its schema.
#[track_caller]
fn json(words: &[&str]) -> Value {
    let finished = flow(&[words, &["--format", "json"]].concat());
    finished.assert_done();
    let json: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    assert_eq!(draft::check(&machine_code::schema(), &json), Ok(()), "{json:#}");
    json
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn every_recipe_that_comes_up_is_in_the_text_as_the_links_say() {
    let before = Snapshot::take();
    let mut confirmed = 0;
    for name in freplace_compose::chain::recipes() {
        let finished = flow(&["--verify", &format!("builtin:{name}")]);
        match finished.status.code() {
            Some(0) => confirmed += 1,
            // What this kernel lacks, or a package.
            Some(3 | 4) => {
                assert!(!finished.stderr.contains("FC0707"), "{name}: {}", finished.stderr);
                continue;
            }
            other => panic!("{name}: {other:?} {}", finished.stderr),
        }
        assert!(finished.stdout.contains("confirmed"), "{name}: {}", finished.stdout);
        assert!(!finished.stderr.contains("not compared"), "{name}: {}", finished.stderr);
        before.assert_nothing_new();
    }
    assert!(confirmed >= 9, "{confirmed} recipes came up");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_call_goes_from_the_kprobe_to_the_replacement_and_through_the_trampoline() {
    let before = Snapshot::take();
    let json = json(&[recipe("tcp").to_str().expect("UTF-8")]);
    assert_eq!(json["verdict"], Value::Null);
    let hosts = json["routes"].as_array().expect("a list");
    let names: Vec<_> = hosts.iter().map(|host| host["visit"]["name"].as_str()).collect();
    assert_eq!(names, [Some("k_tcp_connect"), Some("k_icsk_complete_hashdance")]);
    for host in hosts {
        assert_eq!(host["patched"]["is_nop"], true);
        let call = &host["steps"][0];
        assert_eq!(call["kind"], "call");
        assert_eq!(call["line"]["file"], "tcp.bpf.c");
        let stub = &call["on"];
        assert_eq!(stub["visit"]["name"], "stub_handler");
        let jump = &stub["steps"][0];
        assert_eq!(jump["kind"], "jump", "a replacement does not come back to the stub");
        let replacement = &jump["on"];
        // The second host comes to the same replacement.
        assert_eq!(replacement["visit"]["name"], "freplace_handler");
        let trampoline = &replacement["steps"][0]["on"];
        assert_eq!(trampoline["visit"]["kind"], "trampoline");
        let called: Vec<_> = trampoline["steps"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|step| (step["place"]["name"].as_str(), step["place"]["kind"].as_str()))
            .collect();
        assert_eq!(
            called,
            [
                (Some("fentry_freplace_handler"), Some("function")),
                (Some("freplace_handler"), Some("behind the patched bytes")),
                (Some("fexit_freplace_handler"), Some("function")),
            ]
        );
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn programs_of_another_process_are_followed_and_compared() {
    let before = Snapshot::take();
    let live = Live::json(&recipe("xdp"));
    let seen = flow(&["xdp:lo"]);
    seen.assert_done();
    for word in ["jmp drop_echo", "the replacement", "the original", "call fentry_filter"] {
        assert!(seen.stdout.contains(word), "{word}: {}", seen.stdout);
    }
    let compared = flow(&["--verify", "xdp:lo"]);
    compared.assert_done();
    assert!(compared.stdout.contains("confirmed: links and machine code agree"), "{compared:#?}");
    let verdict = &json(&["--verify", "xdp:lo"])["verdict"];
    assert_eq!(verdict["disagreements"], Value::Array(Vec::new()));
    assert!(verdict["confirmed"].as_u64() > Some(3), "{verdict}");
    flow(&["no_such_program"]).assert_failed(4, "FC0701");
    // What the kernel does not tell is said, not guessed.
    let place = "/proc/sys/kernel/kptr_restrict";
    let was = fs::read_to_string(place).expect("it is there");
    fs::write(place, "2").expect("this is root");
    let hidden = flow(&["xdp:lo"]);
    fs::write(place, was.trim()).expect("this is root");
    match hidden.status.code() {
        Some(4) => hidden.assert_failed(4, "FC0706"),
        // Root may see the code of programs all the same; names of the kernel's places are gone.
        _ => hidden.assert_done(),
    }
    live.end(rustix::process::Signal::INT).assert_done();
    before.assert_nothing_new();
}
