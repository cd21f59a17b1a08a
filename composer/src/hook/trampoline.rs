//! Programs that are loaded for one function or tracepoint of the kernel, by its BTF: fentry, fexit,
//! fmod_ret and tp_btf. They read their arguments by type, without helpers.

use super::{
    AttachBtf, HostKind, Lookup, Mechanism, NotReplaceable, Refusal, Refused, Returns, TargetKey,
    Template,
    cookie::{FUNCTION_COOKIE_KEY, RAW_TRACEPOINT_COOKIE_KEY},
};
use crate::{
    object::{AttachType, ProgramKind, ProgramType},
    profile::Presence,
};

pub(super) const AT_FUNCTION: HostKind = HostKind {
    name: "fentry",
    aliases: &[],
    summary: "A kernel function, at its entry, with typed arguments.",
    program: ProgramKind::Fentry,
    program_type: ProgramType::Tracing,
    section: "fentry",
    expected_attach_type: |_| Some(AttachType::TraceFentry),
    attach_btf: |attach| Some(AttachBtf::Function(attach.target.clone())),
    not_replaceable: Some(&NotReplaceable {
        says: Some("Cannot extend fentry/fexit"),
        help: "Attach the host with kprobe, tp_btf or fmod_ret, or trace the function instead.",
    }),
    has_task: true,
    verdicts: &[],
    returns: |_| Some(&ZERO),
    replacement_returns: None,
    target: TargetKey {
        what: "a kernel function",
        form: None,
        example: "tcp_connect",
        parts: &["function"],
        pattern: None,
        read: TargetKey::as_it_is,
    },
    settings: &[FUNCTION_COOKIE_KEY],
    mechanism: |_| Mechanism::AsLoaded(AttachType::TraceFentry),
    needs: &[],
    modules: &[],
    exclusive: None,
    map: None,
    lookup: Some(Lookup {
        what: "function",
        // What cannot be probed, or is named like another function, is for the kernel's BTF to say.
        presence: |function, _, targets| match targets.function(function) {
            Presence::Missing => Presence::Missing,
            _ => Presence::There,
        },
        near: |function, targets| targets.near_function(function),
        help: "The function may be inlined or renamed. `bpftool btf dump file \
               /sys/kernel/btf/vmlinux` lists the functions with their types.",
        arguments: None,
    }),
    refused,
    template: Template {
        program: include_str!("templates/fentry.bpf.c"),
        target: "kernel_clone",
        elsewhere: None,
        stub: "wanted",
        traffic: "true",
        since: None,
    },
    source: (
        "int BPF_PROG(f, ...)",
        "the function's arguments by their types; kernel structs are read by field",
    ),
};

pub(super) static FENTRY: HostKind = AT_FUNCTION;

pub(super) static FEXIT: HostKind = HostKind {
    name: "fexit",
    summary: "A kernel function, at its return, with typed arguments and result.",
    program: ProgramKind::Fexit,
    section: "fexit",
    expected_attach_type: |_| Some(AttachType::TraceFexit),
    mechanism: |_| Mechanism::AsLoaded(AttachType::TraceFexit),
    template: Template { program: include_str!("templates/fexit.bpf.c"), ..AT_FUNCTION.template },
    source: ("int BPF_PROG(f, ..., ret)", "the function's arguments, followed by its result"),
    ..AT_FUNCTION
};

pub(super) static FMOD_RET: HostKind = HostKind {
    name: "fmod_ret",
    summary: "A kernel function that allows it, before its entry; a result other than 0 takes the \
              place of the function.",
    program: ProgramKind::FmodRet,
    section: "fmod_ret",
    expected_attach_type: |_| Some(AttachType::ModifyReturn),
    mechanism: |_| Mechanism::AsLoaded(AttachType::ModifyReturn),
    not_replaceable: None,
    returns: |_| None,
    template: Template {
        program: include_str!("templates/fmod_ret.bpf.c"),
        elsewhere: Some(include_str!("templates/fmod_ret_elsewhere.bpf.c")),
        target: "security_file_open",
        stub: "verdict",
        ..AT_FUNCTION.template
    },
    target: TargetKey { example: "security_file_open", ..AT_FUNCTION.target },
    source: (
        "int BPF_PROG(f, ..., ret)",
        "the function's arguments; it returns 0, or an error number to fail the call with",
    ),
    ..AT_FUNCTION
};

pub(super) static TP_BTF: HostKind = HostKind {
    name: "tp_btf",
    summary: "A raw tracepoint, with typed arguments.",
    program: ProgramKind::TpBtf,
    section: "tp_btf",
    expected_attach_type: |_| Some(AttachType::TraceRawTp),
    mechanism: |_| Mechanism::AsLoaded(AttachType::TraceRawTp),
    settings: &[RAW_TRACEPOINT_COOKIE_KEY],
    attach_btf: |attach| Some(AttachBtf::Typedef(format!("btf_trace_{}", attach.target))),
    not_replaceable: None,
    returns: |_| None,
    target: TargetKey {
        what: "a raw tracepoint",
        example: "sched_process_exec",
        parts: &["name"],
        ..AT_FUNCTION.target
    },
    lookup: Some(Lookup {
        what: "raw tracepoint",
        presence: |name, _, targets| targets.raw_tracepoint(name),
        near: |name, targets| targets.near_raw_tracepoint(name),
        help: "Write a raw tracepoint without its category: sched_process_exec.",
        arguments: None,
    }),
    template: Template {
        program: include_str!("templates/tp_btf.bpf.c"),
        elsewhere: Some(include_str!("templates/tp_btf_elsewhere.bpf.c")),
        target: "sched_process_exec",
        ..AT_FUNCTION.template
    },
    source: ("int BPF_PROG(f, ...)", "the tracepoint's arguments by their types"),
    ..AT_FUNCTION
};

static ZERO: Returns = Returns { least: 0, most: 0, help: "Return 0.", refused_by: None };

pub(super) fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let target = &refused.attach.target;
    let what = refused.attach.kind.target.what;
    (refused.errno == "ENOENT").then(|| {
        Refusal::no_target(
            format!("{what} `{target}` not found in the kernel's BTF"),
            refused.or_near("Check the name, and whether its module is built in.".to_owned()),
        )
    })
}
