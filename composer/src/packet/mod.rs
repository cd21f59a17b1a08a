//! Packets as tests write them: fields in, bytes out; bytes in, fields out; and where two differ.
//!
//! Pure: it opens no file (a capture is handed to [`captured`] as bytes) and knows neither hosts nor
//! kernels.
//!
//! A test file has packets in two places. What a program receives is a [`PacketSource`]: fields, bytes, or
//! a capture. What it should leave is an [`ExpectedPacket`]: the fields that matter, or bytes.
//! Everything that depends on a protocol is a row of the table in `fields`.

mod build;
mod capture;
mod compare;
mod dissect;
mod fields;
mod hexadecimal;
mod read;
mod reference;
mod show;
#[cfg(test)]
mod tests;
mod toml_text;

pub use capture::{CaptureError, CapturedPacket, captured};
pub use compare::PacketDifference;
pub use fields::LayerKind;
pub use reference::reference;
pub use show::dump;
pub use toml_text::PacketText;

use crate::{chain::Spanned, diag::Span};

/// The most bytes of a packet: what IPv4 can say, behind an Ethernet header.
pub const LARGEST: usize = 14 + 65535;

/// What a test hands to a program.
#[derive(Debug, Clone)]
pub enum PacketSource {
    /// A packet by its fields, or by its bytes.
    Packet(Packet),
    /// A capture file, relative to the test file: each of its packets is a case.
    Capture(Spanned<String>),
}

/// A packet: layers from the outside in, and what they carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    layers: Vec<PacketLayer>,
    content: PacketContent,
    /// Bytes behind the length that the outermost IP header says, such as Ethernet's padding.
    trailer: Vec<u8>,
}

/// What the innermost of the layers carries.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PacketContent {
    Bytes(Vec<u8>),
    /// A packet in a tunnel, or the one that an ICMP error quotes.
    Inner(Box<Packet>),
}

/// A layer and the values of its fields, in the order of [`LayerKind::fields`].
#[derive(Debug, Clone, PartialEq, Eq)]
struct PacketLayer {
    kind: LayerKind,
    values: Vec<FieldValue>,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum FieldValue {
    /// It follows from the rest of the packet, or is the usual one.
    Filled,
    Number(u128),
    /// Of options.
    Bytes(Vec<u8>),
}

/// Where a packet begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketStart {
    /// With an Ethernet header.
    Ethernet,
    /// With an IP header.
    Ip,
}

/// What a packet should be when a program is through with it.
#[derive(Debug, Clone)]
pub struct ExpectedPacket {
    what: Expectation,
    /// Where it is written.
    span: Span,
}

/// The two ways to write it.
#[derive(Debug, Clone)]
enum Expectation {
    /// The fields that matter.
    Fields(read::WrittenPacket),
    /// All of its bytes.
    Bytes(Vec<u8>),
}
