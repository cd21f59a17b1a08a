//! Helpers: which type of program may call them, and under which licence.

use freplace_compose::diag::Code;

use crate::case::{
    Broken, Case, KPROBE, RAW_TRACEPOINT, TRACEPOINT, XDP, breaks_if, case, fentry, host,
    replacement, stub, tracer,
};

const HOOKS: [(&str, &str); 4] = [
    ("kprobe", KPROBE),
    ("tracepoint", TRACEPOINT),
    ("raw_tracepoint", RAW_TRACEPOINT),
    ("xdp", XDP),
];

/// The ways of `helpers.h` to ask for the current process, some of them in a roundabout way.
const ASK: [&str; 5] = ["uid", "in_static", "in_global", "behind_null", "after_a_branch"];
/// Those that no kernel refuses anywhere.
const HARMLESS: [&str; 4] = ["nothing", "print", "uid_never", "redirect_never"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (hook, attach) in HOOKS {
        replacements(&mut cases, hook, attach);
        // Since 6.12 at the latest, raw tracepoints have cookies too.
        let broken = match hook {
            "xdp" => Broken::Everywhere,
            "raw_tracepoint" => Broken::Before(6, 12),
            _ => Broken::Nowhere,
        };
        cases.push(case(
            Code::HelperNotAvailable,
            format!("helper/a host asks for its cookie at a {hook}"),
            broken,
            host("host", &format!("helpers/cookie_{hook}"), attach),
        ));
    }
    tracers(&mut cases);
    licences(&mut cases);
    cases
}

/// A host at `hook` with the stub replaced by a program that goes `way`.
fn replaced(hook: &str, attach: &str, object: &str, way: &str) -> String {
    host("host", &format!("helpers/host_{hook}"), attach)
        + &stub("stub", "stub_value", &["host"])
        + &replacement("new", &format!("{object}/replace_{way}"), "stub")
}

fn replacements(cases: &mut Vec<Case>, hook: &str, attach: &str) {
    let is_xdp = hook == "xdp";
    let mut push = |way: &str, broken| {
        cases.push(case(
            Code::HelperNotAvailable,
            format!("helper/{way} in the place of a function of a {hook}"),
            broken,
            replaced(hook, attach, "helpers", way),
        ));
    };
    let if_broken = |broken| if broken { Broken::Everywhere } else { Broken::Nowhere };
    for way in ASK {
        // Allowed everywhere by 6.18, not yet by 6.12.
        push(way, if is_xdp { Broken::Before(6, 18) } else { Broken::Nowhere });
    }
    push("redirect", if_broken(!is_xdp));
    push("pid", if is_xdp { Broken::Before(6, 12) } else { Broken::Nowhere });
    for way in HARMLESS {
        push(way, Broken::Nowhere);
    }
}

fn tracers(cases: &mut Vec<Case>) {
    for (way, broken) in [
        ("uid", false),
        ("pid", false),
        ("redirect", true),
        ("in_static", false),
        ("redirect_never", false),
        ("print", false),
    ] {
        let name = format!("helper/{way} in a tracer");
        let chain = host("host", "helpers/host_xdp", XDP)
            + &tracer("tracer", "fentry", "host", &format!("helpers/trace_{way}"));
        cases.push(breaks_if(broken, Code::HelperNotAvailable, name, chain));
    }
}

fn licences(cases: &mut Vec<Case>) {
    let code = Code::LicenceNotGpl;
    for (object, licence, is_gpl) in [
        ("helpers", "GPL", true),
        ("helpers-dual", "Dual BSD/GPL", true),
        ("helpers-mit", "MIT", false),
        ("helpers-lower", "gpl", false),
    ] {
        for (way, kept) in [("print", true), ("print_never", false), ("uid", false)] {
            let broken = kept && !is_gpl;
            let name = format!("licence/{way} in a replacement under {licence}");
            cases.push(breaks_if(broken, code, name, replaced("kprobe", KPROBE, object, way)));
            let name = format!("licence/{way} in a tracer under {licence}");
            let chain = host("host", "helpers/host_xdp", XDP)
                + &tracer("tracer", "fentry", "host", &format!("{object}/trace_{way}"));
            cases.push(breaks_if(broken, code, name, chain));
        }
        let name = format!("licence/a host under {licence} that calls nothing of the kind");
        let chain = host("host", &format!("{object}/host_kprobe"), KPROBE) + &fentry("t", "host");
        cases.push(breaks_if(false, code, name, chain));
    }
    let name = "licence/a host without a licence that prints".to_owned();
    cases.push(breaks_if(true, code, name, host("host", "no-licence/prints", XDP)));
}
