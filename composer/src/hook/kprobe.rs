//! Kprobes: a function of the kernel, at its entry or at its return.

use super::{
    Attach, HostKind, KeySpec, Lookup, Mechanism, Need, PERF_LINKS, PerfEvent, Refusal, Refused,
    TargetKey, Template, Values,
    cookie::{COOKIE_KEY, COOKIES_KEY},
};
use crate::{
    object::{AttachType, ProgramKind, ProgramType},
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
    attach_btf: |_| None,
    not_replaceable: None,
    has_task: true,
    verdicts: &[],
    returns: |_| None,
    replacement_returns: None,
    target: FUNCTION,
    settings: &[
        KeySpec {
            key: OFFSET,
            what: "an offset",
            doc: "Bytes from the start of the function, where an instruction begins.",
            values: Values::Number(0, 1 << 20),
            excludes: &[],
            need: |_| None,
        },
        COOKIE_KEY,
    ],
    mechanism: |attach| at(attach, false),
    needs: &[&PERF_LINKS],
    modules: &[],
    exclusive: None,
    map: None,
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
    settings: &[COOKIE_KEY],
    mechanism: |attach| at(attach, true),
    template: Template { program: include_str!("templates/kretprobe.bpf.c"), ..TEMPLATE },
    source: ("int f(struct pt_regs *ctx)", "`PT_REGS_RC(ctx)`: the result"),
    ..AT_ENTRY
};

pub(super) static KSYSCALL: HostKind = AT_CALL;

const AT_CALL: HostKind = HostKind {
    name: "ksyscall",
    section: "ksyscall",
    summary: "A system call, at the entry of its kernel function.",
    target: SYSCALL,
    settings: &[COOKIE_KEY],
    mechanism: |attach| {
        Mechanism::PerfEvent(PerfEvent::Syscall { name: &attach.target, at_return: false })
    },
    lookup: None,
    refused: syscall_refused,
    template: Template {
        program: include_str!("templates/ksyscall.bpf.c"),
        target: "openat",
        ..TEMPLATE
    },
    source: (
        "int f(struct pt_regs *ctx)",
        "`PT_REGS_SYSCALL_REGS(ctx)`, of which `PT_REGS_PARM1_CORE_SYSCALL` and so on give the \
         arguments, or `BPF_KSYSCALL(f, ...)`",
    ),
    ..AT_ENTRY
};

pub(super) static KRETSYSCALL: HostKind = HostKind {
    name: "kretsyscall",
    section: "kretsyscall",
    summary: "A system call, at the return of its kernel function.",
    program: ProgramKind::Kretprobe,
    mechanism: |attach| {
        Mechanism::PerfEvent(PerfEvent::Syscall { name: &attach.target, at_return: true })
    },
    template: Template { program: include_str!("templates/kretsyscall.bpf.c"), ..AT_CALL.template },
    source: ("int f(struct pt_regs *ctx)", "`PT_REGS_RC(ctx)`: the result"),
    ..AT_CALL
};

pub(super) static KPROBE_MULTI: HostKind = AT_MANY;

const AT_MANY: HostKind = HostKind {
    name: "kprobe_multi",
    section: "kprobe.multi",
    summary: "Many kernel functions with one link, at their entries.",
    target: PATTERN,
    settings: &[COOKIE_KEY, COOKIES_KEY],
    expected_attach_type: |_| Some(AttachType::TraceKprobeMulti),
    mechanism: |attach| at_many(attach, false),
    needs: &[&MULTI_LINKS],
    lookup: None,
    refused: multi_refused,
    template: Template {
        program: include_str!("templates/kprobe_multi.bpf.c"),
        target: "tcp_v?_connect",
        stub: "wanted",
        traffic: "nc -z 127.0.0.1 9",
        elsewhere: None,
        since: Some("6.6"),
    },
    source: (
        "int f(struct pt_regs *ctx)",
        "`bpf_get_func_ip(ctx)`: which function; the arguments as for kprobe",
    ),
    ..AT_ENTRY
};

pub(super) static KRETPROBE_MULTI: HostKind = HostKind {
    name: "kretprobe_multi",
    section: "kretprobe.multi",
    summary: "Many kernel functions with one link, at their returns.",
    program: ProgramKind::Kretprobe,
    mechanism: |attach| at_many(attach, true),
    template: Template {
        program: include_str!("templates/kretprobe_multi.bpf.c"),
        ..AT_MANY.template
    },
    source: (
        "int f(struct pt_regs *ctx)",
        "`bpf_get_func_ip(ctx)`: which function; `PT_REGS_RC(ctx)`: the result",
    ),
    ..AT_MANY
};

const SYSCALL: TargetKey = TargetKey {
    what: "a system call",
    form: None,
    example: "openat",
    parts: &["syscall"],
    pattern: None,
    read: TargetKey::as_it_is,
};

const PATTERN: TargetKey = TargetKey {
    what: "kernel functions",
    form: Some("names with `*` and `?`, separated by commas"),
    example: "tcp_*",
    parts: &["functions"],
    pattern: None,
    read: TargetKey::as_it_is,
};

static MULTI_LINKS: Need = Need {
    what: "kprobe multi links",
    label: "is attached with a kprobe multi link",
    help: "Use Linux 5.18 or later, built with CONFIG_FPROBE.",
    lacks: |profile| !profile.features.kprobe_multi,
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
    let offset = attach.number(OFFSET).and_then(|offset| u32::try_from(offset).ok());
    let offset = offset.unwrap_or_default();
    Mechanism::PerfEvent(PerfEvent::Kprobe { function: &attach.target, offset, at_return })
}

fn at_many(attach: &Attach, at_return: bool) -> Mechanism<'_> {
    Mechanism::KprobeMulti { pattern: &attach.target, at_return, cookies: attach.cookies() }
}

const OFFSET: &str = "offset";

fn syscall_refused(refused: &Refused<'_>) -> Option<Refusal> {
    let call = &refused.attach.target;
    matches!(refused.errno, "ENOENT" | "EINVAL").then(|| {
        Refusal::no_target(
            format!("system call `{call}` not found"),
            format!(
                "Write its name without sys_. Search for it with: grep sys_{call} /proc/kallsyms"
            ),
        )
    })
}

fn multi_refused(refused: &Refused<'_>) -> Option<Refusal> {
    let pattern = &refused.attach.target;
    (refused.errno == "ENOENT").then(|| {
        Refusal::no_target(
            format!("no kernel function is named `{pattern}`"),
            "List the functions that can be traced with: sudo cat \
             /sys/kernel/tracing/available_filter_functions"
                .to_owned(),
        )
    })
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
        "EINVAL" | "EILSEQ" if refused.attach.number(OFFSET).is_some_and(|offset| offset > 0) => (
            format!("no instruction of `{function}` begins at this offset"),
            "List the instructions with: gdb -batch -ex 'disassemble FUNCTION' vmlinux, or write \
             no offset."
                .to_owned(),
        ),
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
