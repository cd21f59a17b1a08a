//! The tables of docs/chain-format.md that the facts make.

use std::fmt::Write as _;

use super::{HostKind, KINDS, KeySpec, UNSUPPORTED, Values};

/// What `attach` may be.
#[must_use]
pub fn attachments() -> String {
    let mut table = head(&["`attach = ...`", "program section", "where"]);
    for kind in KINDS {
        let HostKind { name, section, target, summary, settings, .. } = kind;
        let settings = settings.iter().map(setting).collect::<String>();
        let _ = writeln!(
            table,
            "| `{{ {name} = \"{}\"{} }}` | `SEC(\"{section}\")` | {summary}{settings} |",
            target.example,
            kind.required_example(),
        );
    }
    table
}

/// A key beside the kind's own.
fn setting(KeySpec { key, doc, values, .. }: &KeySpec) -> String {
    let values = match values {
        Values::Words(words) => {
            let quoted: Vec<_> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            format!("one of {}; the first is the default", quoted.join(", "))
        }
        Values::Required(words) => {
            let quoted: Vec<_> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            format!("one of {}, and required", quoted.join(", "))
        }
        Values::Number(least, most) => format!("a number from {least} to {most}"),
        Values::Text => "a string".to_owned(),
    };
    format!(" `{key}` is {values}. {doc}")
}

/// What the programs of each kind look like.
#[must_use]
pub fn programs() -> String {
    let mut table = head(&["hook", "the program", "context"]);
    for kind in KINDS {
        let (prototype, finds) = kind.source;
        let _ = writeln!(table, "| {} | `{prototype}` | {finds} |", kind.name);
    }
    table
}

/// The types of programs that are no hosts.
#[must_use]
pub fn unsupported() -> String {
    let mut table = head(&["program type", "reason"]);
    for (types, why) in UNSUPPORTED {
        let names: Vec<_> = types.iter().map(|one| format!("`{}`", one.name())).collect();
        let _ = writeln!(table, "| {} | {why} |", names.join(", "));
    }
    table
}

fn head(titles: &[&str]) -> String {
    format!("| {} |\n|{}\n", titles.join(" | "), "---|".repeat(titles.len()))
}
