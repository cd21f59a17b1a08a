//! Packets for people: a line for each field, and bytes.

use std::{fmt::Write as _, net, ops::Range};

use super::{
    FieldValue, LayerKind, Packet, PacketContent,
    fields::{FieldForm, Fill, PacketField},
    hexadecimal,
    toml_text::content,
};

impl Packet {
    /// A line for each field: `ipv4.ttl = 64`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.append_lines("", &mut lines);
        lines
    }

    fn append_lines(&self, path: &str, lines: &mut Vec<String>) {
        let tags = self.layers.iter().filter(|layer| layer.kind == LayerKind::Vlan).count();
        let mut tag = 0;
        for layer in &self.layers {
            let name = match layer.kind {
                LayerKind::Vlan if tags > 1 => {
                    tag += 1;
                    format!("vlan[{}]", tag - 1)
                }
                kind => kind.to_string(),
            };
            let fields = layer.kind.fields().iter().zip(&layer.values);
            lines.extend(fields.filter(|(field, value)| !field.is_unremarkable(value)).map(
                |(field, value)| format!("{path}{name}.{} = {}", field.name, field.text(value)),
            ));
        }
        match &self.content {
            PacketContent::Inner(inner) => inner.append_lines(&format!("{path}inner."), lines),
            PacketContent::Bytes(bytes) if bytes.is_empty() => {}
            PacketContent::Bytes(bytes) => {
                lines.push(format!("{path}payload = {}", content(bytes)));
            }
        }
        if !self.trailer.is_empty() {
            lines.push(format!("{path}trailer = {}", content(&self.trailer)));
        }
    }
}

impl PacketField {
    /// Whether nobody would want to see that it has this value.
    pub(super) fn is_unremarkable(&self, value: &FieldValue) -> bool {
        match value {
            FieldValue::Bytes(bytes) => bytes.is_empty(),
            FieldValue::Number(number) => self.is_quiet && Fill::Value(*number) == self.fill,
            FieldValue::Filled => true,
        }
    }

    /// A value as a test file has it.
    pub(super) fn text(&self, value: &FieldValue) -> String {
        let number = match value {
            FieldValue::Number(number) => *number,
            FieldValue::Bytes(bytes) => return format!("\"{}\"", hexadecimal::text(bytes)),
            FieldValue::Filled => return "\"valid\"".to_owned(),
        };
        let name = |names: &[(&str, u128)]| {
            names.iter().find(|(_, known)| *known == number).map(|(name, _)| format!("\"{name}\""))
        };
        match self.form {
            FieldForm::Decimal => number.to_string(),
            FieldForm::Hex => format!("{number:#0width$x}", width = 2 + self.bits.div_ceil(4)),
            FieldForm::Flag => (number != 0).to_string(),
            FieldForm::Letters(letters) => {
                let letters = letters.chars().enumerate();
                let set = letters.filter(|(bit, _)| number >> bit & 1 == 1);
                format!("\"{}\"", set.map(|(_, letter)| letter).collect::<String>())
            }
            FieldForm::Named(names) => name(names).unwrap_or_else(|| number.to_string()),
            FieldForm::HexNamed(names) => name(names).unwrap_or_else(|| format!("{number:#06x}")),
            FieldForm::Mac => {
                let bytes = number.to_be_bytes();
                let pairs: Vec<_> =
                    bytes.iter().skip(10).map(|byte| format!("{byte:02x}")).collect();
                format!("\"{}\"", pairs.join(":"))
            }
            FieldForm::Ipv4 => format!("\"{}\"", net::Ipv4Addr::from(number as u32)),
            FieldForm::Ipv6 => format!("\"{}\"", net::Ipv6Addr::from(number)),
            FieldForm::Options => format!("\"{number:x}\""),
        }
    }
}

/// The bytes of a row.
const ROW: usize = 16;

/// The rows of `bytes` in which something is marked, each with its offset and the marks below it.
#[must_use]
pub fn dump(bytes: &[u8], marked: &[Range<usize>]) -> String {
    let is_marked = |at: usize| marked.iter().any(|range| range.contains(&at));
    let mut text = String::new();
    for (number, row) in bytes.chunks(ROW).enumerate() {
        let start = number * ROW;
        if !(start..start + row.len()).any(is_marked) {
            continue;
        }
        let _ = writeln!(text, "{start:04x}  {}", hexadecimal::text(row));
        let marks: Vec<_> =
            (start..start + row.len()).map(|at| if is_marked(at) { "^^" } else { "  " }).collect();
        let _ = writeln!(text, "      {}", marks.join(" ").trim_end());
    }
    text
}
