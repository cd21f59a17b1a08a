//! Kernel messages, and the rules that they belong to.

use super::Code;

/// What kernels say where each rule is broken. `…` stands for what differs from case to case, and a
/// number for any number. The pages of the codes quote the same, for readers; a test holds both
/// together.
const WORDS: &[(Code, &[&str])] = &[
    (Code::WrongNodeKind, &["Cannot recursively attach", "Cannot extend fentry/fexit"]),
    (
        Code::NoObjectBtf,
        &["FENTRY/FEXIT program can only be attached to another program annotated with BTF"],
    ),
    (Code::UnknownFunction, &["Subprog … doesn't exist"]),
    (Code::StaticStub, &["Cannot replace static functions", "… is not a global function"]),
    (Code::StubNotCalled, &["Subprog … doesn't exist"]),
    (Code::KernelLacksName, &["invalid func unknown#195896080"]),
    (
        Code::PrototypeMismatch,
        &[
            "arg… in … while … has …",
            "… has … args while … has … args",
            "Return type … of … doesn't match type … of …",
        ],
    ),
    (
        Code::StubResult,
        &[
            "Global function … doesn't return scalar. Only those are supported.",
            "Global function … return value not void or scalar. Only those are supported.",
        ],
    ),
    (
        Code::NestedTracing,
        &["Cannot recursively attach", "Cannot nest tracing program attach more than once"],
    ),
    (Code::ChangesPacketData, &["Extension program changes packet data, while original does not"]),
    (Code::UntrustedEntry, &["Cannot replace static functions"]),
    (Code::HelperNotAvailable, &["program of this type cannot use helper …", "unknown func …"]),
    (Code::LicenceNotGpl, &["cannot call GPL-restricted function from non-GPL compatible program"]),
    (
        Code::ArgumentNotPassed,
        &[
            "Caller passes invalid args into func#1",
            "Caller passes invalid args into func#1 ('on_connect')",
            "R1 is not a scalar",
            "R1 type=scalar expected=fp",
            "arg#0 expected pointer to ctx, but got PTR",
            "arg#0 expects pointer to ctx",
            "dereference of modified ctx ptr R1 off=4 disallowed",
            "write into map forbidden, value_size=…",
            "invalid indirect access to stack",
        ],
    ),
    (Code::ResultRange, &["At program exit the register R0 has … should have been in …"]),
    (
        Code::NullNotTested,
        &[
            "R1 invalid mem access 'mem_or_null'",
            "R1 pointer arithmetic on mem_or_null prohibited, null-check it first",
            "invalid access to memory, mem_size=16 off=16 size=8",
        ],
    ),
    (
        Code::TracerDereference,
        &[
            "invalid bpf_context access off=0 size=8",
            "func 'on_request' doesn't have 2-th argument",
            "cannot access ptr member data with moff 0 in struct xdp_buff with off 0 size 4",
        ],
    ),
    (Code::TailCall, &["tail_call is only allowed in functions that return 'int'."]),
    (Code::CannotCapture, &["invalid bpf_context access"]),
    (Code::ConstantOff, &["Subprog … doesn't exist"]),
    (
        Code::FunctionPrototype,
        &[
            "arg#0 reference type('FWD …') size cannot be determined",
            "arg#0 reference type('UNKNOWN …') size cannot be determined",
            "arg#0 reference type('FUNC_PROTO …') size cannot be determined",
            "Arg#0 type STRUCT in …() is not supported yet",
            "Global function …() with 6 > 5 args",
        ],
    ),
    (
        Code::StackLimit,
        &[
            "combined stack size of … calls is …. Too large",
            "the call stack of … frames is too deep",
            "back-edge from insn 11 to 4",
        ],
    ),
    (Code::NotSleepable, &["… is not sleepable"]),
    (
        Code::LockInTracing,
        &["tracing progs cannot use bpf_spin_lock yet", "tracing progs cannot use bpf_timer yet"],
    ),
    (
        Code::HelperNull,
        &[
            "R7 invalid mem access 'ringbuf_mem_or_null'",
            "R1 type=ringbuf_mem_or_null expected=ringbuf_mem",
            "R0 invalid mem access 'alloc_mem_or_null'",
            "R0 invalid mem access 'map_value_or_null'",
            "pointer arithmetic on map_value_or_null prohibited",
            "R1 type=scalar expected=ringbuf_mem",
        ],
    ),
    (Code::NoTrampoline, &["Extension programs should be JITed", "Can attach to only JITed progs"]),
];

impl Code {
    /// The codes of the rules that the kernel message in `line` belongs to: those with the longest
    /// pattern, several if they share one.
    #[must_use]
    pub fn of_kernel_words(line: &str) -> Vec<Self> {
        let line = &numberless(line);
        let mut longest = 0;
        let mut found = Vec::new();
        for (code, words) in WORDS {
            let words = words.iter().map(|words| numberless(words));
            let matching = words.filter(|words| fits(words, line));
            let Some(length) = matching.map(|words| words.len()).max() else { continue };
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

/// Whether the parts of `words` stand in `line` in their order.
fn fits(words: &str, line: &str) -> bool {
    let mut rest = Some(line);
    for part in words.split('…').map(str::trim) {
        rest = rest.and_then(|rest| rest.split_once(part)).map(|(_, rest)| rest);
    }
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use super::{Code, WORDS, fits, numberless};

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

    /// What stands between quotation marks in `text`, each on one line.
    fn quotations(text: &str) -> Vec<String> {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        flat.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_pages_quote_these_words_and_no_others() {
        for code in Code::ALL {
            let quoted = code.page().kernel.map(quotations).unwrap_or_default();
            let mut rows = WORDS.iter().filter(|(of, _)| of == code);
            let words = rows.next().map_or(&[][..], |(_, words)| words);
            assert_eq!(quoted, words, "the page of {code}, and its words");
            assert!(rows.next().is_none(), "{code} has two rows");
        }
    }

    #[test]
    fn words_leave_out_names_and_numbers() {
        assert!(fits("… is … while … has", "arg0 in f() is INT while g() has PTR"));
        assert!(!fits("has … is", "arg0 in f() is INT while g() has PTR"), "the order counts");
        assert_eq!(numberless("func#12 of 3"), "func#0 of 0");
    }

    #[test]
    fn no_words_fit_nearly_everything() {
        for words in WORDS.iter().flat_map(|(_, words)| *words) {
            let letters = words.chars().filter(|letter| letter.is_alphabetic()).count();
            assert!(letters > 8, "{words:?} says too little");
        }
    }
}
