//! Packet data: a replacement changes it only where the stub does.

use freplace_compose::diag::Code;

use crate::case::{Broken, Case, XDP, case, host, replacement, stub};

/// The ways of `packet-helpers.bpf.c`, and whether each changes packet data.
const WAYS: [(&str, bool); 7] = [
    ("nothing", false),
    ("looks", false),
    ("time", false),
    ("head", true),
    ("meta", true),
    ("tail", true),
    ("indirectly", true),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (original, stub_changes) in WAYS {
        for (new, changes) in WAYS {
            let refused = changes && !stub_changes;
            cases.push(case(
                Code::ChangesPacketData,
                format!("packet data/{new} for {original}"),
                if refused { Broken::From(6, 12) } else { Broken::Nowhere },
                host("host", "packet-helpers/host", XDP)
                    + &stub("stub", &format!("stub_{original}"), &["host"])
                    + &replacement("new", &format!("packet-helpers/replace_{new}"), "stub"),
            ));
        }
    }
    cases
}
