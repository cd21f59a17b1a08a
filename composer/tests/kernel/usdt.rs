//! Hosts at USDT probes. This program has some itself, as `sys/sdt.h` writes them.
#![allow(unsafe_code, reason = "notes in the executable, and a counter that the kernel writes")]

use std::{arch::asm, env, hint::black_box};

use rustix::process::Signal;

use crate::support::{
    Folder, Live, Snapshot,
    events::{assert_schema, events, of},
    eventually, run,
};

/// How many tracers look at the probe `counted`; a place for the kernel to write to.
#[unsafe(link_section = ".probes")]
static mut COUNTER: u16 = 0;

/// Whether somebody looks at the probe `counted`.
fn is_watched() -> bool {
    // SAFETY: nobody of this program writes to it, and a volatile read takes what is there.
    unsafe { (&raw const COUNTER).read_volatile() != 0 }
}

/// A probe with the name `$name` here: a `nop`, and the note that says where its arguments are.
macro_rules! probe {
    ($name:literal, $counter:literal, $arguments:literal, $($operands:tt)*) => {
        asm!(
            "990: nop",
            ".pushsection .note.stapsdt, \"\", \"note\"",
            ".balign 4",
            ".4byte 992f - 991f, 994f - 993f, 3",
            "991: .asciz \"stapsdt\"",
            "992: .balign 4",
            "993: .8byte 990b",
            ".8byte 0",
            concat!(".8byte ", $counter),
            ".asciz \"fc_test\"",
            concat!(".asciz \"", $name, "\""),
            concat!(".asciz \"", $arguments, "\""),
            "994: .balign 4",
            ".popsection",
            $($operands)*
        )
    };
}

#[inline(never)]
fn in_registers(first: i32, second: u64) {
    // SAFETY: it does nothing.
    // The dollar of a constant is escaped: in text for the assembler it has a meaning of its own.
    unsafe { probe!("twice", "0", "-4@%edi 8@%rsi -8@\\044-7", in("edi") first, in("rsi") second) };
}

#[inline(never)]
fn in_memory(values: &[u32; 3]) {
    // SAFETY: it does nothing.
    unsafe { probe!("twice", "0", "-4@8(%rdi) 4@(%rdi) 1@4(%rdi)", in("rdi") values) };
}

#[inline(never)]
fn counted(first: i32) {
    // SAFETY: it does nothing.
    unsafe { probe!("counted", "{counter}", "-4@%edi", in("edi") first, counter = sym COUNTER) };
}

#[inline(never)]
fn in_vector() {
    // SAFETY: it does nothing.
    unsafe { probe!("in_vector", "0", "-4@%edi 8@%xmm0", options(nomem)) };
}

fn chain(probe: &str, more: &str) -> String {
    let binary = env::current_exe().expect("it runs");
    format!(
        r#"
        name = "probes"
        host.h = {{ object = "usdt.o", program = "usdt_host", attach = {{ usdt = "{}:fc_test:{probe}"{more} }} }}
        stub.answer = {{ function = "probe_answer", hosts = ["h"] }}
        replacement.first = {{ object = "usdt.o", program = "answer_first", stub = "answer" }}
        tracer.t = {{ trace = "h" }}
        tracer.u = {{ trace = "first" }}
        "#,
        binary.display()
    )
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_probe_in_two_places_has_its_arguments_from_both() {
    let before = Snapshot::take();
    let own = std::process::id();
    let folder = Folder::new(&chain("twice", &format!(", cookie = 9, pid = {own}")));
    let live = Live::json(&folder.chain());
    in_registers(black_box(-3), black_box(1 << 40));
    in_memory(black_box(&[70_000, 0x1ff, 5]));
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_schema(&finished);
    before.assert_nothing_new();
    let events = events(&finished);
    let data: Vec<_> = of(&events, "h").iter().map(|event| event["data"].clone()).collect();
    let event = |first: i64, second: i64, third: i64| {
        serde_json::json!({
            "first": first, "second": second, "third": third,
            "cookie": 9, "count": 3, "answer": first,
        })
    };
    assert_eq!(data, [event(-3, 1 << 40, -7), event(5, 70_000, 0xff)], "{events:#?}");
    for tracer in ["t", "u"] {
        assert_eq!(of(&events, tracer).len(), 4, "entries and returns: {events:#?}");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_counter_of_a_probe_says_that_somebody_looks() {
    let before = Snapshot::take();
    assert!(!is_watched());
    let folder = Folder::new(&chain("counted", ""));
    let live = Live::json(&folder.chain());
    assert!(is_watched());
    counted(black_box(4));
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert!(eventually(|| !is_watched()), "the counter is what it was");
    before.assert_nothing_new();
    let events = events(&finished);
    let [event] = &of(&events, "h")[..] else { panic!("{events:#?}") };
    assert_eq!((&event["data"]["first"], &event["data"]["count"]), (&4.into(), &1.into()));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn an_argument_that_cannot_be_read_is_told_with_its_place() {
    let before = Snapshot::take();
    let folder = Folder::new(&chain("in_vector", ""));
    if black_box(false) {
        in_vector();
    }
    let finished = run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(1, "FC0504");
    for words in ["(number 2, `8@%xmm0`,", "at offset 0x", "Attach a uprobe"] {
        assert!(finished.stderr.contains(words), "{words}: {}", finished.stderr);
    }
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_probe_that_is_not_there_is_told() {
    let before = Snapshot::take();
    for (folder, words) in [
        (Folder::new(&chain("no_such_probe", "")), "List its probes with: readelf -n"),
        (Folder::new(&chain("twise", "")), "Did you mean `fc_test:twice`?"),
        (
            Folder::new(&chain("twice", "").replace("usdt = \"/", "usdt = \"/no_such_folder/")),
            "not found",
        ),
        (Folder::new(&chain("twice", ", pid = 4000000")), "process 4000000 not found"),
    ] {
        let finished = run(&folder.chain(), &["--", "true"]);
        finished.assert_failed(1, "FC0502");
        assert!(finished.stderr.contains(words), "{words}: {}", finished.stderr);
    }
    before.assert_nothing_new();
}
