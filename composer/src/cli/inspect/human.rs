//! The contents of an object as text.

use super::{
    super::ink::Ink as _, FunctionUse, Obstacle, data, events, lines::WrappedLines, prototype,
};
use freplace_compose::{inert, object::Object, profile};

/// The contents of `object`, wrapped at `columns`.
pub(super) fn text(object: &Object, columns: Option<usize>) -> String {
    let kernels = profile::shipped();
    let mut lines = WrappedLines::new(columns);
    lines.title("programs");
    let sections = object.programs.iter().map(|program| program.section.chars().count());
    let sections = sections.max().unwrap_or(0) + "SEC(\"\")".len();
    for program in &object.programs {
        let function = &object.functions[program.function];
        let section = format!("SEC(\"{}\")", inert::line(&program.section));
        let head = format!("  {section:<sections$}  ");
        lines.push(&head, head.chars().count(), &inert::line(&prototype(object, function)));
        add_use(&FunctionUse::of(object, program.function, &kernels), &mut lines);
    }
    let functions: Vec<_> = object
        .functions
        .iter()
        .enumerate()
        .filter(|(index, _)| !object.programs.iter().any(|program| program.function == *index))
        .collect();
    if !functions.is_empty() {
        lines.title("functions");
    }
    for (index, function) in functions {
        lines.push("  ", 2, &inert::line(&prototype(object, function)));
        add_use(&FunctionUse::of(object, index, &kernels), &mut lines);
    }
    data::maps(object, &mut lines);
    data::globals(object, &mut lines);
    add_events(object, &mut lines);
    let licence = object.license.as_deref().map(inert::line);
    let head = "licence".bold();
    lines.push(format!("{head}  "), "licence  ".len(), licence.as_deref().unwrap_or("none"));
    lines.into_text()
}

/// Adds the two lines on what can be done with a function.
fn add_use(can: &FunctionUse<'_>, lines: &mut WrappedLines) {
    let callers = can.callers.join(", ");
    let by = match callers.is_empty() {
        true => String::new(),
        false => format!("called by {}", inert::line(&callers)),
    };
    if can.not_replaceable == can.not_traceable {
        return add_verdict(can, "replace, trace", can.not_replaceable.as_ref(), &by, lines);
    }
    add_verdict(can, "replace", can.not_replaceable.as_ref(), &by, lines);
    let seen = if can.is_typed { "" } else { "arguments as numbers" };
    add_verdict(can, "trace  ", can.not_traceable.as_ref(), seen, lines);
}

/// Adds whether `what` can be done; `more` is shown where it can.
fn add_verdict(
    can: &FunctionUse<'_>,
    what: &str,
    obstacle: Option<&Obstacle>,
    more: &str,
    lines: &mut WrappedLines,
) {
    let Some(Obstacle { why, write }) = obstacle else {
        let head = format!("    {what}  {}  ", "yes".green());
        return lines.push(head, 4 + what.len() + "  yes  ".len(), more);
    };
    let width = 4 + what.len() + "  no  ".len();
    lines.push(format!("    {what}  {}  ", "no".yellow()), width, &inert::line(why));
    if let Some(write) = write {
        let place = can.declared_at;
        let place = place.map(|(file, line)| format!("{}:{line}: ", inert::line(file)));
        let place = place.unwrap_or_default();
        // Below the reason.
        lines.push_dimmed(width, &format!("{place}write {}", inert::line(write)));
    }
}

fn add_events(object: &Object, lines: &mut WrappedLines) {
    let events = events(object);
    if !events.is_empty() {
        lines.title("events");
    }
    let names = events.iter().map(|layout| layout.name.chars().count()).max().unwrap_or(0);
    for layout in events {
        let fields: Vec<_> = layout.fields.iter().map(|field| field.name.as_str()).collect();
        let head = format!("  {:<names$}  {} bytes: ", layout.name, layout.size);
        lines.push(&head, head.chars().count(), &fields.join(", "));
    }
}
