//! The kernel's own words → the rule they belong to.
//!
//! The words are those that the pages quote under "The kernel": a page says once what the kernel
//! answers, for readers and for this. In a quotation `…` stands for what differs from case to case,
//! and a number for any number.

use super::Code;

impl Code {
    /// The codes whose pages quote what the kernel says in `line`: those with the longest
    /// quotation, which are several when the kernel has the same words for several rules.
    #[must_use]
    pub fn of_kernel_words(line: &str) -> Vec<Self> {
        let line = &numberless(line);
        let mut longest = 0;
        let mut found = Vec::new();
        for code in Self::ALL {
            let quotations = code.page().kernel.map(quotations).unwrap_or_default();
            let matching = quotations.iter().filter(|quotation| fits(quotation, line));
            let Some(length) = matching.map(String::len).max() else { continue };
            if length > longest {
                longest = length;
                found.clear();
            }
            if length == longest {
                found.push(*code);
            }
        }
        found
    }
}

/// `text` with every number as 0.
fn numberless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' if out.ends_with('0') => {}
            '0'..='9' => out.push('0'),
            other => out.push(other),
        }
    }
    out
}

/// What stands between quotation marks in `text`, each on one line, with every number as 0.
fn quotations(text: &str) -> Vec<String> {
    let flat = numberless(text).split_whitespace().collect::<Vec<_>>().join(" ");
    flat.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether the parts of `quotation` stand in `line` in their order.
fn fits(quotation: &str, line: &str) -> bool {
    let parts = quotation.split('…').flat_map(|part| part.split("..."));
    let mut rest = Some(line);
    let mut any = false;
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        any = true;
        rest = rest.and_then(|rest| rest.split_once(part)).map(|(_, rest)| rest);
    }
    any && rest.is_some()
}

#[cfg(test)]
mod tests {
    use super::{Code, fits, quotations};

    /// What the two kernels of the tests said, and whose page tells of it.
    const SAID: &[(&str, &[Code])] = &[
        (
            "arg0 in freplace_handler() is INT while stub_filter() has PTR",
            &[Code::PrototypeMismatch],
        ),
        ("new() has 1 args while stub_value() has 2 args", &[Code::PrototypeMismatch]),
        ("Return type INT of new() doesn't match type VOID of old()", &[Code::PrototypeMismatch]),
        (
            "Global function stub_void() doesn't return scalar. Only those are supported.",
            &[Code::StubResult],
        ),
        (
            "Subprog verdict doesn't exist",
            &[Code::UnknownFunction, Code::StubNotCalled, Code::ConstantOff],
        ),
        ("twice() is not a global function", &[Code::StaticStub]),
        ("Cannot replace static functions", &[Code::StaticStub, Code::UntrustedEntry]),
        ("Cannot recursively attach", &[Code::WrongNodeKind, Code::NestedTracing]),
        ("Cannot nest tracing program attach more than once", &[Code::NestedTracing]),
        (
            "Extension program changes packet data, while original does not",
            &[Code::ChangesPacketData],
        ),
        ("Can attach to only JITed progs", &[Code::NoTrampoline]),
        (
            "FENTRY/FEXIT program can only be attached to another program annotated with BTF",
            &[Code::NoObjectBtf],
        ),
        ("invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)", &[]),
        ("", &[]),
    ];

    #[test]
    fn the_kernels_words_lead_to_the_page_that_quotes_them() {
        for (said, codes) in SAID {
            assert_eq!(Code::of_kernel_words(said), *codes, "{said}");
        }
    }

    /// What the verifier says of code, and the number of the rule.
    const OF_CODE: &[(&str, u16)] = &[
        ("unknown func bpf_get_current_pid_tgid#14", 310),
        ("program of this type cannot use helper bpf_override_return#58", 310),
        ("cannot call GPL-restricted function from non-GPL compatible program", 311),
        ("Caller passes invalid args into func#1", 312),
        ("Caller passes invalid args into func#2 ('stub_noted')", 312),
        (
            "At program exit the register R0 has value (0x1; 0x0) should have been in (0x0; 0x0)",
            313,
        ),
        ("At program exit the register R0 has smin=1 smax=1 should have been in [0, 0]", 313),
        (
            "At program exit the register R0 has unknown scalar value should have been in [0, 3]",
            313,
        ),
        ("R2 invalid mem access 'mem_or_null'", 314),
        ("invalid bpf_context access off=8 size=8", 315),
    ];

    #[test]
    fn a_rule_about_code_quotes_what_the_verifier_says() {
        for (said, number) in OF_CODE {
            // A rule without a code of its own yet leads nowhere, and so to nothing wrong.
            let code = Code::ALL.iter().copied().find(|code| *code as u16 == *number);
            assert_eq!(Code::of_kernel_words(said), Vec::from_iter(code), "{said}");
        }
    }

    #[test]
    fn a_quotation_may_run_over_lines_and_leave_out_names() {
        assert_eq!(quotations("EINVAL, \"a\n  b\" and \"c\"."), ["a b", "c"]);
        assert!(fits("… is … while … has", "arg0 in f() is INT while g() has PTR"));
        assert!(fits("R0 ... in [0, 0]", "R0 has smin=1 smax=1 should have been in [0, 0]"));
        assert_eq!(quotations("\"func#12 of 3\""), ["func#0 of 0"]);
        assert!(!fits("has … is", "arg0 in f() is INT while g() has PTR"), "the order counts");
        assert!(!fits("…", "anything"));
    }

    #[test]
    fn no_quotation_fits_nearly_everything() {
        for code in Code::ALL {
            for quotation in code.page().kernel.map(quotations).unwrap_or_default() {
                let letters = quotation.chars().filter(|letter| letter.is_alphabetic()).count();
                assert!(letters > 8, "{code}: {quotation:?} says too little");
            }
        }
    }
}
