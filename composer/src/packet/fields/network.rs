//! IPv4 and IPv6.

use super::{FieldForm, Fill, LayerFacts, Level, PacketField};

/// [Protocol numbers](https://www.iana.org/assignments/protocol-numbers).
pub(super) const PROTOCOLS: &[(&str, u128)] = &[
    ("hop_by_hop", 0),
    ("icmp", 1),
    ("ipv4", 4),
    ("tcp", 6),
    ("udp", 17),
    ("ipv6", 41),
    ("routing", 43),
    ("fragment", 44),
    ("gre", 47),
    ("icmpv6", 58),
    ("destination", 60),
    ("eth", 143),
];

/// For what has no protocol number: the first one for experiments.
pub(in crate::packet) const EXPERIMENTAL_PROTOCOL: u128 = 253;

pub(super) static IPV4: LayerFacts = LayerFacts {
    name: "ipv4",
    title: "IPv4",
    level: Level::Network,
    size: 20,
    unit: 4,
    fields: &[
        PacketField::new("version", 0, 4, FieldForm::Decimal, Fill::Value(4)).quiet(),
        PacketField::new("header_length", 4, 4, FieldForm::Decimal, Fill::HeaderLength),
        PacketField::new("tos", 8, 8, FieldForm::Hex, Fill::Value(0)),
        PacketField::new("length", 16, 16, FieldForm::Decimal, Fill::TotalLength),
        PacketField::new("id", 32, 16, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("reserved", 48, 1, FieldForm::Flag, Fill::Value(0)).quiet(),
        PacketField::new("dont_fragment", 49, 1, FieldForm::Flag, Fill::Value(0)),
        PacketField::new("more_fragments", 50, 1, FieldForm::Flag, Fill::Value(0)),
        PacketField::new("fragment_offset", 51, 13, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("ttl", 64, 8, FieldForm::Decimal, Fill::Value(64)),
        PacketField::new("protocol", 72, 8, FieldForm::Named(PROTOCOLS), Fill::Next),
        PacketField::new("checksum", 80, 16, FieldForm::Hex, Fill::HeaderChecksum),
        PacketField::new("src", 96, 32, FieldForm::Ipv4, Fill::Value(0xc000_0201)),
        PacketField::new("dst", 128, 32, FieldForm::Ipv4, Fill::Value(0xc000_0202)),
        PacketField::new("options", 160, 0, FieldForm::Options, Fill::Value(0)),
    ],
};

/// 2001:db8::
const DOCUMENTATION: u128 = 0x2001_0db8 << 96;

pub(super) static IPV6: LayerFacts = LayerFacts {
    name: "ipv6",
    title: "IPv6",
    level: Level::Network,
    size: 40,
    unit: 4,
    fields: &[
        PacketField::new("version", 0, 4, FieldForm::Decimal, Fill::Value(6)).quiet(),
        PacketField::new("traffic_class", 4, 8, FieldForm::Hex, Fill::Value(0)),
        PacketField::new("flow_label", 12, 20, FieldForm::Hex, Fill::Value(0)),
        PacketField::new("length", 32, 16, FieldForm::Decimal, Fill::ContentLength),
        PacketField::new("next_header", 48, 8, FieldForm::Named(PROTOCOLS), Fill::Next),
        PacketField::new("hop_limit", 56, 8, FieldForm::Decimal, Fill::Value(64)),
        PacketField::new("src", 64, 128, FieldForm::Ipv6, Fill::Value(DOCUMENTATION + 1)),
        PacketField::new("dst", 192, 128, FieldForm::Ipv6, Fill::Value(DOCUMENTATION + 2)),
    ],
};
