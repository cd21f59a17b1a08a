//! Files of TOML.

use crate::MANIFEST;

/// What any such file can be.
fn any() -> Vec<(&'static str, String)> {
    vec![
        ("not TOML", "format 1".to_owned()),
        ("an open string", "name = \"a".to_owned()),
        ("an open table", "[a".to_owned()),
        ("a key twice", "version = 1\nversion = 1\n".to_owned()),
        ("deeply nested lists", format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000))),
        (
            "deeply nested tables",
            format!("a = {}1{}", "{ a = ".repeat(10_000), " }".repeat(10_000)),
        ),
        ("a deep key", format!("{} = 1", ["a"; 10_000].join("."))),
        ("NUL", "version = 1\0".to_owned()),
        ("an escape in a key", "\"\\u001b[2J\" = 1\n".to_owned()),
    ]
}

/// `text` with another line for one of its keys.
fn line(text: &str, key: &str, value: &str) -> String {
    let lines = text.lines().map(|line| match line.starts_with(&format!("{key} =")) {
        true => format!("{key} = {value}"),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

pub(super) fn manifests() -> Vec<(&'static str, String)> {
    let of = |key: &str, value: &str| line(MANIFEST, key, value);
    let and = |text: &str| format!("{MANIFEST}{text}\n");
    let mut cases = any();
    cases.extend([
        ("empty", String::new()),
        ("a newer format", of("format", "2")),
        ("a format of next century", of("format", "9223372036854775807")),
        ("no format", of("format", "0")),
        ("a negative format", of("format", "-1")),
        ("a format in words", of("format", "\"1\"")),
        ("a format that is no number of 64 bits", of("format", "99999999999999999999")),
        ("a name that is a path", of("name", "\"../../a\"")),
        ("a name in capitals", of("name", "\"Drop\"")),
        ("an empty name", of("name", "\"\"")),
        ("a long name", of("name", &format!("\"{}\"", "a".repeat(65)))),
        ("a name that is an option", of("name", "\"-o\"")),
        ("a name with an escape", of("name", "\"a\\u001b[2J\"")),
        ("a list for a name", of("name", "[]")),
        ("a table for a name", of("name", "{}")),
        ("a version that is none", of("version", "\"1.0\"")),
        ("a version that is a path", of("version", "\"1.0.0/../../a\"")),
        ("a version of huge numbers", of("version", "\"99999999999999999999.0.0\"")),
        ("a number for a version", of("version", "1.0")),
        ("a description of two lines", of("description", "\"a\\nb\"")),
        ("a description that hides", of("description", "\"a\\u202eb\"")),
        ("a licence that is none", of("license", "\"MIT OR\"")),
        ("a licence of parentheses", of("license", &format!("\"{}\"", "(".repeat(100_000)))),
        ("an author that is none", and("authors = [1]")),
        ("authors in a string", and("authors = \"a\"")),
        ("an unknown key", and("install = \"sh -c 'rm -rf /'\"")),
        ("a misspelt key", line(MANIFEST, "version", "\"1.0.0\"").replace("version", "versoin")),
        ("a command", and("build = \"make\"")),
        ("a source that leaves", and("[[build]]\nsource = \"../a.c\"\nobject = \"a.o\"")),
        ("an object that leaves", and("[[build]]\nsource = \"a.c\"\nobject = \"/tmp/a.o\"")),
        ("a source that is an option", and("[[build]]\nsource = \"-fplugin=a.c\"\nobject = \"a.o\"")),
        ("an object that is recipe.toml", and("[[build]]\nsource = \"a.c\"\nobject = \"recipe.toml\"")),
        ("a define that is an option", and("[[build]]\nsource = \"a.c\"\nobject = \"a.o\"\ndefines = [\"-B/tmp\"]")),
        ("a define with an escape", and("[[build]]\nsource = \"a.c\"\nobject = \"a.o\"\ndefines = [\"A=\\u001b\"]")),
        ("a flag", and("[[build]]\nsource = \"a.c\"\nobject = \"a.o\"\nflags = [\"-fplugin=a.so\"]")),
        ("an object twice", and("[[build]]\nsource = \"a.c\"\nobject = \"a.o\"\n[[build]]\nsource = \"b.c\"\nobject = \"a.o\"")),
        ("a kernel without a digest", and("[[seen]]\nkernel = \"6.12\"\nverdict = \"passed\"\ndate = \"2026-11-29\"")),
        ("a day that is none", and("[[seen]]\nkernel = \"6.12\"\nverdict = \"passed\"\ndate = \"2026-02-30\"")),
    ]);
    cases
}

pub(super) fn locks() -> Vec<(&'static str, String)> {
    let digest = format!("sha256:{}", "0".repeat(64));
    let entry = format!(
        "name = \"a\"\nsource = \"https://example.org/a.fcr\"\nversion = \"1.0.0\"\ndigest = \"{digest}\"\n"
    );
    let whole = format!("version = 1\n[[recipe]]\n{entry}");
    let of = |key: &str, value: &str| {
        let text = line(&entry, key, value);
        format!("version = 1\n[[recipe]]\n{text}")
    };
    let without = |key: &str| {
        let lines = entry.lines().filter(|line| !line.starts_with(key));
        format!("version = 1\n[[recipe]]\n{}\n", lines.collect::<Vec<_>>().join("\n"))
    };
    let mut cases = any();
    cases.extend([
        ("empty", String::new()),
        ("a newer version", whole.replace("version = 1\n", "version = 2\n")),
        ("no digest", without("digest")),
        ("no source", without("source")),
        ("no name", without("name")),
        ("no version of a recipe", without("version")),
        ("a short digest", of("digest", "\"sha256:00\"")),
        ("a digest in capitals", of("digest", &format!("\"sha256:{}\"", "A".repeat(64)))),
        ("a digest of another kind", of("digest", &format!("\"md5:{}\"", "0".repeat(32)))),
        ("a digest that is a path", of("digest", &format!("\"sha256:{}/../\"", "0".repeat(60)))),
        ("a digest without its kind", of("digest", &format!("\"{}\"", "0".repeat(64)))),
        ("a number for a digest", of("digest", "0")),
        ("a name that is a path", of("name", "\"../a\"")),
        ("a name with an escape", of("name", "\"a\\u001b[2J\"")),
        ("a source of two lines", of("source", "\"a\\nb\"")),
        ("an empty source", of("source", "\"\"")),
        ("a version that is none", of("version", "\"latest\"")),
        ("a name twice", format!("{whole}[[recipe]]\n{entry}")),
        ("an object twice", format!("version = 1\n[[object]]\n{entry}[[object]]\n{entry}")),
        ("an unknown key", format!("{whole}run = \"sh\"\n")),
        ("an unknown table", format!("{whole}[[package]]\n{entry}")),
        ("a table for a list", format!("version = 1\n[recipe]\n{entry}")),
        ("a list of texts", "version = 1\nrecipe = [\"a\"]\n".to_owned()),
    ]);
    cases
}

pub(super) fn trust() -> Vec<(&'static str, String)> {
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let of = |value: &str| format!("version = 1\n[[key]]\npublic = \"{value}\"\n");
    let mut cases = any();
    cases.extend([
        ("empty", String::new()),
        ("a newer version", of(key).replace("version = 1", "version = 3")),
        ("a short key", of(&key[..40])),
        ("a long key", of(&format!("{key}AAAA"))),
        ("a secret key", of("RWRTY0IyEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLE0000000000")),
        ("a key of another kind", of(&format!("AA{}", &key[2..]))),
        ("a key that is no base64", of(&format!("!{}", &key[1..]))),
        ("no key", "version = 1\n[[key]]\nsource = \"https://example.org/\"\n".to_owned()),
        ("a source with an escape", format!("{}source = \"\\u001b\"\n", of(key))),
        ("an unknown key", format!("{}any = true\n", of(key))),
    ]);
    cases
}
