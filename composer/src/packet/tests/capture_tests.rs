//! Capture files, written here byte by byte.

use super::{packet_of, source_of};
use crate::{
    chain::Spanned,
    diag::{Code, Source, Span},
    packet::{CaptureError, PacketSource, captured},
};

/// A number in one of the two byte orders.
fn word(number: u32, is_big: bool) -> [u8; 4] {
    if is_big { number.to_be_bytes() } else { number.to_le_bytes() }
}

/// A pcap file of packets of one link type.
fn pcap(link: u32, packets: &[&[u8]], is_big: bool) -> Vec<u8> {
    let word = |number| word(number, is_big);
    let version = if is_big { 2 << 16 | 4 } else { 4 << 16 | 2 };
    let mut file = [0xa1b2_c3d4, version, 0, 0, 65535, link].map(word).concat();
    for packet in packets {
        let length = packet.len() as u32;
        file.extend([1, 2, length, length].map(word).concat());
        file.extend_from_slice(packet);
    }
    file
}

/// A block of a pcapng file.
fn block(kind: u32, body: &[u8], is_big: bool) -> Vec<u8> {
    let word = |number| word(number, is_big);
    let padded = body.len().next_multiple_of(4);
    let length = padded as u32 + 12;
    let mut block = [kind, length].map(word).concat();
    block.extend(body);
    block.resize(8 + padded, 0);
    block.extend(word(length));
    block
}

/// A pcapng file with an interface for each link type; each packet names its interface.
fn pcapng(links: &[u32], packets: &[(u32, &[u8])], is_big: bool) -> Vec<u8> {
    let word = |number| word(number, is_big);
    let version = if is_big { 1 << 16 } else { 1 };
    let section = [0x1a2b_3c4d, version, u32::MAX, u32::MAX].map(word).concat();
    let mut file = block(0x0a0d_0d0a, &section, is_big);
    for link in links {
        let link = if is_big { link << 16 } else { *link };
        file.extend(block(1, &[link, 65535].map(word).concat(), is_big));
    }
    for (interface, packet) in packets {
        let length = packet.len() as u32;
        let mut body = [*interface, 1, 2, length, length].map(word).concat();
        body.extend_from_slice(packet);
        file.extend(block(6, &body, is_big));
    }
    file
}

fn bytes(packet: &str) -> Vec<u8> {
    packet_of(packet).bytes()
}

#[test]
fn both_formats_in_both_byte_orders_give_the_same_packets() {
    let [one, other] =
        ["{ ipv4 = {}, tcp = {} }", "{ ipv6 = {}, udp = {}, payload = \"x\" }"].map(bytes);
    for is_big in [false, true] {
        let files =
            [pcap(1, &[&one, &other], is_big), pcapng(&[1, 1], &[(0, &one), (1, &other)], is_big)];
        for file in files {
            let packets = captured(&file).expect("a capture");
            let found: Vec<_> =
                packets.iter().map(|packet| (packet.number, &packet.bytes)).collect();
            assert_eq!(found, [(1, &one), (2, &other)]);
        }
    }
}

#[test]
fn packets_without_ethernet_get_it() {
    for (packet, version) in [
        ("{ eth = false, ipv4 = {}, tcp = {} }", 0x0800_u16),
        ("{ eth = false, ipv6 = {}, udp = {} }", 0x86dd),
    ] {
        let ip = bytes(packet);
        let with_ethernet = bytes(&packet.replace("eth = false", "eth = {}"));
        let ether_type = version.to_be_bytes();
        let loopback = [&[2, 0, 0, 0], ip.as_slice()].concat();
        let cooked = [&[0; 14], ether_type.as_slice(), &ip].concat();
        let cooked_2 = [ether_type.as_slice(), &[0; 18], &ip].concat();
        for (link, data) in
            [(101, &ip), (228, &ip), (229, &ip), (0, &loopback), (113, &cooked), (276, &cooked_2)]
        {
            let packets = captured(&pcap(link, &[data], false)).expect("a capture");
            assert_eq!(packets[0].bytes, with_ethernet, "link type {link}");
        }
    }
}

#[test]
fn a_simple_packet_is_as_long_as_the_interface_cuts_it() {
    let mut file = pcapng(&[], &[], false);
    file.extend(block(1, &[1, 20].map(u32::to_le_bytes).concat(), false));
    let packet = bytes("{ ipv4 = {}, tcp = {} }");
    let body = [&(packet.len() as u32).to_le_bytes(), &packet[..20]].concat();
    file.extend(block(3, &body, false));
    assert_eq!(captured(&file).expect("a capture")[0].bytes, packet[..20]);
}

#[test]
fn of_a_file_with_a_mistake_no_packet_is_used() {
    let packet = bytes("{ ipv4 = {}, tcp = {} }");
    let whole = pcap(1, &[&packet, &packet], false);
    let cut = &whole[..whole.len() - 1];
    let unknown = pcap(127, &[&packet], false);
    let short = pcap(113, &[&[0; 15]], false);
    let no_interface = pcapng(&[1], &[(0, &packet), (1, &packet)], false);
    let half = pcapng(&[1], &[(0, &packet)], false);
    for (file, error, text) in [
        (&b""[..], CaptureError::NotACapture, "not a pcap or pcapng file"),
        (b"GIF89a, or whatever else", CaptureError::NotACapture, "not a pcap or pcapng file"),
        (&pcap(1, &[], false), CaptureError::Empty, "no packets in it"),
        (&pcapng(&[1], &[], false), CaptureError::Empty, "no packets in it"),
        (cut, CaptureError::Damaged(1), "damaged after packet 1"),
        (&short, CaptureError::Damaged(0), "damaged after packet 0"),
        (&no_interface, CaptureError::Damaged(1), "damaged after packet 1"),
        (&half[..half.len() - 6], CaptureError::Damaged(0), "damaged after packet 0"),
        (
            &unknown,
            CaptureError::UnknownLink { packet: 1, link: 127 },
            "packet 1 has link type 127",
        ),
    ] {
        assert_eq!(captured(file), Err(error));
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_capture_is_named_by_its_path_and_told_of_there() {
    let Ok(PacketSource::Capture(path)) = source_of("{ pcap = \"some.pcap\" }") else {
        panic!("a capture")
    };
    assert_eq!((path.value.as_str(), path.span.text()), ("some.pcap", "\"some.pcap\""));
    let path = Spanned { span: Span::new(&Source::first("a", "b"), 0..1), value: path.value };
    let told = CaptureError::Empty.at(&path);
    assert_eq!(
        (told.code, told.labels[0].text.as_str()),
        (Code::CaptureUnreadable, "no packets in it")
    );
}
