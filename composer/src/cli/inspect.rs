//! `inspect OBJECT`: the contents of an object that a chain can use.

mod data;
mod human;
mod json;
mod lines;
mod schema;

use super::{Format, exit::Exit, report, screen, wrap};
use freplace_compose::{
    chain::ObjectRef,
    event::Layout,
    function::{LoadedFunction, Obstacle},
    object::{Function, Object},
    profile::Profile,
    resolve::open_object,
};

pub(super) use schema::schema;

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
        Format::Human => screen::data(&human::text(&object, wrap::columns())),
        Format::Json => screen::json(&json::value(&object)),
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
}

/// The function in C, or its name where its types are not known.
fn prototype(object: &Object, function: &Function) -> String {
    object.prototype(function).unwrap_or_else(|| format!("{}(?)", function.name))
}

/// The structs that its programs write as events.
fn events(object: &Object) -> Vec<Layout> {
    object.events.iter().filter_map(|id| Layout::of(&object.btf, *id)).collect()
}
