//! Hooks of a network namespace: which socket gets a packet, and how a packet is dissected.

use super::{
    Anchor, Exclusive, HostKind, Mechanism, Misfit, Position, Refusal, Refused, Returns, TargetKey,
    Template,
};
use crate::{
    diag::Code,
    object::{AttachType, ProgramKind, ProgramType},
};

pub(super) static SK_LOOKUP: HostKind = AT_NAMESPACE;

const AT_NAMESPACE: HostKind = HostKind {
    name: "sk_lookup",
    aliases: &[],
    summary: "The network namespace, where the kernel looks up the socket for a new connection or \
              a datagram.",
    program: ProgramKind::SkLookup,
    program_type: ProgramType::SkLookup,
    section: "sk_lookup",
    expected_attach_type: |_| Some(AttachType::SkLookup),
    attach_btf: |_| None,
    not_replaceable: None,
    // Packets are received in whatever context the kernel is in.
    has_task: false,
    verdicts: &[("SK_DROP", 0), ("SK_PASS", 1)],
    returns: |_| Some(&DROP_OR_PASS),
    replacement_returns: Some(&DROP_OR_PASS),
    target: TargetKey {
        what: "a network namespace",
        form: None,
        example: "self",
        parts: &["namespace"],
        pattern: Some("^self$"),
        read: |text| match text {
            "self" => Ok(text.to_owned()),
            _ => Err(Misfit {
                label: "not a network namespace",
                help: "Write \"self\": the namespace that freplace-compose runs in. For another \
                       one, run: ip netns exec NAME freplace-compose.",
            }),
        },
    },
    settings: &[],
    mechanism: |_| in_namespace(AttachType::SkLookup),
    needs: &[],
    modules: &[],
    exclusive: None,
    map: None,
    lookup: None,
    refused: |_| None,
    template: Template {
        program: include_str!("templates/sk_lookup.bpf.c"),
        target: "self",
        elsewhere: None,
        stub: "verdict",
        traffic: "nc -z 127.0.0.1 9",
        since: None,
    },
    source: (
        "int f(struct bpf_sk_lookup *ctx)",
        "the addresses and ports of the packet; `bpf_sk_assign` chooses a socket; it returns an \
         `enum sk_action`",
    ),
};

pub(super) static FLOW_DISSECTOR: HostKind = HostKind {
    name: "flow_dissector",
    summary: "The network namespace, where the kernel reads the headers of a packet into the keys \
              of its flow.",
    program: ProgramKind::FlowDissector,
    program_type: ProgramType::FlowDissector,
    section: "flow_dissector",
    expected_attach_type: |_| Some(AttachType::FlowDissector),
    verdicts: &[("BPF_OK", 0), ("BPF_DROP", 2), ("BPF_FLOW_DISSECTOR_CONTINUE", 129)],
    returns: |_| None,
    replacement_returns: None,
    mechanism: |_| in_namespace(AttachType::FlowDissector),
    exclusive: Some(&Exclusive {
        place: |attach| attach.target.clone(),
        help: "Write one host that calls two stubs. A network namespace takes one flow_dissector program.",
    }),
    refused: dissector_refused,
    template: Template {
        program: include_str!("templates/flow_dissector.bpf.c"),
        traffic: "ping -c 1 127.0.0.1",
        ..AT_NAMESPACE.template
    },
    source: (
        "int f(struct __sk_buff *ctx)",
        "the packet from `ctx->data` to `ctx->data_end`, and `ctx->flow_keys` to fill in",
    ),
    ..AT_NAMESPACE
};

static DROP_OR_PASS: Returns =
    Returns { least: 0, most: 1, help: "Return SK_PASS (1) or SK_DROP (0).", refused_by: None };

fn in_namespace(attach_type: AttachType) -> Mechanism<'static> {
    Mechanism::Link { at: Anchor::NetNamespace, attach_type, flags: 0, position: Position::Default }
}

fn dissector_refused(refused: &Refused<'_>) -> Option<Refusal> {
    matches!(refused.errno, "EEXIST" | "EBUSY" | "E2BIG").then(|| Refusal {
        code: Code::Busy,
        why: "the network namespace already has a flow_dissector program".to_owned(),
        help: "Detach the other program. Show it with: bpftool net. A network namespace takes one \
               flow_dissector program, and one in the initial namespace serves all."
            .to_owned(),
    })
}
