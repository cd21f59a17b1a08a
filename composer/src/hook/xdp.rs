//! XDP: a network interface, before the kernel's own stack.

use super::{
    Anchor, Attach, Exclusive, HostKind, KeySpec, Mechanism, Position, Refusal, Refused, TargetKey,
    Template, Values,
};
use crate::{
    diag::Code,
    object::{AttachType, ProgramKind, ProgramType},
};

pub(super) static XDP: HostKind = HostKind {
    name: "xdp",
    aliases: &[],
    summary: "A network interface, before the kernel's network stack.",
    program: ProgramKind::Xdp,
    program_type: ProgramType::Xdp,
    section: "xdp",
    expected_attach_type: |_| Some(AttachType::Xdp),
    attach_btf: |_| None,
    not_replaceable: None,
    // It runs in whatever context the packet arrived in.
    has_task: false,
    verdicts: ACTIONS,
    returns: |_| None,
    replacement_returns: None,
    target: TargetKey {
        what: "a network interface",
        form: None,
        example: "lo",
        parts: &["interface"],
        pattern: None,
        read: TargetKey::as_it_is,
    },
    settings: &[KeySpec {
        key: MODE,
        what: "a mode of XDP",
        doc: "auto: in the driver if supported, otherwise generic. generic: supported by every \
              interface. native: in the driver.",
        values: Values::Words(&["auto", "generic", "native"]),
        excludes: &[],
        need: |_| None,
    }],
    mechanism: |attach| Mechanism::Link {
        at: Anchor::Interface(&attach.target),
        attach_type: AttachType::Xdp,
        flags: flags(attach),
        position: Position::Default,
    },
    needs: &[],
    modules: &[],
    exclusive: Some(&Exclusive {
        place: |attach| attach.target.clone(),
        help: "Write one host that calls two stubs. An interface takes one xdp program.",
    }),
    map: None,
    // Interfaces are a machine's, not a kernel's.
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/xdp.bpf.c"),
        target: "lo",
        elsewhere: None,
        stub: "verdict",
        traffic: "ping -c 1 127.0.0.1",
        since: None,
    },
    source: (
        "int f(struct xdp_md *ctx)",
        "the frame from `ctx->data` to `ctx->data_end`; it returns an `enum xdp_action`",
    ),
};

const MODE: &str = "mode";

/// `enum xdp_action`.
pub(super) const ACTIONS: &[(&str, i64)] =
    &[("XDP_ABORTED", 0), ("XDP_DROP", 1), ("XDP_PASS", 2), ("XDP_TX", 3), ("XDP_REDIRECT", 4)];

/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/if_link.h>
fn flags(attach: &Attach) -> u32 {
    match attach.word(MODE) {
        Some("generic") => 1 << 1,
        Some("native") => 1 << 2,
        _ => 0,
    }
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let interface = &refused.attach.target;
    match refused.errno {
        "ENODEV" | "ENOENT" => Some(Refusal::no_target(
            format!("network interface {interface} not found"),
            "List the interfaces with: ip link".to_owned(),
        )),
        "EBUSY" | "EEXIST" => Some(Refusal {
            code: Code::Busy,
            why: format!("{interface} already has an xdp program"),
            help: format!(
                "Detach the other program, which may belong to another freplace-compose. Show it \
                 with: ip link show dev {interface}, bpftool net. An interface takes one xdp \
                 program."
            ),
        }),
        "EOPNOTSUPP" => Some(Refusal {
            code: Code::Refused,
            why: format!("{interface} does not support this xdp mode"),
            help: "Write mode = \"generic\", which every interface supports.".to_owned(),
        }),
        _ => None,
    }
}
