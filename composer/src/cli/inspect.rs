//! `inspect OBJECT`: the contents of an object that a chain can use.

mod data;

use std::fmt::Write as _;

use serde_json::json;

use super::{Format, exit::Exit, ink::Ink as _, report, screen};
use freplace_compose::{
    chain::ObjectRef,
    event::Layout,
    function::{LoadedFunction, Obstacle},
    inert,
    object::{Function, Object},
    profile::{self, Profile},
    resolve::open_object,
};

/// List the contents of an eBPF object: programs, functions, maps, variables, events.
///
/// For each function: whether it can be replaced and traced on all known kernels, or why not, and what to
/// write in which line of the source.
///
/// Example: freplace-compose inspect builtin:tcp
#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    /// Object file, or builtin:NAME.
    #[arg(value_name = "OBJECT")]
    object: String,
    /// Format of the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

pub(super) fn run(arguments: &Inspect) -> Exit {
    let name = ObjectRef::new(&arguments.object);
    let object = match open_object(&name) {
        Ok(object) => object,
        Err(found) => {
            report::one(&found);
            return Exit::Invalid;
        }
    };
    match arguments.format {
        Format::Human => screen::data(&human(&object)),
        Format::Json => screen::json(&to_json(&object)),
    }
}

/// What can be done with a function, or why not.
struct FunctionUse<'a> {
    callers: Vec<&'a str>,
    not_replaceable: Option<Obstacle>,
    not_traceable: Option<Obstacle>,
    is_typed: bool,
    /// The file and the line.
    declared_at: Option<(&'a str, u32)>,
}

impl<'a> FunctionUse<'a> {
    fn of(object: &'a Object, index: usize, kernels: &[Profile]) -> Self {
        let loaded = LoadedFunction::of(object, index);
        Self {
            callers: loaded.callers().map(|program| program.name.as_str()).collect(),
            not_replaceable: loaded.not_replaceable(kernels),
            not_traceable: loaded.not_traceable(kernels),
            is_typed: loaded.is_typed(),
            declared_at: object.declared_at(&object.functions[index]),
        }
    }

    /// Adds its two lines.
    fn human(&self, out: &mut String) {
        let mut say = |what: &str, obstacle: &Option<Obstacle>, can: String| {
            let _ = match obstacle {
                None => writeln!(out, "    {what}  {}{can}", "yes".green()),
                Some(Obstacle { why, .. }) => {
                    writeln!(out, "    {what}  {}  {}", "no".yellow(), inert::line(why))
                }
            };
            let write = obstacle.as_ref().and_then(|obstacle| obstacle.write.as_deref());
            if let Some(write) = write {
                let place = self.declared_at;
                let place = place.map(|(file, line)| format!("{}:{line}: ", inert::line(file)));
                let place = place.unwrap_or_default();
                let write = format!("{place}write {}", inert::line(write));
                // Below the reason.
                let indent = 4 + what.len() + "  no  ".len();
                let _ = writeln!(out, "{:indent$}{}", "", write.dimmed());
            }
        };
        let callers = self.callers.join(", ");
        let by = match callers.is_empty() {
            true => String::new(),
            false => format!("  called by {}", inert::line(&callers)),
        };
        if self.not_replaceable == self.not_traceable {
            return say("replace, trace", &self.not_replaceable, by);
        }
        say("replace", &self.not_replaceable, by);
        let seen = match self.is_typed {
            true => "",
            false => "  arguments as numbers",
        };
        say("trace  ", &self.not_traceable, seen.to_owned());
    }

    fn to_json(&self) -> serde_json::Value {
        let one = |obstacle: &Option<Obstacle>| {
            json!({
                "possible": obstacle.is_none(),
                "why_not": obstacle.as_ref().map(|obstacle| &obstacle.why),
                "write": obstacle.as_ref().and_then(|obstacle| obstacle.write.as_ref()),
            })
        };
        let place = self.declared_at;
        json!({
            "replace": one(&self.not_replaceable),
            "trace": one(&self.not_traceable),
            "typed_arguments": self.is_typed,
            "source": place.map(|(file, line)| json!({ "file": file, "line": line })),
        })
    }
}

fn prototype(object: &Object, function: &Function) -> String {
    object.prototype(function).unwrap_or_else(|| format!("{}(?)", function.name))
}

fn human(object: &Object) -> String {
    let kernels = profile::shipped();
    let mut out = String::new();
    // A String takes everything, here and below.
    let _ = writeln!(out, "{}", "programs".bold());
    let sections = object.programs.iter().map(|program| program.section.chars().count());
    let sections = sections.max().unwrap_or(0) + "SEC(\"\")".len();
    for program in &object.programs {
        let function = &object.functions[program.function];
        let section = format!("SEC(\"{}\")", inert::line(&program.section));
        let prototype = prototype(object, function);
        let _ = writeln!(out, "  {section:<sections$}  {}", inert::line(&prototype));
        FunctionUse::of(object, program.function, &kernels).human(&mut out);
    }
    let functions: Vec<_> = object
        .functions
        .iter()
        .enumerate()
        .filter(|(index, _)| !object.programs.iter().any(|program| program.function == *index))
        .collect();
    if !functions.is_empty() {
        let _ = writeln!(out, "{}", "functions".bold());
    }
    for (index, function) in functions {
        let _ = writeln!(out, "  {}", inert::line(&prototype(object, function)));
        FunctionUse::of(object, index, &kernels).human(&mut out);
    }
    data::maps(object, &mut out);
    data::globals(object, &mut out);
    let events = events(object);
    if !events.is_empty() {
        let _ = writeln!(out, "{}", "events".bold());
    }
    let names = events.iter().map(|layout| layout.name.chars().count()).max().unwrap_or(0);
    for layout in events {
        let fields: Vec<_> = layout.fields.iter().map(|field| field.name.as_str()).collect();
        let fields = fields.join(", ");
        let _ = writeln!(out, "  {:<names$}  {} bytes: {fields}", layout.name, layout.size);
    }
    let _ = writeln!(out, "{}  {}", "licence".bold(), object.license.as_deref().unwrap_or("none"));
    out
}

/// The structs that its programs write as events.
fn events(object: &Object) -> Vec<Layout> {
    object.events.iter().filter_map(|id| Layout::of(&object.btf, *id)).collect()
}

fn to_json(object: &Object) -> serde_json::Value {
    let kernels = profile::shipped();
    json!({
        "license": object.license,
        "programs": object.programs.iter().map(|program| json!({
            "name": program.name,
            "section": program.section,
            "kind": program.kind,
            "prototype": prototype(object, &object.functions[program.function]),
        })).collect::<Vec<_>>(),
        "functions": object.functions.iter().enumerate().map(|(index, function)| {
            let verdict = FunctionUse::of(object, index, &kernels);
            let is_program = object.programs.iter().any(|program| program.function == index);
            let why_not = match is_program {
                true => Some("is a program"),
                false => verdict.not_replaceable.as_ref().map(|obstacle| obstacle.why.as_str()),
            };
            json!({
                "name": function.name,
                "section": function.section,
                "global": function.is_global,
                "instructions": function.instructions,
                "prototype": object.prototype(function),
                "called_by": verdict.callers,
                "can_be_stub": why_not.is_none(),
                "why_not": why_not,
                "use": verdict.to_json(),
            })
        }).collect::<Vec<_>>(),
        "maps": object.maps,
        "legacy_maps": object.legacy_maps,
        "globals": data::globals_to_json(object),
        "events": events(object).iter().map(|layout| json!({
            "name": layout.name,
            "size": layout.size,
            "fields": layout.fields.iter().map(|field| &field.name).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}
