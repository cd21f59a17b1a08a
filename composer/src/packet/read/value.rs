//! The values of fields and payloads, as people write them.

use std::net::{Ipv4Addr, Ipv6Addr};

use toml::de::DeValue;

use super::{WrittenContent, WrittenValue};
use crate::{
    chain::{
        Spanned,
        table::{Diagnostics, wrong_type},
    },
    diag::{Code, nearest},
    packet::{
        LARGEST,
        fields::{FieldForm, LayerFacts, PacketField},
        hexadecimal,
    },
};

/// Reads the value of a field.
pub(super) fn field(
    layer: &LayerFacts,
    field: &PacketField,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<WrittenValue> {
    let name = format!("`{}`", field.name);
    if field.fill.is_checkable() && value.get_ref().as_str() == Some("valid") {
        return Some(WrittenValue::Valid);
    }
    if field.form == FieldForm::Options {
        let bytes = hex(&name, value, layer.most_options(), report)?;
        return Some(WrittenValue::Bytes(layer.padded(bytes)));
    }
    let number = match (field.form, value.get_ref()) {
        (FieldForm::Flag, DeValue::Boolean(flag)) => Some(u128::from(*flag)),
        (FieldForm::Flag, _) => {
            wrong_type(&name, "true or false", value, report);
            return None;
        }
        (
            FieldForm::Decimal | FieldForm::Hex | FieldForm::Named(_) | FieldForm::HexNamed(_),
            DeValue::Integer(number),
        ) => {
            let read = u128::from_str_radix(number.as_str(), number.radix()).ok();
            read.filter(|number| *number <= field.most())
        }
        (FieldForm::Named(names) | FieldForm::HexNamed(names), DeValue::String(name)) => {
            names.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
        }
        (FieldForm::Letters(letters), DeValue::String(text)) => {
            let bits = text.chars().map(|letter| letters.chars().position(|known| known == letter));
            bits.map(|bit| bit.map(|bit| 1 << bit)).try_fold(0, |sum, bit| Some(sum | bit?))
        }
        (FieldForm::Mac, DeValue::String(text)) => mac(text),
        (FieldForm::Ipv4, DeValue::String(text)) => {
            text.parse::<Ipv4Addr>().ok().map(|address| u32::from(address).into())
        }
        (FieldForm::Ipv6, DeValue::String(text)) => text.parse::<Ipv6Addr>().ok().map(u128::from),
        (form, _) => {
            let wanted = match form {
                FieldForm::Decimal | FieldForm::Hex if field.fill.is_checkable() => {
                    "an integer or \"valid\""
                }
                FieldForm::Decimal | FieldForm::Hex => "an integer",
                FieldForm::Named(_) | FieldForm::HexNamed(_) => "an integer or a name",
                FieldForm::Letters(_) => "a string of letters",
                _ => "an address as a string",
            };
            wrong_type(&name, wanted, value, report);
            return None;
        }
    };
    if number.is_none() {
        unusable(field, value, report);
    }
    number.map(WrittenValue::Number)
}

/// Reports a value that the field cannot have.
fn unusable(field: &PacketField, value: &toml::Spanned<DeValue<'_>>, report: &mut Diagnostics<'_>) {
    let span = report.span(value);
    let range = || format!("has {} bits", field.bits);
    let (label, help) = match field.form {
        FieldForm::Named(names) | FieldForm::HexNamed(names) if value.get_ref().is_str() => {
            let name = value.get_ref().as_str().unwrap_or_default();
            let known: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("Did you mean \"{near}\"?"),
                None => format!("Write a number, or one of: {}.", known.join(", ")),
            };
            ("unknown name".to_owned(), help)
        }
        FieldForm::Letters(letters) => {
            let shown: Vec<_> = letters.chars().map(String::from).collect();
            ("unknown flag".to_owned(), format!("Write any of the letters {}.", shown.join(", ")))
        }
        FieldForm::Mac => (
            "not a MAC address".to_owned(),
            "Write, for example, \"02:00:00:00:00:01\".".to_owned(),
        ),
        FieldForm::Ipv4 => {
            ("not an IPv4 address".to_owned(), "Write, for example, \"192.0.2.1\".".to_owned())
        }
        FieldForm::Ipv6 => {
            ("not an IPv6 address".to_owned(), "Write, for example, \"2001:db8::1\".".to_owned())
        }
        _ => (range(), format!("Write a number from 0 to {}.", field.most())),
    };
    let shown = span.text().to_owned();
    let message = format!("`{}` cannot be {shown}", field.name);
    let found = report.at(Code::PacketValue, message, &span, label).help(help);
    report.push(found);
}

/// The address that `text` writes down: six pairs of digits with colons or hyphens between them.
fn mac(text: &str) -> Option<u128> {
    let pairs: Vec<_> = text.split([':', '-']).collect();
    let byte = |pair: &&str| {
        let is_pair = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_pair.then(|| u128::from_str_radix(pair, 16).ok()).flatten()
    };
    let bytes = pairs.iter().map(byte);
    let address = bytes.clone().try_fold(0, |address, byte| Some(address << 8 | byte?));
    address.filter(|_| pairs.len() == 6)
}

/// Reads a text.
pub(super) fn text(
    what: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<Spanned<String>> {
    let Some(text) = value.get_ref().as_str() else {
        wrong_type(what, "a string", value, report);
        return None;
    };
    Some(Spanned { value: text.to_owned(), span: report.span(value) })
}

/// Reads hexadecimal digits, of `most` bytes at most.
pub(super) fn hex(
    what: &str,
    value: &toml::Spanned<DeValue<'_>>,
    most: usize,
    report: &mut Diagnostics<'_>,
) -> Option<Vec<u8>> {
    let Some(text) = value.get_ref().as_str() else {
        wrong_type(what, "a string of hexadecimal digits", value, report);
        return None;
    };
    match hexadecimal::bytes(text) {
        Ok(bytes) if bytes.len() <= most => Some(bytes),
        Ok(bytes) => {
            too_large(what, bytes.len(), most, value, report);
            None
        }
        Err(mistake) => {
            let message = format!("{what} is not hexadecimal");
            let found = report
                .at(Code::PacketHex, message, &report.span(value), mistake.to_string())
                .help("Write each byte as two digits: \"45 00 00 28\".");
            report.push(found);
            None
        }
    }
}

/// Reads what a packet carries: a text, `{ hex = "…" }` or `{ length = 100 }`, or the two together.
pub(super) fn content(
    what: &str,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) -> Option<WrittenContent> {
    if let Some(text) = value.get_ref().as_str() {
        let bytes = text.as_bytes();
        if bytes.len() > LARGEST {
            too_large(what, bytes.len(), LARGEST, value, report);
            return None;
        }
        return Some(WrittenContent::Bytes(bytes.to_vec()));
    }
    let wanted = "a string, { hex = \"…\" } or { length = 100 }";
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type(what, wanted, value, report);
        return None;
    };
    let mut table = report.table(what.to_owned(), report.span(value), entries);
    let bytes = table.get("hex").map(|(_, text)| hex("`hex`", text, LARGEST, report));
    let length = table.get("length").map(|(_, length)| self::length(length, report));
    let content = match (bytes, length) {
        (None, None) => {
            table.missing(&["hex", "length"], "\"00 11 22\"");
            None
        }
        (Some(bytes), None) => bytes.map(WrittenContent::Bytes),
        (None, Some(length)) => length.map(WrittenContent::Length),
        // Over and over.
        (Some(bytes), Some(length)) => bytes.zip(length).and_then(|(bytes, length)| {
            if bytes.is_empty() && length > 0 {
                let message = "`hex` is empty, and cannot be repeated";
                let found = report
                    .at(Code::PacketHex, message, &report.span(value), "nothing to repeat")
                    .help("Write at least one byte, or leave out `hex`.");
                report.push(found);
                return None;
            }
            Some(WrittenContent::Bytes(bytes.into_iter().cycle().take(length).collect()))
        }),
    };
    table.finish(report);
    content
}

fn length(value: &toml::Spanned<DeValue<'_>>, report: &mut Diagnostics<'_>) -> Option<usize> {
    let Some(number) = value.get_ref().as_integer() else {
        wrong_type("`length`", "a number of bytes", value, report);
        return None;
    };
    let read = usize::from_str_radix(number.as_str(), number.radix()).ok();
    let length = read.filter(|length| *length <= LARGEST);
    if length.is_none() {
        let span = report.span(value);
        let message = format!("`length` cannot be {}", span.text());
        let found = report
            .at(Code::PacketValue, message, &span, "not a length of a packet")
            .help(format!("Write a number from 0 to {LARGEST}."));
        report.push(found);
    }
    length
}

fn too_large(
    what: &str,
    length: usize,
    most: usize,
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Diagnostics<'_>,
) {
    let message = format!("{what} is too large");
    let found = report
        .at(Code::PacketSize, message, &report.span(value), format!("{length} bytes"))
        .help(format!("Write at most {most} bytes."));
    report.push(found);
}
