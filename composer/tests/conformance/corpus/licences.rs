//! Licences, and the helpers that the kernel keeps for GPL.

use freplace_compose::diag::Code;

use crate::case::{Case, KPROBE, XDP, breaks_if, host, replacement, stub, tracer};

/// What the objects of `licence.h` say, and whether the kernel takes it for GPL.
const LICENCES: [(&str, bool); 11] = [
    ("gpl", true),
    ("gpl-v2", true),
    ("gpl-more", true),
    ("dual-bsd", true),
    ("dual-mit", true),
    ("dual-mpl", true),
    ("mit", false),
    ("apache", false),
    ("small", false),
    ("gpl-2-only", false),
    ("none", false),
];

pub(super) fn cases() -> Vec<Case> {
    let about = Code::LicenceNotGpl;
    let mut cases = Vec::new();
    for (licence, is_gpl) in LICENCES {
        let of = |program: &str| format!("licence-{licence}/{program}");
        let stubbed =
            || host("host", "licence-gpl/host_free", XDP) + &stub("stub", "stub", &["host"]);
        let chains = [
            ("a host with a free helper", host("host", &of("host_free"), XDP), false),
            ("a host with a kept helper", host("host", &of("host_kept"), XDP), true),
            ("a function with a kept helper", host("host", &of("host_kept_deep"), XDP), true),
            ("a kprobe with a free helper", host("host", &of("probe_free"), KPROBE), false),
            ("a kprobe with a kept helper", host("host", &of("probe_kept"), KPROBE), true),
            (
                "a replacement with a free helper",
                stubbed() + &replacement("new", &of("replace_free"), "stub"),
                false,
            ),
            (
                "a replacement with a kept helper",
                stubbed() + &replacement("new", &of("replace_kept"), "stub"),
                true,
            ),
            (
                "an fentry with a free helper",
                stubbed() + &tracer("tracer", "fentry", "host", &of("fentry_free")),
                false,
            ),
            (
                "an fexit with a kept helper",
                stubbed() + &tracer("tracer", "fexit", "stub", &of("fexit_kept")),
                true,
            ),
        ];
        for (what, chain, kept) in chains {
            let name = format!("licence/{licence}, {what}");
            cases.push(breaks_if(kept && !is_gpl, about, name, chain));
        }
    }
    cases
}
