//! `inspect OBJECT`: the contents of an object that a chain can use.

mod data;

use std::fmt::Write as _;

use serde_json::json;

use super::{Format, exit::Exit, ink::Ink as _, report, screen};
use freplace_compose::{
    chain::ObjectRef,
    event::Layout,
    inert,
    object::{Function, Object},
    resolve::open_object,
};

/// List the contents of an eBPF object: programs, possible stubs, maps, variables, events.
///
/// For each function that cannot be a stub, the reason is given.
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

/// The programs that reach the function with this index, themselves not counted.
fn callers(object: &Object, index: usize) -> Vec<&str> {
    let calls = |program: &&freplace_compose::object::Program| {
        program.function != index && object.reachable(program).contains(&index)
    };
    object.programs.iter().filter(calls).map(|program| program.name.as_str()).collect()
}

/// Why a function cannot be a stub; none when it can.
fn why_not(object: &Object, index: usize, function: &Function) -> Option<&'static str> {
    if object.programs.iter().any(|program| program.function == index) {
        Some("is a program")
    } else if !function.is_global {
        Some("static: verified with its callers, cannot be replaced")
    } else if callers(object, index).is_empty() {
        Some("not called by any program, so not loaded")
    } else if function.prototype.is_none() {
        Some("not in BTF; compile with -g")
    } else if object.returns_nothing(function) {
        Some("void: rejected by the verifier before Linux 7.2")
    } else {
        None
    }
}

fn prototype(object: &Object, function: &Function) -> String {
    object.prototype(function).unwrap_or_else(|| format!("{}(?)", function.name))
}

fn human(object: &Object) -> String {
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
        match why_not(object, index, function) {
            Some(why) => {
                let _ = writeln!(out, "    {} {why}", "not a stub:".yellow());
            }
            None => {
                let callers = callers(object, index).join(", ");
                let callers = inert::line(&callers);
                let _ = writeln!(out, "    {} called by {callers}", "can be a stub:".green());
            }
        }
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
    json!({
        "license": object.license,
        "programs": object.programs.iter().map(|program| json!({
            "name": program.name,
            "section": program.section,
            "kind": program.kind,
            "prototype": prototype(object, &object.functions[program.function]),
        })).collect::<Vec<_>>(),
        "functions": object.functions.iter().enumerate().map(|(index, function)| json!({
            "name": function.name,
            "section": function.section,
            "global": function.is_global,
            "instructions": function.instructions,
            "prototype": object.prototype(function),
            "called_by": callers(object, index),
            "can_be_stub": why_not(object, index, function).is_none(),
            "why_not": why_not(object, index, function),
        })).collect::<Vec<_>>(),
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
