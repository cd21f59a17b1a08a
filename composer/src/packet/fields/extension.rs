//! The extension headers of IPv6.

use super::{FieldForm, Fill, LayerFacts, Level, PacketField, network::PROTOCOLS};

const NEXT: PacketField =
    PacketField::new("next_header", 0, 8, FieldForm::Named(PROTOCOLS), Fill::Next);
const LENGTH: PacketField =
    PacketField::new("header_length", 8, 8, FieldForm::Decimal, Fill::ExtensionLength);

pub(super) static HOP_BY_HOP: LayerFacts = LayerFacts {
    name: "hop_by_hop",
    title: "hop-by-hop options of IPv6",
    level: Level::Extension,
    size: 2,
    unit: 8,
    fields: &[NEXT, LENGTH, PacketField::new("options", 16, 0, FieldForm::Options, Fill::Value(0))],
};

pub(super) static ROUTING: LayerFacts = LayerFacts {
    name: "routing",
    title: "routing header of IPv6",
    level: Level::Extension,
    size: 4,
    unit: 8,
    fields: &[
        NEXT,
        LENGTH,
        PacketField::new("type", 16, 8, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("segments_left", 24, 8, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("data", 32, 0, FieldForm::Options, Fill::Value(0)),
    ],
};

pub(super) static FRAGMENT: LayerFacts = LayerFacts {
    name: "fragment",
    title: "fragment header of IPv6",
    level: Level::Extension,
    size: 8,
    unit: 8,
    fields: &[
        NEXT,
        PacketField::new("reserved", 8, 8, FieldForm::Hex, Fill::Value(0)).quiet(),
        PacketField::new("offset", 16, 13, FieldForm::Decimal, Fill::Value(0)),
        PacketField::new("reserved_bits", 29, 2, FieldForm::Decimal, Fill::Value(0)).quiet(),
        PacketField::new("more_fragments", 31, 1, FieldForm::Flag, Fill::Value(0)),
        PacketField::new("id", 32, 32, FieldForm::Decimal, Fill::Value(1)),
    ],
};

pub(super) static DESTINATION: LayerFacts = LayerFacts {
    name: "destination",
    title: "destination options of IPv6",
    level: Level::Extension,
    size: 2,
    unit: 8,
    fields: &[NEXT, LENGTH, PacketField::new("options", 16, 0, FieldForm::Options, Fill::Value(0))],
};
