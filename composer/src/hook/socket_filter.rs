//! Socket filters: frames of an interface, as a packet socket gets them.

use super::{HostKind, Mechanism, Refusal, Refused, TargetKey, Template};
use crate::object::{ProgramKind, ProgramType};

pub(super) static SOCKET_FILTER: HostKind = HostKind {
    name: "socket_filter",
    aliases: &["socket"],
    summary: "A packet socket at a network interface, which sees the frames that are received and \
              sent.",
    program: ProgramKind::SocketFilter,
    program_type: ProgramType::SocketFilter,
    section: "socket",
    expected_attach_type: |_| None,
    attach_btf: |_| None,
    not_replaceable: None,
    // Frames are received in whatever context the kernel is in.
    has_task: false,
    verdicts: &[],
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
    settings: &[],
    mechanism: |attach| Mechanism::PacketSocket(&attach.target),
    needs: &[],
    modules: &[],
    exclusive: None,
    map: None,
    // Interfaces are a machine's, not a kernel's.
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/socket_filter.bpf.c"),
        target: "lo",
        elsewhere: None,
        stub: "length",
        traffic: "ping -c 1 127.0.0.1",
        since: None,
    },
    source: (
        "int f(struct __sk_buff *ctx)",
        "the frame, read with `bpf_skb_load_bytes`; it returns how many bytes of it the socket \
         keeps, 0 for none",
    ),
};

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    matches!(refused.errno, "ENODEV" | "ENOENT").then(|| {
        Refusal::no_target(
            format!("network interface {} not found", refused.attach.target),
            "List the interfaces with: ip link".to_owned(),
        )
    })
}
