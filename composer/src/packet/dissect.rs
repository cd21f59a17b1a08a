//! Bytes → fields. Total: a header is read if all of its bytes are there, and what is left is content.

use super::{
    FieldValue, LayerKind, Packet, PacketContent, PacketLayer, PacketStart,
    build::{VXLAN_PORT, get},
    fields::{FieldForm, Fill, Level, PacketField},
};

/// Packets in packets that are read; what is deeper is bytes.
pub(super) const DEPTH: usize = 4;

impl Packet {
    /// Reads a packet. All of its fields are given: the same bytes can be built of it.
    #[must_use]
    pub fn dissect(bytes: &[u8], start: PacketStart) -> Self {
        let first = match (start, bytes.first().map(|byte| byte >> 4)) {
            (PacketStart::Ethernet, _) => Some(LayerKind::Eth),
            (PacketStart::Ip, Some(4)) => Some(LayerKind::Ipv4),
            (PacketStart::Ip, Some(6)) => Some(LayerKind::Ipv6),
            (PacketStart::Ip, _) => None,
        };
        Self::read_from(bytes, first, 0)
    }

    fn read_from(mut rest: &[u8], first: Option<LayerKind>, depth: usize) -> Self {
        let mut layers: Vec<PacketLayer> = Vec::new();
        let mut trailer: &[u8] = &[];
        let mut next = first;
        while let Some(kind) = next {
            if layers.last().is_some_and(|last| !last.kind.may_precede(kind)) {
                break;
            }
            let Some((layer, header)) = PacketLayer::read_from(kind, rest) else { break };
            let end = layer.end(header).filter(|end| depth == 0 && *end <= rest.len());
            let (own, behind) =
                rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            if !behind.is_empty() {
                trailer = behind;
            }
            rest = own.get(header..).unwrap_or_default();
            next = layer.next(header, rest);
            layers.push(layer);
        }
        let carries = layers.last().map_or(&[][..], |last: &PacketLayer| last.kind.carries());
        let inner = next
            .filter(|kind| carries.contains(kind) && depth < DEPTH)
            .map(|kind| Self::read_from(rest, Some(kind), depth + 1));
        let content = match inner {
            Some(inner) if !inner.layers.is_empty() => PacketContent::Inner(Box::new(inner)),
            _ => PacketContent::Bytes(rest.to_vec()),
        };
        Self { layers, content, trailer: trailer.to_vec() }
    }
}

impl LayerKind {
    /// Whether `next` belongs to the same packet as this layer, which it follows; else a packet begins
    /// in this one.
    fn may_precede(self, next: Self) -> bool {
        let (level, below) = (self.facts().level, next.facts().level);
        let is_again = match level {
            Level::Tag => true,
            Level::Extension => self < next,
            _ => false,
        };
        level < below || level == below && is_again
    }
}

impl PacketLayer {
    /// The layer at the start of `bytes`, and the bytes of its header.
    fn read_from(kind: LayerKind, bytes: &[u8]) -> Option<(Self, usize)> {
        let facts = kind.facts();
        let fixed = bytes.get(..facts.size)?;
        let mut values: Vec<_> =
            facts.fields.iter().map(|field| FieldValue::Number(get(fixed, field))).collect();
        let mut header = facts.size;
        let options = facts.fields.iter().position(|field| field.form == FieldForm::Options);
        if let Some(value) = options.and_then(|place| values.get_mut(place)) {
            let length = said(kind, |field| get(fixed, field)).unwrap_or_default();
            let options = match bytes.get(facts.size..length) {
                Some(options) => options,
                // Such a header is never without them.
                None if !facts.padded(Vec::new()).is_empty() => return None,
                None => &[],
            };
            header += options.len();
            *value = FieldValue::Bytes(options.to_vec());
        }
        Some((Self { kind, values }, header))
    }

    /// Where the packet ends, by the length in an IP header; `None` where that cannot be.
    fn end(&self, header: usize) -> Option<usize> {
        let length = self.number("length") as usize;
        match self.kind {
            LayerKind::Ipv4 => Some(length).filter(|end| *end >= header),
            // 0 is for packets whose length does not fit.
            LayerKind::Ipv6 => (length > 0).then_some(header + length),
            _ => None,
        }
    }

    /// The layer in `content`, which follows this one.
    fn next(&self, header: usize, content: &[u8]) -> Option<LayerKind> {
        use LayerKind::{
            Arp, Destination, Eth, Fragment, Gre, HopByHop, Icmp, Icmpv6, Ipv4, Ipv6, Routing, Tcp,
            Udp, Vlan, Vxlan,
        };
        let length = said(self.kind, |field| self.number(field.name));
        let is_whole = length.is_none_or(|length| length == header);
        match self.kind {
            Eth | Vlan => LayerKind::of_ether_type(self.number("ethertype"))
                .filter(|next| [Vlan, Arp, Ipv4, Ipv6].contains(next)),
            Ipv4 if is_whole && self.number("fragment_offset") == 0 => {
                let is_of_six =
                    |next: LayerKind| next == Icmpv6 || next.facts().level == Level::Extension;
                LayerKind::of_protocol(self.number("protocol")).filter(|next| !is_of_six(*next))
            }
            Ipv6 | HopByHop | Routing | Fragment | Destination
                if is_whole && self.number("offset") == 0 =>
            {
                LayerKind::of_protocol(self.number("next_header")).filter(|next| *next != Icmp)
            }
            Ipv4 | Ipv6 | HopByHop | Routing | Fragment | Destination => None,
            Gre => {
                let is_plain = self.number("flags") == 0 && self.number("version") == 0;
                LayerKind::of_ether_type(self.number("protocol"))
                    .filter(|next| is_plain && [Eth, Ipv4, Ipv6].contains(next))
            }
            Udp => {
                let is_vxlan =
                    self.number("dport") == VXLAN_PORT && content.starts_with(&[8, 0, 0, 0]);
                is_vxlan.then_some(Vxlan)
            }
            Vxlan => Some(Eth),
            // Errors quote the packet that they are about.
            Icmp => matches!(self.number("type"), 3 | 5 | 11 | 12).then_some(Ipv4),
            Icmpv6 => matches!(self.number("type"), 1..=4).then_some(Ipv6),
            Arp | Tcp => None,
        }
    }
}

/// The bytes of a header by the field that has its length, whose value `number` gives; `None` if it has none.
fn said(kind: LayerKind, number: impl Fn(&PacketField) -> u128) -> Option<usize> {
    kind.fields().iter().find_map(|field| match field.fill {
        Fill::HeaderLength => Some(number(field) as usize * 4),
        Fill::ExtensionLength => Some((number(field) as usize + 1) * 8),
        _ => None,
    })
}
