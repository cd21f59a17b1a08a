//! Expectations and what comes.

use super::{expected, packet_of};
use crate::packet::dump;

/// What is written of the differences, in lines.
fn differences(wanted: &str, came: &str) -> Vec<String> {
    let found = expected(wanted).differences(&packet_of(came).bytes());
    found.iter().map(|one| format!("{}: {}, not {}", one.path, one.got, one.expected)).collect()
}

const TCP: &str = "{ ipv4 = { ttl = 64 }, tcp = { flags = \"SA\" }, payload = \"hello\" }";

#[test]
fn what_is_not_named_does_not_matter() {
    for wanted in [
        "{}",
        "{ tcp = {} }",
        "{ eth = {}, ipv4 = { ttl = 64 }, tcp = { flags = \"AS\", dport = 80 } }",
        "{ vlan = false, ipv6 = false, udp = false }",
        "{ payload = \"hello\" }",
        "{ payload = { hex = \"68 65 6c 6c 6f\" } }",
        "{ payload = { length = 5 } }",
        "{ ipv4 = { checksum = \"valid\", length = \"valid\" }, tcp = { checksum = \"valid\" } }",
    ] {
        assert_eq!(differences(wanted, TCP), Vec::<String>::new(), "{wanted}");
    }
}

#[test]
fn each_difference_is_named_as_people_write_it() {
    for (wanted, found) in [
        ("{ ipv4 = { ttl = 63 } }", "ipv4.ttl: 64, not 63"),
        ("{ ipv4 = { dst = \"192.0.2.9\" } }", "ipv4.dst: \"192.0.2.2\", not \"192.0.2.9\""),
        ("{ ipv4 = { protocol = 17 } }", "ipv4.protocol: \"tcp\", not \"udp\""),
        ("{ ipv4 = { tos = 0xb8 } }", "ipv4.tos: 0x00, not 0xb8"),
        ("{ ipv4 = { dont_fragment = true } }", "ipv4.dont_fragment: false, not true"),
        ("{ tcp = { flags = \"S\" } }", "tcp.flags: \"SA\", not \"S\""),
        ("{ tcp = { options = \"01\" } }", "tcp.options: \"\", not \"01 00 00 00\""),
        (
            "{ eth = { dst = \"ff-ff-ff-ff-ff-ff\" } }",
            "eth.dst: \"02:00:00:00:00:02\", not \"ff:ff:ff:ff:ff:ff\"",
        ),
        ("{ eth = { ethertype = 1 } }", "eth.ethertype: \"ipv4\", not 0x0001"),
        ("{ vlan = {} }", "vlan: absent (eth, ipv4, tcp), not present"),
        ("{ tcp = false }", "tcp: present, not absent"),
        ("{ inner = { ipv4 = {} } }", "inner: \"hello\", not a packet"),
        ("{ payload = \"help\" }", "payload: \"hello\", not \"help\""),
        ("{ payload = { length = 6 } }", "payload: 5 bytes, not 6 bytes"),
        ("{ payload = \"\" }", "payload: \"hello\", not nothing"),
        ("{ trailer = \"x\" }", "trailer: nothing, not \"x\""),
    ] {
        assert_eq!(differences(wanted, TCP), [found], "{wanted}");
    }
}

#[test]
fn all_differences_are_found_in_the_order_of_the_packet() {
    let wanted = "{ tcp = { dport = 81, sport = 1 }, ipv4 = { ttl = 1 }, vlan = {} }";
    assert_eq!(
        differences(wanted, TCP),
        [
            "vlan: absent (eth, ipv4, tcp), not present",
            "ipv4.ttl: 64, not 1",
            "tcp.sport: 49152, not 1",
            "tcp.dport: 80, not 81",
        ]
    );
}

#[test]
fn vlan_tags_are_compared_one_by_one() {
    let came = "{ vlan = [{ id = 1 }, { id = 2 }], ipv4 = {} }";
    assert_eq!(differences("{ vlan = [{ id = 1 }, { id = 3 }] }", came), ["vlan[1].id: 2, not 3"]);
    assert_eq!(differences("{ vlan = {} }", came), ["vlan: 2 tags, not 1 tag"]);
    assert_eq!(differences("{ vlan = [{}, {}] }", came), Vec::<String>::new());
}

#[test]
fn a_checksum_that_is_not_right_is_found() {
    let wanted =
        "{ ipv4 = { checksum = \"valid\" }, udp = { checksum = \"valid\", length = \"valid\" } }";
    let came = "{ ipv4 = { checksum = 1 }, udp = { checksum = 2, length = 9 }, payload = \"abc\" }";
    assert_eq!(
        differences(wanted, came),
        [
            "ipv4.checksum: 0x0001, not 0xf6ca (valid)",
            "udp.length: 9, not 11 (valid)",
            "udp.checksum: 0x0002, not 0xf73d (valid)",
        ]
    );
    // Without one, which UDP allows over IPv4 and not over IPv6.
    assert_eq!(differences(wanted, "{ ipv4 = {}, udp = { checksum = 0 } }"), Vec::<String>::new());
    let six =
        differences("{ udp = { checksum = \"valid\" } }", "{ ipv6 = {}, udp = { checksum = 0 } }");
    assert_eq!(six.len(), 1, "{six:?}");
}

#[test]
fn a_checksum_of_zero_is_right_in_both_forms() {
    let wanted = "{ ipv4 = { checksum = \"valid\" } }";
    for checksum in [0, 0xffff] {
        let came = format!("{{ ipv4 = {{ id = 0xf6cc, checksum = {checksum} }}, tcp = {{}} }}");
        assert_eq!(differences(wanted, &came), Vec::<String>::new());
    }
    let came = "{ ipv4 = { id = 0xf6cc, checksum = 1 }, tcp = {} }";
    assert_eq!(differences(wanted, came), ["ipv4.checksum: 0x0001, not 0x0000 (valid)"]);
}

#[test]
fn bytes_are_compared_whole_and_told_by_field() {
    let came = packet_of(TCP).bytes();
    let text = |bytes: &[u8]| format!("\"{}\"", super::super::hexadecimal::text(bytes));
    assert_eq!(differences(&text(&came), TCP), Vec::<String>::new());
    let mut other = came.clone();
    other[22] = 63; // the TTL
    assert_eq!(differences(&text(&other), TCP), ["ipv4.ttl: 64, not 63"]);
    assert_eq!(
        differences(&text(&came[..came.len() - 1]), TCP),
        ["payload: \"hello\", not \"hell\""]
    );
    assert_eq!(
        differences("\"\"", TCP),
        [
            "eth: present, not absent",
            "ipv4: present, not absent",
            "tcp: present, not absent",
            "payload: \"hello\", not nothing"
        ]
    );
}

#[test]
fn of_a_long_payload_the_place_is_told_where_it_differs() {
    let came = "{ payload = { hex = \"ab\", length = 1000 } }";
    let wanted = "{ payload = { hex = \"ab ab ab ab cd\", length = 1000 } }";
    let rows = |row: &str| vec![row; 40].join(" ")[..95].to_owned();
    assert_eq!(
        differences(wanted, came),
        [format!(
            "payload: 1000 bytes, from byte 4: {} …, not 1000 bytes, from byte 4: {} …",
            rows("ab"),
            rows("cd ab ab ab ab"),
        )]
    );
}

#[test]
fn a_packet_in_a_tunnel_is_compared_in_its_place() {
    let came = "{ ipv4 = {}, inner = { ipv4 = { ttl = 3 }, tcp = {} } }";
    let wanted = "{ ipv4 = { ttl = 64 }, inner = { ipv4 = { ttl = 4 } } }";
    let found = expected(wanted).differences(&packet_of(came).bytes());
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.path.as_str(), one.bytes.clone()), ("inner.ipv4.ttl", 42..43));
    assert_eq!(one.span.text(), "4", "where it is expected");
}

#[test]
fn the_bytes_that_differ_are_marked() {
    let came = packet_of(TCP).bytes();
    let found = expected("{ ipv4 = { ttl = 63 }, payload = \"x\" }").differences(&came);
    let marked: Vec<_> = found.iter().map(|one| one.bytes.clone()).collect();
    assert_eq!(
        dump(&came, &marked),
        "\
0010  00 2d 00 00 00 00 40 06 f6 c7 c0 00 02 01 c0 00
                        ^^
0030  ff ff 27 a7 00 00 68 65 6c 6c 6f
                        ^^ ^^ ^^ ^^ ^^
"
    );
}
