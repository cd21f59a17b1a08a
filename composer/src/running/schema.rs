//! The JSON schema of a census.

use serde_json::{Value, json};

use crate::json_schema::{list, nullable, object, or_null, text, whole};

/// The JSON schema (draft-07) of what `ps --format json` writes.
#[must_use]
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "freplace-compose ps",
        "description": "The programs in a kernel, as `freplace-compose ps --format json` writes them.",
        "type": "object",
        "additionalProperties": false,
        "required": ["programs", "not_seen"],
        "properties": {
            "programs": list("By id, ascending; with names, in the order of those.", &program()),
            "not_seen": list("What could not be looked at, each in words.", &json!({ "type": "string" })),
        },
    })
}

fn program() -> Value {
    object(&[
        ("id", whole("The kernel's number for it.")),
        ("type", text("Its type as bpftool writes it: xdp, sched_cls, ext.")),
        (
            "name",
            text(
                "Its whole name where its BTF has it, else the 15 characters that the kernel keeps.",
            ),
        ),
        ("tag", text("A digest of its instructions, 16 hexadecimal digits.")),
        ("gpl_compatible", json!({ "description": "Whether its licence is.", "type": "boolean" })),
        ("loaded_at_ns", whole("Nanoseconds from the start of the machine to when it was loaded.")),
        ("uid", whole("The user who loaded it.")),
        ("bytes_translated", whole("Bytes of instructions as the verifier left them.")),
        (
            "bytes_jited",
            whole("Bytes of machine code; 0 where there is none or the kernel does not tell."),
        ),
        ("btf_id", nullable("The number of its BTF; null for a program without.", "integer")),
        (
            "runs",
            or_null(&object(&[
                ("count", whole("Runs while the kernel counted them: kernel.bpf_stats_enabled.")),
                ("ns", whole("Nanoseconds in all of them together.")),
            ])),
        ),
        ("functions", list("Its functions, its entry first; empty without BTF.", &function())),
        ("maps", list("The maps that it uses.", &map())),
        ("attached", list("Where it is attached.", &attachment())),
        (
            "tables",
            list(
                "Entries of tables that lead to it.",
                &object(&[
                    ("map", map()),
                    ("type", text("The type of the table: prog_array, devmap, cpumap.")),
                    ("key", whole("The entry.")),
                ]),
            ),
        ),
        ("pins", paths()),
        ("processes", list("The processes that have it open.", &process())),
        (
            "dispatcher",
            or_null(&object(&[
                ("made_by", nullable("libxdp or bpfman, where a pin says it.", "string")),
                (
                    "replaced_by",
                    nullable(
                        "The program in the place of all of it, as with a single one.",
                        "integer",
                    ),
                ),
                (
                    "slots",
                    list(
                        "The functions that other programs take the place of.",
                        &object(&[
                            ("function", text("The slot.")),
                            ("program", nullable("The program in it.", "integer")),
                        ]),
                    ),
                ),
            ])),
        ),
    ])
}

fn function() -> Value {
    object(&[
        ("name", text("Its name.")),
        ("btf_id", whole("Its number in the program's BTF.")),
        (
            "global",
            json!({ "description": "Whether a replacement can take its place.", "type": "boolean" }),
        ),
        ("prototype", nullable("Its prototype as C.", "string")),
        (
            "address",
            nullable(
                "Where its machine code begins, hexadecimal; null where the kernel does not tell.",
                "string",
            ),
        ),
        ("bytes_jited", whole("Bytes of its machine code; 0 where the kernel does not tell.")),
        (
            "on_it",
            list(
                "The programs that replace or trace it.",
                &object(&[("how", how()), ("program", whole("The id of that program."))]),
            ),
        ),
    ])
}

fn attachment() -> Value {
    let on_function = object(&[
        ("kind", how()),
        ("program", whole("The program whose function it is.")),
        ("function", nullable("The function, where that program is seen.", "string")),
        ("btf_id", whole("The function's number in the BTF of that program.")),
    ]);
    let in_kernel = object(&[
        (
            "kind",
            text(
                "The kind of place: xdp, tcx/ingress, tc, kprobe, an attach type as bpftool writes it.",
            ),
        ),
        (
            "at",
            text(
                "What it is there: an interface, a folder, a function; empty where nothing is known.",
            ),
        ),
        (
            "network_namespace",
            nullable(
                "The network namespace, where it is another than that of the reader.",
                "string",
            ),
        ),
    ]);
    object(&[
        ("place", json!({ "anyOf": [on_function, in_kernel] })),
        ("link", nullable("The number of its link; null where it is attached without.", "integer")),
        ("pins", paths()),
        ("processes", list("The processes that have the link open.", &process())),
    ])
}

fn how() -> Value {
    json!({
        "description": "What it does to the function.",
        "enum": ["freplace", "fentry", "fexit", "fsession"],
    })
}

fn map() -> Value {
    object(&[
        ("id", whole("The kernel's number for it.")),
        ("name", text("The 15 characters of its name that the kernel keeps.")),
    ])
}

fn process() -> Value {
    object(&[("pid", whole("Its number.")), ("comm", text("Its name."))])
}

fn paths() -> Value {
    list("Paths of pins.", &json!({ "type": "string" }))
}
