//! The way of a call as text: what is visited, and below it each instruction that leads on.

use std::fmt::Write as _;

use crate::cli::ink::Ink as _;
use freplace_compose::{
    inert,
    machine_code::{CodePlace, PatchSite, Route, RouteStep, RouteVisit, text},
};

pub(super) fn routes(routes: &[Route<'_>]) -> String {
    let all = routes.iter().map(|route| {
        let mut out = String::new();
        write(route, 0, &mut out);
        out
    });
    all.collect::<Vec<_>>().join("\n")
}

fn write(route: &Route<'_>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let (what, note) = match &route.visit {
        RouteVisit::Function(function, entry) => {
            let name = match function.is_entry {
                true => format!("{} ({})", function.name, function.program),
                false => {
                    format!("{} of {} ({})", function.name, function.program_name, function.program)
                }
            };
            let note = match entry {
                Some(entry) if entry.is_nop() => "not patched",
                Some(entry) if entry.to.is_some() => "patched",
                _ => "",
            };
            (name, note.to_owned())
        }
        RouteVisit::Trampoline { name, read: true } => ((*name).to_owned(), String::new()),
        RouteVisit::Trampoline { name, read: false } => ((*name).to_owned(), "not read".to_owned()),
    };
    // A String takes everything, here and below.
    let address = format!("{:016x}", route.address);
    let _ = write!(out, "{}  {indent}{}", address.dimmed(), inert::line(&what).bold());
    if !note.is_empty() {
        let _ = write!(out, "  {}", note.dimmed());
    }
    out.push('\n');
    for step in &route.steps {
        one(route, step, depth + 1, out);
    }
}

fn one(route: &Route<'_>, step: &RouteStep<'_>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let bytes: Vec<_> = step.by.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let word = text(&step.by.bytes, step.by.at);
    let word = word.split_whitespace().next().unwrap_or_default().to_owned();
    let to = match &step.to {
        CodePlace::Function(_, function) => function.name.clone(),
        CodePlace::Behind(_, function) => format!("{}+{}", function.name, PatchSite::LENGTH),
        CodePlace::Trampoline(_, name) | CodePlace::Kernel(name) => (*name).to_owned(),
        CodePlace::Unknown => format!("{:#x}", step.by.to),
    };
    let role = match (&step.to, &route.visit) {
        (CodePlace::Behind(..), _) => "  the original",
        (CodePlace::Function(..), RouteVisit::Trampoline { .. }) => "  a tracer",
        (CodePlace::Function(_, to), RouteVisit::Function(from, _))
            if to.program != from.program =>
        {
            "  the replacement"
        }
        _ => "",
    };
    let offset = format!("+{:#x}", step.by.at - route.address);
    let line = step.line.map(|line| format!("  {}:{}  {}", line.file, line.line, line.text));
    let _ = writeln!(
        out,
        "{offset:>16}  {indent}{}  {word} {}{role}{}",
        bytes.join(" ").dimmed(),
        inert::line(&to),
        inert::line(&line.unwrap_or_default()).dimmed()
    );
    if let Some(on) = &step.on {
        write(on, depth + 1, out);
    }
}
