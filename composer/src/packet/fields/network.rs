//! IPv4 and IPv6.

use super::{Fill, LayerFacts, Level, PacketField, Shape};

/// [Protocol numbers](https://www.iana.org/assignments/protocol-numbers).
pub(super) const PROTOCOLS: &[(&str, u128)] = &[
    ("icmp", 1),
    ("ipv4", 4),
    ("tcp", 6),
    ("udp", 17),
    ("ipv6", 41),
    ("gre", 47),
    ("icmpv6", 58),
    ("eth", 143),
];

/// For what has no protocol number: the first one for experiments.
pub(in crate::packet) const EXPERIMENTAL_PROTOCOL: u128 = 253;

pub(super) static IPV4: LayerFacts = LayerFacts {
    name: "ipv4",
    title: "IPv4",
    level: Level::Network,
    size: 20,
    fields: &[
        PacketField::new("version", 0, 4, Shape::Decimal, Fill::Value(4)).quiet(),
        PacketField::new("header_length", 4, 4, Shape::Decimal, Fill::HeaderLength),
        PacketField::new("tos", 8, 8, Shape::Hex, Fill::Value(0)),
        PacketField::new("length", 16, 16, Shape::Decimal, Fill::TotalLength),
        PacketField::new("id", 32, 16, Shape::Decimal, Fill::Value(0)),
        PacketField::new("reserved", 48, 1, Shape::Flag, Fill::Value(0)).quiet(),
        PacketField::new("dont_fragment", 49, 1, Shape::Flag, Fill::Value(0)),
        PacketField::new("more_fragments", 50, 1, Shape::Flag, Fill::Value(0)),
        PacketField::new("fragment_offset", 51, 13, Shape::Decimal, Fill::Value(0)),
        PacketField::new("ttl", 64, 8, Shape::Decimal, Fill::Value(64)),
        PacketField::new("protocol", 72, 8, Shape::Named(PROTOCOLS), Fill::Next),
        PacketField::new("checksum", 80, 16, Shape::Hex, Fill::HeaderChecksum),
        PacketField::new("src", 96, 32, Shape::Ipv4, Fill::Value(0xc000_0201)),
        PacketField::new("dst", 128, 32, Shape::Ipv4, Fill::Value(0xc000_0202)),
        PacketField::new("options", 160, 0, Shape::Options, Fill::Value(0)),
    ],
};

/// 2001:db8::
const DOCUMENTATION: u128 = 0x2001_0db8 << 96;

pub(super) static IPV6: LayerFacts = LayerFacts {
    name: "ipv6",
    title: "IPv6",
    level: Level::Network,
    size: 40,
    fields: &[
        PacketField::new("version", 0, 4, Shape::Decimal, Fill::Value(6)).quiet(),
        PacketField::new("traffic_class", 4, 8, Shape::Hex, Fill::Value(0)),
        PacketField::new("flow_label", 12, 20, Shape::Hex, Fill::Value(0)),
        PacketField::new("length", 32, 16, Shape::Decimal, Fill::ContentLength),
        PacketField::new("next_header", 48, 8, Shape::Named(PROTOCOLS), Fill::Next),
        PacketField::new("hop_limit", 56, 8, Shape::Decimal, Fill::Value(64)),
        PacketField::new("src", 64, 128, Shape::Ipv6, Fill::Value(DOCUMENTATION + 1)),
        PacketField::new("dst", 192, 128, Shape::Ipv6, Fill::Value(DOCUMENTATION + 2)),
    ],
};
