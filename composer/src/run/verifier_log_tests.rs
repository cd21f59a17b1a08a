//! Logs that the two kernels of the tests wrote of test-programs/bpf/verdicts.bpf.c.

use proptest::prelude::*;

use super::{Excerpt, instruction};
use crate::kernel::SourceLine;

/// A program, what 6.1 and 6.12 wrote of it, and what is to be shown: the words of each, the line of
/// source, the instruction.
struct Recorded {
    logs: [&'static str; 2],
    words: [&'static [&'static str]; 2],
    source: (u32, &'static str),
    instruction: &'static str,
}

macro_rules! logs {
    ($name:literal) => {
        [
            include_str!(concat!("verifier_logs/", $name, "-6.1.log")),
            include_str!(concat!("verifier_logs/", $name, "-6.12.log")),
        ]
    };
}

const PACKET: &[&str] = &[
    "invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)",
    "R1 offset is outside of the packet",
];
const BRANCH: &[&str] = &[
    "invalid access to packet, off=2 size=1, R1(id=0,off=2,r=0)",
    "R1 offset is outside of the packet",
];
const NULL: &[&str] = &["R2 invalid mem access 'mem_or_null'"];
const CONTEXT: &[&str] = &["invalid bpf_context access off=8 size=8"];
const LICENCE: &[&str] = &["cannot call GPL-restricted function from non-GPL compatible program"];
const ENDLESS: &[&str] = &["infinite loop detected at insn 1"];

const RECORDED: &[Recorded] = &[
    Recorded {
        logs: logs!("careless"), // in a function that it calls
        words: [PACKET, PACKET],
        source: (89, "return data[0];"),
        instruction: "9: (71) r0 = *(u8 *)(r1 +0)",
    },
    Recorded {
        logs: logs!("forgetful"), // behind a jump
        words: [BRANCH, BRANCH],
        source: (116, "return data[2] == 1 ? XDP_DROP : XDP_PASS;"),
        instruction: "8: (71) r1 = *(u8 *)(r1 +2)",
    },
    Recorded {
        logs: logs!("bounded"),
        words: [
            &[
                "At program exit the register R0 has value (0x1; 0x0) should have been in (0x0; 0x0)",
            ],
            &["At program exit the register R0 has smin=1 smax=1 should have been in [0, 0]"],
        ],
        source: (74, "return 1;"),
        instruction: "1: (95) exit",
    },
    Recorded {
        logs: logs!("endless"),
        words: [ENDLESS, ENDLESS],
        source: (103, "for (;;)"),
        instruction: "1: (05) goto pc-1",
    },
    Recorded {
        logs: logs!("follows"),
        words: [CONTEXT, CONTEXT],
        source: (45, "struct note *note = (struct note *)arguments[1];"),
        instruction: "0: (79) r1 = *(u64 *)(r1 +8)",
    },
    Recorded {
        logs: logs!("guessing"),
        words: [
            &["R2 type=scalar expected=fp", "Caller passes invalid args into func#1"],
            &[
                "R2 type=scalar expected=fp",
                "Caller passes invalid args into func#1 ('stub_noted')",
            ],
        ],
        source: (54, "stub_noted(ctx, (struct note *)(long)ctx->ingress_ifindex);"),
        instruction: "1: (85) call pc+2",
    },
    Recorded {
        logs: logs!("licence"),
        words: [LICENCE, LICENCE],
        source: (9, "bpf_printk(\"hello\");"),
        instruction: "3: (85) call bpf_trace_printk#6",
    },
    Recorded {
        logs: logs!("untested"),
        words: [NULL, NULL],
        source: (32, "return note->second == 2;"),
        instruction: "0: (79) r1 = *(u64 *)(r2 +8)",
    },
];

/// The line info behind a log of 6.12, which says of each piece where it comes from.
fn lines(log: &str) -> Vec<SourceLine> {
    let mut found = Vec::new();
    let mut told = None;
    for line in log.lines() {
        if let Some((text, place)) =
            line.strip_prefix("; ").and_then(|line| line.rsplit_once(" @ "))
        {
            told = place.split_once(':').map(|(file, line)| (text, file, line));
        } else if let Some((number, _)) = instruction(line)
            && let Some((text, file, line)) = told.take()
        {
            found.push(SourceLine {
                instruction: number,
                file: file.to_owned(),
                line: line.parse().expect("a number"),
                text: text.to_owned(),
            });
        }
    }
    found
}

#[test]
fn the_last_words_and_the_line_of_source_are_found_on_both_kernels() {
    for recorded in RECORDED {
        let lines = lines(recorded.logs[1]);
        for (log, words) in recorded.logs.iter().zip(recorded.words) {
            let found = Excerpt::of(log, &lines).expect("it tells something");
            assert_eq!(found.words, words);
            let source = found.source.map(|line| (line.line, line.text.as_str()));
            assert_eq!(source, Some(recorded.source), "{words:?}");
            assert_eq!(found.instruction, Some(recorded.instruction));
            let shown = words.len() + 1;
            assert_eq!(found.more + shown, log.lines().count(), "{words:?}");
        }
    }
}

#[test]
fn an_excerpt_is_drawn_in_few_lines() {
    let [_, log] = logs!("careless");
    let lines = lines(log);
    let found = Excerpt::of(log, &lines).map(|found| found.to_string());
    let expected = "verifier log\n  \
                    invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)\n  \
                    R1 offset is outside of the packet\n    \
                    verdicts.bpf.c:89  return data[0];\n    \
                    9: (71) r0 = *(u8 *)(r1 +0)\n  \
                    and 12 more lines";
    assert_eq!(found.as_deref(), Some(expected));
}

#[test]
fn what_linux_7_3_says_in_sentences_is_shown_below_its_words() {
    let log = include_str!("verifier_logs/careless-7.3.log");
    let lines = lines(log);
    let found = Excerpt::of(log, &lines).map(|found| found.to_string());
    let expected = "verifier log\n  \
                    invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)\n  \
                    R1 min value is outside of the allowed memory range\n    \
                    verdicts.bpf.c:89  return data[0];\n    \
                    9: (71) r0 = *(u8 *)(r1 +0)\n  \
                    Memory Safety: Access outside bounds\n  \
                    The verifier cannot prove offset + access_size <= object_size. Here, the minimal \
                    bound for a memory access is 0 and is outside of the object of size 0. R1 is pkt; \
                    offset is constant 0; access_size is 1; object_size is 0.\n  \
                    Add or adjust a bounds check that proves offset + access_size stays within the \
                    object.\n  \
                    and 43 more lines";
    assert_eq!(found.as_deref(), Some(expected));
}

#[test]
fn the_place_of_a_report_finds_the_line_where_no_instruction_does() {
    let whole = include_str!("verifier_logs/forgetful-7.3.log");
    let lines = lines(whole);
    let start = whole.find("Verification failed").expect("it has a report");
    let log = format!("R1 is out of the packet\n{}", &whole[start..]);
    let found = Excerpt::of(&log, &lines).expect("it tells something");
    assert_eq!(found.source.map(|line| line.line), Some(116));
}

#[test]
fn a_log_of_7_3_without_a_report_is_read_as_before() {
    let log = include_str!("verifier_logs/endless-7.3.log");
    let lines = lines(log);
    let found = Excerpt::of(log, &lines).expect("it tells something");
    assert_eq!(found.words, ENDLESS);
    assert_eq!(found.source.map(|line| line.line), Some(103));
    assert_eq!(found.report, None);
}

#[test]
fn words_without_any_instruction_are_shown_alone() {
    let found = Excerpt::of("Subprog stub doesn't exist\nprocessed 0 insns (limit 1000000)\n", &[]);
    assert_eq!(
        found.map(|found| found.to_string()).as_deref(),
        Some("verifier log\n  Subprog stub doesn't exist\n  and one more line")
    );
}

#[test]
fn a_log_of_noise_tells_nothing() {
    for log in ["", "\n\n", "processed 1 insns (limit 1000000)\n", "0: R1=ctx() R10=fp0\n; x\n"] {
        assert_eq!(Excerpt::of(log, &[]), None, "{log:?}");
    }
}

#[test]
fn what_was_said_last_counts_where_nothing_follows_the_instruction() {
    let log = "math between map_value pointer and register is not allowed\n0: (95) exit\n";
    let found = Excerpt::of(log, &[]).expect("it tells something");
    assert_eq!(found.words, ["math between map_value pointer and register is not allowed"]);
}

#[test]
fn an_instruction_is_shown_without_what_is_known_of_registers() {
    for (line, shown) in [
        ("0: (b7) r0 = 1                        ; R0_w=1", "0: (b7) r0 = 1"),
        ("4: (2d) if r3 > r2 goto pc+3 8: R1_w=pkt() R10=fp0", "4: (2d) if r3 > r2 goto pc+3"),
        ("1: (95) exit", "1: (95) exit"),
    ] {
        assert_eq!(instruction(line).map(|(_, text)| text), Some(shown));
    }
    for line in ["", "0: R1=ctx() R10=fp0", "x: (95) exit", "0: (zz) exit", "0: (é) x", "0: (95"] {
        assert_eq!(instruction(line), None, "{line}");
    }
}

proptest! {
    #[test]
    fn no_log_makes_it_stumble(log in "([0-9]{1,3}: \\([0-9a-f]{2}\\) [a-z0-9é ;:]{0,12}\n|[ -~é]{0,20}\n){0,8}") {
        let line = SourceLine { instruction: 3, file: "a.c".into(), line: 1, text: "x".into() };
        if let Some(found) = Excerpt::of(&log, std::slice::from_ref(&line)) {
            prop_assert!(!found.to_string().is_empty());
        }
    }
}
