//! The chain file's JSON schema, and the reader: what one refuses, the other refuses.

mod common;
#[path = "common/schema.rs"]
mod draft;

use std::{fs, path::Path};

use common::{CHAINS, chain_text};
use freplace_compose::chain::{Chain, schema};
use serde_json::{Value, json};
use toml::de::{DeTable, DeValue};

/// A TOML text as JSON; none when it is no TOML.
fn json_of(text: &str) -> Option<Value> {
    Some(table(DeTable::parse(text).ok()?.get_ref()))
}

fn table(entries: &DeTable<'_>) -> Value {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| {
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        (key.to_string(), value_of(value.get_ref()))
    };
    Value::Object(entries.iter().map(entry).collect())
}

fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Boolean(value) => json!(value),
        DeValue::Array(items) => items.iter().map(|item| value_of(item.get_ref())).collect(),
        DeValue::Table(entries) => table(entries),
        // Numbers and dates: no key has one, so the value does not matter.
        _ => json!(1),
    }
}

fn reader(text: &str) -> Result<(), String> {
    let found = Chain::parse(Path::new("test.toml"), text.to_owned()).map(|_| ());
    found.map_err(|found| found.into_iter().map(|one| one.message).collect::<Vec<_>>().join("; "))
}

#[test]
fn every_shipped_chain_is_what_the_schema_asks_for() {
    for name in CHAINS {
        let text = chain_text(name);
        assert!(text.starts_with("#:schema ../schemas/chain.schema.json\n"), "{name}");
        let value = json_of(&text).expect("TOML");
        assert_eq!(draft::check(&schema(), &value), Ok(()), "{name}");
    }
}

#[test]
fn the_tests_of_every_recipe_are_what_their_schema_asks_for() {
    let schema = freplace_compose::testing::schema();
    for name in CHAINS {
        let path = common::workspace().join("chains/tests").join(name).with_extension("toml");
        let value = json_of(&fs::read_to_string(path).expect("every recipe has tests"));
        assert_eq!(draft::check(&schema, &value.expect("TOML")), Ok(()), "{name}");
    }
}

/// The schema never marks in an editor what the reader takes.
#[test]
fn every_chain_that_can_be_read_is_what_the_schema_asks_for() {
    let folder = common::workspace().join("composer/tests/fixtures");
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("it is part of the repository") {
        let path = entry.expect("it is readable").path();
        let is_toml = path.extension().is_some_and(|ending| ending == "toml");
        let Some(text) = is_toml.then(|| fs::read_to_string(&path).expect("UTF-8")) else {
            continue;
        };
        if reader(&text).is_ok() {
            let value = json_of(&text).expect("the reader took it");
            assert_eq!(draft::check(&schema(), &value), Ok(()), "{}", path.display());
            read += 1;
        }
    }
    assert!(read > 5, "most fixtures can be read, and are wrong in another way");
}

/// A whole chain with every key there is.
const WHOLE: &str = r#"
name = "whole"
description = "every key"
requires = { kernel = ">=6.6, <7" }
buffer = "4MiB"
pins = "/sys/fs/bpf/whole"
[host.one]
object = "one.bpf.o"
program = "one"
attach = { HOOK }
globals = { limit = 5, "conf.go_on[0]" = "1 << 2", name = "x", conf = { on = true, of = [1] } }
maps = { flows = { max_entries = 8, flags = 1, pin = "mine", keep = false } }
[stub.place]
function = "place"
hosts = ["one"]
[replacement.new]
object = "new.bpf.o"
program = "new"
stub = "place"
tail = { jumps = { 1 = "one" } }
[tracer.before]
object = "before.bpf.o"
program = "before"
fentry = "new"
function = "helper"
[tracer.after]
object = "after.bpf.o"
program = "after"
fexit = "new"
[tracer.built_in]
trace = "new"
capture = ["a", "b->c"]
where = "a > 1"
"#;

const GOOD_HOOKS: [&str; 8] = [
    "kprobe = \"tcp_connect\"",
    "kretprobe = \"tcp_connect\"",
    "tracepoint = \"sock/inet_sock_set_state\"",
    "tracepoint = \"sock:inet_sock_set_state\"",
    "raw_tracepoint = \"inet_sock_set_state\"",
    "xdp = \"lo\"",
    "xdp = \"lo\", mode = \"auto\"",
    "xdp = \"lo\", mode = \"native\"",
];

fn whole() -> String {
    WHOLE.replace("HOOK", GOOD_HOOKS[0])
}

/// Both take `text`, or both refuse it.
fn same(text: &str, taken: bool) {
    let value = json_of(text).unwrap_or_else(|| panic!("no TOML:\n{text}"));
    let (read, checked) = (reader(text), draft::check(&schema(), &value));
    assert_eq!((read.is_ok(), checked.is_ok()), (taken, taken), "{read:?}, {checked:?}\n{text}");
}

#[test]
fn every_hook_is_taken_by_both() {
    for hook in GOOD_HOOKS {
        same(&WHOLE.replace("HOOK", hook), true);
    }
}

#[test]
fn a_wrong_hook_is_refused_by_both() {
    for hook in [
        "",
        "kprobe = \"\"",
        "kprobe = 1",
        "kprobe = \"a\", xdp = \"lo\"",
        "kprobe = \"a\", kretprobe = \"a\"",
        "kprobe = \"a\", mode = \"auto\"",
        "mode = \"auto\"",
        "uprobe = \"a\"",
        "tracepoint = \"inet_sock_set_state\"",
        "tracepoint = \"/inet_sock_set_state\"",
        "tracepoint = \"sock/\"",
        "xdp = \"lo\", mode = \"genric\"",
        "xdp = \"lo\", mode = 1",
        "xdp = \"lo\", mod = \"auto\"",
    ] {
        same(&WHOLE.replace("HOOK", hook), false);
    }
}

/// The keys of `WHOLE` that a chain can do without.
const OPTIONAL: [&str; 12] = [
    "name",
    "description",
    "requires",
    "buffer",
    "pins",
    // A table leads to that host, which may do without.
    "attach",
    "globals",
    "maps",
    "tail",
    "function = \"helper\"",
    "capture",
    "where",
];

#[test]
fn the_sizes_of_a_buffer_are_powers_of_two() {
    let with = |size: &str| whole().replace("4MiB", size);
    for size in ["64KiB", "512KiB", "1MiB", "512MiB", "1GiB"] {
        same(&with(size), true);
    }
    for size in ["32KiB", "0KiB", "65KiB", "3MiB", "1024MiB", "2GiB", "4MB", "4 MiB", "4mib", "4M"]
    {
        same(&with(size), false);
    }
}

#[test]
fn a_key_that_is_left_out_misspelt_or_of_another_type_is_judged_alike() {
    let whole = whole();
    same(&whole, true);
    for line in whole.lines().filter(|line| line.contains('=')) {
        let (key, value) = line.split_once(" = ").expect("a key and a value");
        let with = |new: &str| whole.replacen(&format!("\n{line}\n"), &format!("\n{new}\n"), 1);
        let optional = OPTIONAL.iter().any(|optional| line.starts_with(optional));
        same(&with(""), optional);
        same(&with(&format!("x{key} = {value}")), false);
        same(&with(&format!("{line}\nmore = 1")), false);
        for other in ["1", "true", "2026-01-01", "[]", "[1]", "{}", "\"\"", "[\"\"]"] {
            // Nothing but result and duration; tables of nothing.
            let taken = key == "capture" && other == "[]"
                || ["globals", "maps", "tail"].contains(&key) && other == "{}";
            same(&with(&format!("{key} = {other}")), taken);
        }
    }
}

#[test]
fn what_only_one_of_may_be_there_is_refused_twice_by_both() {
    same(&whole().replace("fentry = \"new\"", "fentry = \"new\"\nfexit = \"new\""), false);
    same(&whole().replace("trace = \"new\"", "trace = \"new\"\nfexit = \"new\""), false);
    for key in ["trace = \"new\"", "capture = []", "where = \"a\""] {
        let with = |moment: &str| format!("fentry = \"new\"\n{moment}");
        same(&whole().replace("fentry = \"new\"", &with(key)), false);
    }
    same(&whole().replace("[\"one\"]", "[\"one\", \"one\"]"), false);
}

#[test]
fn what_is_shown_of_a_nodes_output_is_judged_alike() {
    let with = |line: &str| whole().replace("[stub.place]", &format!("{line}\n[stub.place]"));
    for good in [
        "printk = true",
        "printk = false",
        "events = { map = \"a\" }",
        "events = { map = \"a\", type = \"struct b\", text = \"{c:ipv4}\", time = \"d\" }",
        "events = { map = \"a\", layout = \"u8 c\" }",
        "events = { map = \"a\", layout = \"u8 c; u64 d\", text = \"{c}\", time = \"d\" }",
        "events = [{ map = \"a\" }, { map = \"b\", type = \"struct b\" }]",
        "events = []",
    ] {
        same(&with(good), true);
        same(&format!("{}\n{good}", whole()), true);
    }
    for wrong in [
        "printk = \"true\"",
        "printk = 1",
        "events = \"a\"",
        "events = true",
        "events = [1]",
        "events = {}",
        "events = { map = \"\" }",
        "events = { map = \"a\", text = \"{c}\" }",
        "events = { map = \"a\", time = \"c\" }",
        "events = { map = \"a\", type = \"b\", text = \"\" }",
        "events = { map = \"a\", more = \"b\" }",
        "events = { map = \"a\", layout = \"\" }",
        "events = { map = \"a\", layout = 1 }",
        "events = { map = \"a\", type = \"b\", layout = \"u8 c\" }",
        "events = { map = \"a\", type = \"b\", layout = \"u8 c\", text = \"{c}\" }",
    ] {
        same(&with(wrong), false);
    }
    for not_for_a_stub in ["printk = true", "events = { map = \"a\" }"] {
        let text = whole()
            .replace("function = \"place\"", &format!("function = \"place\"\n{not_for_a_stub}"));
        same(&text, false);
    }
    same(&format!("printk = true\n{}", whole()), true);
    same(&format!("printk = \"yes\"\n{}", whole()), false);
}

#[test]
fn requirements_are_judged_alike() {
    let with = |text: &str| whole().replace("\">=6.6, <7\"", text);
    for good in [">=6.6", ">6", "<=6.12", "<7", "=6.1", "  >= 6.1 ,<7 ,  <6.20 "] {
        same(&with(&format!("\"{good}\"")), true);
    }
    for wrong in [
        "6.6", "^6.6", ">=", ">=six", ">= 6.", ">=.6", ">=6.6.1", ">=6.6,", ",<7", "> =6", "==6",
        "<99999", ">=6.6 <7", "\\t>=6", ">=6\\n",
    ] {
        same(&with(&format!("\"{wrong}\"")), false);
    }
    same(&whole().replace("kernel = ", "kernels = "), false);
    same(&whole().replace("{ kernel = \">=6.6, <7\" }", "{}"), false);
}

#[test]
fn tables_are_tables() {
    let rest = "[host.one]\nobject = \"a\"\nprogram = \"b\"\nattach = { xdp = \"lo\" }\n";
    same(rest, true);
    same(&format!("stub = {{}}\n{rest}"), true);
    for wrong in ["stub = 1", "stub = []", "tracer = \"x\"", "replacement.x = 1", "hots = {}"] {
        same(&format!("{wrong}\n{rest}"), false);
    }
    same("name = \"no host\"\n", false);
    same("[host]\n", false);
    same(&rest.replace("[host.one]", "[[host]]"), false);
    same(&rest.replace("[host.one]", "[host]"), false);
}

#[test]
fn ids_are_judged_alike() {
    let with = |id: &str| {
        format!("[host.\"{id}\"]\nobject = \"a\"\nprogram = \"b\"\nattach = {{ xdp = \"lo\" }}\n")
    };
    for good in ["a", "A-1.x_y", "größe", "日本語", "9"] {
        same(&with(good), true);
    }
    let all_ascii = (' '..='~').filter(|letter| !letter.is_ascii_alphanumeric());
    for letter in all_ascii.filter(|letter| !['_', '-', '.', '"', '\\'].contains(letter)) {
        same(&with(&format!("a{letter}b")), false);
    }
    for wrong in ["", "\\\"", "\\\\", "\\u001b", "\\n", "\\u007f", "\\u009b", "\\u00a0"] {
        same(&with(wrong), false);
    }
}

/// An editor shows the description of what the cursor is on.
#[test]
fn every_key_is_described_and_every_table_is_closed() {
    fn walk(schema: &Value, path: &str) {
        let Some(keywords) = schema.as_object() else { return };
        for (key, property) in
            keywords.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let path = format!("{path}.{key}");
            let said = property.get("description").is_some() || property.get("$ref").is_some();
            assert!(said, "{path} has no description");
            walk(property, &path);
        }
        if keywords.get("type") == Some(&json!("object")) {
            assert!(keywords.contains_key("additionalProperties"), "{path} is open");
        }
        for (name, definition) in
            keywords.get("definitions").and_then(Value::as_object).into_iter().flatten()
        {
            assert!(definition.get("description").is_some(), "{name} has no description");
            walk(definition, name);
        }
    }
    walk(&schema(), "chain");
}
