//! Contents of maps and variables beside what is expected of them.

use super::UnmetExpectation;
use crate::{
    event::Shape, kernel::MapElement, object::btf::Btf, resolve::EncodedValue,
    testing::arrange::ExpectedMap,
};

pub(super) fn map(
    expected: &ExpectedMap,
    elements: &[MapElement],
    wrong: &mut Vec<UnmetExpectation>,
) {
    let name = &expected.name;
    let btf = expected.types.as_deref().map(|one| &one.btf);
    for entry in &expected.entries {
        let found = elements.iter().find(|(key, _)| *key == entry.key.bytes);
        match (&entry.value, found) {
            (None, None) => {}
            (None, Some(_)) => wrong.push(UnmetExpectation {
                span: entry.span.clone(),
                got: format!("`{name}` has an entry of this key"),
                note: None,
                instead: None,
            }),
            (Some(_), None) => {
                let got = match elements.len() {
                    0 => format!("`{name}` is empty"),
                    count => format!("`{name}` has no entry of this key, but {count} others"),
                };
                wrong.push(UnmetExpectation {
                    span: entry.span.clone(),
                    got,
                    note: None,
                    instead: None,
                });
            }
            (Some(value), Some((_, held))) => {
                let held = over_all_cpus(btf, value, held);
                // A single number can be written as it came.
                let number = match (value.parts.as_slice(), btf) {
                    ([part], Some(btf)) if part.of != 0 => {
                        Some(Shape::of(btf, part.of).text(&held))
                    }
                    _ => None,
                };
                let span = entry.value_span.as_ref().unwrap_or(&entry.span);
                let is_number = |text: &str| text.parse::<i64>().is_ok();
                let number = number.filter(|text| is_number(text) && is_number(span.text()));
                for got in differing(btf, value, &held) {
                    let (span, instead) = (span.clone(), number.clone());
                    wrong.push(UnmetExpectation { span, got, note: None, instead });
                }
            }
        }
    }
    if expected.entries.is_empty() && !elements.is_empty() {
        let span = expected.span.clone();
        let got = format!("`{name}` has {} entries", elements.len());
        wrong.push(UnmetExpectation { span, got, note: None, instead: None });
    }
}

/// A value of a map; where each CPU has its own, the sum of each number that is expected.
pub(super) fn over_all_cpus(btf: Option<&Btf>, expected: &EncodedValue, held: &[u8]) -> Vec<u8> {
    let size = expected.bytes.len();
    let step = size.next_multiple_of(8).max(1);
    if held.len() <= size || btf.is_none() && held.len() == size {
        return held.to_vec();
    }
    let mut sum = held.get(..size).unwrap_or_default().to_vec();
    for part in &expected.parts {
        let bits = part.bits.end - part.bits.start;
        if !part.bits.start.is_multiple_of(8) || bits > 64 {
            continue;
        }
        let at = (part.bits.start / 8) as usize;
        let bytes = (bits / 8) as usize;
        let total = held.chunks(step).filter_map(|one| one.get(at..at + bytes)).fold(
            0_u64,
            |total, one| {
                let mut whole = [0; 8];
                whole[..bytes].copy_from_slice(one);
                total.wrapping_add(u64::from_le_bytes(whole))
            },
        );
        if let Some(place) = sum.get_mut(at..at + bytes) {
            place.copy_from_slice(&total.to_le_bytes()[..bytes]);
        }
    }
    sum
}

/// The parts of `expected` that `held` has otherwise, in words.
pub(super) fn differing(btf: Option<&Btf>, expected: &EncodedValue, held: &[u8]) -> Vec<String> {
    let bit = |bytes: &[u8], at: u64| {
        let byte = bytes.get(usize::try_from(at / 8).unwrap_or(usize::MAX)).copied();
        byte.map(|byte| byte >> (at % 8) & 1)
    };
    let differs = |part: &&crate::resolve::EncodedPart| {
        part.bits.clone().any(|at| bit(&expected.bytes, at) != bit(held, at))
    };
    let shown = |part: &crate::resolve::EncodedPart, bytes: &[u8]| {
        let (start, end) = ((part.bits.start / 8) as usize, part.bits.end.div_ceil(8) as usize);
        let Some(bytes) = bytes.get(start..end) else { return "not there".to_owned() };
        match btf.filter(|_| part.bits.start.is_multiple_of(8) && part.of != 0) {
            Some(btf) => Shape::of(btf, part.of).text(bytes),
            None => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
        }
    };
    let parts = expected.parts.iter().filter(differs);
    parts
        .map(|part| {
            format!("{} is {}, not {}", part.name, shown(part, held), shown(part, &expected.bytes))
        })
        .collect()
}
