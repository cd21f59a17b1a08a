//! `attach = { HOOK = "PLACE" }`.

use toml::de::{DeTable, DeValue};

use super::{
    Attach, Hook, Spanned, XdpMode,
    table::{Report, Table, of_wrong_type, string},
};
use crate::{
    diag::{Code, Diagnostic, Span, nearest},
    inert,
};

pub(super) fn attach(
    value: &toml::Spanned<DeValue<'_>>,
    report: &mut Report<'_>,
) -> Option<Spanned<Attach>> {
    let span = report.span(value);
    let Some(entries) = value.get_ref().as_table() else {
        let help = value.get_ref().as_str().and_then(in_a_word);
        let found =
            of_wrong_type("`attach`", "a table: { kprobe = \"tcp_connect\" }", value, report);
        report.push(found.maybe_help(help));
        return None;
    };
    let mut table = Table::new("`attach`".to_owned(), span.clone(), entries);
    let mut hooks = Vec::new();
    for hook in Hook::ALL {
        if let Some((key, place)) = table.get(hook.name()) {
            hooks.push((*hook, key, string(&format!("`{}`", hook.name()), place, report)));
        }
    }
    let mode = match hooks.as_slice() {
        [(hook, ..)] if *hook != Hook::Xdp => {
            if entries.contains_key("mode")
                && let Some((key, _)) = table.get("mode")
            {
                let message = format!("a {} has no `mode`", hook.name());
                let found = report.at(Code::UnknownKey, message, &key, "not a key here");
                report.push(found.help("Leave it out: a mode is for xdp."));
            }
            None
        }
        _ => table.string("mode", report),
    };
    if hooks.is_empty() {
        no_hook(entries, &span, report);
        return None;
    }
    table.finish(report);
    match hooks.pop() {
        Some((hook, _, place)) if hooks.is_empty() => {
            let place = visible(hook, place?, report)?;
            Some(Spanned { value: lower(hook, place, mode, report)?, span })
        }
        Some((_, last, _)) => {
            let keys = hooks.into_iter().map(|(_, key, _)| key).chain([last]).collect();
            let found = several("a host is attached to one hook", keys);
            let help = "Write one host for each hook; they may name the same object and program.";
            report.push(found.help(help));
            None
        }
        None => None,
    }
}

/// `xdp:lo`, `kprobe/tcp_connect` as other tools have it → how it is written here.
fn in_a_word(text: &str) -> Option<String> {
    let (name, place) = text.split_once([':', '/'])?;
    let hook = meant(name)?;
    // A string of TOML has the escapes of one of JSON.
    let place = serde_json::Value::from(place);
    Some(format!("Write attach = {{ {} = {place} }}", hook.name()))
}

/// The hook that somebody means by `name`: libbpf has short names for some.
fn meant(name: &str) -> Option<Hook> {
    let short = match name {
        "tp" => Some(Hook::Tracepoint),
        "raw_tp" => Some(Hook::RawTracepoint),
        _ => None,
    };
    let names = Hook::ALL.iter().map(|hook| hook.name());
    let near = || {
        let near = nearest(name, names)?;
        Hook::ALL.iter().copied().find(|hook| hook.name() == near)
    };
    short.or_else(near)
}

/// Reports that `entries` name no hook: one that there is not, if there is any.
fn no_hook(entries: &DeTable<'_>, span: &Span, report: &mut Report<'_>) {
    let names: Vec<_> = Hook::ALL.iter().map(|hook| hook.name()).collect();
    let names = names.join(", ");
    let found = match entries.keys().find(|key| key.get_ref() != "mode") {
        Some(key) => {
            let name: &str = key.get_ref();
            let help = match (meant(name), name) {
                (Some(hook), _) => format!("Did you mean `{}`?", hook.name()),
                (None, "fentry" | "fexit") => format!(
                    "A program that traces a function of the chain is a [tracer.NAME] with `{name}`. \
                     Hooks are: {names}."
                ),
                (None, _) => format!("Hooks are: {names}."),
            };
            let message = format!("`attach` names an unknown hook `{name}`");
            report.at(Code::UnknownKey, message, &report.span(key), "not a hook").help(help)
        }
        None => report
            .at(Code::MissingKey, "`attach` names no hook", span, "no hook")
            .help(format!("Name one of: {names}.")),
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

/// A name with characters in it that a terminal obeys, or that nobody sees, is that of no function
/// and no tracepoint, and an interface that has one only looks like another.
fn visible(hook: Hook, place: Spanned<String>, report: &mut Report<'_>) -> Option<Spanned<String>> {
    if place.value.chars().all(inert::is_visible) {
        return Some(place);
    }
    let what = match hook {
        Hook::Kprobe | Hook::Kretprobe => "a kernel function",
        Hook::Tracepoint | Hook::RawTracepoint => "a tracepoint",
        Hook::Xdp => "an interface",
    };
    let message = format!("`{}` is not the name of {what}", inert::line(&place.value));
    let found = report
        .at(Code::BadValue, message, &place.span, "with an invisible character")
        .help("Type the name anew, without control characters and those that have no width.");
    report.push(found);
    None
}

fn lower(
    hook: Hook,
    place: Spanned<String>,
    mode: Option<Spanned<String>>,
    report: &mut Report<'_>,
) -> Option<Attach> {
    let Spanned { value, span } = place;
    Some(match hook {
        Hook::Kprobe => Attach::Kprobe { function: value },
        Hook::Kretprobe => Attach::Kretprobe { function: value },
        Hook::RawTracepoint => Attach::RawTracepoint { name: value },
        Hook::Tracepoint => match value.split_once(['/', ':']) {
            Some((category, name)) if !category.is_empty() && !name.is_empty() => {
                Attach::Tracepoint { category: category.to_owned(), name: name.to_owned() }
            }
            _ => {
                let message = format!("`{value}` is not the name of a tracepoint");
                let found = report
                    .at(Code::BadValue, message, &span, "no category")
                    .help("A tracepoint is written CATEGORY/NAME: \"sock/inet_sock_set_state\".");
                report.push(found);
                return None;
            }
        },
        Hook::Xdp => {
            let mode = match mode {
                None => XdpMode::Auto,
                Some(mode) => match XdpMode::ALL.iter().find(|known| known.name() == mode.value) {
                    Some(known) => *known,
                    None => {
                        let names: Vec<_> = XdpMode::ALL.iter().map(|mode| mode.name()).collect();
                        let message = format!("`{}` is not a mode of XDP", mode.value);
                        let found = report
                            .at(Code::BadValue, message, &mode.span, "not a mode")
                            .help(format!("It is one of: {}.", names.join(", ")));
                        report.push(found);
                        return None;
                    }
                },
            };
            Attach::Xdp { interface: value, mode }
        }
    })
}
