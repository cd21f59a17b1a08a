//! The list of programs: a line each, more where one is attached in several places.

use std::fmt::Write as _;

use crate::cli::{ink::Ink as _, wrap};
use freplace_compose::{
    inert,
    running::{Census, RunningProgram},
};

/// What a line says behind the id.
struct ProgramRow {
    id: u32,
    kind: String,
    name: String,
    /// One for each attachment.
    places: Vec<String>,
    held_by: String,
}

impl ProgramRow {
    fn of(census: &Census, program: &RunningProgram) -> Self {
        let mut places = census.places(program);
        places.extend(super::tables(program));
        Self {
            id: program.id,
            kind: program.program_type.name(),
            name: program.name.clone(),
            places,
            held_by: super::held_by(program),
        }
    }
}

pub(super) fn text(
    census: &Census,
    programs: &[&RunningProgram],
    columns: Option<usize>,
) -> String {
    let rows: Vec<_> = programs.iter().map(|program| ProgramRow::of(census, program)).collect();
    let width = |head: &str, cell: &dyn Fn(&ProgramRow) -> usize| {
        rows.iter().map(cell).chain([head.len()]).max().unwrap_or(0)
    };
    let letters = |text: &str| text.chars().count();
    let id = width("ID", &|row| row.id.to_string().len());
    let kind = width("TYPE", &|row| letters(&row.kind));
    let name = width("NAME", &|row| letters(&row.name));
    let at = id + kind + name + 6;
    let hang = " ".repeat(at);
    let mut out = format!("{:>id$}  {:<kind$}  {:<name$}  ATTACHED TO\n", "ID", "TYPE", "NAME");
    for row in &rows {
        let mut lines = row.places.clone();
        if lines.is_empty() {
            lines.push("-".to_owned());
        }
        if !row.held_by.is_empty() {
            lines.push(format!("held by {}", row.held_by));
        }
        let mut lines =
            lines.iter().map(|line| wrap::wrapped(&inert::line(line), at, &hang, columns));
        let first = lines.next().unwrap_or_default();
        // A String takes everything.
        let _ = writeln!(
            out,
            "{:>id$}  {:<kind$}  {:<name$}  {first}",
            row.id,
            inert::line(&row.kind).dimmed(),
            inert::line(&row.name).bold(),
        );
        for line in lines {
            let _ = writeln!(out, "{hang}{}", line.dimmed());
        }
    }
    out
}
