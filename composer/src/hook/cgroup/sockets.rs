//! Hooks of a cgroup at the system calls for sockets: the key `at` says which.

use super::{
    super::{
        Attach, HostKind, KeySpec, Need, Returns, Setting, Template, Values,
        order::{CGROUP_AFTER_KEY, CGROUP_BEFORE_KEY, CGROUP_ORDER_KEY},
    },
    AT_CGROUP, TO_ONE, TO_THREE, at,
};
use crate::object::{AttachType, ProgramKind, ProgramType};

pub(in super::super) static CGROUP_SOCK: HostKind = HostKind {
    name: "cgroup_sock",
    summary: "A cgroup, where its processes open, bind or close sockets.",
    program: ProgramKind::CgroupSock,
    program_type: ProgramType::CgroupSock,
    section: "cgroup/sock_create",
    expected_attach_type: |attach| Some(of_words(attach, SOCK)),
    returns: |_| Some(&TO_ONE),
    settings: &[
        KeySpec {
            key: AT,
            what: "an operation on sockets",
            doc: "When a socket is made, closed, or has been bound.",
            values: Values::Required(&words(SOCK)),
            excludes: &[],
            need: |_| None,
        },
        CGROUP_ORDER_KEY,
        CGROUP_BEFORE_KEY,
        CGROUP_AFTER_KEY,
    ],
    mechanism: |attach| at(attach, of_words(Some(attach), SOCK)),
    template: Template {
        program: include_str!("../templates/cgroup_sock.bpf.c"),
        ..AT_CGROUP.template
    },
    source: (
        "int f(struct bpf_sock *ctx)",
        "`ctx->family`, `ctx->type`, `ctx->protocol`, the mark; 1 allows it, 0 denies it",
    ),
    ..AT_CGROUP
};

pub(in super::super) static CGROUP_SOCK_ADDR: HostKind = HostKind {
    name: "cgroup_sock_addr",
    summary: "A cgroup, where its processes pass addresses to system calls for sockets.",
    program: ProgramKind::CgroupSockAddr,
    program_type: ProgramType::CgroupSockAddr,
    section: "cgroup/connect4",
    expected_attach_type: |attach| Some(of_words(attach, SOCK_ADDR)),
    has_task: true,
    returns: |attach| Some(addresses(attach)),
    settings: &[
        KeySpec {
            key: AT,
            what: "a system call with an address",
            doc: "The system call, with the family of the address.",
            values: Values::Required(&words(SOCK_ADDR)),
            excludes: &[],
            need: |at| match at {
                Setting::Word(call) if call.ends_with("_unix") => Some(&UNIX_CALLS),
                _ => None,
            },
        },
        CGROUP_ORDER_KEY,
        CGROUP_BEFORE_KEY,
        CGROUP_AFTER_KEY,
    ],
    mechanism: |attach| at(attach, of_words(Some(attach), SOCK_ADDR)),
    template: Template {
        program: include_str!("../templates/cgroup_sock_addr.bpf.c"),
        ..AT_CGROUP.template
    },
    source: (
        "int f(struct bpf_sock_addr *ctx)",
        "`ctx->user_ip4`, `ctx->user_port` and so on, which it may change; 1 allows the call, 0 \
         fails it with EPERM",
    ),
    ..AT_CGROUP
};

pub(in super::super) static CGROUP_SOCKOPT: HostKind = HostKind {
    name: "cgroup_sockopt",
    summary: "A cgroup, where its processes read or set options of sockets.",
    program: ProgramKind::CgroupSockopt,
    program_type: ProgramType::CgroupSockopt,
    section: "cgroup/getsockopt",
    expected_attach_type: |attach| Some(of_words(attach, SOCKOPT)),
    has_task: true,
    returns: |_| Some(&TO_ONE),
    settings: &[
        KeySpec {
            key: AT,
            what: "a system call",
            doc: "The system call.",
            values: Values::Required(&words(SOCKOPT)),
            excludes: &[],
            need: |_| None,
        },
        CGROUP_ORDER_KEY,
        CGROUP_BEFORE_KEY,
        CGROUP_AFTER_KEY,
    ],
    mechanism: |attach| at(attach, of_words(Some(attach), SOCKOPT)),
    template: Template {
        program: include_str!("../templates/cgroup_sockopt.bpf.c"),
        ..AT_CGROUP.template
    },
    source: (
        "int f(struct bpf_sockopt *ctx)",
        "`ctx->level`, `ctx->optname` and the value from `ctx->optval` to `ctx->optval_end`; 1 \
         allows the call, 0 fails it with EPERM",
    ),
    ..AT_CGROUP
};

static UNIX_CALLS: Need = Need {
    what: "programs for the calls of Unix sockets",
    label: "is for a call of Unix sockets",
    help: "Use Linux 6.7 or later.",
    lacks: |profile| !profile.features.cgroup_unix,
};

const AT: &str = "at";

/// Operations on sockets with their attach types, the first for a program without an attachment.
const SOCK: &[(&str, AttachType); 4] = &[
    ("sock_create", AttachType::CgroupInetSockCreate),
    ("sock_release", AttachType::CgroupInetSockRelease),
    ("post_bind4", AttachType::CgroupInet4PostBind),
    ("post_bind6", AttachType::CgroupInet6PostBind),
];

const SOCK_ADDR: &[(&str, AttachType); 17] = &[
    ("connect4", AttachType::CgroupInet4Connect),
    ("connect6", AttachType::CgroupInet6Connect),
    ("connect_unix", AttachType::CgroupUnixConnect),
    ("bind4", AttachType::CgroupInet4Bind),
    ("bind6", AttachType::CgroupInet6Bind),
    ("sendmsg4", AttachType::CgroupUdp4Sendmsg),
    ("sendmsg6", AttachType::CgroupUdp6Sendmsg),
    ("sendmsg_unix", AttachType::CgroupUnixSendmsg),
    ("recvmsg4", AttachType::CgroupUdp4Recvmsg),
    ("recvmsg6", AttachType::CgroupUdp6Recvmsg),
    ("recvmsg_unix", AttachType::CgroupUnixRecvmsg),
    ("getpeername4", AttachType::CgroupInet4Getpeername),
    ("getpeername6", AttachType::CgroupInet6Getpeername),
    ("getpeername_unix", AttachType::CgroupUnixGetpeername),
    ("getsockname4", AttachType::CgroupInet4Getsockname),
    ("getsockname6", AttachType::CgroupInet6Getsockname),
    ("getsockname_unix", AttachType::CgroupUnixGetsockname),
];

const SOCKOPT: &[(&str, AttachType); 2] =
    &[("getsockopt", AttachType::CgroupGetsockopt), ("setsockopt", AttachType::CgroupSetsockopt)];

pub(in super::super) static ONE: Returns = Returns {
    least: 1,
    most: 1,
    help: "Return 1. This operation cannot be denied.",
    refused_by: None,
};

/// The words that the key `at` can be set to.
const fn words<const COUNT: usize>(
    table: &[(&'static str, AttachType); COUNT],
) -> [&'static str; COUNT] {
    let mut words = [""; COUNT];
    let mut at = 0;
    while at < COUNT {
        words[at] = table[at].0;
        at += 1;
    }
    words
}

/// The attach type that the key `at` asks for.
fn of_words(attach: Option<&Attach>, words: &[(&str, AttachType)]) -> AttachType {
    let word = attach.and_then(|attach| attach.word(AT));
    let asked = words.iter().find(|(name, _)| Some(*name) == word);
    asked
        .or(words.first())
        .map_or(AttachType::CgroupInetSockCreate, |(_, attach_type)| *attach_type)
}

/// What a program with an address may return: `check_return_code`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
fn addresses(attach: Option<&Attach>) -> &'static Returns {
    let word = attach.and_then(|attach| attach.word(AT)).unwrap_or("connect4");
    match word {
        "bind4" | "bind6" => &TO_THREE,
        word if ["recvmsg", "getpeername", "getsockname"]
            .iter()
            .any(|call| word.starts_with(call)) =>
        {
            &ONE
        }
        _ => &TO_ONE,
    }
}
