//! The way of a call as JSON; `schemas/flow.schema.json` describes it.

use serde_json::{Value, json};

use super::{CodeFunction, CodeMap, CodePlace, CodeVerdict, Route, RouteVisit, text};

/// These routes through `map`, and what came of the comparison with links if there was one.
#[must_use]
pub fn to_json(routes: &[Route<'_>], map: &CodeMap, verdict: Option<&CodeVerdict>) -> Value {
    json!({
        "routes": routes.iter().map(route).collect::<Vec<_>>(),
        "not_read": map.gaps,
        "verdict": verdict.map(|verdict| json!({
            "confirmed": verdict.confirmed,
            "not_compared": verdict.unknown,
            "disagreements": verdict.disagreements.iter().map(|one| json!({
                "program": one.program,
                "function": one.function,
                "links": one.links,
                "code": one.text,
            })).collect::<Vec<_>>(),
        })),
    })
}

fn route(of: &Route<'_>) -> Value {
    let (visit, patched) = match &of.visit {
        RouteVisit::Function(function, entry) => {
            let patched = entry.as_ref().map(|entry| {
                json!({
                    "address": hex(entry.at),
                    "bytes": bytes(&entry.bytes),
                    "is_nop": entry.is_nop(),
                })
            });
            (named(function), patched)
        }
        RouteVisit::Trampoline { name, read } => {
            (json!({ "kind": "trampoline", "name": name, "read": read }), None)
        }
    };
    json!({
        "address": hex(of.address),
        "visit": visit,
        "patched": patched,
        "steps": of.steps.iter().map(|step| json!({
            "address": hex(step.by.at),
            "bytes": bytes(&step.by.bytes),
            "instruction": text(&step.by.bytes, step.by.at),
            "kind": step.by.kind,
            "line": step.line,
            "to": hex(step.by.to),
            "place": place(&step.to),
            "on": step.on.as_ref().map(route),
        })).collect::<Vec<_>>(),
    })
}

fn named(function: &CodeFunction) -> Value {
    json!({
        "kind": "function",
        "name": function.name,
        "program": function.program,
        "program_name": function.program_name,
        "is_entry": function.is_entry,
    })
}

fn place(of: &CodePlace<'_>) -> Value {
    match of {
        CodePlace::Function(_, function) => named(function),
        CodePlace::Behind(_, function) => {
            let mut value = named(function);
            value["kind"] = "behind the patched bytes".into();
            value
        }
        CodePlace::Trampoline(_, name) => json!({ "kind": "trampoline", "name": name }),
        CodePlace::Kernel(name) => json!({ "kind": "kernel", "name": name }),
        CodePlace::Unknown => Value::Null,
    }
}

fn hex(address: u64) -> String {
    format!("{address:#x}")
}

fn bytes(of: &[u8]) -> String {
    of.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
