//! Names of numbers that are rarely in BTF: an enum of which a program only uses values is not in
//! its object's BTF, and macros never are.

/// Of `linux/bpf.h`, `linux/pkt_cls.h`, `linux/in.h`, `linux/if_ether.h` and `linux/socket.h`, which
/// are the same on every kernel.
const KNOWN: &[(&str, i128)] = &[
    ("XDP_ABORTED", 0),
    ("XDP_DROP", 1),
    ("XDP_PASS", 2),
    ("XDP_TX", 3),
    ("XDP_REDIRECT", 4),
    ("TC_ACT_UNSPEC", -1),
    ("TC_ACT_OK", 0),
    ("TC_ACT_RECLASSIFY", 1),
    ("TC_ACT_SHOT", 2),
    ("TC_ACT_PIPE", 3),
    ("TC_ACT_STOLEN", 4),
    ("TC_ACT_REDIRECT", 7),
    ("TCX_NEXT", -1),
    ("TCX_PASS", 0),
    ("TCX_DROP", 2),
    ("TCX_REDIRECT", 7),
    ("SK_DROP", 0),
    ("SK_PASS", 1),
    ("AF_UNIX", 1),
    ("AF_INET", 2),
    ("AF_INET6", 10),
    ("IPPROTO_IP", 0),
    ("IPPROTO_ICMP", 1),
    ("IPPROTO_TCP", 6),
    ("IPPROTO_UDP", 17),
    ("IPPROTO_IPV6", 41),
    ("IPPROTO_ICMPV6", 58),
    ("IPPROTO_SCTP", 132),
    ("ETH_P_IP", 0x0800),
    ("ETH_P_ARP", 0x0806),
    ("ETH_P_8021Q", 0x8100),
    ("ETH_P_IPV6", 0x86dd),
    ("BPF_F_CURRENT_CPU", 0xffff_ffff),
    ("true", 1),
    ("false", 0),
    ("NULL", 0),
];

/// The number that the kernel's headers give `name`.
pub(super) fn known(name: &str) -> Option<i128> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

pub(super) fn all() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}
