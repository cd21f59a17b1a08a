//! Several things at once: what one rule allows must not be hidden by another, and of two mistakes
//! the kernel names one.

use freplace_compose::diag::Code;

use crate::case::{
    Case, KPROBE, TRACEPOINT, XDP, breaks, fentry, fexit, host, keeps, replacement, stub, tracer,
};

/// A chain of everything that goes together.
fn rich() -> String {
    host("net", "two-stubs/both", XDP)
        + &host("probe", "hosts/at_kprobe", KPROBE)
        + &host("point", "hosts/at_tracepoint", TRACEPOINT)
        + &stub("left", "left", &["net"])
        + &stub("right", "right", &["net"])
        + &stub("value", "stub_value", &["probe", "point"])
        + &replacement("new_left", "two-stubs/in_parts", "left")
        + &replacement("new_value", "replacements/answer_seven", "value")
        + &fentry("before_left", "new_left")
        + &fexit("after_left", "new_left")
        + &fentry("before_right", "right")
        + &fexit("after_inner", "net:inner")
        + &tracer("entry", "fentry", "new_value", "tracers/entry")
        + &tracer("leave", "fexit", "new_value", "tracers/leave")
        + &tracer("mark", "fentry", "point", "tracers/mark")
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        keeps(Code::TracedAndReplaced, "combined/everything that goes together", rich()),
        breaks(
            Code::ReplacedTwice,
            "combined/and one stub replaced again",
            rich() + &replacement("again", "two-stubs/pass", "left"),
        ),
        breaks(
            Code::TracedAndReplaced,
            "combined/and a replaced stub traced",
            rich() + &fexit("wrong", "value"),
        ),
        breaks(
            Code::PrototypeMismatch,
            "combined/and a replacement of another prototype",
            rich() + &replacement("wrong", "replacements/answer_seven", "right"),
        ),
        breaks(
            Code::StaticStub,
            "combined/and a static function replaced",
            rich()
                + &stub("inner", "twice", &["point"])
                + &replacement("wrong", "replacements/answer_seven", "inner"),
        ),
        breaks(
            Code::HookTaken,
            "combined/and a second program at the interface",
            rich() + &host("again", "two-stubs/one", XDP),
        ),
        breaks(
            Code::PrototypeMismatch,
            "combined/a wrong prototype and a function replaced twice",
            rich()
                + &replacement("again", "two-stubs/pass", "left")
                + &replacement("wrong", "replacements/answer_seven", "right"),
        ),
        breaks(
            Code::ReplacedTwice,
            "combined/replaced twice and traced",
            rich() + &replacement("again", "two-stubs/pass", "left") + &fentry("wrong", "left"),
        ),
        breaks(
            Code::WrongNodeKind,
            "combined/and part of a replacement replaced",
            rich()
                + &stub("part", "part", &["new_left"])
                + &replacement("wrong", "two-stubs/pass", "part"),
        ),
    ]
}
