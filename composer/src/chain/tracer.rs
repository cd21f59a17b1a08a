//! `[tracer.ID]`: a user program, or the built-in tracer with its captures and filter.

use super::{
    Builtin, NodeKind, ProbePoint, Spanned, Tracer, TracerProgram,
    expression::{self, ExpressionText, Filter, SyntaxError},
    hook::several,
    read::object,
    table::{Diagnostics, Table, string, strings},
};
use crate::diag::Code;

pub(super) fn tracer(table: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<NodeKind> {
    let has_own = table.get("object").is_some() || table.get("program").is_some();
    let own = has_own.then(|| {
        let object = object(table, report);
        let program = table.required(&["program"], "\"my_program\"", report);
        Some((object?, program?))
    });
    let function = table.string("function", report);
    let point = point(table, report);
    let builtin = builtin(table, has_own, report);
    let (point, both, target) = point?;
    let program = match own {
        Some(own) => {
            let (object, program) = own?;
            TracerProgram::Own { object, program }
        }
        None => TracerProgram::BuiltIn(Box::new(Builtin { both, ..builtin? })),
    };
    Some(NodeKind::Tracer(Tracer { program, point, target, function }))
}

/// When a tracer runs, whether it tells of both moments, and its target.
fn point(
    table: &mut Table<'_>,
    report: &mut Diagnostics<'_>,
) -> Option<(ProbePoint, bool, Spanned<String>)> {
    let keys = ["fentry", "fexit", "trace"].map(|key| table.get(key).map(|entry| (key, entry)));
    let mut given = keys.into_iter().flatten();
    let Some((key, (place, value))) = given.next() else {
        table.missing(&["fentry", "fexit", "trace"], "\"my_node\"");
        return None;
    };
    let others: Vec<_> = given.map(|(_, (place, _))| place).collect();
    if !others.is_empty() {
        let places = std::iter::once(place).chain(others).collect();
        let message = "multiple attach types for one tracer";
        let found = several(message, places);
        let help = "Write one tracer for each. Without `object`, `trace` covers both entry and \
                    return.";
        report.push(found.help(help));
        return None;
    }
    let target = string(&format!("`{key}`"), value, report)?;
    let point = if key == "fentry" { ProbePoint::Fentry } else { ProbePoint::Fexit };
    Some((point, key == "trace", target))
}

/// What is asked of the built-in tracer; with an object of its own, a tracer is asked nothing.
fn builtin(table: &mut Table<'_>, has_own: bool, report: &mut Diagnostics<'_>) -> Option<Builtin> {
    if has_own {
        for key in ["trace", "capture", "where"] {
            let Some((place, _)) = table.get(key) else { continue };
            let message = format!(
                "`{key}` is only valid for the built-in tracer; this tracer \
                                   sets `program`"
            );
            let found = report
                .at(Code::BadValue, message, &place, "not valid with `program`")
                .help("Remove `object` and `program` to use the built-in tracer.");
            report.push(found);
        }
        return None;
    }
    let mut good = true;
    let capture = table.get("capture").map(|(_, value)| {
        let texts = strings("capture", value, report);
        let is_whole = value.get_ref().as_array().is_some_and(|items| items.len() == texts.len());
        let path = |text: &Spanned<String>| match expression::path(&text_at(text)) {
            Ok(path) => Some(path),
            Err(mistake) => {
                let shown = text.value.escape_debug();
                let message = format!("`{shown}` is not a valid value to capture");
                mistaken(Code::BadValue, message, mistake, report);
                None
            }
        };
        let paths: Vec<_> = texts.iter().filter_map(path).collect();
        good &= is_whole;
        paths
    });
    let filter = table.get("where").and_then(|(_, value)| {
        let text = string("`where`", value, report);
        good &= text.is_some();
        condition(&text?, report)
    });
    good.then_some(Builtin { both: false, capture, filter })
}

/// The condition that `text` is, with that in one line.
pub(super) fn condition(
    text: &Spanned<String>,
    report: &mut Diagnostics<'_>,
) -> Option<(Spanned<String>, Filter)> {
    match expression::filter(&text_at(text)) {
        Ok(filter) => {
            // It may be written over several lines; it is shown in one.
            let words: Vec<_> = text.value.split_whitespace().collect();
            Some((Spanned { value: words.join(" "), span: text.span.clone() }, filter))
        }
        Err(mistake) => {
            mistaken(Code::BadFilter, "invalid filter expression".to_owned(), mistake, report);
            None
        }
    }
}

/// The text with its place; what was written with escapes is one place as a whole.
pub(super) fn text_at<'a>(text: &'a Spanned<String>) -> ExpressionText<'a> {
    let begin = text.span.start() + 1;
    let inside = text.span.at(begin..text.span.end().saturating_sub(1));
    let start = (inside.text() == text.value).then_some(begin);
    ExpressionText { text: &text.value, span: text.span.clone(), start }
}

fn mistaken(code: Code, message: String, mistake: SyntaxError, report: &mut Diagnostics<'_>) {
    let found = report.at(code, message, &mistake.span, mistake.what).help(mistake.help);
    report.slip(found);
}
