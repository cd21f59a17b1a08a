//! tcx, netkit and tc: the packets of a network interface in the kernel's stack. The first two are
//! links with an order; tc is the older way, a filter of the interface's `clsact` qdisc.

use super::{
    Anchor, Attach, HostKind, KeySpec, Mechanism, Need, Position, Refusal, Refused, TargetKey,
    Template, Values,
    order::{AFTER_KEY, BEFORE_KEY, ORDER_KEY, position},
};
use crate::{
    diag::Code,
    object::{AttachType, ProgramKind, ProgramType},
};

pub(super) static TCX: HostKind = AT_INTERFACE;

const AT_INTERFACE: HostKind = HostKind {
    name: "tcx",
    aliases: &[],
    summary: "A network interface, in the kernel's network stack, where packets have a socket buffer.",
    program: ProgramKind::Tc,
    program_type: ProgramType::SchedCls,
    section: "tcx/ingress",
    expected_attach_type: |_| None,
    attach_btf: |_| None,
    not_replaceable: None,
    // It runs in whatever context the packet is handled in.
    has_task: false,
    verdicts: &[
        ("TC_ACT_UNSPEC", -1),
        ("TC_ACT_OK", 0),
        ("TC_ACT_RECLASSIFY", 1),
        ("TC_ACT_SHOT", 2),
        ("TC_ACT_PIPE", 3),
        ("TC_ACT_STOLEN", 4),
        ("TC_ACT_QUEUED", 5),
        ("TC_ACT_REPEAT", 6),
        ("TC_ACT_REDIRECT", 7),
        ("TC_ACT_TRAP", 8),
    ],
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
    settings: &[DIRECTION_KEY, ORDER_KEY, BEFORE_KEY, AFTER_KEY],
    mechanism: |attach| match attach.word(DIRECTION) {
        Some("egress") => at(attach, AttachType::TcxEgress),
        _ => at(attach, AttachType::TcxIngress),
    },
    needs: &[&TCX_LINKS],
    modules: &[],
    exclusive: None,
    map: None,
    // Interfaces are a machine's, not a kernel's.
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/tcx.bpf.c"),
        target: "lo",
        elsewhere: None,
        stub: "verdict",
        traffic: "ping -c 1 127.0.0.1",
        since: Some("6.6"),
    },
    source: (
        "int f(struct __sk_buff *ctx)",
        "the packet from `ctx->data` to `ctx->data_end`, its mark, protocol and interface; it \
         returns a `TC_ACT_...`",
    ),
};

pub(super) static NETKIT: HostKind = HostKind {
    name: "netkit",
    aliases: &[],
    summary: "A netkit device, for packets sent by one end of the pair.",
    section: "netkit/primary",
    settings: &[
        KeySpec {
            key: END,
            what: "an end",
            doc: "Packets that the primary device sends, or those that its peer sends.",
            values: Values::Words(&["primary", "peer"]),
            excludes: &[],
            need: |_| None,
        },
        ORDER_KEY,
        BEFORE_KEY,
        AFTER_KEY,
    ],
    mechanism: |attach| match attach.word(END) {
        Some("peer") => at(attach, AttachType::NetkitPeer),
        _ => at(attach, AttachType::NetkitPrimary),
    },
    needs: &[&NETKIT_LINKS],
    target: TargetKey { what: "a netkit device", example: "nk0", ..INTERFACE },
    template: Template {
        program: include_str!("templates/netkit.bpf.c"),
        target: "nk0",
        traffic: "true",
        since: Some("6.7"),
        ..AT_INTERFACE.template
    },
    ..AT_INTERFACE
};

pub(super) static TC: HostKind = HostKind {
    name: "tc",
    aliases: &["classifier", "clsact"],
    summary: "A network interface as with tcx, in kernels without that: a filter of its clsact qdisc.",
    section: "tc",
    settings: &[
        DIRECTION_KEY,
        KeySpec {
            key: PRIORITY,
            what: "a priority from 1 to 65535",
            doc: "The place among the interface's filters; lower ones run earlier.",
            values: Values::Number(1, 65535),
            excludes: &[],
            need: |_| None,
        },
    ],
    mechanism: |attach| Mechanism::TrafficFilter {
        interface: &attach.target,
        egress: attach.word(DIRECTION) == Some("egress"),
        priority: attach.number(PRIORITY).and_then(|number| u16::try_from(number).ok()),
    },
    needs: &[],
    modules: &["sch_ingress", "cls_bpf"],
    refused: filter_refused,
    template: Template {
        program: include_str!("templates/tc.bpf.c"),
        since: None,
        ..AT_INTERFACE.template
    },
    ..AT_INTERFACE
};

const INTERFACE: TargetKey = AT_INTERFACE.target;

const DIRECTION_KEY: KeySpec = KeySpec {
    key: DIRECTION,
    what: "a direction",
    doc: "Received packets (ingress) or sent ones (egress).",
    values: Values::Words(&["ingress", "egress"]),
    excludes: &[],
    need: |_| None,
};

const DIRECTION: &str = "direction";
const PRIORITY: &str = "priority";
const END: &str = "end";

static TCX_LINKS: Need = Need {
    what: "tcx",
    label: "is attached with a tcx link",
    help: "Use `tc` in place of `tcx`, or Linux 6.6 or later.",
    lacks: |profile| !profile.features.tcx,
};

static NETKIT_LINKS: Need = Need {
    what: "netkit",
    label: "is attached to a netkit device",
    help: "Use Linux 6.7 or later, built with CONFIG_NETKIT.",
    lacks: |profile| !profile.features.netkit,
};

/// A link at the interface, in the order that is asked for.
fn at(attach: &Attach, attach_type: AttachType) -> Mechanism<'_> {
    let at = Anchor::Interface(&attach.target);
    Mechanism::Link { at, attach_type, flags: 0, position: position(attach) }
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let Attach { kind, target, .. } = refused.attach;
    let (why, help) = match (refused.errno, position(refused.attach)) {
        ("ENODEV", _) => (
            format!("network interface {target} not found"),
            "List the interfaces with: ip link".to_owned(),
        ),
        ("ENOENT", Position::Before(program) | Position::After(program)) => (
            format!("program `{program}` is not attached there"),
            format!("List the programs at {target} with: bpftool net show dev {target}"),
        ),
        ("EINVAL" | "ENXIO", _) if kind.name == "netkit" => (
            format!("{target} is not a netkit device"),
            "Create one with: ip link add nk0 type netkit".to_owned(),
        ),
        ("ERANGE", _) => {
            return Some(Refusal {
                code: Code::Busy,
                why: format!("{target} has as many programs as the kernel allows (64)"),
                help: format!("List them with: bpftool net show dev {target}"),
            });
        }
        _ => return None,
    };
    Some(Refusal::no_target(why, help))
}

fn filter_refused(refused: &Refused<'_>) -> Option<Refusal> {
    let Attach { target, .. } = refused.attach;
    match refused.errno {
        // Said of a kind of qdisc or filter that the kernel knows nothing of.
        "ENOENT" => Some(Refusal::no_target(
            "this kernel has no clsact qdisc, or no eBPF filters".to_owned(),
            "Load its modules with: modprobe -a sch_ingress cls_bpf".to_owned(),
        )),
        "EEXIST" => Some(Refusal {
            code: Code::Busy,
            why: format!("{target} has an ingress qdisc, which sees no sent packets"),
            help: format!(
                "Replace it with: tc qdisc del dev {target} ingress; tc qdisc add dev {target} clsact"
            ),
        }),
        "EINVAL" => Some(Refusal {
            code: Code::Busy,
            why: format!("{target} has another kind of filter with that priority"),
            help: format!("List its filters with: tc filter show dev {target} ingress"),
        }),
        "ERANGE" => None,
        _ => self::refused(refused),
    }
}
