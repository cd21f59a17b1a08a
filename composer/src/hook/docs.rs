//! The tables of docs/chain-format.md that the facts make.

use std::fmt::Write as _;

use super::{HostKind, KINDS, KeySpec, UNSUPPORTED, Values};

/// What `attach` may be.
#[must_use]
pub fn attachments() -> String {
    let mut table = head(&["`attach = ...`", "program section", "where"]);
    for kind in KINDS {
        let HostKind { name, section, target, summary, .. } = kind;
        let _ = writeln!(
            table,
            "| `{{ {name} = \"{}\"{} }}` | `SEC(\"{section}\")` | {summary} |",
            target.example,
            kind.required_example(),
        );
    }
    table
}

/// The keys beside a kind's own, each once for the kinds that have it.
#[must_use]
pub fn settings() -> String {
    let mut table = head(&["key", "hooks", "value", "meaning"]);
    let mut rows: Vec<(&KeySpec, Vec<&str>)> = Vec::new();
    for kind in KINDS {
        for spec in kind.settings {
            match rows.iter_mut().find(|(other, _)| is_same(other, spec)) {
                Some((_, kinds)) => kinds.push(kind.name),
                None => rows.push((spec, vec![kind.name])),
            }
        }
    }
    for (spec, kinds) in rows {
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {}{} |",
            spec.key,
            kinds.join(", "),
            value(&spec.values),
            spec.doc,
            exclusion(spec),
        );
    }
    table
}

/// Whether two keys are described alike.
fn is_same(one: &KeySpec, other: &KeySpec) -> bool {
    (one.key, one.doc, value(&one.values)) == (other.key, other.doc, value(&other.values))
}

/// What a key may be set to.
fn value(values: &Values) -> String {
    let quoted = |words: &[&str]| {
        words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ")
    };
    match values {
        Values::Words(words) => format!("{}; the first is the default", quoted(words)),
        Values::Required(words) => format!("required: {}", quoted(words)),
        Values::Number(least, most) => format!("a number from {least} to {most}"),
        Values::RequiredNumber(least, most) => {
            format!("required: a number from {least} to {most}")
        }
        Values::Numbers(least, most) => format!("a table of numbers from {least} to {most}"),
        Values::Text => "a string".to_owned(),
        Values::RequiredText(example) => format!("required: a string, such as `\"{example}\"`"),
    }
}

/// The keys that a key cannot be combined with.
fn exclusion(spec: &KeySpec) -> String {
    match spec.excludes {
        [] => String::new(),
        excluded => {
            let keys: Vec<_> = excluded.iter().map(|key| format!("`{key}`")).collect();
            format!(" Excludes {}.", keys.join(" and "))
        }
    }
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
