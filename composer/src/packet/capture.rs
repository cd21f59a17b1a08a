//! Capture files, pcap and pcapng: bytes in, packets out, each of which begins with an Ethernet header.

use pcap_parser::{
    Block, Linktype, PcapBlockOwned, PcapNGSlice, parse_pcap_frame, parse_pcap_frame_be,
    parse_pcap_header, traits::PcapNGPacketBlock as _,
};
use thiserror::Error;

use super::{LayerKind, PacketLayer};
use crate::{
    chain::Spanned,
    diag::{Code, Diagnostic},
};

/// A packet of a capture file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedPacket {
    /// Its number in the file, from 1.
    pub number: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a file gives no packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CaptureError {
    /// It is something else.
    #[error("not a pcap or pcapng file")]
    NotACapture,
    /// It ends within a packet, or has something else in it, behind so many packets.
    #[error("damaged after packet {0}")]
    Damaged(usize),
    /// It has packets that are not of a network with IP.
    #[error("packet {packet} has link type {link}")]
    UnknownLink {
        /// The number of the packet.
        packet: usize,
        /// The [number of the link type](https://www.tcpdump.org/linktypes.html).
        link: i32,
    },
    /// It has no packets.
    #[error("no packets in it")]
    Empty,
}

impl CaptureError {
    /// The diagnostic on the capture file `path`.
    #[must_use]
    pub fn at(self, path: &Spanned<String>) -> Diagnostic {
        let message = format!("cannot read packets from {}", path.value);
        let help = match self {
            Self::NotACapture => "Name a file that tcpdump or Wireshark wrote.",
            Self::Damaged(_) => "Capture the packets again, or cut the file with `editcap -r`.",
            Self::UnknownLink { .. } => {
                "Capture Ethernet, raw IP or Linux cooked packets (`tcpdump -i any`)."
            }
            Self::Empty => "Name a capture file with at least one packet.",
        };
        Diagnostic::new(Code::CaptureUnreadable, message)
            .label(&path.span, self.to_string())
            .help(help)
    }
}

/// The packets of a capture file. Those of a network without Ethernet get an Ethernet header.
///
/// # Errors
/// [`CaptureError`]; then no packet of the file is to be used.
pub fn captured(file: &[u8]) -> Result<Vec<CapturedPacket>, CaptureError> {
    let packets = match PcapNGSlice::from_slice(file) {
        Ok(blocks) => of_pcapng(blocks),
        Err(_) => of_pcap(file),
    }?;
    if packets.is_empty() { Err(CaptureError::Empty) } else { Ok(packets) }
}

fn of_pcap(file: &[u8]) -> Result<Vec<CapturedPacket>, CaptureError> {
    /// The magic number of a variant with longer packet headers, which some systems had in 1999.
    const MODIFIED: u32 = 0xa1b2_cd34;
    let (mut rest, header) = parse_pcap_header(file).map_err(|_| CaptureError::NotACapture)?;
    if header.magic_number == MODIFIED {
        return Err(CaptureError::NotACapture);
    }
    let parse = if header.is_bigendian() { parse_pcap_frame_be } else { parse_pcap_frame };
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let Ok((behind, packet)) = parse(rest) else {
            return Err(CaptureError::Damaged(packets.len()));
        };
        rest = behind;
        add(&mut packets, header.network, packet.data)?;
    }
    Ok(packets)
}

fn of_pcapng(blocks: PcapNGSlice<'_>) -> Result<Vec<CapturedPacket>, CaptureError> {
    let mut packets = Vec::new();
    // The link type and the most bytes of a packet, of each interface.
    let mut interfaces: Vec<(Linktype, usize)> = Vec::new();
    for block in blocks {
        let damaged = CaptureError::Damaged(packets.len());
        let Ok(PcapBlockOwned::NG(block)) = block else { return Err(damaged) };
        match &block {
            Block::SectionHeader(_) => interfaces.clear(),
            Block::InterfaceDescription(interface) => {
                let most = match interface.snaplen {
                    0 => usize::MAX,
                    most => most as usize,
                };
                interfaces.push((interface.linktype, most));
            }
            Block::EnhancedPacket(packet) => {
                let (link, _) = interfaces.get(packet.if_id as usize).ok_or(damaged)?;
                add(&mut packets, *link, packet.packet_data())?;
            }
            Block::SimplePacket(packet) => {
                let (link, most) = interfaces.first().ok_or(damaged)?;
                let data = packet.packet_data();
                add(&mut packets, *link, data.get(..*most).unwrap_or(data))?;
            }
            _ => {}
        }
    }
    Ok(packets)
}

/// Adds a packet with its Ethernet header.
fn add(packets: &mut Vec<CapturedPacket>, link: Linktype, data: &[u8]) -> Result<(), CaptureError> {
    let number = packets.len() + 1;
    let cut = || CaptureError::Damaged(packets.len());
    // Where what is in Ethernet begins, and the bytes of its EtherType if they are known.
    let (content, ether_type) = match link {
        Linktype::ETHERNET => {
            packets.push(CapturedPacket { number, bytes: data.to_vec() });
            return Ok(());
        }
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => (0, None),
        // The address family is as the machine had it; the IP version says the same.
        Linktype::NULL | Linktype::LOOP => (4, None),
        Linktype::LINUX_SLL => (16, Some(14..16)),
        Linktype::LINUX_SLL2 => (20, Some(0..2)),
        Linktype(link) => return Err(CaptureError::UnknownLink { packet: number, link }),
    };
    let header = data.get(..content).ok_or_else(cut)?;
    let content = data.get(content..).unwrap_or_default();
    let version = content.first().map(|byte| byte >> 4);
    let ether_type = match ether_type.and_then(|bytes| header.get(bytes)) {
        Some(bytes) => bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)),
        None => match version {
            Some(6) => LayerKind::Ipv6,
            _ => LayerKind::Ipv4,
        }
        .ether_type()
        .unwrap_or_default(),
    };
    let mut ethernet = PacketLayer::filled(LayerKind::Eth);
    ethernet.set("ethertype", ether_type);
    packets.push(CapturedPacket { number, bytes: ethernet.before(content) });
    Ok(())
}
