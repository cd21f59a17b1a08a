//! The contents of an object as JSON: `schema.rs` describes it.

use serde_json::{Value, json};

use super::{FunctionUse, Obstacle, data, events, prototype};
use freplace_compose::{object::Object, profile};

pub(super) fn value(object: &Object) -> Value {
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
            let can = FunctionUse::of(object, index, &kernels);
            json!({
                "name": function.name,
                "section": function.section,
                "global": function.is_global,
                "instructions": function.instructions,
                "prototype": object.prototype(function),
                "called_by": can.callers,
                "use": function_use(&can),
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

fn function_use(can: &FunctionUse<'_>) -> Value {
    let one = |obstacle: &Option<Obstacle>| {
        json!({
            "possible": obstacle.is_none(),
            "why_not": obstacle.as_ref().map(|obstacle| &obstacle.why),
            "write": obstacle.as_ref().and_then(|obstacle| obstacle.write.as_ref()),
        })
    };
    json!({
        "replace": one(&can.not_replaceable),
        "trace": one(&can.not_traceable),
        "typed_arguments": can.is_typed,
        "source": can.declared_at.map(|(file, line)| json!({ "file": file, "line": line })),
    })
}
