//! Packets for people: a line for each field, the TOML of a test file, and bytes.

use std::{fmt::Write as _, net, ops::Range};

use super::{
    FieldValue, LayerKind, Packet, PacketContent,
    fields::{Fill, PacketField, Shape},
    hexadecimal,
};

/// What TOML is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketText {
    /// To be given: without what is filled in anyway.
    Given,
    /// To be expected: with all that a program could change.
    Expected,
}

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
                |(field, value)| {
                    format!("{path}{name}.{} = {}", field.name, field.shape.text(value))
                },
            ));
        }
        match &self.content {
            PacketContent::Inner(inner) => inner.append_lines(&format!("{path}inner."), lines),
            PacketContent::Bytes(bytes) if bytes.is_empty() => {}
            PacketContent::Bytes(bytes) => {
                lines.push(format!("{path}payload = {}", content(bytes)))
            }
        }
        if !self.trailer.is_empty() {
            lines.push(format!("{path}trailer = {}", content(&self.trailer)));
        }
    }

    /// The packet as a test file has it; `indent` is in front of each line but the first.
    #[must_use]
    pub fn to_toml(&self, text: PacketText, indent: &str) -> String {
        let entries = self.entries(text, true);
        let line = table(&entries);
        if line.len() + indent.len() <= WIDTH {
            return line;
        }
        let entries = entries.iter().fold(String::new(), |mut lines, entry| {
            let _ = writeln!(lines, "{indent}  {entry},");
            lines
        });
        format!("{{\n{entries}{indent}}}")
    }

    /// The entries of its table: `ipv4 = { ttl = 63 }`.
    fn entries(&self, text: PacketText, is_outermost: bool) -> Vec<String> {
        let mut entries = Vec::new();
        if is_outermost && self.layers.first().is_none_or(|layer| layer.kind != LayerKind::Eth) {
            entries.push("eth = false".to_owned());
        }
        let mut probe = self.clone();
        let mut tags = Vec::new();
        for place in 0..self.layers.len() {
            let Some((kind, fields)) = probe.layer_text(place, text) else { continue };
            match kind {
                LayerKind::Vlan => tags.push(fields),
                kind => entries.push(format!("{kind} = {fields}")),
            }
            let is_last_tag =
                self.layers.get(place + 1).is_none_or(|layer| layer.kind != LayerKind::Vlan);
            match tags.as_slice() {
                [tag] if is_last_tag => entries.push(format!("vlan = {tag}")),
                [_, ..] if is_last_tag => entries.push(format!("vlan = [{}]", tags.join(", "))),
                _ => continue,
            }
            tags.clear();
        }
        match &self.content {
            PacketContent::Inner(inner) => {
                entries.push(format!("inner = {}", table(&inner.entries(text, false))));
            }
            PacketContent::Bytes(bytes) if bytes.is_empty() && text == PacketText::Given => {}
            PacketContent::Bytes(bytes) => entries.push(format!("payload = {}", content(bytes))),
        }
        if !self.trailer.is_empty() {
            entries.push(format!("trailer = {}", content(&self.trailer)));
        }
        entries
    }

    /// The layer at `place` as a table. What is left out for a packet that is given is left out of
    /// `self` too, since the rest may follow from it.
    fn layer_text(&mut self, place: usize, text: PacketText) -> Option<(LayerKind, String)> {
        let kind = self.layers.get(place)?.kind;
        let mut fields = Vec::new();
        for (number, field) in kind.fields().iter().enumerate() {
            let value = self.layers.get(place)?.values.get(number)?.clone();
            let is_filled = match &value {
                FieldValue::Filled => true,
                FieldValue::Bytes(bytes) => bytes.is_empty(),
                FieldValue::Number(value) => self.right(place, number) == *value,
            };
            let shown = match text {
                PacketText::Given if is_filled => {
                    if field.shape != Shape::Options {
                        *self.layers.get_mut(place)?.values.get_mut(number)? = FieldValue::Filled;
                    }
                    continue;
                }
                PacketText::Expected if is_filled && field.fill.is_computed() => {
                    if field.fill == Fill::Next || field.fill == Fill::HeaderLength {
                        continue;
                    }
                    "\"valid\"".to_owned()
                }
                PacketText::Expected if field.is_unremarkable(&value) => continue,
                _ => field.shape.text(&value),
            };
            fields.push(format!("{} = {shown}", field.name));
        }
        Some((kind, table(&fields)))
    }
}

/// The columns of a table in one line.
const WIDTH: usize = 80;

/// An inline table of entries.
fn table(entries: &[String]) -> String {
    match entries.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", entries.join(", ")),
    }
}

/// Bytes as a payload is written: as text where they are.
fn content(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) if text.chars().all(|letter| (' '..='~').contains(&letter)) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        _ if bytes.len() > 8 && bytes.iter().all(|byte| *byte == 0) => {
            format!("{{ length = {} }}", bytes.len())
        }
        _ => format!("{{ hex = \"{}\" }}", hexadecimal::text(bytes)),
    }
}

impl PacketField {
    /// Whether nobody would want to see that it has this value.
    fn is_unremarkable(&self, value: &FieldValue) -> bool {
        match value {
            FieldValue::Bytes(bytes) => bytes.is_empty(),
            FieldValue::Number(number) => self.is_quiet && Fill::Value(*number) == self.fill,
            FieldValue::Filled => true,
        }
    }
}

impl Shape {
    /// A value as a test file has it.
    pub(super) fn text(self, value: &FieldValue) -> String {
        let number = match value {
            FieldValue::Number(number) => *number,
            FieldValue::Bytes(bytes) => return format!("\"{}\"", hexadecimal::text(bytes)),
            FieldValue::Filled => return "\"valid\"".to_owned(),
        };
        let name = |names: &[(&str, u128)]| {
            names.iter().find(|(_, known)| *known == number).map(|(name, _)| format!("\"{name}\""))
        };
        match self {
            Self::Decimal => number.to_string(),
            Self::Hex => format!("{number:#x}"),
            Self::Flag => (number != 0).to_string(),
            Self::Letters(letters) => {
                let letters = letters.chars().enumerate();
                let set = letters.filter(|(bit, _)| number >> bit & 1 == 1);
                format!("\"{}\"", set.map(|(_, letter)| letter).collect::<String>())
            }
            Self::Named(names) => name(names).unwrap_or_else(|| number.to_string()),
            Self::HexNamed(names) => name(names).unwrap_or_else(|| format!("{number:#06x}")),
            Self::Mac => {
                let bytes = number.to_be_bytes();
                let pairs: Vec<_> =
                    bytes.iter().skip(10).map(|byte| format!("{byte:02x}")).collect();
                format!("\"{}\"", pairs.join(":"))
            }
            Self::Ipv4 => format!("\"{}\"", net::Ipv4Addr::from(number as u32)),
            Self::Ipv6 => format!("\"{}\"", net::Ipv6Addr::from(number)),
            Self::Options => format!("\"{number:x}\""),
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

/// The layers and their fields, as tables of docs/tests.md.
#[must_use]
pub fn reference() -> String {
    let mut text = String::new();
    for kind in LayerKind::ALL {
        let facts = kind.facts();
        let _ = writeln!(
            text,
            "`{}`: {}\n\n| field | value | if not given |\n|---|---|---|",
            facts.name, facts.title
        );
        for field in facts.fields {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} |",
                field.name,
                field.shape.described(field),
                field.default_text()
            );
        }
        text.push('\n');
    }
    text
}

impl PacketField {
    fn default_text(&self) -> String {
        match self.fill {
            Fill::Value(_) if self.shape == Shape::Options => "none".to_owned(),
            Fill::Value(value) => format!("`{}`", self.shape.text(&FieldValue::Number(value))),
            Fill::Type { alone, quoting } => {
                let [alone, quoting] =
                    [alone, quoting].map(|value| self.shape.text(&FieldValue::Number(value)));
                format!("`{alone}`, or `{quoting}` with `inner`")
            }
            Fill::Port => "`53`, or `4789` before VXLAN".to_owned(),
            Fill::Next => "what follows".to_owned(),
            Fill::HeaderLength => "the header's, in units of 4 bytes".to_owned(),
            Fill::TotalLength => "the header and what follows".to_owned(),
            Fill::ContentLength => "what follows".to_owned(),
            Fill::HeaderChecksum | Fill::Checksum | Fill::PseudoChecksum => "computed".to_owned(),
        }
    }
}

impl Shape {
    fn described(self, field: &PacketField) -> String {
        let names = |names: &[(&str, u128)]| {
            let names: Vec<_> = names.iter().map(|(name, _)| format!("`\"{name}\"`")).collect();
            names.join(", ")
        };
        match self {
            Self::Decimal | Self::Hex => format!("0 to {}", field.most()),
            Self::Flag => "`true`, `false`".to_owned(),
            Self::Letters(letters) => format!("letters of `{letters}`"),
            Self::Named(known) | Self::HexNamed(known) => {
                format!("{} or 0 to {}", names(known), field.most())
            }
            Self::Mac => "a MAC address".to_owned(),
            Self::Ipv4 => "an IPv4 address".to_owned(),
            Self::Ipv6 => "an IPv6 address".to_owned(),
            Self::Options => "hexadecimal, up to 40 bytes".to_owned(),
        }
    }
}
