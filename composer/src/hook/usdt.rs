//! USDT: the probes that a program or library marks for tracers, with arguments.

use super::{
    Attach, HostKind, Mechanism, Misfit, Refusal, Refused, TargetKey, Template, UsdtProbe, uprobe,
};
use crate::{diag::Code, object::ProgramKind};

pub(super) static USDT: HostKind = HostKind {
    name: "usdt",
    aliases: &[],
    program: ProgramKind::Usdt,
    section: "usdt",
    summary: "A USDT probe of a program or library, in each place where that has it.",
    target: TargetKey {
        what: "a USDT probe",
        form: Some("BINARY:PROVIDER:PROBE"),
        example: EXAMPLE,
        parts: &["probe"],
        pattern: Some("^[^:]+:[^:]+:[^:]+$"),
        read,
    },
    mechanism: |attach| {
        let (binary, provider, name) = parts(&attach.target).unwrap_or_default();
        Mechanism::Usdt(UsdtProbe { binary, provider, name, pid: uprobe::pid(attach) })
    },
    refused,
    template: Template {
        program: include_str!("templates/usdt.bpf.c"),
        target: EXAMPLE,
        ..uprobe::AT_ENTRY.template
    },
    source: (
        "int BPF_USDT(f, long first, ...)",
        "the probe's arguments, as `usdt.bpf.h` of libbpf reads them; `bpf_usdt_cookie(ctx)` is the \
         host's `cookie`",
    ),
    ..uprobe::AT_ENTRY
};

const EXAMPLE: &str = "/usr/bin/python3:python:function__entry";

fn parts(target: &str) -> Option<(&str, &str, &str)> {
    let (binary, probe) = target.split_once(':')?;
    let (provider, name) = probe.split_once(':')?;
    Some((binary, provider, name))
}

fn read(text: &str) -> Result<String, Misfit> {
    let is_whole = |(binary, provider, name): &(&str, &str, &str)| {
        ![*binary, *provider, *name].iter().any(|part| part.is_empty() || part.contains(':'))
    };
    match parts(text).filter(is_whole) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Misfit {
            label: "not of the form BINARY:PROVIDER:PROBE",
            help: "Write the path or the name of a program or library, its provider and the probe, \
                   with colons in between: \
                   /usr/bin/python3:python:function__entry.",
        }),
    }
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let Attach { target, .. } = refused.attach;
    let (binary, provider, name) = parts(target)?;
    let (why, help) = match refused.call {
        "find probe" => (
            format!("{binary} has no probe `{provider}:{name}`"),
            refused.or_candidate(
                &format!("{provider}:{name}"),
                format!("List its probes with: readelf -n {binary}"),
            ),
        ),
        "read argument of probe" => {
            return Some(Refusal {
                code: Code::Refused,
                why: format!("`{provider}:{name}` has {}", refused.message),
                help: format!(
                    "Attach a uprobe to the place instead, {{ uprobe = \"{binary}:OFFSET\" }}, or \
                     write a program without bpf_usdt_arg. It reads constants, general registers and \
                     memory at a register."
                ),
            });
        }
        "find binary" => uprobe::no_binary(binary),
        "find process" => uprobe::no_process(refused.attach),
        _ => return None,
    };
    Some(Refusal::no_target(why, help))
}
