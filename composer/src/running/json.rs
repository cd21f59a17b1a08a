//! A census as JSON; `schemas/ps.schema.json` describes it.

use serde_json::{Value, json};

use super::{Attachment, Census, Dispatcher, Place, Process, RunningMap, RunningProgram};

/// Those of `programs`, which are part of `census`.
#[must_use]
pub fn to_json(census: &Census, programs: &[&RunningProgram]) -> Value {
    json!({
        "programs": programs.iter().map(|program| one(census, program)).collect::<Vec<_>>(),
        "not_seen": census.gaps,
    })
}

fn one(census: &Census, program: &RunningProgram) -> Value {
    let dispatcher = Dispatcher::of(census, program);
    json!({
        "id": program.id,
        "type": program.program_type.name(),
        "name": program.name,
        "tag": program.tag,
        "gpl_compatible": program.gpl,
        "loaded_at_ns": program.loaded_at,
        "uid": program.user,
        "bytes_translated": program.translated,
        "bytes_jited": program.compiled,
        "btf_id": program.btf,
        "runs": program.runs.map(|runs| json!({ "count": runs.count, "ns": runs.nanoseconds })),
        "functions": functions(census, program),
        "maps": program.maps.iter().map(map).collect::<Vec<_>>(),
        "attached": program.attachments.iter().map(|place| attachment(census, place)).collect::<Vec<_>>(),
        "tables": program.tables.iter().map(|entry| json!({
            "map": map(&entry.map),
            "type": entry.kind,
            "key": entry.key,
        })).collect::<Vec<_>>(),
        "pins": program.pins,
        "processes": processes(&program.processes),
        "dispatcher": dispatcher.map(|dispatcher| json!({
            "made_by": dispatcher.maker,
            "replaced_by": dispatcher.replaced_by.map(|by| by.id),
            "slots": dispatcher.slots.iter().map(|(name, taken)| json!({
                "function": name,
                "program": taken.map(|by| by.id),
            })).collect::<Vec<_>>(),
        })),
    })
}

fn functions(census: &Census, program: &RunningProgram) -> Vec<Value> {
    let on: Vec<_> = census.on(program.id).collect();
    let functions = program.functions.iter().map(|function| {
        let by: Vec<_> = on
            .iter()
            .filter(|(_, id, _)| *id == function.btf_id)
            .map(|(how, _, by)| json!({ "how": how.word(), "program": by.id }))
            .collect();
        json!({
            "name": function.name,
            "btf_id": function.btf_id,
            "global": function.global,
            "prototype": function.prototype,
            "address": function.address.map(|address| format!("{address:#x}")),
            "bytes_jited": function.length,
            "on_it": by,
        })
    });
    functions.collect()
}

fn map(map: &RunningMap) -> Value {
    json!({ "id": map.id, "name": map.name })
}

fn attachment(census: &Census, attachment: &Attachment) -> Value {
    let place = match &attachment.place {
        Place::Function { how, program, function } => {
            let target = census.program(*program);
            let name = target.and_then(|target| target.function(*function));
            json!({
                "kind": how.word(),
                "program": program,
                "function": name.map(|function| &function.name),
                "btf_id": function,
            })
        }
        Place::Kernel { kind, at, namespace } => {
            json!({ "kind": kind, "at": at, "network_namespace": namespace })
        }
    };
    json!({
        "place": place,
        "link": attachment.link,
        "pins": attachment.pins,
        "processes": processes(&attachment.processes),
    })
}

fn processes(processes: &[Process]) -> Vec<Value> {
    let one = |process: &Process| json!({ "pid": process.pid, "comm": process.comm });
    processes.iter().map(one).collect()
}
