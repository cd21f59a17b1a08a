//! Hooks of a cgroup: what its processes send, receive, open, set and bind.

mod sockets;

use super::{
    Anchor, Attach, HostKind, KeySpec, Mechanism, Misfit, Position, Refusal, Refused, Returns,
    TargetKey, Template, Values,
    order::{CGROUP_AFTER_KEY, CGROUP_BEFORE_KEY, CGROUP_ORDER_KEY, position},
};
use crate::object::{AttachType, ProgramKind, ProgramType};
pub(super) use sockets::{CGROUP_SOCK, CGROUP_SOCK_ADDR, CGROUP_SOCKOPT, ONE};

/// What all of them have in common.
const AT_CGROUP: HostKind = HostKind {
    name: "cgroup_skb",
    aliases: &[],
    summary: "A cgroup, for the packets of its sockets.",
    program: ProgramKind::CgroupSkb,
    program_type: ProgramType::CgroupSkb,
    section: "cgroup_skb/ingress",
    expected_attach_type: |attach| Some(packets(attach)),
    attach_btf: |_| None,
    not_replaceable: None,
    // Packets are received in whatever context the kernel is in.
    has_task: false,
    verdicts: &[],
    returns: |attach| match packets(attach) {
        AttachType::CgroupInetEgress => Some(&TO_THREE),
        _ => Some(&TO_ONE),
    },
    replacement_returns: Some(&TO_ONE),
    target: TargetKey {
        what: "a cgroup",
        form: Some("the absolute path of its folder"),
        example: "/sys/fs/cgroup",
        parts: &["cgroup"],
        pattern: Some("^/"),
        read: path,
    },
    settings: &[
        KeySpec {
            key: DIRECTION,
            what: "a direction",
            doc: "Received packets (ingress) or sent ones (egress).",
            values: Values::Words(&["ingress", "egress"]),
            excludes: &[],
            need: |_| None,
        },
        CGROUP_ORDER_KEY,
        CGROUP_BEFORE_KEY,
        CGROUP_AFTER_KEY,
    ],
    mechanism: |attach| at(attach, packets(Some(attach))),
    needs: &[],
    modules: &[],
    exclusive: None,
    map: None,
    // Cgroups are a machine's, not a kernel's.
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/cgroup_skb.bpf.c"),
        stub: "verdict",
        traffic: "ping -c 1 127.0.0.1",
        target: "/sys/fs/cgroup",
        elsewhere: None,
        since: None,
    },
    source: (
        "int f(struct __sk_buff *ctx)",
        "the packet, without its Ethernet header, from `ctx->data` to `ctx->data_end`; 1 allows \
         it, 0 drops it",
    ),
};

pub(super) static CGROUP_SKB: HostKind = AT_CGROUP;

pub(super) static CGROUP_SYSCTL: HostKind = HostKind {
    name: "cgroup_sysctl",
    summary: "A cgroup, where its processes read or write files in /proc/sys.",
    program: ProgramKind::CgroupSysctl,
    program_type: ProgramType::CgroupSysctl,
    section: "cgroup/sysctl",
    expected_attach_type: |_| Some(AttachType::CgroupSysctl),
    has_task: true,
    returns: |_| Some(&TO_ONE),
    settings: &[CGROUP_ORDER_KEY, CGROUP_BEFORE_KEY, CGROUP_AFTER_KEY],
    mechanism: |attach| at(attach, AttachType::CgroupSysctl),
    template: Template {
        program: include_str!("templates/cgroup_sysctl.bpf.c"),
        traffic: "cat /proc/sys/kernel/ostype",
        ..AT_CGROUP.template
    },
    source: (
        "int f(struct bpf_sysctl *ctx)",
        "`ctx->write`, `ctx->file_pos`, and the name by `bpf_sysctl_get_name`; 1 allows it, 0 \
         fails it with EPERM",
    ),
    ..AT_CGROUP
};

pub(super) static CGROUP_DEVICE: HostKind = HostKind {
    name: "cgroup_device",
    summary: "A cgroup, where its processes open or create device files.",
    program: ProgramKind::CgroupDevice,
    program_type: ProgramType::CgroupDevice,
    section: "cgroup/dev",
    expected_attach_type: |_| Some(AttachType::CgroupDevice),
    has_task: true,
    returns: |_| Some(&TO_ONE),
    settings: &[CGROUP_ORDER_KEY, CGROUP_BEFORE_KEY, CGROUP_AFTER_KEY],
    mechanism: |attach| at(attach, AttachType::CgroupDevice),
    template: Template {
        program: include_str!("templates/cgroup_device.bpf.c"),
        traffic: "cat /dev/null",
        ..AT_CGROUP.template
    },
    source: (
        "int f(struct bpf_cgroup_dev_ctx *ctx)",
        "`ctx->access_type`, `ctx->major`, `ctx->minor`; 1 allows it, 0 fails it with EPERM",
    ),
    ..AT_CGROUP
};

pub(super) static SOCK_OPS: HostKind = HostKind {
    name: "sock_ops",
    aliases: &["sockops"],
    summary: "A cgroup, for the states and options of its TCP connections.",
    program: ProgramKind::SockOps,
    program_type: ProgramType::SockOps,
    section: "sockops",
    expected_attach_type: |_| Some(AttachType::CgroupSockOps),
    returns: |_| Some(&TO_ONE),
    settings: &[CGROUP_ORDER_KEY, CGROUP_BEFORE_KEY, CGROUP_AFTER_KEY],
    mechanism: |attach| at(attach, AttachType::CgroupSockOps),
    template: Template {
        program: include_str!("templates/sock_ops.bpf.c"),
        traffic: "nc -z 127.0.0.1 9",
        ..AT_CGROUP.template
    },
    source: (
        "int f(struct bpf_sock_ops *ctx)",
        "`ctx->op`, one of `BPF_SOCK_OPS_...`, and the connection; some answers go to `ctx->reply`",
    ),
    ..AT_CGROUP
};

const DIRECTION: &str = "direction";

pub(super) static TO_ONE: Returns = Returns {
    least: 0,
    most: 1,
    help: "Return 1 to allow the operation, 0 to deny it.",
    refused_by: None,
};

static TO_THREE: Returns = Returns {
    least: 0,
    most: 3,
    help: "Return 1 to allow the operation, 0 to deny it; 2 and 3 are the same, and set a flag.",
    refused_by: None,
};

/// The attach type of a program for packets.
fn packets(attach: Option<&Attach>) -> AttachType {
    match attach.and_then(|attach| attach.word(DIRECTION)) {
        Some("egress") => AttachType::CgroupInetEgress,
        _ => AttachType::CgroupInetIngress,
    }
}

/// A link at the cgroup that is the target.
fn at(attach: &Attach, attach_type: AttachType) -> Mechanism<'_> {
    link(attach, &attach.target, attach_type)
}

/// A link at a cgroup; the kernel runs all programs that are linked there.
pub(super) fn link<'a>(
    attach: &'a Attach,
    path: &'a str,
    attach_type: AttachType,
) -> Mechanism<'a> {
    let position = match position(attach) {
        // Kernels without an order put it there, too.
        Position::Last => Position::Default,
        other => other,
    };
    Mechanism::Link { at: Anchor::Cgroup(path), attach_type, flags: 0, position }
}

fn path(text: &str) -> Result<String, Misfit> {
    match text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => Err(Misfit {
            label: "not an absolute path",
            help: "Write the path of a folder in cgroup2: /sys/fs/cgroup is the root.",
        }),
    }
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    refused_at(refused, &refused.attach.target)
}

/// The same of a kind whose target is something else.
pub(super) fn refused_at(refused: &Refused<'_>, cgroup: &str) -> Option<Refusal> {
    let kind = refused.attach.kind.name;
    let (why, help) = match (refused.errno, position(refused.attach)) {
        ("ENOENT", _) if refused.call == "open cgroup" => (
            format!("cgroup {cgroup} not found"),
            "List the cgroups with: systemd-cgls, or ls /sys/fs/cgroup. Create one with mkdir."
                .to_owned(),
        ),
        ("ENOENT", Position::Before(program) | Position::After(program)) => (
            format!("program `{program}` is not attached there by a link"),
            format!("List the programs with: bpftool cgroup show {cgroup}"),
        ),
        ("ENOTDIR" | "EBADF", _) => (
            format!("{cgroup} is not a cgroup"),
            "Write the path of a folder where cgroup2 is mounted; `mount -t cgroup2` shows it."
                .to_owned(),
        ),
        ("EPERM", _) => (
            format!("{cgroup} or a parent has a {kind} program that allows no others"),
            format!("Show the programs with: bpftool cgroup show {cgroup} effective"),
        ),
        _ => return None,
    };
    Some(Refusal::no_target(why, help))
}
