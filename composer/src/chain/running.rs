//! `running = { xdp = "eth0" }`: a host that somebody else loaded and attached.

use std::fmt::Write as _;

use super::{
    Host, ObjectRef, Spanned,
    table::{Diagnostics, TomlValue, wrong_type},
};
use crate::{
    diag::Code,
    running::{ProgramRef, REFERENCE_KEYS},
};

const EXAMPLE: &str = "a table: { name = \"my_program\" }";

/// Reads it; none when it does not name a program.
pub(super) fn running(value: TomlValue<'_>, report: &mut Diagnostics<'_>) -> Option<Host> {
    let span = report.span(value);
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type("`running`", EXAMPLE, value, report);
        return None;
    };
    let mut table = report.table("`running`".to_owned(), span.clone(), entries);
    let mut named = Vec::new();
    for (key, _) in REFERENCE_KEYS {
        let Some((_, value)) = table.get(key) else { continue };
        let inner = value.get_ref();
        let text = match (inner.as_str(), inner.as_integer()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(number)) => number.as_str().to_owned(),
            (None, None) => {
                wrong_type(&format!("`{key}`"), "a string or a number", value, report);
                return None;
            }
        };
        named.push((key, text, report.span(value)));
    }
    let follow = table.get("follow").map(|(at, value)| (at, value.get_ref().as_bool(), value));
    table.finish(report);
    if let Some((_, None, value)) = follow {
        wrong_type("`follow`", "true or false", value, report);
        return None;
    }
    let follow = follow.filter(|(_, follow, _)| *follow == Some(true)).map(|(at, ..)| at);
    let [(key, text, at)] = named.as_slice() else {
        let keys = REFERENCE_KEYS.iter().fold(String::new(), |mut keys, (key, what)| {
            // A String takes everything.
            let _ = write!(keys, "{}{key} ({what})", if keys.is_empty() { "" } else { ", " });
            keys
        });
        let message = match named.len() {
            0 => "`running` names no program".to_owned(),
            _ => "`running` names a program in several ways".to_owned(),
        };
        let found = report
            .at(Code::BadValue, message, &span, "one key is required")
            .help(format!("Write one of: {keys}."));
        report.push(found);
        return None;
    };
    if let (Some(follow), "id") = (&follow, *key) {
        let message = "`follow` cannot find a program again by its id".to_owned();
        let found = report.at(Code::BadValue, message, follow, "with `id`").help(
            "Name the program by its place, its name or its pin. The kernel gives an id once.",
        );
        report.push(found);
        return None;
    }
    match format!("{key}:{text}").parse::<ProgramRef>() {
        Ok(program) => Some(Host {
            object: Spanned { value: ObjectRef::Running(program), span: span.clone() },
            program: Spanned { value: String::new(), span },
            attach: None,
            follow: follow.is_some(),
        }),
        Err(error) => {
            let found = report
                .at(Code::BadReference, error.to_string(), at, "names no program")
                .help("Write the id, name, tag or pin of a program, or where it is attached.");
            report.push(found);
            None
        }
    }
}
