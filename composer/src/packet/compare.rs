//! What was expected and what came → where they differ, in the order of the packet.

use std::ops::Range;

use super::{
    Expectation, ExpectedPacket, FieldValue, LayerKind, Packet, PacketContent, PacketStart,
    fields::Fill,
    hexadecimal,
    read::{WrittenContent, WrittenField, WrittenLayer, WrittenPacket, WrittenValue},
    toml_text,
};
use crate::diag::Span;

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketDifference {
    /// Which part of the packet: `ipv4.ttl`, `inner.tcp.flags`, `vlan`, `payload`.
    pub path: String,
    /// What was expected, as the test file writes it.
    pub expected: String,
    /// What came.
    pub got: String,
    /// Where the expectation is written.
    pub span: Span,
    /// The bytes of what came that it is about; empty if they are not there.
    pub bytes: Range<usize>,
}

impl ExpectedPacket {
    /// Where `got` is not as expected; none if it is.
    #[must_use]
    pub fn differences(&self, got: &[u8]) -> Vec<PacketDifference> {
        let mut comparison = Comparing { found: Vec::new() };
        match &self.what {
            Expectation::Fields(written) => {
                let packet = Packet::dissect(got, written.start());
                comparison.packet(written, &packet, "", 0);
            }
            Expectation::Bytes(bytes) if bytes == got => {}
            Expectation::Bytes(bytes) => {
                let packet = Packet::dissect(bytes, PacketStart::Ethernet);
                let written = WrittenPacket::whole(&packet, &self.span);
                let packet = Packet::dissect(got, PacketStart::Ethernet);
                comparison.packet(&written, &packet, "", 0);
            }
        }
        comparison.found
    }

    /// Where it is written.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// The bytes that are expected, if it is all of them.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.what {
            Expectation::Bytes(bytes) => Some(bytes),
            Expectation::Fields(_) => None,
        }
    }
}

struct Comparing {
    found: Vec<PacketDifference>,
}

impl Comparing {
    /// Compares a packet that begins at byte `at`; `path` is in front of the names of its parts.
    fn packet(&mut self, written: &WrittenPacket, got: &Packet, path: &str, at: usize) {
        for (kind, span) in &written.absent {
            if let Some((_, bytes)) = got.places(*kind, at).next() {
                self.add(format!("{path}{kind}"), ABSENT, PRESENT, span, bytes);
            }
        }
        for kind in LayerKind::ALL {
            let expected: Vec<_> =
                written.layers.iter().filter(|layer| layer.kind == kind).collect();
            let found: Vec<_> = got.places(kind, at).collect();
            self.layers(&expected, &found, got, path);
        }
        let start = at + got.headers();
        match &written.content {
            None => {}
            Some((WrittenContent::Inner(inner), span)) => match &got.content {
                PacketContent::Inner(packet) => {
                    self.packet(inner, packet, &format!("{path}inner."), start);
                }
                PacketContent::Bytes(bytes) => {
                    let came = payload(bytes, 0);
                    let bytes = start..start + bytes.len();
                    self.add(format!("{path}inner"), "a packet", came, span, bytes);
                }
            },
            Some((WrittenContent::Length(length), span)) => {
                let came = got.content.bytes().len();
                if came != *length {
                    let expected = format!("{length} bytes");
                    let got = format!("{came} bytes");
                    self.add(format!("{path}payload"), expected, got, span, start..start + came);
                }
            }
            Some((WrittenContent::Bytes(bytes), span)) => {
                self.bytes(format!("{path}payload"), bytes, &got.content.bytes(), span, start);
            }
        }
        if let Some((bytes, span)) = &written.trailer {
            let start = start + got.content.bytes().len();
            self.bytes(format!("{path}trailer"), bytes, &got.trailer, span, start);
        }
    }

    /// Compares the layers of one kind: all VLAN tags, or the only one of another kind.
    fn layers(
        &mut self,
        expected: &[&WrittenLayer],
        found: &[(usize, Range<usize>)],
        got: &Packet,
        path: &str,
    ) {
        let Some(first) = expected.first() else { return };
        if found.is_empty() || (first.kind == LayerKind::Vlan && found.len() != expected.len()) {
            let (expected, came) = match first.kind {
                LayerKind::Vlan if !found.is_empty() => (tags(expected.len()), tags(found.len())),
                _ => (PRESENT.to_owned(), got.names()),
            };
            return self.add(format!("{path}{}", first.kind), expected, came, &first.span, 0..0);
        }
        for (number, (layer, (place, bytes))) in expected.iter().zip(found).enumerate() {
            let name = match expected.len() {
                1 => format!("{path}{}", layer.kind),
                _ => format!("{path}{}[{number}]", layer.kind),
            };
            for field in &layer.fields {
                self.field(field, got, *place, &name, bytes.start);
            }
        }
    }

    /// Compares a field of the layer at `place`, which begins at byte `start`.
    fn field(
        &mut self,
        field: &WrittenField,
        got: &Packet,
        place: usize,
        path: &str,
        start: usize,
    ) {
        let Some(layer) = got.layers.get(place) else { return };
        let (Some(facts), Some(came)) =
            (layer.kind.fields().get(field.place), layer.values.get(field.place))
        else {
            return;
        };
        let expected = match &field.value {
            WrittenValue::Number(number) => FieldValue::Number(*number),
            WrittenValue::Bytes(bytes) => FieldValue::Bytes(bytes.clone()),
            WrittenValue::Valid => {
                let is_left_out = facts.fill == Fill::PseudoChecksum
                    && layer.kind == LayerKind::Udp
                    && *came == FieldValue::Number(0)
                    && got.layers.iter().any(|layer| layer.kind == LayerKind::Ipv4);
                if is_left_out {
                    return;
                }
                FieldValue::Number(got.right(place, field.place))
            }
        };
        if expected == *came || facts.fill.is_checksum() && is_same_sum(layer.kind, &expected, came)
        {
            return;
        }
        let bytes = match came {
            FieldValue::Bytes(bytes) => facts.at / 8..facts.at / 8 + bytes.len(),
            _ => facts.at / 8..(facts.at + facts.bits).div_ceil(8),
        };
        let valid = if field.value == WrittenValue::Valid { " (valid)" } else { "" };
        let expected = format!("{}{valid}", facts.text(&expected));
        let bytes = start + bytes.start..start + bytes.end;
        let path = format!("{path}.{}", facts.name);
        self.add(path, expected, facts.text(came), &field.span, bytes);
    }

    fn bytes(&mut self, path: String, expected: &[u8], got: &[u8], span: &Span, start: usize) {
        if expected != got {
            let pairs = expected.iter().zip(got);
            let first = pairs.take_while(|(expected, got)| expected == got).count();
            let bytes = start + first..start + got.len();
            self.add(path, payload(expected, first), payload(got, first), span, bytes);
        }
    }

    fn add(
        &mut self,
        path: String,
        expected: impl Into<String>,
        got: impl Into<String>,
        span: &Span,
        bytes: Range<usize>,
    ) {
        let (expected, got, span) = (expected.into(), got.into(), span.clone());
        self.found.push(PacketDifference { path, expected, got, span, bytes });
    }
}

impl Packet {
    /// The layers of `kind`: the place of each, and its bytes if the packet begins at byte `at`.
    fn places(&self, kind: LayerKind, at: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let places = self.layers.iter().enumerate().scan(at, |start, (place, layer)| {
            let bytes = *start..*start + layer.header();
            *start = bytes.end;
            Some((place, bytes, layer.kind))
        });
        places.filter(move |(_, _, found)| *found == kind).map(|(place, bytes, _)| (place, bytes))
    }

    /// The bytes of its headers.
    fn headers(&self) -> usize {
        self.layers.iter().map(super::PacketLayer::header).sum()
    }

    /// That a layer is absent, and which are there: `absent (eth, ipv4)`.
    fn names(&self) -> String {
        let names: Vec<_> = self.layers.iter().map(|layer| layer.kind.name()).collect();
        match names.is_empty() {
            true => ABSENT.to_owned(),
            false => format!("{ABSENT} ({})", names.join(", ")),
        }
    }
}

const PRESENT: &str = "present";
const ABSENT: &str = "absent";

/// Whether two checksums are both ways to write 0: incremental updates give the other one. In UDP 0 is for
/// none.
fn is_same_sum(kind: LayerKind, expected: &FieldValue, came: &FieldValue) -> bool {
    let is_zero = |value| [0, 0xffff].map(FieldValue::Number).contains(value);
    let is_none = kind == LayerKind::Udp && *came == FieldValue::Number(0);
    is_zero(expected) && is_zero(came) && !is_none
}

fn tags(number: usize) -> String {
    match number {
        1 => "1 tag".to_owned(),
        _ => format!("{number} tags"),
    }
}

/// The most bytes of a payload that a difference writes out.
const SHOWN: usize = 32;

/// A payload in a line; of a long one the bytes from `first`, where it differs.
fn payload(bytes: &[u8], first: usize) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    if bytes.len() <= SHOWN {
        return toml_text::content(bytes);
    }
    let rest = bytes.get(first..).unwrap_or_default();
    let shown = rest.get(..SHOWN).unwrap_or(rest);
    let more = if shown.len() < rest.len() { " …" } else { "" };
    format!("{} bytes, from byte {first}: {}{more}", bytes.len(), hexadecimal::text(shown))
}
