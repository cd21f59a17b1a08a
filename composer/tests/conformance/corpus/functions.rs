//! The function that is replaced or traced: is it there, and can it be?

use freplace_compose::diag::Code;

use crate::case::{
    Case, KPROBE, RAW_TRACEPOINT, TRACEPOINT, XDP, breaks, fentry, fexit, host, keeps, replacement,
    stub,
};

/// `two-stubs/both`, with `function` replaced.
fn replaced(function: &str) -> String {
    host("host", "two-stubs/both", XDP)
        + &stub("stub", function, &["host"])
        + &replacement("new", "two-stubs/pass", "stub")
}

/// `two-stubs/both`, with `function` traced.
fn traced(function: &str) -> String {
    host("host", "two-stubs/both", XDP) + &fentry("tracer", &format!("host:{function}"))
}

pub(super) fn cases() -> Vec<Case> {
    let static_stub = Code::StaticStub;
    let uncalled = Code::StubNotCalled;
    let nested_code = Code::WrongNodeKind;
    let parts = host("host", "two-stubs/both", XDP)
        + &stub("stub", "left", &["host"])
        + &replacement("new", "two-stubs/in_parts", "stub");
    vec![
        breaks(static_stub, "static/one that the host calls", replaced("inner")),
        breaks(
            static_stub,
            "static/at a tracepoint",
            host("host", "hosts/at_tracepoint", TRACEPOINT)
                + &stub("stub", "twice", &["host"])
                + &replacement("new", "replacements/answer_seven", "stub"),
        ),
        breaks(
            static_stub,
            "static/at a raw tracepoint, with a good one beside it",
            host("host", "hosts/at_raw_tracepoint", RAW_TRACEPOINT)
                + &stub("stub", "twice", &["host"])
                + &replacement("new", "replacements/answer_zero", "stub")
                + &stub("good", "stub_value", &["host"])
                + &replacement("newer", "replacements/answer_zero", "good"),
        ),
        keeps(static_stub, "static/traced at its entry", traced("inner")),
        keeps(
            static_stub,
            "static/traced at its exit",
            host("host", "two-stubs/both", XDP) + &fexit("tracer", "host:inner"),
        ),
        keeps(static_stub, "static/a global one", replaced("left")),
        keeps(static_stub, "static/a global one below a global one", replaced("below")),
        breaks(uncalled, "not called/by any program", replaced("uncalled")),
        breaks(
            uncalled,
            "not called/by this program, but by another",
            host("host", "two-stubs/one", XDP)
                + &stub("stub", "left", &["host"])
                + &replacement("new", "two-stubs/pass", "stub"),
        ),
        breaks(
            uncalled,
            "not called/in one of two hosts",
            host("first", "hosts/at_kprobe", KPROBE)
                + &host("other", "uncalled/uncalled_host", XDP)
                + &stub("stub", "stub_uncalled", &["other"])
                + &replacement("new", "two-stubs/pass", "stub"),
        ),
        breaks(uncalled, "not called/and traced", traced("uncalled")),
        breaks(
            uncalled,
            "not called/and traced at its exit",
            host("host", "two-stubs/one", XDP) + &fexit("tracer", "host:below"),
        ),
        keeps(
            uncalled,
            "not called/but by this one",
            host("host", "two-stubs/one", XDP)
                + &stub("stub", "right", &["host"])
                + &replacement("new", "two-stubs/pass", "stub"),
        ),
        breaks(
            nested_code,
            "inside a replacement/replaced",
            parts.clone()
                + &stub("inside", "part", &["new"])
                + &replacement("newer", "two-stubs/pass", "inside"),
        ),
        keeps(nested_code, "inside a replacement/a replacement with functions", parts.clone()),
        keeps(nested_code, "inside a replacement/traced", parts.clone() + &fentry("t", "new:part")),
        keeps(
            nested_code,
            "inside a replacement/static and traced",
            parts + &fexit("t", "new:inner"),
        ),
    ]
}
