//! Ethernet, VLAN tags and ARP.

use super::{FieldForm, Fill, LayerFacts, Level, PacketField};

/// [IEEE 802 numbers](https://www.iana.org/assignments/ieee-802-numbers).
pub(super) const ETHER_TYPES: &[(&str, u128)] = &[
    ("ipv4", 0x0800),
    ("arp", 0x0806),
    ("eth", 0x6558),
    ("vlan", 0x8100),
    ("ipv6", 0x86dd),
    ("service_vlan", SERVICE_TAG),
];

/// The tag in front of another one, of 802.1ad.
pub(in crate::packet) const SERVICE_TAG: u128 = 0x88a8;
/// For what has no EtherType: the first one for local experiments.
pub(in crate::packet) const EXPERIMENTAL_ETHER_TYPE: u128 = 0x88b5;

pub(super) static ETH: LayerFacts = LayerFacts {
    name: "eth",
    title: "Ethernet",
    level: Level::Link,
    size: 14,
    unit: 2,
    fields: &[
        PacketField::new("dst", 0, 48, FieldForm::Mac, Fill::Value(0x0200_0000_0002)),
        PacketField::new("src", 48, 48, FieldForm::Mac, Fill::Value(0x0200_0000_0001)),
        PacketField::new("ethertype", 96, 16, FieldForm::HexNamed(ETHER_TYPES), Fill::Next),
    ],
};

pub(super) static VLAN: LayerFacts = LayerFacts {
    name: "vlan",
    title: "VLAN tag",
    level: Level::Tag,
    size: 4,
    unit: 2,
    fields: &[
        PacketField::new("priority", 0, 3, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("drop_eligible", 3, 1, FieldForm::Flag, Fill::Value(0)).quiet(),
        PacketField::new("id", 4, 12, FieldForm::Decimal, Fill::Value(1)),
        PacketField::new("ethertype", 16, 16, FieldForm::HexNamed(ETHER_TYPES), Fill::Next),
    ],
};

const OPERATIONS: &[(&str, u128)] = &[("request", 1), ("reply", 2)];

pub(super) static ARP: LayerFacts = LayerFacts {
    name: "arp",
    title: "ARP",
    level: Level::Network,
    size: 28,
    unit: 2,
    fields: &[
        PacketField::new("hardware_type", 0, 16, FieldForm::Decimal, Fill::Value(1)).quiet(),
        PacketField::new(
            "protocol_type",
            16,
            16,
            FieldForm::HexNamed(ETHER_TYPES),
            Fill::Value(0x0800),
        )
        .quiet(),
        PacketField::new("hardware_length", 32, 8, FieldForm::Decimal, Fill::Value(6)).quiet(),
        PacketField::new("protocol_length", 40, 8, FieldForm::Decimal, Fill::Value(4)).quiet(),
        PacketField::new("operation", 48, 16, FieldForm::Named(OPERATIONS), Fill::Value(1)),
        PacketField::new("sender_mac", 64, 48, FieldForm::Mac, Fill::Value(0x0200_0000_0001)),
        PacketField::new("sender_ip", 112, 32, FieldForm::Ipv4, Fill::Value(0xc000_0201)),
        PacketField::new("target_mac", 144, 48, FieldForm::Mac, Fill::Value(0)),
        PacketField::new("target_ip", 192, 32, FieldForm::Ipv4, Fill::Value(0xc000_0202)),
    ],
};
