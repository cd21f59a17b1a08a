//! `ps [PROGRAM]...`: the programs in this kernel, whoever loaded them.

mod full;
mod table;
mod tree;

use super::{Format, exit::Exit, report, screen, wrap};
use freplace_compose::{
    diag::Diagnostic,
    kernel::RunningKernel,
    running::{Census, Dispatcher, ProgramRef, RunningProgram, to_json},
};

/// List the programs in the running kernel, whoever loaded them.
///
/// For each: its whole name, where it is attached, who holds it, and which of its functions are replaced
/// or traced by which other programs. Needs root (CAP_SYS_ADMIN).
///
/// PROGRAM is an id, a name or a pattern of names, or one of id:N, tag:HEX, pin:PATH, pid:N, link:N,
/// xdp:INTERFACE, tcx:INTERFACE, tc:INTERFACE, cgroup:FOLDER. With it, everything about that program is shown.
///
/// Example: sudo freplace-compose ps --tree
#[derive(Debug, clap::Args)]
pub(super) struct Ps {
    /// Programs to show in full
    #[arg(value_name = "PROGRAM")]
    programs: Vec<String>,
    /// Show below each program those that replace or trace its functions
    #[arg(long, conflicts_with = "format")]
    tree: bool,
    /// Format of the result
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

pub(super) fn run(arguments: &Ps) -> Exit {
    with_chosen(&arguments.programs, |census, chosen| show(arguments, census, chosen))
}

fn show(arguments: &Ps, census: &Census, chosen: &[&RunningProgram]) -> Exit {
    let all = arguments.programs.is_empty();
    let text = match arguments.format {
        Format::Json => return screen::json(&to_json(census, chosen)),
        Format::Human if arguments.tree && all => tree::forest(census),
        Format::Human if arguments.tree => tree::of(census, chosen),
        Format::Human if all => table::text(census, chosen, wrap::columns()),
        Format::Human => full::text(census, chosen),
    };
    let exit = screen::data(&text);
    for gap in &census.gaps {
        screen::say!("not seen: {gap}");
    }
    exit
}

/// Looks at the programs in the kernel, and shows those with these names, or all of them without; what is in
/// the way of that goes to the screen.
pub(super) fn with_chosen(
    names: &[String],
    show: impl FnOnce(&Census, &[&RunningProgram]) -> Exit,
) -> Exit {
    let kernel = RunningKernel::default();
    let census = match kernel.census() {
        Ok(census) => census,
        Err(found) => {
            report::one(&found);
            return Exit::Environment;
        }
    };
    match choose(census, names) {
        Ok(chosen) => show(census, &chosen),
        Err(found) => {
            report::one(&found);
            Exit::Failed
        }
    }
}

/// The programs with these names; all of them without.
fn choose<'a>(census: &'a Census, names: &[String]) -> Result<Vec<&'a RunningProgram>, Diagnostic> {
    if names.is_empty() {
        return Ok(census.programs.iter().collect());
    }
    let mut chosen: Vec<&RunningProgram> = Vec::new();
    for name in names {
        let found = name.parse::<ProgramRef>().and_then(|name| name.all(census));
        for program in found.map_err(|error| error.diagnostic(census))? {
            if chosen.iter().all(|known| known.id != program.id) {
                chosen.push(program);
            }
        }
    }
    Ok(chosen)
}

/// Who keeps a program: processes, and pins.
fn held_by(program: &RunningProgram) -> String {
    let mut all: Vec<_> = program.holders().into_iter().map(ToString::to_string).collect();
    match program.all_pins().as_slice() {
        [] => {}
        [pin] => all.push(format!("pin {}", pin.display())),
        [pin, rest @ ..] => all.push(format!("pin {} and {} more", pin.display(), rest.len())),
    }
    all.join(", ")
}

/// The entries of tables that lead to a program, a line for each table.
fn tables(program: &RunningProgram) -> Vec<String> {
    let mut lines: Vec<(u32, String)> = Vec::new();
    for entry in &program.tables {
        match lines.iter_mut().find(|(map, _)| *map == entry.map.id) {
            Some((_, line)) => *line += &format!(", {}", entry.key),
            None => {
                let (kind, name, id) = (entry.kind, &entry.map.name, entry.map.id);
                lines.push((id, format!("{kind} {name} (map {id}) at {}", entry.key)));
            }
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A dispatcher in a few words.
fn dispatcher(dispatcher: &Dispatcher<'_>) -> String {
    let taken = dispatcher.slots.iter().filter(|(_, by)| by.is_some()).count();
    let maker = dispatcher.maker.map(|maker| format!(" of {maker}")).unwrap_or_default();
    if dispatcher.replaced_by.is_some() {
        return format!("dispatcher{maker}, replaced as a whole");
    }
    let slots = screen::count(dispatcher.slots.len() as u64, "slot");
    format!("dispatcher{maker}, {taken} of {slots} taken")
}
