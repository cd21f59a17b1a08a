//! Packets: any bytes are fields, and the same bytes again; any file is a capture or is refused.

use std::sync::Arc;

use freplace_compose::{
    diag::{Source, Sources},
    packet::{
        ExpectedPacket, LARGEST, Packet, PacketSource, PacketStart, PacketText, captured, dump,
    },
};
use toml::de::DeTable;

/// Packets of a capture that are looked at, of a file with more.
const PACKETS: usize = 20;

/// Reads `data` as a packet, as a capture file, and as what a test file has of a packet.
///
/// # Panics
/// When the composer does, or what was read is not what is built again.
pub fn packet(data: &[u8]) {
    for start in [PacketStart::Ethernet, PacketStart::Ip] {
        look_at(data, start);
    }
    for packet in captured(data).unwrap_or_default().iter().take(PACKETS) {
        look_at(&packet.bytes, PacketStart::Ethernet);
    }
    let text = format!("packet = {}", String::from_utf8_lossy(data));
    let source = Source::first("some.toml", text);
    let (root, _) = DeTable::parse_recoverable(&source.text);
    let mut found = Vec::new();
    for value in root.get_ref().values() {
        if let Some(PacketSource::Packet(packet)) =
            PacketSource::read(value, &Sources::one(&source), &mut found)
        {
            look_at(&packet.bytes(), PacketStart::Ethernet);
        }
        if let Some(expected) = ExpectedPacket::read(value, &Sources::one(&source), &mut found) {
            let _ = expected.differences(data);
        }
    }
    for label in found.iter().flat_map(|one| &one.labels) {
        assert!(source.text.get(label.span.range()).is_some(), "{:?}", label.span);
    }
}

fn look_at(bytes: &[u8], start: PacketStart) {
    let packet = Packet::dissect(bytes, start);
    assert_eq!(packet.bytes(), bytes);
    assert!(packet.lines().iter().all(|line| !line.contains(char::is_control)));
    if bytes.len() > LARGEST {
        return;
    }
    for text in [PacketText::Given, PacketText::Expected] {
        let source = Source::first("some.toml", format!("packet = {}", packet.to_toml(text, "")));
        let root = DeTable::parse(&source.text).expect("TOML");
        let value = root.get_ref().values().next().expect("a packet");
        written(value, &source, bytes, text);
    }
}

/// What was written of `bytes` is read as the same.
fn written(
    value: &toml::Spanned<toml::de::DeValue<'_>>,
    source: &Arc<Source>,
    bytes: &[u8],
    text: PacketText,
) {
    let mut found = Vec::new();
    match text {
        PacketText::Given => match PacketSource::read(value, &Sources::one(source), &mut found) {
            Some(PacketSource::Packet(packet)) => assert_eq!(packet.bytes(), bytes),
            other => panic!("{other:?} of {}: {found:?}", source.text),
        },
        PacketText::Expected => {
            let expected = ExpectedPacket::read(value, &Sources::one(source), &mut found);
            let expected = expected.unwrap_or_else(|| panic!("{}: {found:?}", source.text));
            assert_eq!(expected.differences(bytes), [], "{}", source.text);
            let shorter = bytes.get(1..).unwrap_or_default();
            let differences = expected.differences(shorter);
            let marked: Vec<_> = differences.into_iter().map(|one| one.bytes).collect();
            assert!(marked.iter().all(|range| range.end <= shorter.len()), "{marked:?}");
            let _ = dump(shorter, &marked);
        }
    }
}
