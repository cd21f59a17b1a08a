//! Packets that are built are what a parser of somebody else reads.

use etherparse::{NetHeaders, PacketHeaders, TransportHeader};

use super::{PACKETS, packet_of};

/// Reads `bytes` strictly: lengths fit, and types name what follows; then compares the checksums.
fn read(bytes: &[u8], text: &str) {
    let headers = match text.contains("eth = false") {
        true => PacketHeaders::from_ip_slice(bytes),
        false => PacketHeaders::from_ethernet_slice(bytes),
    };
    let headers = headers.unwrap_or_else(|error| panic!("{text}: {error}"));
    let payload = headers.payload.slice();
    let (ipv4, ipv6) = match &headers.net {
        Some(NetHeaders::Ipv4(header, _)) => {
            assert_eq!(header.header_checksum, header.calc_header_checksum(), "{text}");
            (Some(header), None)
        }
        Some(NetHeaders::Ipv6(header, _)) => (None, Some(header)),
        _ => (None, None),
    };
    let of_four = ipv4.map(|header| (header.source, header.destination));
    let of_six = ipv6.map(|header| (header.source, header.destination));
    let (found, right) = match &headers.transport {
        Some(TransportHeader::Tcp(header)) => (
            header.checksum,
            match (ipv4, ipv6) {
                (Some(ip), _) => header.calc_checksum_ipv4(ip, payload),
                (_, Some(ip)) => header.calc_checksum_ipv6(ip, payload),
                _ => panic!("{text}: TCP without IP"),
            },
        ),
        Some(TransportHeader::Udp(header)) => (
            header.checksum,
            match (ipv4, ipv6) {
                (Some(ip), _) => header.calc_checksum_ipv4(ip, payload),
                (_, Some(ip)) => header.calc_checksum_ipv6(ip, payload),
                _ => panic!("{text}: UDP without IP"),
            },
        ),
        Some(TransportHeader::Icmpv4(header)) => {
            (header.checksum, Ok(header.icmp_type.calc_checksum(payload)))
        }
        Some(TransportHeader::Icmpv6(header)) => {
            let (src, dst) = of_six.expect("it is of IPv6");
            (header.checksum, header.icmp_type.calc_checksum(src, dst, payload))
        }
        Some(TransportHeader::Igmp(_)) | None => return,
    };
    assert!(of_four.is_some() || of_six.is_some());
    assert_eq!(Ok(found), right, "{text}");
}

#[test]
fn another_parser_finds_lengths_types_and_checksums_right() {
    let is_right = |text: &&&str| {
        let wrong = [
            "version",
            "length = 0",
            "ethertype",
            "\"00 11",
            "hex = \"\"",
            "fragment_offset",
            "offset = 3",
            "header_length = 9",
            "routing",
        ];
        !wrong.iter().any(|wrong| text.contains(wrong))
    };
    let right: Vec<_> = PACKETS.iter().filter(is_right).collect();
    assert!(right.len() > 20, "{}", right.len());
    for text in right {
        read(&packet_of(text).bytes(), text);
    }
}

#[test]
fn what_is_in_a_tunnel_is_right_too() {
    for (text, headers) in [
        ("{ ipv4 = {}, inner = { ipv4 = {}, tcp = {} } }", 14 + 20),
        ("{ ipv4 = {}, gre = {}, inner = { ipv6 = {}, udp = {} } }", 14 + 20 + 4),
        ("{ ipv6 = {}, icmpv6 = {}, inner = { ipv6 = {}, tcp = {} } }", 14 + 40 + 8),
    ] {
        let bytes = packet_of(text).bytes();
        read(&bytes[headers..], "eth = false");
    }
    let bytes =
        packet_of("{ ipv4 = {}, udp = {}, vxlan = {}, inner = { eth = {}, ipv4 = {}, tcp = {} } }");
    read(&bytes.bytes()[14 + 20 + 8 + 8..], "VXLAN");
}
