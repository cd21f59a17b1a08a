//! Tracepoints, by the event that is made of one: `CATEGORY/NAME`.

use super::{
    Attach, HostKind, Lookup, Mechanism, Misfit, PERF_LINKS, PerfEvent, Refusal, Refused,
    TargetKey, Template, cookie::COOKIE_KEY,
};
use crate::{
    diag::Code,
    object::{ProgramKind, ProgramType},
};

pub(super) static TRACEPOINT: HostKind = HostKind {
    name: "tracepoint",
    aliases: &["tp"],
    summary: "A tracepoint, CATEGORY/NAME.",
    program: ProgramKind::Tracepoint,
    program_type: ProgramType::Tracepoint,
    section: "tracepoint",
    expected_attach_type: |_| None,
    attach_btf: |_| None,
    not_replaceable: None,
    has_task: true,
    verdicts: &[],
    returns: |_| None,
    replacement_returns: None,
    target: TargetKey {
        what: "a tracepoint",
        form: Some("CATEGORY/NAME"),
        example: "sock/inet_sock_set_state",
        parts: &["category", "name"],
        pattern: Some("^[^/:]+[/:].+$"),
        read,
    },
    settings: &[COOKIE_KEY],
    mechanism: |attach| {
        let (category, name) = parts(attach);
        Mechanism::PerfEvent(PerfEvent::Tracepoint { category, name })
    },
    needs: &[&PERF_LINKS],
    modules: &[],
    exclusive: None,
    map: None,
    lookup: Some(Lookup {
        what: "tracepoint",
        presence: |target, _, targets| {
            let (category, name) = split(target);
            targets.tracepoint(category, name)
        },
        near: |target, targets| {
            let (category, name) = split(target);
            targets.near_tracepoint(category, name)
        },
        help: "/sys/kernel/tracing/available_events lists the tracepoints of the running kernel.",
        arguments: None,
    }),
    refused,
    template: Template {
        program: include_str!("templates/sched_process_exec.bpf.c"),
        target: "sched/sched_process_exec",
        elsewhere: Some(include_str!("templates/tracepoint.bpf.c")),
        stub: "wanted",
        traffic: "true",
        since: None,
    },
    source: (
        "int f(struct trace_event_raw_NAME *ctx)",
        "the record's fields, read with `preserve_access_index` or `BPF_CORE_READ`. The struct \
         belongs to the event's class: `trace_event_raw_sys_enter` for all of \
         `syscalls/sys_enter_*`. `/sys/kernel/tracing/events/CATEGORY/NAME/format` lists the \
         fields; the lower half of a `__data_loc` field is the offset of a string",
    ),
};

/// Others write a colon.
fn read(text: &str) -> Result<String, Misfit> {
    match text.split_once(['/', ':']) {
        Some((category, name)) if !category.is_empty() && !name.is_empty() => {
            Ok(format!("{category}/{name}"))
        }
        _ => Err(Misfit {
            label: "category missing",
            help: "Write a tracepoint as CATEGORY/NAME: \"sock/inet_sock_set_state\".",
        }),
    }
}

/// The category and the name of a target as [`read`] leaves it.
fn split(target: &str) -> (&str, &str) {
    target.split_once('/').unwrap_or(("", target))
}

fn parts(attach: &Attach) -> (&str, &str) {
    split(&attach.target)
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let (target, (category, _)) = (&refused.attach.target, parts(refused.attach));
    match refused.errno {
        "ENOENT" => Some(Refusal::no_target(
            format!("tracepoint {target} not found"),
            refused.or_near(format!(
                "List the available tracepoints with: ls \
                                     /sys/kernel/tracing/events/{category}"
            )),
        )),
        // BPF_TRACE_MAX_PROGS of kernel/trace/bpf_trace.c.
        "E2BIG" => Some(Refusal {
            code: Code::Busy,
            why: format!("tracepoint {target} already has 64 programs"),
            help: "Use a raw_tracepoint or a kprobe at the same point, which have no such limit."
                .to_owned(),
        }),
        _ => None,
    }
}
