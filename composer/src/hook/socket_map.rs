//! sk_msg and sk_skb: what the sockets in a map of the chain send and receive.

use super::{
    Anchor, Attach, Exclusive, HostKind, KeySpec, MapUse, Mechanism, Position, Refusal, Refused,
    TargetKey, Template, Values,
    map::{MAP_NAME, map_name},
};
use crate::{
    diag::Code,
    object::{AttachType, ProgramKind, ProgramType},
};

pub(super) static SK_MSG: HostKind = AT_SOCKETS;

const AT_SOCKETS: HostKind = HostKind {
    name: "sk_msg",
    aliases: &[],
    summary: "A map of sockets, for the messages that its sockets send.",
    program: ProgramKind::SkMsg,
    program_type: ProgramType::SkMsg,
    section: "sk_msg",
    expected_attach_type: |_| None,
    attach_btf: |_| None,
    not_replaceable: None,
    // What is redirected is handled in whatever context the kernel is in.
    has_task: false,
    verdicts: &[("SK_DROP", 0), ("SK_PASS", 1)],
    // Whatever is not SK_PASS counts as SK_DROP.
    returns: |_| None,
    replacement_returns: None,
    target: TargetKey {
        what: "a map of sockets",
        form: None,
        example: "sockets",
        parts: &["map"],
        pattern: Some(MAP_NAME),
        read: map_name,
    },
    settings: &[],
    mechanism: |_| at_map(AttachType::SkMsgVerdict),
    needs: &[],
    modules: &[],
    exclusive: Some(&Exclusive {
        place: |attach| format!("map `{}`", attach.target),
        help: "Write one host that calls two stubs. A map of sockets takes one sk_msg program.",
    }),
    map: Some(&MapUse {
        name: |attach| Some(&attach.target),
        types: |_| &["sockmap", "sockhash"],
        value: None,
        entry: |_| None,
    }),
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/sk_msg.bpf.c"),
        target: "sockets",
        elsewhere: None,
        stub: "verdict",
        traffic: "true",
        since: None,
    },
    source: (
        "int f(struct sk_msg_md *ctx)",
        "the message from `ctx->data` to `ctx->data_end`, addresses and ports of the socket; \
         `bpf_msg_redirect_map` and `bpf_msg_redirect_hash` send it to another socket; it returns an \
         `enum sk_action`",
    ),
};

pub(super) static SK_SKB: HostKind = HostKind {
    name: "sk_skb",
    summary: "A map of sockets, for the data that its sockets receive.",
    program: ProgramKind::SkSkb,
    program_type: ProgramType::SkSkb,
    section: "sk_skb",
    settings: &[KeySpec {
        key: AT,
        what: "a step of receiving",
        doc: "verdict: where the data goes, without a parser. stream_parser: how long the next message of \
              a TCP stream is. stream_verdict: where such a message goes.",
        values: Values::Required(&[VERDICT, STREAM_VERDICT, STREAM_PARSER]),
        excludes: &[],
        need: |_| None,
    }],
    mechanism: |attach| {
        at_map(match attach.word(AT) {
            Some(STREAM_PARSER) => AttachType::SkSkbStreamParser,
            Some(STREAM_VERDICT) => AttachType::SkSkbStreamVerdict,
            _ => AttachType::SkSkbVerdict,
        })
    },
    exclusive: Some(&Exclusive {
        place: |attach| match attach.word(AT) {
            Some(STREAM_PARSER) => format!("map `{}` as parser", attach.target),
            _ => format!("map `{}` as verdict", attach.target),
        },
        help: "Write one host that calls two stubs. A map of sockets takes one parser and one verdict.",
    }),
    template: Template { program: include_str!("templates/sk_skb.bpf.c"), ..AT_SOCKETS.template },
    source: (
        "int f(struct __sk_buff *ctx)",
        "the data from `ctx->data` to `ctx->data_end`; `bpf_sk_redirect_map` and \
         `bpf_sk_redirect_hash` send it to another socket; a verdict returns an `enum sk_action`, a \
         parser the length of the message, or 0 to wait for more",
    ),
    ..AT_SOCKETS
};

const AT: &str = "at";
const VERDICT: &str = "verdict";
const STREAM_VERDICT: &str = "stream_verdict";
const STREAM_PARSER: &str = "stream_parser";

fn at_map(attach_type: AttachType) -> Mechanism<'static> {
    Mechanism::Link { at: Anchor::SocketMap, attach_type, flags: 0, position: Position::Default }
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let Attach { kind, target, .. } = refused.attach;
    let name = kind.name;
    match refused.errno {
        "EBUSY" => Some(Refusal {
            code: Code::Busy,
            why: format!("map `{target}` already has an {name} program"),
            help: "Detach the other program, which may belong to another freplace-compose. Show it with: \
                   bpftool link, bpftool map. A pinned map keeps a program that was attached without a \
                   link until bpftool prog detach removes it."
                .to_owned(),
        }),
        "EOPNOTSUPP" => Some(Refusal {
            code: Code::Refused,
            why: "this kernel has no parsers of streams".to_owned(),
            help: "Write at = \"verdict\", or use a kernel with CONFIG_BPF_STREAM_PARSER.".to_owned(),
        }),
        _ => None,
    }
}
