//! Raw tracepoints: what the kernel's code hands to a tracepoint, before a record is made of it.

use super::{
    Arguments, HostKind, Lookup, Mechanism, Refusal, Refused, Returns, TargetKey, Template,
    cookie::RAW_TRACEPOINT_COOKIE_KEY,
};
use crate::object::{ProgramKind, ProgramType};

pub(super) static RAW_TRACEPOINT: HostKind = HostKind {
    name: "raw_tracepoint",
    aliases: &["raw_tp"],
    summary: "A raw tracepoint, without its category.",
    program: ProgramKind::RawTracepoint,
    program_type: ProgramType::RawTracepoint,
    section: "raw_tracepoint",
    expected_attach_type: |_| None,
    attach_btf: |_| None,
    not_replaceable: None,
    has_task: true,
    verdicts: &[],
    returns: |_| None,
    replacement_returns: Some(&ZERO),
    target: TargetKey {
        what: "a raw tracepoint",
        form: None,
        example: "inet_sock_set_state",
        parts: &["name"],
        pattern: None,
        read: TargetKey::as_it_is,
    },
    settings: &[RAW_TRACEPOINT_COOKIE_KEY],
    mechanism: |attach| Mechanism::RawTracepoint(&attach.target),
    needs: &[],
    modules: &[],
    exclusive: None,
    map: None,
    lookup: Some(Lookup {
        what: "raw tracepoint",
        presence: |name, _, targets| targets.raw_tracepoint(name),
        near: |name, targets| targets.near_raw_tracepoint(name),
        help: "Write a raw tracepoint without its category: inet_sock_set_state. A module's \
               tracepoints exist while it is loaded.",
        // `bpf_probe_register`,
        // <https://github.com/torvalds/linux/blob/v6.12/kernel/trace/bpf_trace.c>: a program that
        // reads beyond the last argument is loaded, and refused when it is attached.
        arguments: Some(Arguments {
            count: |name, targets| targets.raw_tracepoint_arguments(name),
            help: "A raw tracepoint passes only the arguments of its TP_PROTO. `bpftool btf dump \
                   file /sys/kernel/btf/vmlinux` shows them at btf_trace_NAME.",
        }),
    }),
    refused,
    template: Template {
        program: include_str!("templates/raw_tracepoint.bpf.c"),
        target: "sched_process_exec",
        elsewhere: None,
        stub: "wanted",
        traffic: "true",
        since: None,
    },
    source: (
        "int f(struct bpf_raw_tracepoint_args *ctx)",
        "`ctx->args[0]`, `ctx->args[1]` and so on: the arguments that the kernel passes to the \
         tracepoint",
    ),
};

/// At a raw tracepoint the host may return anything, a replacement in it 0 alone.
static ZERO: Returns = Returns {
    least: 0,
    most: 0,
    help: "Return 0. A replacement in a program at a raw tracepoint cannot return another value; \
           use a map to pass data to the host, or a host at a tracepoint or a kprobe.",
    refused_by: None,
};

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let name = &refused.attach.target;
    let (why, help) = match refused.errno {
        "ENOENT" => (
            format!("raw tracepoint {name} not found"),
            refused.or_near(
                "Write a raw tracepoint without its category: inet_sock_set_state.".to_owned(),
            ),
        ),
        "EINVAL" => (
            format!("raw tracepoint {name} does not pass what the program reads or writes"),
            "Read only the arguments of its TP_PROTO. Write, with SEC(\"raw_tracepoint.w\"), only \
             at a tracepoint that the kernel declares writable, such as bpf_test_finish."
                .to_owned(),
        ),
        _ => return None,
    };
    Some(Refusal::no_target(why, help))
}
