//! Turns a rejection by the kernel into a diagnostic at the line that caused the operation.

use super::{Failure, NotUndone, maps, rule::rules, short::short_of, verifier_log::Excerpt};
use crate::{
    diag::{Code, Diagnostic},
    errno::errno_name,
    hook::{Attach, Refusal, Refused},
    kernel::{COMPARE, KernelError, PIN},
    plan::{Action, Operation, Plan},
    profile::Targets,
};

const PERMISSION: &str =
    "Run it as root, or with --vm in a micro-VM. `freplace-compose doctor` shows what is missing.";

/// Explains why `plan` failed on a kernel with these `targets`. With `whole_log`, the verifier log
/// is shown as well.
#[must_use]
pub fn explain(failure: &Failure, plan: &Plan, targets: &Targets, whole_log: bool) -> Diagnostic {
    let operation = &plan[failure.operation];
    let error = &failure.error;
    let node = operation.node.and_then(|node| plan.nodes.get(node));
    let name = node.map_or("", |node| node.id.as_str());
    let (code, message, help) = lacking(error, operation, name)
        .unwrap_or_else(|| judge(error, operation, name, targets, whole_log));
    let found = Diagnostic::new(code, message)
        .maybe_label(operation.span.as_ref(), answer(error))
        .help(help);
    let found = match &error.holder {
        Some(holder) => found.note(format!("in use by  {holder}")),
        None => found,
    };
    let log = error.log.as_deref().unwrap_or_default();
    let excerpt = Excerpt::of(log, &error.lines);
    let words = excerpt.as_ref().map(|found| found.words.clone()).unwrap_or_default();
    let found = told(found, log, excerpt, whole_log);
    match rules(error, &words, operation, plan).as_slice() {
        [] => found,
        rules => found.note(pointer(rules, error)),
    }
}

/// Adds what is telling in `log`, and with `whole_log` all of it.
fn told(found: Diagnostic, log: &str, excerpt: Option<Excerpt<'_>>, whole_log: bool) -> Diagnostic {
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let whole = whole_log && !lines.is_empty();
    let found = match excerpt {
        Some(excerpt) if whole => found.note(Excerpt { more: 0, ..excerpt }.to_string()),
        Some(excerpt) => found.note(excerpt.to_string()),
        None => found,
    };
    if whole {
        found.note(format!("complete verifier log\n  {}", lines.join("\n  ")))
    } else {
        found
    }
}

/// `this is FC0304, a stub that returns something else than a scalar`, and where there is more.
fn pointer(rules: &[Code], error: &KernelError) -> String {
    let names: Vec<_> = rules.iter().map(|code| format!("{code}: {}", code.page().title)).collect();
    let codes: Vec<_> = rules.iter().map(ToString::to_string).collect();
    // EINVAL without a word has many reasons, of which the rule is the likely one.
    let bare = error.log.is_none() && error.errno == Some(libc::EINVAL);
    let verb = if bare || rules.len() > 1 { "may violate" } else { "violates" };
    let names = names.join("\n  or ");
    format!("this {verb} {names}\n  freplace-compose explain {}", codes.join(" "))
}

/// Explains what could not be undone.
#[must_use]
pub fn explain_left(left: &[NotUndone], plan: &Plan) -> Diagnostic {
    let mut found = Diagnostic::new(
        Code::UndoIncomplete,
        format!("{} of the chain's operations could not be rolled back", left.len()),
    )
    .help(
        "Check for remaining objects with `bpftool prog`, `bpftool link` and `bpftool map`. The \
         kernel releases everything of the chain when this process ends, except a tracefs \
         instance, which the next `up` with `printk` removes.",
    );
    for one in left {
        let operation = &plan[one.operation];
        let node = operation.node.and_then(|node| plan.nodes.get(node));
        let name = node.map_or_else(String::new, |node| format!(" of `{}`", node.id));
        let what = match &operation.action {
            Action::CreateMap { map, .. } => format!("map `{}`", map.name),
            Action::Load { .. } => "program".to_owned(),
            Action::Fill { table, entry, .. } => format!("entry {entry} of `{table}`"),
            Action::Listen => "tracefs instance".to_owned(),
            _ => "link".to_owned(),
        };
        let text = format!("{what}{name} remains: {}", answer(&one.error));
        found = found.maybe_label(operation.span.as_ref(), text);
    }
    found
}

/// `BPF_LINK_CREATE: EBUSY`
fn answer(error: &KernelError) -> String {
    match error.errno {
        Some(number) => format!("{}: {}, {}", error.call, errno_name(number), error.message),
        None => format!("{}: {}", error.call, error.message),
    }
}

/// What a program asks of the kernel that it does not have, when it was refused for that.
fn lacking(
    error: &KernelError,
    operation: &Operation,
    name: &str,
) -> Option<(Code, String, String)> {
    let Action::Load { program, .. } = &operation.action else { return None };
    let (missing, help) = match error.log.as_deref() {
        Some(log) => {
            let at = poisoned(log)?;
            let (_, missing) = error.missing.iter().find(|(missing, _)| *missing == at)?;
            let help = "Test for it first with bpf_core_field_exists(...), \
                        bpf_core_type_exists(...) or bpf_core_enum_value_exists(...).";
            (missing, help.to_owned())
        }
        None => {
            let (_, missing) = error.missing.first()?;
            let help = format!("If `{missing}` is optional, declare it __weak and test it.");
            (missing, help)
        }
    };
    let message =
        format!("kernel symbol or field `{missing}` of `{program}` of `{name}` not found");
    Some((Code::KernelLacksName, message, help))
}

/// The number of the last instruction in `log`, when it stands for something that CO-RE did not
/// find.
fn poisoned(log: &str) -> Option<u32> {
    let is_call = |line: &&str| line.contains(": (85) call unknown#195896080");
    let line = log.lines().rfind(is_call)?;
    line.split_once(':')?.0.trim().parse().ok()
}

fn judge(
    error: &KernelError,
    operation: &Operation,
    name: &str,
    targets: &Targets,
    whole_log: bool,
) -> (Code, String, String) {
    let refused = |code, message: String, help: &str| (code, message, help.to_owned());
    // Whatever was asked for: a program may have been verified, with a log of that, and then there
    // is no descriptor for it.
    if let Some((code, what, help)) = short_of(error.errno) {
        return refused(code, format!("{}: {what}", undone(operation, name)), help);
    }
    match (&operation.action, error.errno) {
        (Action::Load { program, .. }, Some(_)) if error.log.is_some() => refused(
            Code::Rejected,
            format!("the verifier rejected `{program}` of `{name}`"),
            match whole_log {
                true => "See the last lines of the log for the reason.",
                false => {
                    "See the last lines for the reason. Use -v to show the complete log, or \
                          --verifier-log to save it."
                }
            },
        ),
        // perf_event_open(2) says EACCES, bpf(2) says EPERM.
        (Action::AttachHook { attach, .. }, Some(libc::EPERM | libc::EACCES))
            if refusal(attach, error, targets).is_none() =>
        {
            refused(
                Code::NotPermitted,
                format!("no permission to attach `{name}` to its {} hook", attach.kind.name),
                PERMISSION,
            )
        }
        (Action::AttachHook { attach, .. } | Action::Run { attach, .. }, _) => {
            hook(attach, error, &undone(operation, name), targets)
        }
        (Action::AttachReplacement { target, .. }, Some(libc::EBUSY)) => refused(
            Code::Busy,
            format!("`{name}` cannot replace `{}`: the function is in use", target.function),
            "Trace the replacement instead of the stub. A function is either traced or replaced, \
             and only once; `bpftool link` lists the program that holds it.",
        ),
        (Action::AttachTracer { .. }, Some(libc::EBUSY)) => refused(
            Code::Busy,
            format!("`{name}` cannot trace its target: the function is in use"),
            "Trace the replacement instead. A function is either traced or replaced, never both.",
        ),
        (Action::AttachReplacement { target, .. }, Some(libc::EINVAL)) => refused(
            Code::Refused,
            format!("`{name}` rejected as replacement of `{}`", target.function),
            "Give all stubs of the replacement the same prototype. At a second stub, EINVAL \
             without a log means that its prototype differs from the first one's.",
        ),
        (Action::CreateMap { map, pin: Some(pin), .. }, _)
            if matches!(error.call, COMPARE | PIN | "BPF_OBJ_GET") =>
        {
            maps::pin(map, pin, error)
        }
        (Action::CreateMap { map, .. }, Some(libc::EPERM)) => refused(
            Code::NotPermitted,
            format!("no permission to create map `{}`", map.name),
            PERMISSION,
        ),
        (Action::Listen, _) => refused(
            Code::NoTracefs,
            "cannot create a tracefs instance for bpf_printk output".to_owned(),
            "Mount tracefs, or remove `printk` from the chain. `printk` requires a folder in \
             /sys/kernel/tracing/instances with the event bpf_trace/bpf_trace_printk, which \
             exists since 5.9.",
        ),
        (_, Some(libc::EPERM)) => refused(
            Code::NotPermitted,
            format!("no permission to load or attach `{name}`"),
            PERMISSION,
        ),
        (Action::CreateMap { map, .. }, Some(errno)) => {
            (Code::Refused, format!("map `{}` cannot be created", map.name), maps::why(map, errno))
        }
        (Action::Fill { table, entry, with }, _) => maps::fill(table, *entry, with, error),
        (action, errno) => refused(Code::Refused, undone(operation, name), remedy(action, errno)),
    }
}

/// What an operation came to: `` `k_accept` of `accept` cannot be loaded ``.
fn undone(operation: &Operation, name: &str) -> String {
    match &operation.action {
        Action::CreateMap { map, .. } => format!("map `{}` cannot be created", map.name),
        Action::Load { program, .. } => format!("`{program}` of `{name}` cannot be loaded"),
        Action::Run { .. } => format!("`{name}` cannot be run"),
        _ => format!("`{name}` cannot be attached"),
    }
}

/// What to look at, by what was refused and whether it was the kernel that refused it.
fn remedy(action: &Action, errno: Option<i32>) -> &'static str {
    match (action, errno) {
        (_, None) => {
            "Check the object with `freplace-compose inspect`. It could not be prepared for \
             loading, so no system call was made."
        }
        // An empty log: it was refused before the verifier looked at it.
        (Action::Load { .. }, _) => {
            "Check whether this kernel supports the program type with `freplace-compose doctor`. \
             The program was rejected before verification."
        }
        _ => {
            "Check what is attached with `bpftool link`, or try another kernel with `up --vm`. \
             The kernel gives no reason for a failed attachment."
        }
    }
}

/// What the refusal of an attachment means to its kind.
fn refusal(attach: &Attach, error: &KernelError, targets: &Targets) -> Option<Refusal> {
    let refused = Refused {
        attach,
        call: error.call,
        errno: error.errno.map_or("", errno_name),
        message: &error.message,
        candidates: error.candidates(),
        targets,
    };
    (attach.kind.refused)(&refused)
}

/// Why a host cannot be attached or run, which `undone` says, as its kind explains it.
fn hook(
    attach: &Attach,
    error: &KernelError,
    undone: &str,
    targets: &Targets,
) -> (Code, String, String) {
    match refusal(attach, error, targets) {
        Some(Refusal { code, why, help }) => (code, format!("{undone}: {why}"), help),
        None => (
            Code::Refused,
            format!("{undone} ({} {attach})", attach.kind.name),
            "Check what this kernel supports with `freplace-compose doctor`.".to_owned(),
        ),
    }
}
