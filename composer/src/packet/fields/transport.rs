//! TCP, UDP, ICMP, and the tunnels GRE and VXLAN.

use super::{FieldForm, Fill, LayerFacts, Level, PacketField, link::ETHER_TYPES};

/// The client's port: the first dynamic one.
const CLIENT: Fill = Fill::Value(49152);

/// From the lowest bit: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR and AE.
const TCP_FLAGS: &str = "FSRPAUECN";
const SYN: u128 = 2;

pub(super) static TCP: LayerFacts = LayerFacts {
    name: "tcp",
    title: "TCP",
    level: Level::Transport,
    size: 20,
    unit: 4,
    fields: &[
        PacketField::new("sport", 0, 16, FieldForm::Decimal, CLIENT),
        PacketField::new("dport", 16, 16, FieldForm::Decimal, Fill::Value(80)),
        PacketField::new("seq", 32, 32, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("ack", 64, 32, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("header_length", 96, 4, FieldForm::Decimal, Fill::HeaderLength),
        PacketField::new("reserved", 100, 3, FieldForm::Decimal, Fill::Value(0)).quiet(),
        PacketField::new("flags", 103, 9, FieldForm::Letters(TCP_FLAGS), Fill::Value(SYN)),
        PacketField::new("window", 112, 16, FieldForm::Decimal, Fill::Value(65535)),
        PacketField::new("checksum", 128, 16, FieldForm::Hex, Fill::PseudoChecksum),
        PacketField::new("urgent", 144, 16, FieldForm::Decimal, Fill::Value(0)).quiet(),
        PacketField::new("options", 160, 0, FieldForm::Options, Fill::Value(0)),
    ],
};

pub(super) static UDP: LayerFacts = LayerFacts {
    name: "udp",
    title: "UDP",
    level: Level::Transport,
    size: 8,
    unit: 4,
    fields: &[
        PacketField::new("sport", 0, 16, FieldForm::Decimal, CLIENT),
        PacketField::new("dport", 16, 16, FieldForm::Decimal, Fill::Port),
        PacketField::new("length", 32, 16, FieldForm::Decimal, Fill::TotalLength),
        PacketField::new("checksum", 48, 16, FieldForm::Hex, Fill::PseudoChecksum),
    ],
};

/// [ICMP types](https://www.iana.org/assignments/icmp-parameters).
const ICMP_TYPES: &[(&str, u128)] = &[
    ("echo_reply", 0),
    ("unreachable", 3),
    ("redirect", 5),
    ("echo_request", 8),
    ("time_exceeded", 11),
    ("parameter_problem", 12),
    ("timestamp", 13),
    ("timestamp_reply", 14),
];

pub(super) static ICMP: LayerFacts = LayerFacts {
    name: "icmp",
    title: "ICMP for IPv4",
    level: Level::Transport,
    size: 8,
    unit: 4,
    fields: &[
        PacketField::new(
            "type",
            0,
            8,
            FieldForm::Named(ICMP_TYPES),
            Fill::Type { alone: 8, quoting: 3 },
        ),
        PacketField::new("code", 8, 8, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("checksum", 16, 16, FieldForm::Hex, Fill::Checksum),
        PacketField::new("id", 32, 16, FieldForm::Decimal, Fill::Echo),
        PacketField::new("seq", 48, 16, FieldForm::Decimal, Fill::Echo),
    ],
};

/// [ICMPv6 types](https://www.iana.org/assignments/icmpv6-parameters).
const ICMPV6_TYPES: &[(&str, u128)] = &[
    ("unreachable", 1),
    ("packet_too_big", 2),
    ("time_exceeded", 3),
    ("parameter_problem", 4),
    ("echo_request", 128),
    ("echo_reply", 129),
    ("router_solicitation", 133),
    ("router_advertisement", 134),
    ("neighbor_solicitation", 135),
    ("neighbor_advertisement", 136),
    ("redirect", 137),
];

pub(super) static ICMPV6: LayerFacts = LayerFacts {
    name: "icmpv6",
    title: "ICMP for IPv6",
    level: Level::Transport,
    size: 8,
    unit: 4,
    fields: &[
        PacketField::new(
            "type",
            0,
            8,
            FieldForm::Named(ICMPV6_TYPES),
            Fill::Type { alone: 128, quoting: 1 },
        ),
        PacketField::new("code", 8, 8, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("checksum", 16, 16, FieldForm::Hex, Fill::PseudoChecksum),
        PacketField::new("id", 32, 16, FieldForm::Decimal, Fill::Echo),
        PacketField::new("seq", 48, 16, FieldForm::Decimal, Fill::Echo),
    ],
};

pub(super) static GRE: LayerFacts = LayerFacts {
    name: "gre",
    title: "GRE without optional fields",
    level: Level::Transport,
    size: 4,
    unit: 4,
    fields: &[
        PacketField::new("flags", 0, 13, FieldForm::Hex, Fill::Value(0)).quiet(),
        PacketField::new("version", 13, 3, FieldForm::Decimal, Fill::Value(0)).quiet(),
        PacketField::new("protocol", 16, 16, FieldForm::HexNamed(ETHER_TYPES), Fill::Next),
    ],
};

/// The bit that says that the identifier is valid.
const VXLAN_FLAGS: u128 = 0x08;

pub(super) static VXLAN: LayerFacts = LayerFacts {
    name: "vxlan",
    title: "VXLAN",
    level: Level::Tunnel,
    size: 8,
    unit: 4,
    fields: &[
        PacketField::new("flags", 0, 8, FieldForm::Hex, Fill::Value(VXLAN_FLAGS)).quiet(),
        PacketField::new("reserved", 8, 24, FieldForm::Hex, Fill::Value(0)).quiet(),
        PacketField::new("vni", 32, 24, FieldForm::Decimal, Fill::Value(1)),
        PacketField::new("reserved_end", 56, 8, FieldForm::Hex, Fill::Value(0)).quiet(),
    ],
};
