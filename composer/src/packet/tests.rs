//! Packets as test files have them, all the way through.

mod capture_tests;
mod compare_tests;
mod independent_tests;
mod mistakes_tests;
mod round_trip_tests;

use toml::de::DeTable;

use super::{ExpectedPacket, Packet, PacketSource};
use crate::diag::{Diagnostic, Source, Sources};

/// The value at the only key of `text`.
fn value_of<T>(
    text: &str,
    read: impl FnOnce(
        &toml::Spanned<toml::de::DeValue<'_>>,
        &Sources,
        &mut Vec<Diagnostic>,
    ) -> Option<T>,
) -> Result<T, Vec<Diagnostic>> {
    let source = Source::first("some.toml", text);
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    assert!(errors.is_empty(), "{errors:?} in {text}");
    let mut found = Vec::new();
    let (_, value) = root.get_ref().iter().next().expect("a key");
    let read = read(value, &Sources::one(&source), &mut found);
    assert_eq!(
        read.is_none(),
        !found.is_empty(),
        "a mistake is reported, and nothing else: {found:?}"
    );
    read.ok_or(found)
}

/// What `packet = …` gives.
fn source_of(packet: &str) -> Result<PacketSource, Vec<Diagnostic>> {
    value_of(&format!("packet = {packet}\n"), PacketSource::read)
}

/// The packet that is written as `packet`.
fn packet_of(packet: &str) -> Packet {
    match source_of(packet) {
        Ok(PacketSource::Packet(packet)) => packet,
        other => panic!("{packet}: {other:?}"),
    }
}

/// The expectation that is written as `packet`.
fn expected(packet: &str) -> ExpectedPacket {
    let read = value_of(&format!("packet = {packet}\n"), ExpectedPacket::read);
    read.unwrap_or_else(|found| panic!("{packet}: {found:?}"))
}

/// Packets of all layers.
const PACKETS: &[&str] = &[
    "{}",
    "{ payload = \"hello\" }",
    "{ eth = { src = \"02:00:00:00:00:07\", dst = \"ff:ff:ff:ff:ff:ff\" }, arp = {} }",
    "{ vlan = { id = 7 }, arp = { operation = \"reply\", target_ip = \"192.0.2.9\" } }",
    "{ ipv4 = {}, tcp = {} }",
    "{ ipv4 = { ttl = 1, tos = 0xb8, id = 77, dont_fragment = true }, tcp = { dport = 443, flags = \"SA\" } }",
    "{ ipv4 = { options = \"94 04 00 00\" }, tcp = { options = \"02 04 05 b4 01\" }, payload = \"GET\" }",
    "{ ipv4 = {}, udp = {}, payload = { hex = \"de ad be\" } }",
    "{ ipv4 = {}, udp = {}, payload = { length = 100 } }",
    "{ ipv4 = {}, icmp = {}, payload = \"ping\" }",
    "{ ipv4 = {}, icmp = {}, inner = { ipv4 = {}, udp = {} } }",
    "{ ipv6 = {}, tcp = { flags = \"FPU\" } }",
    "{ ipv6 = { src = \"fe80::1\", hop_limit = 255, flow_label = 0xabcde }, udp = { sport = 1 }, payload = \"x\" }",
    "{ ipv6 = {}, icmpv6 = { type = \"neighbor_solicitation\" }, payload = { length = 20 } }",
    "{ ipv6 = {}, icmpv6 = {}, inner = { ipv6 = {}, tcp = {} } }",
    "{ ipv6 = {}, hop_by_hop = { options = \"05 02 00 00\" }, tcp = {} }",
    "{ ipv6 = {}, hop_by_hop = {}, routing = { type = 2 }, fragment = {}, destination = {}, udp = {} }",
    "{ ipv6 = {}, fragment = { id = 7, offset = 3, more_fragments = true }, payload = \"the second\" }",
    "{ ipv6 = {}, destination = {}, inner = { ipv4 = {}, icmp = {} } }",
    "{ vlan = [{ id = 1 }, { id = 2, priority = 5 }], ipv4 = {}, udp = {} }",
    "{ ipv4 = {}, inner = { ipv4 = { ttl = 3 }, tcp = {} } }",
    "{ ipv6 = {}, inner = { ipv4 = {}, udp = {}, payload = \"x\" } }",
    "{ ipv4 = {}, gre = {}, inner = { ipv6 = {}, udp = {} } }",
    "{ ipv4 = {}, gre = {}, inner = { eth = {}, arp = {} } }",
    "{ ipv4 = {}, udp = {}, vxlan = { vni = 99 }, inner = { eth = {}, ipv4 = {}, tcp = {} } }",
    "{ ipv4 = {}, payload = \"no protocol\" }",
    "{ eth = false, ipv4 = {}, tcp = {} }",
    "{ eth = false, ipv6 = {}, udp = {} }",
    "{ ipv4 = {}, udp = {}, trailer = { length = 18 } }",
    // Wrong on purpose.
    "{ ipv4 = { checksum = 0xdead, length = 3, version = 5 }, tcp = { checksum = 0, header_length = 15 } }",
    "{ ipv4 = { fragment_offset = 100, more_fragments = true }, payload = \"the second part\" }",
    "{ ipv6 = {}, hop_by_hop = { header_length = 9 }, udp = {} }",
    "{ ipv6 = { length = 0 }, udp = { length = 7 }, payload = \"x\" }",
    "{ eth = { ethertype = 0x88cc }, payload = { hex = \"02 07\" } }",
    "\"00 11 22\"",
    "{ hex = \"\" }",
];

/// Compares a text with the one that is kept as `packet_NAME.snap`.
fn pin(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../../tests/snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(format!("packet_{name}"), text);
    });
}
