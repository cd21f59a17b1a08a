//! Packets as the text of a test file, as people would write it.

use super::{
    FieldValue, LayerKind, Packet, PacketContent,
    fields::{FieldForm, Fill},
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

/// A value of TOML.
#[derive(Debug)]
enum TomlText {
    /// As it is written.
    Value(String),
    List(Vec<Self>),
    Table(Vec<(&'static str, Self)>),
}

impl Packet {
    /// The packet as a test file has it; `indent` is in front of each line but the first.
    #[must_use]
    pub fn to_toml(&self, text: PacketText, indent: &str) -> String {
        self.toml(text, true).render(indent)
    }

    fn toml(&self, text: PacketText, is_outermost: bool) -> TomlText {
        let mut entries = Vec::new();
        if is_outermost && self.layers.first().is_none_or(|layer| layer.kind != LayerKind::Eth) {
            entries.push(("eth", TomlText::Value("false".to_owned())));
        }
        let mut probe = self.clone();
        let mut tags = Vec::new();
        for place in 0..self.layers.len() {
            let Some((kind, fields)) = probe.layer_toml(place, text) else { continue };
            if kind != LayerKind::Vlan {
                entries.push((kind.name(), fields));
                continue;
            }
            tags.push(fields);
            let next = self.layers.get(place + 1).map(|layer| layer.kind);
            if next != Some(LayerKind::Vlan) {
                let tag = if tags.len() == 1 { tags.pop() } else { None };
                let list = || TomlText::List(std::mem::take(&mut tags));
                entries.push((kind.name(), tag.unwrap_or_else(list)));
            }
        }
        let value = |bytes: &[u8]| TomlText::Value(rows(bytes));
        match &self.content {
            PacketContent::Inner(inner) => entries.push(("inner", inner.toml(text, false))),
            PacketContent::Bytes(bytes) if bytes.is_empty() && text == PacketText::Given => {}
            PacketContent::Bytes(bytes) => entries.push(("payload", value(bytes))),
        }
        if !self.trailer.is_empty() {
            entries.push(("trailer", value(&self.trailer)));
        }
        TomlText::Table(entries)
    }

    /// The layer at `place` as a table. What is left out for a packet that is given is left out of
    /// `self` too, since the rest may follow from it.
    fn layer_toml(&mut self, place: usize, text: PacketText) -> Option<(LayerKind, TomlText)> {
        let kind = self.layers.get(place)?.kind;
        let mut fields = Vec::new();
        for (number, field) in kind.fields().iter().enumerate() {
            let value = self.layers.get(place)?.values.get(number)?.clone();
            let is_filled = match &value {
                FieldValue::Filled => true,
                FieldValue::Bytes(bytes) => *bytes == kind.facts().padded(Vec::new()),
                FieldValue::Number(value) => self.right(place, number) == *value,
            };
            let shown = match text {
                PacketText::Given if is_filled => {
                    if field.form != FieldForm::Options {
                        *self.layers.get_mut(place)?.values.get_mut(number)? = FieldValue::Filled;
                    }
                    continue;
                }
                // Each change of it changes the options.
                PacketText::Expected
                    if is_filled
                        && matches!(field.fill, Fill::HeaderLength | Fill::ExtensionLength) =>
                {
                    continue;
                }
                PacketText::Expected if is_filled && field.fill.is_checkable() => {
                    "\"valid\"".to_owned()
                }
                PacketText::Expected if field.is_unremarkable(&value) => continue,
                _ => field.text(&value),
            };
            fields.push((field.name, TomlText::Value(shown)));
        }
        Some((kind, TomlText::Table(fields)))
    }
}

/// Bytes as a payload is written, in one line: as text where they are one.
pub(super) fn content(bytes: &[u8]) -> String {
    if let Ok(text) = str::from_utf8(bytes)
        && text.chars().all(|letter| (' '..='~').contains(&letter))
    {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    match bytes.first() {
        Some(first) if bytes.len() > 8 && bytes.iter().all(|byte| byte == first) => {
            format!("{{ hex = \"{first:02x}\", length = {} }}", bytes.len())
        }
        _ => format!("{{ hex = \"{}\" }}", hexadecimal::text(bytes)),
    }
}

/// The same; a long one in rows.
fn rows(bytes: &[u8]) -> String {
    let line = content(bytes);
    if line.len() <= WIDTH || !line.starts_with("{ hex") {
        return line;
    }
    let rows: Vec<_> = bytes.chunks(ROW).map(hexadecimal::text).collect();
    format!("{{ hex = \"\"\"\n{}\"\"\" }}", rows.join("\n"))
}

/// The bytes of a row.
const ROW: usize = 24;

/// The columns of a line.
const WIDTH: usize = 96;

impl TomlText {
    /// In one line.
    fn line(&self) -> String {
        let between = |[open, close]: [&str; 2], parts: &[String]| match parts {
            [] => format!("{}{}", open.trim(), close.trim()),
            parts => format!("{open}{}{close}", parts.join(", ")),
        };
        match self {
            Self::Value(text) => text.clone(),
            Self::List(items) => {
                between(["[", "]"], &items.iter().map(Self::line).collect::<Vec<_>>())
            }
            Self::Table(entries) => {
                let entry = |(key, value): &(_, Self)| format!("{key} = {}", value.line());
                between(["{ ", " }"], &entries.iter().map(entry).collect::<Vec<_>>())
            }
        }
    }

    /// In as many lines as it needs; `indent` is in front of each but the first.
    fn render(&self, indent: &str) -> String {
        let line = self.line();
        if indent.len() + line.len() <= WIDTH {
            return line;
        }
        let deeper = format!("{indent}  ");
        match self {
            Self::Value(_) => line,
            Self::List(items) => {
                let items: Vec<_> = items
                    .iter()
                    .map(|item| format!("{deeper}{},\n", item.render(&deeper)))
                    .collect();
                format!("[\n{}{indent}]", items.concat())
            }
            Self::Table(entries) => {
                let mut text = "{\n".to_owned();
                // Short values stand side by side.
                let mut row = String::new();
                for (key, value) in entries {
                    let entry = format!("{key} = {},", value.render(&deeper));
                    let is_short = matches!(value, Self::Value(_)) && !entry.contains('\n');
                    if !row.is_empty()
                        && (!is_short || deeper.len() + row.len() + 1 + entry.len() > WIDTH)
                    {
                        text += &format!("{deeper}{row}\n");
                        row.clear();
                    }
                    match is_short {
                        true if row.is_empty() => row = entry,
                        true => row += &format!(" {entry}"),
                        false => text += &format!("{deeper}{entry}\n"),
                    }
                }
                if !row.is_empty() {
                    text += &format!("{deeper}{row}\n");
                }
                format!("{text}{indent}}}")
            }
        }
    }
}
