//! Programs that the kernel does not run by itself: iterators over what it has, and calls.

use super::{
    AttachBtf, HostKind, KeySpec, Lookup, MapUse, Mechanism, Misfit, NotReplaceable, OnDemand,
    Refusal, Refused, Returns, TargetKey, Template, Values, trampoline::AT_FUNCTION,
};
use crate::{
    diag::Code,
    object::{AttachType, ProgramKind, ProgramType},
    profile::Presence,
};

pub(super) static ITER: HostKind = HostKind {
    name: "iter",
    section: "iter",
    summary: "The things of a kind that the kernel has, one after the other; once, when the chain is up.",
    program: ProgramKind::Iter,
    expected_attach_type: |_| Some(AttachType::TraceIter),
    attach_btf: |attach| Some(AttachBtf::Function(format!("bpf_iter_{}", attach.target))),
    not_replaceable: Some(&NotReplaceable {
        says: None,
        help: "Trace the function instead, or decide by a global variable or a map.",
    }),
    returns: |_| Some(&AGAIN),
    target: TargetKey {
        what: "an iterator",
        example: "task",
        parts: &["things"],
        ..AT_FUNCTION.target
    },
    settings: &[
        KeySpec {
            key: RUN,
            what: "a moment",
            doc: "When the program runs: once, when everything else of the chain is attached.",
            values: Values::Words(&[AT_START]),
            excludes: &[],
            need: |_| None,
        },
        KeySpec {
            key: MAP,
            what: "a map",
            doc: "The map whose elements are gone over: required for `bpf_map_elem`, `bpf_sk_storage_map` and \
              `sockmap`.",
            values: Values::Text,
            excludes: &[],
            need: |_| None,
        },
    ],
    mechanism: |_| Mechanism::Run(OnDemand::Iterator),
    map: Some(&MapUse {
        name: |attach| attach.text(MAP),
        types: |attach| match attach.target.as_str() {
            // `bpf_iter_attach_map`,
            // <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/map_iter.c>.
            "bpf_map_elem" => {
                &["hash", "lru_hash", "percpu_hash", "lru_percpu_hash", "array", "percpu_array"]
            }
            "bpf_sk_storage_map" => &["sk_storage"],
            "sockmap" => &["sockmap", "sockhash"],
            _ => &[],
        },
        value: None,
        entry: |_| None,
    }),
    lookup: Some(Lookup {
        what: "iterator",
        presence: |name, _, targets| match targets.function(&format!("bpf_iter_{name}")) {
            Presence::Missing => Presence::Missing,
            _ => Presence::There,
        },
        near: |name, targets| {
            let near = targets.near_function(&format!("bpf_iter_{name}"))?;
            near.strip_prefix("bpf_iter_").map(str::to_owned)
        },
        help: "Write task, task_file, bpf_prog, bpf_map, tcp, udp or another one: the kernel has a \
               function bpf_iter_NAME for each.",
        arguments: None,
    }),
    refused: iterator_refused,
    template: Template {
        program: include_str!("templates/iter.bpf.c"),
        elsewhere: Some(include_str!("templates/iter_elsewhere.bpf.c")),
        target: "task",
        ..AT_FUNCTION.template
    },
    source: (
        "int f(struct bpf_iter__NAME *ctx)",
        "the thing, which is NULL at the end, and `ctx->meta->seq`, which `bpf_seq_write` and \
         `BPF_SEQ_PRINTF` write to; what is written there is shown line by line",
    ),
    ..AT_FUNCTION
};

pub(super) static SYSCALL: HostKind = HostKind {
    name: "syscall",
    section: "syscall",
    summary: "No hook: the program runs once, when the chain is up, and may use bpf(2) and sleep.",
    program: ProgramKind::Syscall,
    program_type: ProgramType::Syscall,
    expected_attach_type: |_| None,
    attach_btf: |_| None,
    not_replaceable: None,
    returns: |_| None,
    target: TargetKey {
        what: "a moment",
        form: None,
        example: AT_START,
        parts: &["run"],
        pattern: Some("^at start$"),
        read: |text| match text == AT_START {
            true => Ok(text.to_owned()),
            false => Err(Misfit {
                label: "not a moment",
                help: "Write \"at start\": when everything else of the chain is attached.",
            }),
        },
    },
    settings: &[],
    mechanism: |_| Mechanism::Run(OnDemand::Call),
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/syscall.bpf.c"),
        elsewhere: None,
        target: AT_START,
        ..AT_FUNCTION.template
    },
    source: (
        "int f(void *ctx)",
        "4096 bytes, all zero; values are set as `globals`. What it returns is shown",
    ),
    ..AT_FUNCTION
};

const RUN: &str = "run";
const MAP: &str = "map";
const AT_START: &str = "at start";

/// An iterator that returns 1 gets the same thing again.
static AGAIN: Returns = Returns {
    least: 0,
    most: 1,
    help: "Return 0, or 1 to see the same thing again.",
    refused_by: None,
};

fn iterator_refused(refused: &Refused<'_>) -> Option<Refusal> {
    let name = &refused.attach.target;
    match (refused.errno, refused.attach.map()) {
        ("EACCES", Some(map)) => Some(Refusal {
            code: Code::Refused,
            why: format!("it reads more of a key or a value than map `{map}` has"),
            help: "Read as much as the types of the map's keys and values have.".to_owned(),
        }),
        ("ENOENT" | "EINVAL", _) => Some(Refusal::no_target(
            format!("iterator `{name}` not found, or it needs a map"),
            refused.or_near("Write task, task_file, bpf_prog, bpf_map, tcp or udp.".to_owned()),
        )),
        _ => None,
    }
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    (refused.errno == "EINVAL").then(|| {
        Refusal::no_target(
            "its context is larger than 4096 bytes".to_owned(),
            "Read less of the context: it is all zero. Set values as globals.".to_owned(),
        )
    })
}
