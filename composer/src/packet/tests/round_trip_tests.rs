//! Bytes → fields → text → fields → bytes.

use proptest::prelude::*;

use super::{PACKETS, expected, packet_of, source_of};
use crate::packet::{Packet, PacketSource, PacketStart, PacketText};

/// Everything that is true of any bytes.
fn goes_round(bytes: &[u8], start: PacketStart) -> Result<(), TestCaseError> {
    let read = Packet::dissect(bytes, start);
    prop_assert_eq!(&read.bytes(), bytes, "built again: {:?}", read);
    let text = read.to_toml(PacketText::Given, "");
    match source_of(&text) {
        Ok(PacketSource::Packet(packet)) => {
            prop_assert_eq!(&packet.bytes(), bytes, "given: {}", text);
        }
        other => prop_assert!(false, "{text}: {other:?}"),
    }
    let text = read.to_toml(PacketText::Expected, "    ");
    prop_assert_eq!(expected(&text).differences(bytes), [], "{}", text);
    let text = format!("{{ hex = \"{}\" }}", super::super::hexadecimal::text(bytes));
    prop_assert_eq!(expected(&text).differences(bytes), []);
    for (place, byte) in bytes.iter().enumerate().step_by(7) {
        let mut other = bytes.to_vec();
        other[place] = !byte;
        prop_assert!(!expected(&text).differences(&other).is_empty(), "byte {place} of {text}");
    }
    Ok(())
}

fn start_of(text: &str) -> PacketStart {
    if text.contains("eth = false") { PacketStart::Ip } else { PacketStart::Ethernet }
}

#[test]
fn a_packet_that_was_built_is_read_and_written_as_it_was() {
    for text in PACKETS {
        let bytes = packet_of(text).bytes();
        if let Err(error) = goes_round(&bytes, start_of(text)) {
            panic!("{text}: {error}");
        }
    }
}

#[test]
fn a_packet_that_was_built_is_written_as_people_would() {
    let written = PACKETS.iter().map(|text| {
        let read = Packet::dissect(&packet_of(text).bytes(), start_of(text));
        format!("{text}\n{}\n", read.to_toml(PacketText::Given, ""))
    });
    super::pin("given", &written.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_packet_that_came_is_written_with_all_that_could_differ() {
    let written = PACKETS.iter().map(|text| {
        let read = Packet::dissect(&packet_of(text).bytes(), start_of(text));
        format!("{}\n{}\n", read.to_toml(PacketText::Expected, ""), read.lines().join("\n"))
    });
    super::pin("expected", &written.collect::<Vec<_>>().join("\n"));
}

/// Bytes of a packet, some of them changed, more or fewer of them.
fn damaged() -> impl Strategy<Value = (Vec<u8>, PacketStart)> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (prop::sample::select(PACKETS), changes, 0..60_usize, any::<bool>()).prop_map(
        |(text, changes, length, is_longer)| {
            let mut bytes = packet_of(text).bytes();
            match is_longer {
                true => bytes.extend((0..length).map(|byte| byte as u8)),
                false => bytes.truncate(bytes.len().saturating_sub(length / 4)),
            }
            for (place, byte) in changes {
                if !bytes.is_empty() {
                    let place = place.index(bytes.len());
                    bytes[place] = byte;
                }
            }
            (bytes, start_of(text))
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_go_round(bytes in prop::collection::vec(any::<u8>(), 0..120), is_ip: bool) {
        goes_round(&bytes, if is_ip { PacketStart::Ip } else { PacketStart::Ethernet })?;
    }

    #[test]
    fn damaged_packets_go_round((bytes, start) in damaged()) {
        goes_round(&bytes, start)?;
    }
}
