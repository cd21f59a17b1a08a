//! The TOML of a packet → layers and values with their places, and every mistake in it.

mod layers;
mod value;

use toml::de::DeValue;

use super::{
    Expectation, ExpectedPacket, FieldValue, LARGEST, LayerKind, Packet, PacketContent,
    PacketLayer, PacketSource, PacketStart, dissect::DEPTH,
};
use crate::{
    chain::{
        Spanned,
        table::{Diagnostics, Table, wrong_type},
    },
    diag::{Code, Diagnostic, Sources, Span},
};

/// A packet as it is written: only what is given.
#[derive(Debug, Clone)]
pub(super) struct WrittenPacket {
    pub(super) layers: Vec<WrittenLayer>,
    /// Layers that must not be there.
    pub(super) absent: Vec<(LayerKind, Span)>,
    pub(super) content: Option<(WrittenContent, Span)>,
    pub(super) trailer: Option<(Vec<u8>, Span)>,
    pub(super) span: Span,
}

/// A layer, and the fields of it that are given.
#[derive(Debug, Clone)]
pub(super) struct WrittenLayer {
    pub(super) kind: LayerKind,
    pub(super) span: Span,
    pub(super) fields: Vec<WrittenField>,
}

#[derive(Debug, Clone)]
pub(super) struct WrittenField {
    /// Its place among the fields of its layer.
    pub(super) place: usize,
    pub(super) value: WrittenValue,
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WrittenValue {
    Number(u128),
    Bytes(Vec<u8>),
    /// What is right with the rest of the packet.
    Valid,
}

#[derive(Debug, Clone)]
pub(super) enum WrittenContent {
    Bytes(Vec<u8>),
    /// So many bytes: zeros where they are given.
    Length(usize),
    Inner(Box<WrittenPacket>),
}

/// The form of a packet, in messages.
const PACKET: &str =
    "a table of layers, hexadecimal digits, { hex = \"…\" } or { pcap = \"FILE\" }";

/// What a packet can be.
enum WrittenForm {
    Fields(WrittenPacket),
    Bytes(Vec<u8>),
    Capture(Spanned<String>),
}

impl PacketSource {
    /// Reads a packet to be given, a value in one of `sources`. `None` if something is wrong with it, which
    /// `found` then has.
    #[must_use]
    pub fn read(
        value: &toml::Spanned<DeValue<'_>>,
        sources: &Sources,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        whole(sources, found, |report| match written(value, report)? {
            WrittenForm::Capture(path) => Some(Self::Capture(path)),
            WrittenForm::Bytes(bytes) => {
                Some(Self::Packet(Packet::dissect(&bytes, PacketStart::Ethernet)))
            }
            WrittenForm::Fields(written) => {
                layers::check(&written, true, report);
                let packet = written.packet(true);
                layers::check_size(&packet, &written, report);
                Some(Self::Packet(packet))
            }
        })
    }
}

impl ExpectedPacket {
    /// Reads a packet to be expected, a value in one of `sources`. `None` if something is wrong with it, which
    /// `found` then has.
    #[must_use]
    pub fn read(
        value: &toml::Spanned<DeValue<'_>>,
        sources: &Sources,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        whole(sources, found, |report| {
            let span = report.span(value);
            let what = match written(value, report)? {
                WrittenForm::Bytes(bytes) => Expectation::Bytes(bytes),
                WrittenForm::Fields(written) => {
                    layers::check(&written, false, report);
                    Expectation::Fields(written)
                }
                WrittenForm::Capture(path) => {
                    let found = report
                        .at(
                            Code::PacketLayers,
                            "a capture file cannot be expected",
                            &path.span,
                            "not one packet",
                        )
                        .help("Write the fields that matter, or all bytes as { hex = \"…\" }.");
                    report.push(found);
                    return None;
                }
            };
            Some(Self { what, span })
        })
    }
}

/// What `read` gives, if it reports nothing.
fn whole<T>(
    sources: &Sources,
    found: &mut Vec<Diagnostic>,
    read: impl FnOnce(&mut Diagnostics<'_>) -> Option<T>,
) -> Option<T> {
    let before = found.len();
    let mut report = Diagnostics { sources, diagnostics: found, slips: &mut Vec::new() };
    let read = read(&mut report);
    read.filter(|_| found.len() == before)
}

/// Reads any of the three.
fn written(
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<WrittenForm> {
    if value.get_ref().is_str() {
        return value::hex("the packet", value, LARGEST, report).map(WrittenForm::Bytes);
    }
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type("the packet", PACKET, value, report);
        return None;
    };
    let mut table = report.table("the packet".to_owned(), report.span(value), entries);
    let read = if let Some((_, text)) = table.get("hex") {
        value::hex("`hex`", text, LARGEST, report).map(WrittenForm::Bytes)
    } else if let Some((_, path)) = table.get("pcap") {
        value::text("`pcap`", path, report).map(WrittenForm::Capture)
    } else {
        Some(WrittenForm::Fields(WrittenPacket::of_table(
            &mut table,
            report.span(value),
            0,
            report,
        )))
    };
    table.finish(report);
    read
}

impl WrittenPacket {
    /// Reads the layers of `table`, and what they carry.
    fn of_table(
        table: &mut Table<'_>,
        span: Span,
        depth: usize,
        report: &mut Diagnostics<'_>,
    ) -> Self {
        let mut packet =
            Self { layers: Vec::new(), absent: Vec::new(), content: None, trailer: None, span };
        for kind in LayerKind::ALL {
            if let Some((span, value)) = table.get(kind.name()) {
                packet.layer(kind, &span, value, report);
            }
        }
        let payload = table.get("payload").and_then(|(span, value)| {
            value::content("`payload`", value, report).map(|content| (content, span))
        });
        let inner = table.get("inner").and_then(|(span, value)| {
            let inner = Self::inner(&span, value, depth + 1, report)?;
            Some((WrittenContent::Inner(Box::new(inner)), span))
        });
        if let (Some((_, first)), Some((_, second))) = (&payload, &inner) {
            let found = report
                .at(
                    Code::PacketLayers,
                    "`payload` and `inner` in one packet",
                    second,
                    "another content",
                )
                .label(first, "the packet carries this")
                .help("Keep one of the two: `inner` is a packet, `payload` bytes.");
            report.push(found);
        }
        packet.content = inner.or(payload);
        packet.trailer = table.get("trailer").and_then(|(span, value)| {
            match value::content("`trailer`", value, report)? {
                WrittenContent::Bytes(bytes) => Some((bytes, span)),
                WrittenContent::Length(length) => Some((vec![0; length], span)),
                WrittenContent::Inner(_) => None,
            }
        });
        packet
    }

    fn inner(
        span: &Span,
        value: &toml::Spanned<DeValue<'_>>,
        depth: usize,
        report: &mut Diagnostics<'_>,
    ) -> Option<Self> {
        let Some(entries) = value.get_ref().as_table() else {
            wrong_type("`inner`", "a table of layers", value, report);
            return None;
        };
        if depth > DEPTH {
            let found = report
                .at(
                    Code::PacketLayers,
                    format!("packets are nested deeper than {DEPTH}"),
                    span,
                    "too deep",
                )
                .help("Write what is deeper as `payload`.");
            report.push(found);
            return None;
        }
        let mut table = report.table("`inner`".to_owned(), span.clone(), entries);
        let inner = Self::of_table(&mut table, span.clone(), depth, report);
        table.finish(report);
        Some(inner)
    }

    /// Reads a layer, the tags of a list, or that there is none.
    fn layer(
        &mut self,
        kind: LayerKind,
        span: &Span,
        value: &toml::Spanned<DeValue<'_>>,
        report: &mut Diagnostics<'_>,
    ) {
        let tables = match value.get_ref() {
            DeValue::Boolean(false) => return self.absent.push((kind, span.clone())),
            DeValue::Table(entries) => vec![entries],
            DeValue::Array(items) if kind == LayerKind::Vlan && !items.is_empty() => {
                let mut tables = Vec::new();
                for item in items {
                    match item.get_ref().as_table() {
                        Some(entries) => tables.push(entries),
                        None => wrong_type("an item of `vlan`", "a table of fields", item, report),
                    }
                }
                tables
            }
            _ => {
                let wanted = match kind {
                    LayerKind::Vlan => "a table of fields, a list of tables, or false",
                    _ => "a table of fields, or false",
                };
                return wrong_type(&format!("`{kind}`"), wanted, value, report);
            }
        };
        for entries in tables {
            let mut table = report.table(format!("`{kind}`"), span.clone(), entries);
            let mut fields = Vec::new();
            for (place, field) in kind.fields().iter().enumerate() {
                let Some((_, value)) = table.get(field.name) else { continue };
                let span = report.span(value);
                let value = value::field(kind.facts(), field, value, report);
                fields.extend(value.map(|value| WrittenField { place, value, span }));
            }
            table.finish(report);
            self.layers.push(WrittenLayer { kind, span: span.clone(), fields });
        }
    }

    /// Where it begins.
    pub(super) fn start(&self) -> PacketStart {
        match self.absent.iter().any(|(kind, _)| *kind == LayerKind::Eth) {
            true => PacketStart::Ip,
            false => PacketStart::Ethernet,
        }
    }

    /// The packet; the outermost one begins with Ethernet if it does not say that it has none.
    fn packet(&self, is_outermost: bool) -> Packet {
        let mut layers: Vec<_> = self.layers.iter().map(WrittenLayer::layer).collect();
        let is_eth = self.layers.first().is_some_and(|layer| layer.kind == LayerKind::Eth);
        if is_outermost && !is_eth && self.start() == PacketStart::Ethernet {
            layers.insert(0, PacketLayer::filled(LayerKind::Eth));
        }
        let content = match &self.content {
            None => PacketContent::Bytes(Vec::new()),
            Some((WrittenContent::Bytes(bytes), _)) => PacketContent::Bytes(bytes.clone()),
            Some((WrittenContent::Length(length), _)) => PacketContent::Bytes(vec![0; *length]),
            Some((WrittenContent::Inner(inner), _)) => {
                PacketContent::Inner(Box::new(inner.packet(false)))
            }
        };
        let trailer = self.trailer.as_ref().map(|(bytes, _)| bytes.clone());
        Packet { layers, content, trailer: trailer.unwrap_or_default() }
    }

    /// All of a packet that was read, as if it were written at `span`.
    pub(super) fn whole(packet: &Packet, span: &Span) -> Self {
        let is_there = |kind: &LayerKind| packet.layers.iter().any(|layer| layer.kind == *kind);
        let absent = LayerKind::ALL.into_iter().filter(|kind| !is_there(kind));
        let content = match &packet.content {
            PacketContent::Bytes(bytes) => WrittenContent::Bytes(bytes.clone()),
            PacketContent::Inner(inner) => {
                WrittenContent::Inner(Box::new(Self::whole(inner, span)))
            }
        };
        Self {
            layers: packet.layers.iter().map(|layer| WrittenLayer::of(layer, span)).collect(),
            absent: absent.map(|kind| (kind, span.clone())).collect(),
            content: Some((content, span.clone())),
            trailer: Some((packet.trailer.clone(), span.clone())),
            span: span.clone(),
        }
    }
}

impl WrittenLayer {
    fn layer(&self) -> PacketLayer {
        let mut layer = PacketLayer::filled(self.kind);
        for field in &self.fields {
            let Some(place) = layer.values.get_mut(field.place) else { continue };
            *place = match &field.value {
                WrittenValue::Number(number) => FieldValue::Number(*number),
                WrittenValue::Bytes(bytes) => FieldValue::Bytes(bytes.clone()),
                WrittenValue::Valid => FieldValue::Filled,
            };
        }
        layer
    }

    fn of(layer: &PacketLayer, span: &Span) -> Self {
        let fields = layer.values.iter().enumerate().filter_map(|(place, value)| {
            let value = match value {
                FieldValue::Number(number) => WrittenValue::Number(*number),
                FieldValue::Bytes(bytes) => WrittenValue::Bytes(bytes.clone()),
                FieldValue::Filled => return None,
            };
            Some(WrittenField { place, value, span: span.clone() })
        });
        Self { kind: layer.kind, span: span.clone(), fields: fields.collect() }
    }
}
