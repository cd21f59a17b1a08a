//! A function has one place at its entry: replaced once or traced, by so many, so deep.

use freplace_compose::diag::Code;

use crate::case::{
    Broken, Case, KPROBE, TRACEPOINT, XDP, breaks, case, fentry, fexit, host, keeps, replacement,
    stub,
};

fn both() -> String {
    host("host", "two-stubs/both", XDP)
}

fn new(id: &str, stub: &str) -> String {
    replacement(id, "two-stubs/pass", stub)
}

/// `two-stubs/both` with `left` replaced.
fn left_replaced() -> String {
    both() + &stub("left", "left", &["host"]) + &new("new", "left")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = replaced_twice();
    cases.extend(traced_and_replaced());
    cases.extend(too_many());
    cases.extend(nested());
    cases.extend(built_in());
    cases
}

fn replaced_twice() -> Vec<Case> {
    let code = Code::ReplacedTwice;
    vec![
        breaks(code, "replaced twice/one stub", left_replaced() + &new("newer", "left")),
        breaks(
            code,
            "replaced twice/three times",
            left_replaced() + &new("newer", "left") + &new("newest", "left"),
        ),
        breaks(
            code,
            "replaced twice/two stubs of one function",
            left_replaced() + &stub("again", "left", &["host"]) + &new("newer", "again"),
        ),
        breaks(
            code,
            "replaced twice/in one of two hosts",
            host("one", "hosts/at_kprobe", KPROBE)
                + &host("two", "hosts/at_tracepoint", TRACEPOINT)
                + &stub("both", "stub_value", &["one", "two"])
                + &stub("second", "stub_value", &["two"])
                + &replacement("new", "replacements/answer_seven", "both")
                + &replacement("newer", "replacements/answer_seven", "second"),
        ),
        breaks(
            code,
            "replaced twice/the program's entry",
            both()
                + &stub("whole", "both", &["host"])
                + &new("new", "whole")
                + &new("newer", "whole"),
        ),
        keeps(
            code,
            "replaced twice/two functions",
            left_replaced() + &stub("right", "right", &["host"]) + &new("newer", "right"),
        ),
        keeps(
            code,
            "replaced twice/one below the other",
            left_replaced() + &stub("below", "below", &["host"]) + &new("newer", "below"),
        ),
        keeps(
            code,
            "replaced twice/the entry and a stub",
            left_replaced() + &stub("whole", "both", &["host"]) + &new("newer", "whole"),
        ),
        keeps(
            code,
            "replaced twice/one function of two hosts",
            host("one", "hosts/at_kprobe", KPROBE)
                + &host("two", "hosts/at_kprobe", KPROBE)
                + &stub("first", "stub_value", &["one"])
                + &stub("second", "stub_value", &["two"])
                + &replacement("new", "replacements/answer_seven", "first")
                + &replacement("newer", "replacements/answer_zero", "second"),
        ),
        keeps(
            code,
            "replaced twice/a stub that nothing replaces",
            left_replaced() + &stub("again", "left", &["host"]),
        ),
    ]
}

fn traced_and_replaced() -> Vec<Case> {
    let code = Code::TracedAndReplaced;
    let whole = both() + &stub("whole", "both", &["host"]) + &new("new", "whole");
    let name = |name: &str| format!("traced and replaced/{name}");
    vec![
        breaks(code, name("the stub, at its entry"), left_replaced() + &fentry("t", "left")),
        breaks(code, name("the stub, at its exit"), left_replaced() + &fexit("t", "left")),
        breaks(
            code,
            name("by the host and a function"),
            left_replaced() + &fentry("t", "host:left"),
        ),
        breaks(
            code,
            name("by another stub of the same function"),
            left_replaced() + &stub("again", "left", &["host"]) + &fexit("t", "again"),
        ),
        breaks(code, name("the entry"), whole.clone() + &fentry("t", "host")),
        breaks(code, name("the entry, at its exit"), whole.clone() + &fexit("t", "host")),
        breaks(
            code,
            name("both ways, and the replacement too"),
            left_replaced() + &fentry("a", "left") + &fexit("b", "left") + &fexit("c", "new"),
        ),
        breaks(
            code,
            name("in one of two hosts"),
            host("one", "hosts/at_kprobe", KPROBE)
                + &host("two", "hosts/at_tracepoint", TRACEPOINT)
                + &stub("stub", "stub_value", &["one", "two"])
                + &replacement("new", "replacements/answer_seven", "stub")
                + &fentry("t", "two:stub_value"),
        ),
        keeps(code, name("the replacement"), left_replaced() + &fentry("t", "new")),
        keeps(code, name("the replacement, at its exit"), left_replaced() + &fexit("t", "new")),
        keeps(code, name("the host"), left_replaced() + &fentry("t", "host")),
        keeps(code, name("a function beside it"), left_replaced() + &fexit("t", "host:right")),
        keeps(code, name("a function below it"), left_replaced() + &fexit("t", "host:below")),
        keeps(code, name("a static function"), left_replaced() + &fexit("t", "host:inner")),
        keeps(code, name("a stub of the replaced entry"), whole + &fentry("t", "host:left")),
        keeps(
            code,
            name("a stub that nothing replaces"),
            both() + &stub("left", "left", &["host"]) + &fentry("t", "left"),
        ),
        keeps(
            code,
            name("the same function of another host"),
            host("one", "hosts/at_kprobe", KPROBE)
                + &host("two", "hosts/at_kprobe", KPROBE)
                + &stub("stub", "stub_value", &["one"])
                + &replacement("new", "replacements/answer_seven", "stub")
                + &fentry("t", "two:stub_value"),
        ),
    ]
}

/// `count` tracers on `target`, of which every other one is at the exit if `mixed`.
fn many(target: &str, count: usize, mixed: bool) -> String {
    let one = |number: usize| {
        let id = format!("t{number}");
        if mixed && number % 2 == 1 { fexit(&id, target) } else { fentry(&id, target) }
    };
    (0..count).map(one).collect()
}

fn too_many() -> Vec<Case> {
    let mut cases = Vec::new();
    let broken = |count| match count {
        ..=36 => Broken::Nowhere,
        37..=38 => Broken::From(7, 2),
        _ => Broken::Everywhere,
    };
    for (what, target) in
        [("a host", "host"), ("a replacement", "new"), ("a static function", "host:inner")]
    {
        for count in [36, 37, 38, 39] {
            for mixed in [false, true] {
                let how = if mixed { ", half of them at the exit" } else { "" };
                cases.push(case(
                    Code::TooManyTracers,
                    format!("many tracers/{count} on {what}{how}"),
                    broken(count),
                    left_replaced() + &many(target, count, mixed),
                ));
            }
        }
    }
    // A built-in tracer at the return sees the entry, too.
    for (count, more) in [(18, 0), (18, 1), (19, 0), (19, 1), (20, 0), (18, 2), (18, 3)] {
        let built_in = |number| format!("[tracer.b{number}]\nfexit = \"new\"\n");
        cases.push(case(
            Code::TooManyTracers,
            format!("many tracers/{count} built-in ones and {more} on a replacement"),
            broken(2 * count + more),
            left_replaced()
                + &(0..count).map(built_in).collect::<String>()
                + &many("new", more, false),
        ));
    }
    cases.push(keeps(
        Code::TooManyTracers,
        "many tracers/72 on two functions",
        left_replaced()
            + &many("host", 36, false)
            + &many("new", 36, false).replace("[tracer.t", "[tracer.u"),
    ));
    cases
}

/// Built-in tracers, which are loaded for what they are on.
fn built_in() -> Vec<Case> {
    let tracer = |asked: &str| format!("[tracer.b]\n{asked}\n");
    let code = Code::TracedAndReplaced;
    let mut cases = Vec::new();
    for moment in ["fentry", "fexit", "trace"] {
        for (what, target) in [
            ("a host", "\"host\""),
            ("a replacement", "\"new\""),
            ("a stub", "\"right\""),
            ("a static function", "\"host\"\nfunction = \"inner\""),
            ("another function", "\"host\"\nfunction = \"below\""),
        ] {
            let chain = left_replaced() + &stub("right", "right", &["host"]);
            let name = format!("built-in tracer/{moment} of {what}");
            cases.push(keeps(code, name, chain + &tracer(&format!("{moment} = {target}"))));
        }
        let chain = left_replaced() + &tracer(&format!("{moment} = \"left\""));
        cases.push(breaks(code, format!("built-in tracer/{moment} of a replaced stub"), chain));
    }
    cases
}

fn nested() -> Vec<Case> {
    let code = Code::NestedTracing;
    let mut cases = Vec::new();
    for (what, target) in [("a host", "host"), ("a replacement", "new"), ("a stub", "right")] {
        for (moment, on) in
            [("entry", "entry"), ("entry", "exit"), ("exit", "entry"), ("exit", "exit")]
        {
            let at = |moment: &str, id: &str, target: &str| match moment {
                "entry" => fentry(id, target),
                _ => fexit(id, target),
            };
            let chain = left_replaced()
                + &stub("right", "right", &["host"])
                + &at(on, "t0", target)
                + &at(moment, "t1", "t0");
            cases.push(case(
                code,
                format!("tracer of a tracer/{moment} of {on} of {what}"),
                Broken::Before(6, 8),
                chain,
            ));
        }
    }
    let deep = both() + &fentry("t0", "host") + &fentry("t1", "t0") + &fentry("t2", "t1");
    cases.push(breaks(code, "tracer of a tracer/of a tracer", deep.clone()));
    cases.push(breaks(code, "tracer of a tracer/four deep", deep + &fexit("t3", "t2")));
    cases.push(keeps(
        code,
        "tracer of a tracer/two on one function",
        both() + &fentry("t0", "host") + &fentry("t1", "host"),
    ));
    cases
}
