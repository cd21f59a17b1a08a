//! One name, one type: no two types of the workspace have the same name.

#[allow(dead_code, missing_docs, unreachable_pub, reason = "other tests use all of it")]
#[path = "common/place.rs"]
mod place;

use std::{collections::BTreeMap, fs, path::Path};

/// The folders with Rust code.
const CRATES: [&str; 6] = ["common", "composer", "ebpf-programs", "fuzz", "test-programs", "xtask"];

/// The type that a line declares. An indented alias is local, or associated with a trait.
fn declared(line: &str) -> Option<&str> {
    let code = line.trim_start();
    let is_indented = code.len() < line.len();
    let code = match code.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1,
        Some(rest) => rest,
        None => code,
    };
    let (keyword, rest) = code.trim_start().split_once(' ')?;
    let is_type = match keyword {
        "struct" | "enum" | "union" | "trait" => true,
        "type" => !is_indented,
        _ => false,
    };
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let name = rest.split(|letter| !is_part(letter)).next().unwrap_or_default();
    // C in the texts of tests has other names.
    (is_type && name.starts_with(|first: char| first.is_ascii_uppercase())).then_some(name)
}

/// Notes the types below `folder`, each with the files that declare it.
fn collect(folder: &Path, found: &mut BTreeMap<String, Vec<String>>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("it is readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" {
            collect(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).expect("it is readable");
            for name in text.lines().filter_map(declared) {
                found.entry(name.to_owned()).or_default().push(path.display().to_string());
            }
        }
    }
}

#[test]
fn no_two_types_have_the_same_name() {
    let mut found = BTreeMap::new();
    for name in CRATES {
        collect(&place::workspace().join(name), &mut found);
    }
    assert!(found.len() > 500, "the search finds them: {}", found.len());
    found.retain(|_, files| files.len() > 1);
    assert_eq!(found, BTreeMap::new());
}

#[test]
fn a_declaration_is_recognised() {
    assert_eq!(declared("pub(super) struct Plan {"), Some("Plan"));
    assert_eq!(declared("    enum Step<'a> {"), Some("Step"));
    assert_eq!(declared("pub type TypeId = u32;"), Some("TypeId"));
    assert_eq!(declared("    type Error = PlanError;"), None);
    assert_eq!(declared("struct fc_header {"), None);
    assert_eq!(declared("    // struct Plan"), None);
}
