//! The table of fields, for the documentation.

use std::fmt::Write as _;

use super::{
    FieldValue, LayerKind,
    fields::{FieldForm, Fill, LayerFacts, PacketField},
};

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
                field.form.described(facts, field),
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
            Fill::Value(_) if self.form == FieldForm::Options => "none".to_owned(),
            Fill::Value(value) => format!("`{}`", self.text(&FieldValue::Number(value))),
            Fill::Type { alone, quoting } => {
                let [alone, quoting] =
                    [alone, quoting].map(|value| self.text(&FieldValue::Number(value)));
                format!("`{alone}`, or `{quoting}` with `inner`")
            }
            Fill::Echo => "`1` in echo messages, else `0`".to_owned(),
            Fill::Port => "`53`, or `4789` before VXLAN".to_owned(),
            Fill::Next => "the type of what follows".to_owned(),
            Fill::HeaderLength => "the bytes of the header / 4".to_owned(),
            Fill::ExtensionLength => "the bytes of the header / 8 - 1".to_owned(),
            Fill::TotalLength => "the bytes of the header and what follows".to_owned(),
            Fill::ContentLength => "the bytes of what follows".to_owned(),
            Fill::HeaderChecksum | Fill::Checksum | Fill::PseudoChecksum => "computed".to_owned(),
        }
    }
}

impl FieldForm {
    fn described(self, facts: &LayerFacts, field: &PacketField) -> String {
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
            Self::Options => format!("hexadecimal, up to {} bytes", facts.most_options()),
        }
    }
}
