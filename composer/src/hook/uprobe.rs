//! Uprobes: a function of a program or library, at its entry or at its return.

use super::{
    Attach, HostKind, KeySpec, Mechanism, Misfit, PERF_LINKS, PerfEvent, Refusal, Refused,
    TargetKey, Template, Values, cookie::COOKIE_KEY,
};
use crate::object::{ProgramKind, ProgramType};

pub(super) static UPROBE: HostKind = AT_ENTRY;

pub(super) const AT_ENTRY: HostKind = HostKind {
    name: "uprobe",
    aliases: &["u"],
    summary: "A function of a program or library, at its entry.",
    program: ProgramKind::Uprobe,
    program_type: ProgramType::Kprobe,
    section: "uprobe",
    expected_attach_type: |_| None,
    attach_btf: |_| None,
    not_replaceable: None,
    has_task: true,
    verdicts: &[],
    returns: |_| None,
    replacement_returns: None,
    target: TargetKey {
        what: "a function of a program",
        form: Some("BINARY:FUNCTION"),
        example: "/bin/bash:readline",
        parts: &["function"],
        pattern: Some("^[^:]+:.+$"),
        read,
    },
    settings: &[
        KeySpec {
            key: PID,
            what: "a process",
            doc: "Only events of the process with this id.",
            values: Values::Number(1, 4_194_304),
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
    // Programs are a machine's, not a kernel's.
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/uprobe.bpf.c"),
        target: "/proc/self/exe:main",
        elsewhere: None,
        stub: "wanted",
        traffic: "true",
        since: None,
    },
    source: (
        "int f(struct pt_regs *ctx)",
        "`PT_REGS_PARM1(ctx)` to `PT_REGS_PARM5(ctx)`: the arguments; memory of the process is \
         read with `bpf_probe_read_user`",
    ),
};

pub(super) static URETPROBE: HostKind = HostKind {
    name: "uretprobe",
    aliases: &["ur"],
    section: "uretprobe",
    summary: "A function of a program or library, at its return.",
    program: ProgramKind::Uretprobe,
    mechanism: |attach| at(attach, true),
    template: Template { program: include_str!("templates/uretprobe.bpf.c"), ..AT_ENTRY.template },
    source: ("int f(struct pt_regs *ctx)", "`PT_REGS_RC(ctx)`: the result"),
    ..AT_ENTRY
};

const PID: &str = "pid";

fn read(text: &str) -> Result<String, Misfit> {
    match text.rsplit_once(':') {
        Some((binary, place)) if !binary.is_empty() && !place.is_empty() => Ok(text.to_owned()),
        _ => Err(Misfit {
            label: "not of the form BINARY:FUNCTION",
            help: "Write the path or the name of a program or library, a colon, and a function or \
                   an offset in the file: /bin/bash:readline, libssl:SSL_write, /bin/bash:0x1234.",
        }),
    }
}

/// The process that `attach` is for.
pub(super) fn pid(attach: &Attach) -> Option<u32> {
    attach.number(PID).and_then(|pid| u32::try_from(pid).ok())
}

fn at(attach: &Attach, at_return: bool) -> Mechanism<'_> {
    let (binary, place) = attach.target.rsplit_once(':').unwrap_or_default();
    let pid = pid(attach);
    Mechanism::PerfEvent(PerfEvent::Uprobe { binary, place, at_return, pid })
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let (binary, place) = refused.attach.target.rsplit_once(':')?;
    let (why, help) = match (refused.call, refused.errno) {
        ("find binary", _) => no_binary(binary),
        ("find symbol", _) => (
            format!("function `{place}` not found in {binary}"),
            refused.or_candidate(
                place,
                format!(
                    "List the functions with: nm -D {binary}. A stripped program has none but those \
                     that it exports; write an offset in the file."
                ),
            ),
        ),
        ("find process", _) => no_process(refused.attach),
        (_, "EINVAL") => (
            format!("no instruction of {binary} begins at `{place}`"),
            "Write the name of a function, or the offset of an instruction in the file.".to_owned(),
        ),
        _ => return None,
    };
    Some(Refusal::no_target(why, help))
}

/// A program or library that is not there, and what to do.
pub(super) fn no_binary(binary: &str) -> (String, String) {
    let help = "Write its path. Names are looked up in PATH and in the folders of libraries.";
    (format!("program or library `{binary}` not found"), help.to_owned())
}

/// A process that is not there, and what to do.
pub(super) fn no_process(attach: &Attach) -> (String, String) {
    let help = "The process may have ended. List the processes with: ps";
    (format!("process {} not found", attach.number(PID).unwrap_or_default()), help.to_owned())
}
