//! The table of layers and their fields: where each one is, how people write it, and what it is when
//! nobody writes it.
//!
//! Building, reading, comparing, printing and the tables of docs/tests.md all follow this table. The fields
//! of a layer cover each bit of its header, so that whatever is read can be built again.

mod extension;
mod link;
mod network;
mod transport;

use std::fmt;

/// A layer of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerKind {
    /// Ethernet.
    Eth,
    /// A VLAN tag, 802.1Q or 802.1ad.
    Vlan,
    /// ARP for IPv4 over Ethernet.
    Arp,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// The hop-by-hop options of IPv6.
    HopByHop,
    /// The routing header of IPv6.
    Routing,
    /// The fragment header of IPv6.
    Fragment,
    /// The destination options of IPv6.
    Destination,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP for IPv4.
    Icmp,
    /// ICMP for IPv6.
    Icmpv6,
    /// GRE without optional fields.
    Gre,
    /// VXLAN.
    Vxlan,
}

/// The level of a layer: a packet has one of each, in this order, and any number of VLAN tags
/// and extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Link,
    Tag,
    Network,
    Extension,
    Transport,
    Tunnel,
}

/// What is known of a layer.
#[derive(Debug)]
pub(super) struct LayerFacts {
    /// Its key in a test file.
    pub(super) name: &'static str,
    /// Its name in prose.
    pub(super) title: &'static str,
    pub(super) level: Level,
    /// The bytes of its header, without options.
    pub(super) size: usize,
    /// What the length of the header with options is a multiple of.
    pub(super) unit: usize,
    /// Its fields in the order of the wire.
    pub(super) fields: &'static [PacketField],
}

/// A field of a layer.
#[derive(Debug)]
pub(super) struct PacketField {
    /// Its key in a test file.
    pub(super) name: &'static str,
    /// The first of its bits, from the start of the header.
    pub(super) at: usize,
    /// The number of its bits; 0 for options, which end with the header.
    pub(super) bits: usize,
    pub(super) form: FieldForm,
    pub(super) fill: Fill,
    /// Whether it is hardly ever another value than the usual one, and not shown when it is that.
    pub(super) is_quiet: bool,
}

/// How people write the value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldForm {
    Decimal,
    Hex,
    /// `true` or `false`.
    Flag,
    /// A letter for each bit that is set, from the lowest bit.
    Letters(&'static str),
    /// A number that may have a name.
    Named(&'static [(&'static str, u128)]),
    /// The same, hexadecimal without one.
    HexNamed(&'static [(&'static str, u128)]),
    Mac,
    Ipv4,
    Ipv6,
    /// Bytes in hexadecimal.
    Options,
}

/// The value of a field that is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Value(u128),
    /// The type of what follows.
    Next,
    /// The type of an ICMP message by itself, or of an error that quotes a packet.
    Type {
        alone: u128,
        quoting: u128,
    },
    /// What is 1 in echo messages, and not used in many others.
    Echo,
    /// The port of the tunnel that follows, else of DNS.
    Port,
    /// The length of the header, in units of 4 bytes.
    HeaderLength,
    /// The length of the header, in units of 8 bytes behind the first 8.
    ExtensionLength,
    /// The length of the header and all that follows.
    TotalLength,
    /// The length of what follows.
    ContentLength,
    /// The checksum of the header.
    HeaderChecksum,
    /// The checksum of the header and all that follows.
    Checksum,
    /// The same with the addresses of the network layer.
    PseudoChecksum,
}

impl Fill {
    /// Whether it follows from the rest of the packet.
    pub(super) fn is_computed(self) -> bool {
        !matches!(self, Self::Value(_) | Self::Type { .. } | Self::Echo | Self::Port)
    }

    pub(super) fn is_checksum(self) -> bool {
        matches!(self, Self::HeaderChecksum | Self::Checksum | Self::PseudoChecksum)
    }

    /// Whether it may be expected as `"valid"`.
    pub(super) fn is_checkable(self) -> bool {
        self.is_computed() && self != Self::Next
    }
}

impl LayerFacts {
    /// The most bytes of options, as much as the length of the header can say.
    pub(super) fn most_options(&self) -> usize {
        match self.unit {
            8 => 256 * 8 - self.size,
            unit => 15 * unit - self.size,
        }
    }

    /// Options with the padding that ends the header.
    pub(super) fn padded(&self, mut options: Vec<u8>) -> Vec<u8> {
        let end = (self.size + options.len()).next_multiple_of(self.unit);
        options.resize(end - self.size, 0);
        options
    }
}

impl PacketField {
    const fn new(name: &'static str, at: usize, bits: usize, form: FieldForm, fill: Fill) -> Self {
        Self { name, at, bits, form, fill, is_quiet: false }
    }

    const fn quiet(self) -> Self {
        Self { is_quiet: true, ..self }
    }

    /// The largest value.
    pub(super) fn most(&self) -> u128 {
        match self.bits {
            0 => 0,
            bits => u128::MAX >> (128 - bits),
        }
    }
}

impl LayerKind {
    /// Every layer, in the order of the wire.
    pub(super) const ALL: [Self; 15] = [
        Self::Eth,
        Self::Vlan,
        Self::Arp,
        Self::Ipv4,
        Self::Ipv6,
        Self::HopByHop,
        Self::Routing,
        Self::Fragment,
        Self::Destination,
        Self::Tcp,
        Self::Udp,
        Self::Icmp,
        Self::Icmpv6,
        Self::Gre,
        Self::Vxlan,
    ];

    pub(super) fn facts(self) -> &'static LayerFacts {
        match self {
            Self::Eth => &link::ETH,
            Self::Vlan => &link::VLAN,
            Self::Arp => &link::ARP,
            Self::Ipv4 => &network::IPV4,
            Self::Ipv6 => &network::IPV6,
            Self::HopByHop => &extension::HOP_BY_HOP,
            Self::Routing => &extension::ROUTING,
            Self::Fragment => &extension::FRAGMENT,
            Self::Destination => &extension::DESTINATION,
            Self::Tcp => &transport::TCP,
            Self::Udp => &transport::UDP,
            Self::Icmp => &transport::ICMP,
            Self::Icmpv6 => &transport::ICMPV6,
            Self::Gre => &transport::GRE,
            Self::Vxlan => &transport::VXLAN,
        }
    }

    pub(super) fn fields(self) -> &'static [PacketField] {
        self.facts().fields
    }

    pub(super) fn name(self) -> &'static str {
        self.facts().name
    }

    /// The place of the field `name`.
    pub(super) fn field(self, name: &str) -> Option<usize> {
        self.fields().iter().position(|field| field.name == name)
    }

    /// Its EtherType, if it has one.
    pub(super) fn ether_type(self) -> Option<u128> {
        named(link::ETHER_TYPES, self.name())
    }

    /// Its protocol number behind IPv4 and IPv6, if it has one.
    pub(super) fn protocol(self) -> Option<u128> {
        named(network::PROTOCOLS, self.name())
    }

    /// The layer of an EtherType.
    pub(super) fn of_ether_type(number: u128) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.ether_type() == Some(number))
            .or_else(|| (number == SERVICE_TAG).then_some(Self::Vlan))
    }

    /// The layer of a protocol number.
    pub(super) fn of_protocol(number: u128) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.protocol() == Some(number))
    }

    /// What a packet in this layer can begin with; nothing if it carries none.
    pub(super) fn carries(self) -> &'static [Self] {
        match self {
            Self::Ipv4
            | Self::Ipv6
            | Self::HopByHop
            | Self::Routing
            | Self::Fragment
            | Self::Destination
            | Self::Gre => &[Self::Ipv4, Self::Ipv6, Self::Eth],
            Self::Vxlan => &[Self::Eth],
            // Errors quote the packet that they are about.
            Self::Icmp => &[Self::Ipv4],
            Self::Icmpv6 => &[Self::Ipv6],
            Self::Eth | Self::Vlan | Self::Arp | Self::Tcp | Self::Udp => &[],
        }
    }

    /// Whether what follows is named by a protocol number.
    pub(super) fn names_protocol(self) -> bool {
        matches!(self.facts().level, Level::Network | Level::Extension)
    }
}

pub(super) use link::{EXPERIMENTAL_ETHER_TYPE, SERVICE_TAG};
pub(super) use network::EXPERIMENTAL_PROTOCOL;

impl fmt::Display for LayerKind {
    /// Its key in a test file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn named(names: &[(&str, u128)], name: &str) -> Option<u128> {
    names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}
