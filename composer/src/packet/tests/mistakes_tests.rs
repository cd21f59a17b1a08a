//! Mistakes in packets, and what is told of them.

use super::{PacketSource, value_of};
use crate::{diag::Diagnostic, draw::Drawing, packet::ExpectedPacket};

fn drawn(found: &[Diagnostic]) -> String {
    let mut drawing = Drawing::new(100);
    let text: Vec<_> = found.iter().map(|one| drawing.text(one)).collect();
    anstream::adapter::strip_str(&text.join("\n")).to_string()
}

/// What is told of each packet of `texts`, pinned.
fn told(name: &str, texts: &[&str], is_expected: bool) {
    let told = texts.iter().map(|text| {
        let text = format!("packet = {text}\n");
        let found = match is_expected {
            true => value_of(&text, ExpectedPacket::read).err(),
            false => value_of(&text, PacketSource::read).err(),
        };
        drawn(&found.unwrap_or_else(|| panic!("no mistake in {text}")))
    });
    super::pin(name, &told.collect::<Vec<_>>().join("\n"));
}

#[test]
fn keys_and_types() {
    let texts = [
        "{ ipv5 = {}, tpc = {} }",
        "{ ipv4 = { tll = 1, daddr = \"192.0.2.1\" } }",
        "{ ipv4 = 4, tcp = true, vlan = [1] }",
        "{ ipv4 = { ttl = \"64\", src = 1, dont_fragment = 1, protocol = true }, tcp = { flags = 2 } }",
        "{ payload = 1 }",
        "{ payload = {} }",
        "{ payload = { text = \"x\" } }",
        "{ payload = { hex = \"\", length = 1 } }",
        "{ hex = \"00\", ipv4 = {} }",
        "{ pcap = 1 }",
        "1",
    ];
    told("keys", &texts, false);
}

#[test]
fn values() {
    let texts = [
        "{ ipv4 = { ttl = 256, id = -1, length = 0x10000, protocol = \"tpc\" } }",
        "{ ipv4 = { src = \"192.0.2.256\", dst = \"host\", checksum = \"right\" } }",
        "{ ipv6 = { src = \"192.0.2.1\", next_header = \"x\" } }",
        "{ eth = { src = \"02:00\", dst = \"02:00:00:00:00:0g\" } }",
        "{ ipv4 = {}, tcp = { flags = \"SYN\", sport = 18446744073709551616 } }",
        "{ payload = { length = 100_000_000_000 } }",
        "\"0x45\"",
        "{ hex = \"45 0\" }",
        "{ ipv4 = { options = \"0\" } }",
    ];
    told("values", &texts, false);
}

#[test]
fn layers() {
    let texts = [
        "{ tcp = {} }",
        "{ ipv4 = {}, ipv6 = {}, tcp = {}, udp = {} }",
        "{ arp = {}, udp = {} }",
        "{ ipv6 = {}, icmp = {} }",
        "{ ipv4 = {}, icmpv6 = {} }",
        "{ ipv4 = {}, fragment = {} }",
        "{ eth = false, vlan = {} }",
        "{ ipv4 = false, tcp = {} }",
        "{ ipv4 = {}, tcp = {}, vxlan = {} }",
        "{ ipv4 = {}, payload = \"x\", inner = { ipv4 = {} } }",
        "{ ipv4 = {}, tcp = {}, inner = { ipv4 = {} } }",
        "{ ipv4 = {}, udp = {}, vxlan = {}, inner = { ipv4 = {} } }",
        "{ inner = { ipv4 = {} } }",
        "{ ipv4 = {}, inner = 1 }",
        "{ ipv4 = {}, inner = { udp = {} } }",
        "{ ipv4 = {}, inner = { ipv4 = {}, inner = { ipv4 = {}, inner = { ipv4 = {}, inner = { ipv4 = {}, inner = {} } } } } }",
    ];
    told("layers", &texts, false);
}

#[test]
fn sizes() {
    let long = format!("{{ ipv4 = {{ options = \"{}\" }} }}", "00".repeat(41));
    let hex = format!("\"{}\"", "00".repeat(65_550));
    let texts = [
        "{ ipv4 = {}, payload = { length = 65516 } }",
        "{ ipv6 = {}, udp = {}, payload = { length = 65530 } }",
        long.as_str(),
    ];
    told("sizes", &texts, false);
    let found = super::source_of(&hex).expect_err("too large");
    assert_eq!(found[0].labels[0].text, "65550 bytes");
    for right in [
        "{ ipv4 = {}, payload = { length = 65515 } }",
        "{ ipv4 = { length = 20 }, payload = { length = 65516 } }",
        "{ ipv6 = {}, payload = { length = 65535 } }",
    ] {
        super::packet_of(right);
    }
}

#[test]
fn expectations() {
    let texts = [
        "{ pcap = \"some.pcap\" }",
        "{ ipv4 = {}, ipv6 = {} }",
        "{ udp = {}, tcp = {} }",
        "{ icmp = {}, ipv6 = {} }",
        "{ vlan = [] }",
        "{ tcp = {}, ipv4 = false, ipv6 = false }",
    ];
    told("expectations", &texts, true);
}
