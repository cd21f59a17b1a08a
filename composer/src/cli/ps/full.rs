//! Everything about a program.

use std::fmt::Write as _;

use crate::cli::{ink::Ink as _, screen::count};
use freplace_compose::{
    inert,
    kernel::process,
    running::{Attachment, Census, Dispatcher, RunningProgram},
};

/// A page for each program, with an empty line between.
pub(super) fn text(census: &Census, programs: &[&RunningProgram]) -> String {
    let pages: Vec<_> = programs.iter().map(|program| page(census, program)).collect();
    pages.join("\n")
}

fn page(census: &Census, program: &RunningProgram) -> String {
    let mut out = String::new();
    // A String takes everything, here and below.
    let _ = writeln!(
        out,
        "{}  program {}, {}",
        inert::line(&program.name).bold(),
        program.id,
        program.program_type.name()
    );
    let mut say = |key: &str, value: &str| {
        let _ = writeln!(out, "  {key:<9}  {}", inert::line(value));
    };
    for attachment in &program.attachments {
        say("attached", &attached(census, attachment));
    }
    for line in super::tables(program) {
        say("entry", &line);
    }
    for pin in &program.pins {
        say("pinned", &pin.display().to_string());
    }
    let processes: Vec<_> = program.processes.iter().map(ToString::to_string).collect();
    if !processes.is_empty() {
        say("open in", &processes.join(", "));
    }
    if let Some(dispatcher) = Dispatcher::of(census, program) {
        say("is a", &super::dispatcher(&dispatcher));
    }
    let licence = if program.gpl { "GPL-compatible licence" } else { "no GPL-compatible licence" };
    let age = process::since_start().saturating_sub(program.loaded_at);
    say("loaded", &format!("{} ago by user {}, {licence}", ago(age), program.user));
    let machine = match program.compiled {
        0 => "machine code is not shown to this user, or there is none".to_owned(),
        bytes => format!("{} of machine code", count(u64::from(bytes), "byte")),
    };
    let instructions = count(u64::from(program.translated / 8), "instruction");
    say("size", &format!("{instructions}, {machine}"));
    say("tag", &program.tag);
    if let Some(runs) = program.runs {
        let mean = runs.nanoseconds.checked_div(runs.count).unwrap_or(0);
        say("runs", &format!("{}, {mean} ns on average", runs.count));
    }
    let maps = program.maps.iter().map(|map| format!("{} {}", map.id, map.name));
    let maps: Vec<_> = maps.collect();
    if !maps.is_empty() {
        say("maps", &maps.join(", "));
    }
    functions(census, program, &mut out);
    out
}

/// An attachment, with its link and who keeps that.
fn attached(census: &Census, attachment: &Attachment) -> String {
    let mut text = census.words(&attachment.place);
    text += &match attachment.link {
        Some(link) => format!("  link {link}"),
        None => "  without a link".to_owned(),
    };
    for pin in &attachment.pins {
        text += &format!(", pinned {}", pin.display());
    }
    let holders: Vec<_> = attachment.processes.iter().map(ToString::to_string).collect();
    if !holders.is_empty() {
        text += &format!(", open in {}", holders.join(", "));
    }
    text
}

fn functions(census: &Census, program: &RunningProgram, out: &mut String) {
    if program.functions.is_empty() {
        let _ = writeln!(
            out,
            "  {:<9}  not known: the program has no BTF, so nothing of it can be replaced or traced",
            "functions"
        );
        return;
    }
    let _ = writeln!(out, "  functions");
    let on: Vec<_> = census.on(program.id).collect();
    for function in &program.functions {
        let prototype = function.prototype.as_deref().unwrap_or(&function.name);
        let kind = if function.global { "" } else { "static " };
        let _ = write!(out, "    {kind}{}", inert::line(prototype));
        if let Some(address) = function.address {
            let _ = write!(out, "  {}", format!("{address:#x}").dimmed());
        }
        out.push('\n');
        for (how, _, by) in on.iter().filter(|(_, id, _)| *id == function.btf_id) {
            let what = match how.word() {
                "freplace" => "replaced by".to_owned(),
                word => format!("{word} by"),
            };
            let _ = writeln!(out, "      {} {} ({})", what.dimmed(), inert::line(&by.name), by.id);
        }
    }
}

/// How long ago, in the largest unit that fits.
fn ago(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
