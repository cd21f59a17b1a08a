//! Fields → bytes, from the inside out: lengths and checksums need what follows.

use super::{
    FieldValue, LayerKind, Packet, PacketContent, PacketLayer,
    fields::{
        EXPERIMENTAL_ETHER_TYPE, EXPERIMENTAL_PROTOCOL, Fill, Level, PacketField, SERVICE_TAG,
    },
};

/// The port of VXLAN.
pub(super) const VXLAN_PORT: u128 = 4789;
const DNS_PORT: u128 = 53;

impl Packet {
    /// The packet on the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.content.bytes();
        for place in (0..self.layers.len()).rev() {
            bytes = self.with_header(place, bytes);
        }
        bytes.extend(&self.trailer);
        bytes
    }

    /// The layer at `place` with its header, and behind it `content`.
    fn with_header(&self, place: usize, content: Vec<u8>) -> Vec<u8> {
        let Some(layer) = self.layers.get(place) else { return content };
        let mut bytes = vec![0; layer.kind.facts().size];
        bytes.extend(layer.options());
        let header = bytes.len();
        bytes.extend(content);
        let fields = || layer.kind.fields().iter().zip(&layer.values);
        // Checksums are of all other fields.
        for is_checksum in [false, true] {
            for (field, value) in
                fields().filter(|(field, _)| field.fill.is_checksum() == is_checksum)
            {
                let number = match value {
                    FieldValue::Bytes(_) => continue,
                    FieldValue::Number(number) => *number,
                    FieldValue::Filled => self.filled(place, field.fill, header, &bytes),
                };
                put(&mut bytes, field, number);
            }
        }
        bytes
    }

    /// The value that the field `field` of the layer at `place` would have if it were not given.
    pub(super) fn right(&self, place: usize, field: usize) -> u128 {
        let mut probe = self.clone();
        let Some(layer) = probe.layers.get_mut(place) else { return 0 };
        let Some(facts) = layer.kind.fields().get(field) else { return 0 };
        layer.values.get_mut(field).into_iter().for_each(|value| *value = FieldValue::Filled);
        let mut bytes = self.content.bytes();
        for place in (place..self.layers.len()).rev() {
            bytes = probe.with_header(place, bytes);
        }
        get(&bytes, facts)
    }

    /// The value that a field of the layer at `place` has when nobody gives one; `bytes` is the layer and
    /// what follows, the first `header` of them its header.
    fn filled(&self, place: usize, fill: Fill, header: usize, bytes: &[u8]) -> u128 {
        let content = bytes.get(header..).unwrap_or_default();
        match fill {
            Fill::Value(value) => value,
            Fill::Type { alone, quoting } => match self.content {
                PacketContent::Inner(_) => quoting,
                PacketContent::Bytes(_) => alone,
            },
            Fill::Echo => {
                let echo = match self.layers.get(place).map(|layer| layer.kind) {
                    Some(LayerKind::Icmp) => [8, 0],
                    _ => [128, 129],
                };
                // The type is the first byte of both.
                let kind = bytes.first().copied().unwrap_or_default();
                echo.contains(&kind).into()
            }
            Fill::Port => match self.next(place) {
                Some(LayerKind::Vxlan) => VXLAN_PORT,
                _ => DNS_PORT,
            },
            Fill::Next => self.next_type(place),
            Fill::HeaderLength => (header / 4) as u128,
            Fill::ExtensionLength => (header / 8).saturating_sub(1) as u128,
            Fill::TotalLength => bytes.len() as u128,
            Fill::ContentLength => content.len() as u128,
            Fill::HeaderChecksum => checksum(&[bytes.get(..header).unwrap_or_default()]).into(),
            Fill::Checksum => checksum(&[bytes]).into(),
            Fill::PseudoChecksum => {
                let pseudo = self.pseudo_header(place, bytes.len());
                let sum = checksum(&[&pseudo, bytes]);
                let kind = self.layers.get(place).map(|layer| layer.kind);
                // 0 is for no checksum in UDP.
                let sum = if kind == Some(LayerKind::Udp) && sum == 0 { u16::MAX } else { sum };
                sum.into()
            }
        }
    }

    /// The layer that follows the one at `place`.
    fn next(&self, place: usize) -> Option<LayerKind> {
        match (self.layers.get(place + 1), &self.content) {
            (Some(layer), _) => Some(layer.kind),
            (None, PacketContent::Inner(inner)) => Some(inner.layers.first()?.kind),
            (None, PacketContent::Bytes(_)) => None,
        }
    }

    /// The EtherType or protocol number of what follows the layer at `place`.
    fn next_type(&self, place: usize) -> u128 {
        let next = self.next(place);
        if self.layers.get(place).is_some_and(|layer| layer.kind.names_protocol()) {
            return next.and_then(LayerKind::protocol).unwrap_or(EXPERIMENTAL_PROTOCOL);
        }
        let is_outer_tag = next == Some(LayerKind::Vlan) && self.next(place + 1) == next;
        match next.and_then(LayerKind::ether_type) {
            Some(_) if is_outer_tag => SERVICE_TAG,
            found => found.unwrap_or(EXPERIMENTAL_ETHER_TYPE),
        }
    }

    /// What the checksum of a transport layer of `length` bytes covers of the network layer; nothing
    /// without one.
    fn pseudo_header(&self, place: usize, length: usize) -> Vec<u8> {
        let own = self.layers.get(place).and_then(|layer| layer.kind.protocol()).unwrap_or(0) as u8;
        let before = self.layers.get(..place).unwrap_or_default();
        let Some(network) =
            before.iter().rev().find(|layer| layer.kind.facts().level == Level::Network)
        else {
            return Vec::new();
        };
        let [src, dst] = ["src", "dst"].map(|name| network.number(name));
        match network.kind {
            LayerKind::Ipv4 => {
                let mut header = Vec::from((src as u32).to_be_bytes());
                header.extend((dst as u32).to_be_bytes());
                header.extend([0, own]);
                header.extend((length as u16).to_be_bytes());
                header
            }
            LayerKind::Ipv6 => {
                let mut header = Vec::from(src.to_be_bytes());
                header.extend(dst.to_be_bytes());
                header.extend((length as u32).to_be_bytes());
                header.extend([0, 0, 0, own]);
                header
            }
            _ => Vec::new(),
        }
    }
}

impl PacketContent {
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Inner(inner) => inner.bytes(),
        }
    }
}

impl PacketLayer {
    /// A layer of which nothing is given.
    pub(super) fn filled(kind: LayerKind) -> Self {
        Self { kind, values: vec![FieldValue::Filled; kind.fields().len()] }
    }

    /// The bytes of its header.
    pub(super) fn header(&self) -> usize {
        self.kind.facts().size + self.options().len()
    }

    /// The layer in front of `content`.
    pub(super) fn before(self, content: &[u8]) -> Vec<u8> {
        let content = PacketContent::Bytes(content.to_vec());
        Packet { layers: vec![self], content, trailer: Vec::new() }.bytes()
    }

    /// Gives the field `name` a value.
    pub(super) fn set(&mut self, name: &str, number: u128) {
        let place = self.kind.field(name).and_then(|place| self.values.get_mut(place));
        place.into_iter().for_each(|place| *place = FieldValue::Number(number));
    }

    /// Its options with their padding, if its header has such a length.
    fn options(&self) -> Vec<u8> {
        let found = self.values.iter().find_map(|value| match value {
            FieldValue::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        });
        self.kind.facts().padded(found.unwrap_or_default())
    }

    /// The value of the field `name`, one that does not depend on what follows.
    pub(super) fn number(&self, name: &str) -> u128 {
        let Some(place) = self.kind.field(name) else { return 0 };
        match (self.values.get(place), self.kind.fields().get(place).map(|field| field.fill)) {
            (Some(FieldValue::Number(number)), _) => *number,
            (_, Some(Fill::Value(number))) => number,
            _ => 0,
        }
    }
}

/// Writes the bits of a field into a header.
fn put(header: &mut [u8], field: &PacketField, value: u128) {
    for bit in 0..field.bits {
        let at = field.at + field.bits - 1 - bit;
        let mask = 0x80 >> (at % 8);
        let Some(byte) = header.get_mut(at / 8) else { return };
        match value >> bit & 1 {
            0 => *byte &= !mask,
            _ => *byte |= mask,
        }
    }
}

/// Reads the bits of a field from a header.
pub(super) fn get(header: &[u8], field: &PacketField) -> u128 {
    (field.at..field.at + field.bits).fold(0, |value, at| {
        let byte = header.get(at / 8).copied().unwrap_or_default();
        value << 1 | u128::from(byte >> (7 - at % 8) & 1)
    })
}

/// [RFC 1071](https://www.rfc-editor.org/rfc/rfc1071): the complement of the sum of all 16-bit words. Each
/// part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u64 = words
        .map(|word| match word {
            [high, low] => u64::from(u16::from_be_bytes([*high, *low])),
            [high] => u64::from(*high) << 8,
            _ => 0,
        })
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
