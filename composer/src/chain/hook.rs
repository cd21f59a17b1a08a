//! `attach = { KIND = "TARGET" }`: read by the table of host kinds.

use toml::de::DeTable;

use super::{
    Spanned,
    globals::integer,
    table::{Diagnostics, Table, TomlValue, of_wrong_type, string, wrong_type},
};
use crate::{
    diag::{Code, Diagnostic, Span, nearest},
    hook::{Attach, HostKind, KINDS, KeySpec, Setting, Values},
    inert,
    pattern::NamePattern,
};

/// A kind's own key that was found, and its value where that is a text.
type FoundKey = (&'static HostKind, Span, Option<Spanned<String>>);

pub(super) fn attach(
    value: TomlValue<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<Spanned<Attach>> {
    let span = report.span(value);
    let Some(entries) = value.get_ref().as_table() else {
        let help = value.get_ref().as_str().and_then(in_a_word);
        let found =
            of_wrong_type("`attach`", "a table: { kprobe = \"tcp_connect\" }", value, report);
        report.push(found.maybe_help(help));
        return None;
    };
    let mut table = report.table("`attach`".to_owned(), span.clone(), entries);
    let mut kinds: Vec<FoundKey> = Vec::new();
    for kind in KINDS {
        if let Some((key, target)) = table.get(kind.name) {
            let target = string(&format!("`{}`", kind.name), target, report);
            kinds.push((kind, key, target));
        }
    }
    let settings = settings(&kinds, (entries, &span), &mut table, report);
    if kinds.is_empty() {
        no_kind(entries, &span, report);
        return None;
    }
    table.finish(report);
    match kinds.pop() {
        Some((kind, _, target)) if kinds.is_empty() => {
            let target = read(kind, &target?, report)?;
            strangers(kind, &target, entries, report);
            Some(Spanned { value: Attach { kind, target, settings: settings? }, span })
        }
        Some((_, last, _)) => {
            let keys = kinds.into_iter().map(|(_, key, _)| key).chain([last]).collect();
            let found = several("multiple hooks for one host", keys);
            let help = "Write one host for each hook. Hosts can share an object and a program.";
            report.push(found.help(help));
            None
        }
        None => None,
    }
}

/// Reads the keys beside a kind's own: those of the only kind that was found, or else of all. None
/// when one of them is wrong.
fn settings(
    found: &[FoundKey],
    (entries, place): (&DeTable<'_>, &Span),
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<Vec<(&'static str, Setting)>> {
    let only = match found {
        [(kind, ..)] => Some(*kind),
        _ => None,
    };
    let (mut settings, mut seen, mut is_right) = (Vec::new(), Vec::new(), true);
    let mut keys: Vec<(&KeySpec, Span)> = Vec::new();
    let specs = KINDS.iter().flat_map(|kind| kind.settings.iter().map(move |spec| (*kind, spec)));
    for (kind, spec) in specs {
        if only.is_some_and(|only| only != kind) || seen.contains(&spec.key) {
            continue;
        }
        seen.push(spec.key);
        let value = match table.get(spec.key) {
            Some((key, value)) => {
                let read = setting(spec, value, report);
                is_right &= read.is_some();
                keys.push((spec, key));
                read
            }
            None if only.is_some() && spec.is_required() => {
                missing(kind, spec, place, report);
                is_right = false;
                None
            }
            None => spec.values.default(),
        };
        settings.extend(value.map(|value| (spec.key, value)));
    }
    is_right &= !excluded(&keys, report);
    if let Some(only) = only {
        others(only, &seen, entries, table, report);
    }
    is_right.then_some(settings)
}

/// Reports that a key of `kind` is not there.
fn missing(kind: &HostKind, spec: &KeySpec, place: &Span, report: &mut Diagnostics<'_>) {
    let message = format!("missing key `{}` for a {}", spec.key, kind.name);
    let found = report.at(Code::MissingKey, message, place, format!("needs `{}`", spec.key));
    report.push(found.maybe_help(words(spec)));
}

/// What a key can be set to, where that is one of some words.
fn words(spec: &KeySpec) -> Option<String> {
    match spec.values {
        Values::Words(words) | Values::Required(words) => {
            Some(format!("Set `{}` to {}: {}.", spec.key, spec.what, words.join(", ")))
        }
        Values::RequiredText(example) => {
            Some(format!("Set `{}` to {}, such as `{example}`.", spec.key, spec.what))
        }
        Values::RequiredNumber(least, most) => {
            Some(format!("Set `{}` to {}: a number from {least} to {most}.", spec.key, spec.what))
        }
        Values::Number(..) | Values::Numbers(..) | Values::Text => None,
    }
}

/// Reports keys that exclude each other; whether there are some.
fn excluded(keys: &[(&KeySpec, Span)], report: &mut Diagnostics<'_>) -> bool {
    for (number, (spec, place)) in keys.iter().enumerate() {
        let Some((other, before)) =
            keys[..number].iter().find(|(other, _)| spec.excludes.contains(&other.key))
        else {
            continue;
        };
        let message = format!("`{}` and `{}` exclude each other", other.key, spec.key);
        let found = several(&message, vec![before.clone(), place.clone()]);
        report.push(found.help("Remove one of the two keys."));
        return true;
    }
    false
}

/// Reports keys of other kinds than `only`.
fn others(
    only: &HostKind,
    own: &[&str],
    entries: &DeTable<'_>,
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) {
    let keys = KINDS.iter().flat_map(|kind| kind.settings).map(|spec| spec.key);
    for key in keys.filter(|key| !own.contains(key) && entries.contains_key(*key)) {
        let Some((place, _)) = table.get(key) else { continue };
        let kinds: Vec<_> = HostKind::with_setting(key).map(|kind| kind.name).collect();
        let message = format!("unknown key `{key}` for a {}", only.name);
        let found = report.at(Code::UnknownKey, message, &place, "unknown key");
        report.push(
            found.help(format!("Remove it. `{key}` is only valid for {}.", kinds.join(", "))),
        );
    }
}

/// Reads the value of a key beside a kind's own.
fn setting(spec: &KeySpec, value: TomlValue<'_>, report: &mut Diagnostics<'_>) -> Option<Setting> {
    let what = format!("`{}`", spec.key);
    match spec.values {
        Values::Text | Values::RequiredText(_) => {
            string(&what, value, report).map(|text| Setting::Text(text.value))
        }
        Values::Words(words) | Values::Required(words) => {
            let text = string(&what, value, report)?;
            if let Some(word) = words.iter().find(|word| **word == text.value) {
                return Some(Setting::Word(word));
            }
            let message = format!("`{}` is not {}", text.value, spec.what);
            let label = format!("not a {}", spec.key);
            let found = report.at(Code::BadValue, message, &text.span, label);
            report.push(found.help(format!("Valid values are: {}.", words.join(", "))));
            None
        }
        Values::Number(least, most) | Values::RequiredNumber(least, most) => {
            number(&what, spec, (least, most), value, report).map(Setting::Number)
        }
        Values::Numbers(least, most) => {
            let entries = value.get_ref().as_table().filter(|entries| !entries.is_empty());
            let Some(entries) = entries else {
                wrong_type(&what, "a table of numbers, by name", value, report);
                return None;
            };
            let read = entries.iter().map(|(name, value)| {
                let name = name.get_ref().to_string();
                let number = number(&format!("`{name}`"), spec, (least, most), value, report)?;
                Some((name, number))
            });
            // Each of them is looked at.
            let read: Vec<_> = read.collect();
            read.into_iter().collect::<Option<_>>().map(Setting::Numbers)
        }
    }
}

/// A number within `bounds`.
fn number(
    what: &str,
    spec: &KeySpec,
    (least, most): (i64, i64),
    value: TomlValue<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<i64> {
    let number = integer(what, value, report)?;
    let read = Some(number).filter(|number| (least..=most).contains(number));
    if read.is_none() {
        let message = format!("`{number}` is not {}", spec.what);
        let found = report.at(Code::BadValue, message, &report.span(value), "out of range");
        report.push(found.help(format!("Write a number from {least} to {most}.")));
    }
    read
}

/// Reports names in tables of numbers that are not among those of the target.
fn strangers(kind: &HostKind, target: &str, entries: &DeTable<'_>, report: &mut Diagnostics<'_>) {
    let is_table = |spec: &&KeySpec| matches!(spec.values, Values::Numbers(..));
    for spec in kind.settings.iter().filter(is_table) {
        let named = entries.get(spec.key).and_then(|value| value.get_ref().as_table());
        for name in named.into_iter().flat_map(DeTable::keys) {
            let (place, name): (_, &str) = (report.span(name), name.get_ref());
            if NamePattern::new(target).matches(name) {
                continue;
            }
            let message = format!("`{}` is not one of `{target}`", inert::line(name));
            let found = report.at(Code::BadValue, message, &place, "not attached to");
            let help = format!("Write a name that the pattern of `{}` matches.", kind.name);
            report.push(found.help(help));
        }
    }
}

/// `xdp:lo`, `kprobe/tcp_connect` as other tools have it → how it is written here.
fn in_a_word(text: &str) -> Option<String> {
    let (name, target) = text.split_once([':', '/'])?;
    let kind = meant(name)?;
    // A string of TOML has the escapes of one of JSON.
    let target = serde_json::Value::from(target);
    Some(format!("Write attach = {{ {} = {target} }}", kind.name))
}

/// The kind that somebody means by `name`: libbpf has short names for some.
fn meant(name: &str) -> Option<&'static HostKind> {
    let short = KINDS.iter().copied().find(|kind| kind.aliases.contains(&name));
    short.or_else(|| HostKind::named(nearest(name, HostKind::names())?))
}

/// Reports that `entries` name no kind: one that there is not, if there is any.
fn no_kind(entries: &DeTable<'_>, span: &Span, report: &mut Diagnostics<'_>) {
    let names = HostKind::names().collect::<Vec<_>>().join(", ");
    let is_setting = |key: &str| HostKind::with_setting(key).next().is_some();
    let found = match entries.keys().find(|key| !is_setting(key.get_ref())) {
        Some(key) => {
            let name: &str = key.get_ref();
            let help = match meant(name) {
                Some(kind) => format!("Did you mean `{}`?", kind.name),
                None => format!("Hooks are: {names}."),
            };
            let message = format!("unknown hook `{name}` in `attach`");
            report.at(Code::UnknownKey, message, &report.span(key), "unknown hook").help(help)
        }
        None => report
            .at(Code::MissingKey, "missing hook in `attach`", span, "hook missing")
            .help(format!("Add one of: {names}.")),
    };
    report.push(found);
}

/// Keys of which only one may be there, in the order of the file.
pub(super) fn several(message: &str, mut keys: Vec<Span>) -> Diagnostic {
    keys.sort();
    let mut found = Diagnostic::new(Code::BadValue, message);
    for (number, key) in keys.into_iter().enumerate() {
        found = found.label(&key, if number == 0 { "this" } else { "and this" });
    }
    found
}

/// The target in the form in which it is kept. A name with characters in it that a terminal obeys,
/// or that nobody sees, is that of no function and no tracepoint, and an interface that has one only
/// looks like another.
fn read(kind: &HostKind, target: &Spanned<String>, report: &mut Diagnostics<'_>) -> Option<String> {
    let Spanned { value, span } = target;
    let (what, read) = (kind.target.what, kind.target.read);
    let (label, help) = match value.chars().all(inert::is_visible) {
        false => (
            "contains an invisible character",
            "Retype the name without control characters and zero-width characters.",
        ),
        true => match read(value) {
            Ok(target) => return Some(target),
            Err(misfit) => (misfit.label, misfit.help),
        },
    };
    let message = format!("`{}` is not a valid name of {what}", inert::line(value));
    report.push(report.at(Code::BadValue, message, span, label).help(help));
    None
}

#[cfg(test)]
mod tests {
    use super::{Diagnostics, KeySpec, Setting, Values, setting};
    use crate::diag::{Source, Sources};

    /// What a key with such `values` is set to by `text`, or the message and the help.
    fn read(values: Values, text: &str) -> Result<Setting, String> {
        let spec = KeySpec {
            key: "k",
            what: "a good one",
            doc: "",
            values,
            excludes: &[],
            need: |_| None,
        };
        let text = format!("k = {text}");
        let source = Source::first("chain.toml", text.clone());
        let (mut diagnostics, mut slips) = (Vec::new(), Vec::new());
        let mut report = Diagnostics {
            sources: &Sources::one(&source),
            diagnostics: &mut diagnostics,
            slips: &mut slips,
        };
        let table = toml::de::DeTable::parse(&text).expect("TOML");
        let value = table.get_ref().values().next().expect("one key");
        setting(&spec, value, &mut report).ok_or_else(|| {
            let found = &diagnostics[0]; // what is not read is reported
            format!("{}. {}", found.message, found.help.as_deref().unwrap_or_default())
        })
    }

    #[test]
    fn a_setting_is_of_the_type_that_its_kind_says() {
        let refused = |text: &str| Err(text.to_owned());
        let words = || Values::Words(&["one", "two"]);
        assert_eq!(read(words(), "'two'"), Ok(Setting::Word("two")));
        assert_eq!(
            read(words(), "'three'"),
            refused("`three` is not a good one. Valid values are: one, two.")
        );
        let number = || Values::Number(1, 9);
        assert_eq!(read(number(), "0x9"), Ok(Setting::Number(9)));
        for text in ["0", "10", "-1", "99999999999"] {
            let why = format!("`{text}` is not a good one. Write a number from 1 to 9.");
            assert_eq!(read(number(), text), Err(why));
        }
        assert_eq!(read(number(), "'1'"), refused("`k` must be an integer. "));
        let numbers = || Values::Numbers(1, 9);
        let both = [("a".to_owned(), 1), ("b".to_owned(), 9)].into();
        assert_eq!(read(numbers(), "{ a = 1, b = 9 }"), Ok(Setting::Numbers(both)));
        let why = "`10` is not a good one. Write a number from 1 to 9.";
        assert_eq!(read(numbers(), "{ a = 1, b = 10 }"), refused(why));
        for text in ["1", "[1]", "{}"] {
            assert_eq!(read(numbers(), text), refused("`k` must be a table of numbers, by name. "));
        }
        assert_eq!(read(Values::Text, "'x'"), Ok(Setting::Text("x".to_owned())));
        assert_eq!(read(Values::Text, "''"), refused("`k` is empty. "));
    }
}
