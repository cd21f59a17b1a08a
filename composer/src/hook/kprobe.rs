//! Kprobes: a function of the kernel, at its entry or at its return.

use super::{
    Attach, HostKind, Lookup, Mechanism, PERF_LINKS, PerfEvent, Refusal, Refused, TargetKey,
    Template,
};
use crate::{
    object::{ProgramKind, ProgramType},
    profile::{Presence, Profile, Targets},
};

pub(super) static KPROBE: HostKind = AT_ENTRY;

const AT_ENTRY: HostKind = HostKind {
    name: "kprobe",
    aliases: &[],
    summary: "A kernel function, at its entry.",
    program: ProgramKind::Kprobe,
    program_type: ProgramType::Kprobe,
    section: "kprobe",
    expected_attach_type: |_| None,
    has_task: true,
    verdicts: &[],
    returns: |_| None,
    replacement_returns: None,
    target: FUNCTION,
    settings: &[],
    mechanism: |attach| at(attach, false),
    needs: &[&PERF_LINKS],
    exclusive: None,
    lookup: Some(LOOKUP),
    refused,
    template: Template { program: include_str!("templates/kprobe.bpf.c"), ..TEMPLATE },
    source: (
        "int f(struct pt_regs *ctx)",
        "`PT_REGS_PARM1(ctx)` to `PT_REGS_PARM5(ctx)`: the arguments",
    ),
};

pub(super) static KRETPROBE: HostKind = HostKind {
    name: "kretprobe",
    section: "kretprobe",
    summary: "A kernel function, at its return.",
    program: ProgramKind::Kretprobe,
    mechanism: |attach| at(attach, true),
    template: Template { program: include_str!("templates/kretprobe.bpf.c"), ..TEMPLATE },
    source: ("int f(struct pt_regs *ctx)", "`PT_REGS_RC(ctx)`: the result"),
    ..AT_ENTRY
};

const FUNCTION: TargetKey = TargetKey {
    what: "a kernel function",
    form: None,
    example: "tcp_connect",
    parts: &["function"],
    pattern: None,
    read: TargetKey::as_it_is,
};

const LOOKUP: Lookup = Lookup {
    what: "function",
    presence,
    near: |function, targets| targets.near_function(function),
    help: "The function may be inlined, renamed, or in a module that is not loaded. \
           /proc/kallsyms lists the functions of the running kernel.",
    arguments: None,
};

const TEMPLATE: Template = Template {
    program: "",
    target: "kernel_clone",
    elsewhere: None,
    stub: "wanted",
    traffic: "true",
    since: None,
};

fn at(attach: &Attach, at_return: bool) -> Mechanism<'_> {
    Mechanism::PerfEvent(PerfEvent::Kprobe { function: &attach.target, at_return })
}

fn presence(function: &str, profile: &Profile, targets: &Targets) -> Presence {
    match targets.function(function) {
        Presence::Several(_) if !profile.features.unique_kprobe_symbol => Presence::There,
        presence => presence,
    }
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let function = &refused.attach.target;
    let (why, help) = match refused.errno {
        "EINVAL" if refused.targets.has_function(function) => (
            format!("`{function}` cannot be probed"),
            "Probe a caller of the function. The function is on the kernel's kprobe blacklist, \
             cannot be traced, or is removed once the kernel has started."
                .to_owned(),
        ),
        // Older kernels say EINVAL where newer ones say ENOENT.
        "ENOENT" | "EINVAL" => (
            format!("kernel function `{function}` not found"),
            refused.or_near(format!(
                "Search for the function with: grep {function} /proc/kallsyms. It may be inlined, \
                 renamed, or on the kernel's kprobe blacklist."
            )),
        ),
        "EADDRNOTAVAIL" => (
            format!("several kernel functions are named `{function}`"),
            "Probe a function with a unique name.".to_owned(),
        ),
        _ => return None,
    };
    Some(Refusal::no_target(why, help))
}
