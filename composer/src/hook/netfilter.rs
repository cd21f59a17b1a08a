//! Netfilter: a hook of the IP stack, among the tables of iptables and nftables.

use super::{
    Anchor, Attach, HostKind, KeySpec, Mechanism, Position, Refusal, Refused, Returns, TargetKey,
    Template, Values,
};
use crate::{
    diag::Code,
    hook::Misfit,
    object::{AttachType, ProgramKind, ProgramType},
};

pub(super) static NETFILTER: HostKind = HostKind {
    name: "netfilter",
    aliases: &["nf"],
    summary: "A netfilter hook of the network namespace.",
    program: ProgramKind::Netfilter,
    program_type: ProgramType::Netfilter,
    section: "netfilter",
    expected_attach_type: |_| Some(AttachType::Netfilter),
    attach_btf: |_| None,
    not_replaceable: None,
    // Packets pass in whatever context the kernel is in.
    has_task: false,
    verdicts: &[("NF_DROP", 0), ("NF_ACCEPT", 1)],
    returns: |_| Some(&DROP_OR_ACCEPT),
    replacement_returns: Some(&DROP_OR_ACCEPT),
    target: TargetKey {
        what: "a netfilter hook",
        form: Some("FAMILY/HOOK"),
        example: "ipv4/local_in",
        parts: &["family", "hook"],
        pattern: Some("^ipv[46]/(pre_routing|local_in|forward|local_out|post_routing)$"),
        read,
    },
    settings: &[KeySpec {
        key: PRIORITY,
        what: "a priority",
        doc: "Programs with lower priority run earlier; iptables' `filter` tables have 0, and the \
              kernel takes one eBPF program for each priority. 0 when not given.",
        values: Values::Number(i32::MIN as i64 + 1, i32::MAX as i64 - 1),
        excludes: &[],
        need: |_| None,
    }],
    mechanism: |attach| {
        let (family, hook) = numbers(&attach.target).unwrap_or_default();
        Mechanism::Link {
            at: Anchor::Netfilter { family, hook, priority: priority(attach) },
            attach_type: AttachType::Netfilter,
            flags: 0,
            position: Position::Default,
        }
    },
    // The kernel has the program type where it has such links.
    needs: &[],
    modules: &[],
    exclusive: None,
    map: None,
    lookup: None,
    refused,
    template: Template {
        program: include_str!("templates/netfilter.bpf.c"),
        target: "ipv4/local_in",
        elsewhere: None,
        stub: "verdict",
        traffic: "ping -c 1 127.0.0.1",
        since: Some("6.4"),
    },
    source: (
        "int f(struct bpf_nf_ctx *ctx)",
        "`ctx->skb` and `ctx->state`, pointers to the kernel's structs; it returns NF_DROP or \
         NF_ACCEPT",
    ),
};

const PRIORITY: &str = "priority";

/// `NFPROTO_...` and `NF_INET_...`,
/// <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/netfilter.h>.
const FAMILIES: &[(&str, u32)] = &[("ipv4", 2), ("ipv6", 10)];
const HOOKS: &[&str] = &["pre_routing", "local_in", "forward", "local_out", "post_routing"];

static DROP_OR_ACCEPT: Returns =
    Returns { least: 0, most: 1, help: "Return NF_ACCEPT (1) or NF_DROP (0).", refused_by: None };

/// The kernel's numbers for `ipv4/local_in`.
fn numbers(target: &str) -> Option<(u32, u32)> {
    let (family, hook) = target.split_once('/')?;
    let (_, family) = FAMILIES.iter().find(|(name, _)| *name == family)?;
    let hook = HOOKS.iter().position(|name| *name == hook)?;
    Some((*family, u32::try_from(hook).ok()?))
}

fn read(text: &str) -> Result<String, Misfit> {
    match numbers(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Misfit {
            label: "not a netfilter hook",
            help: "Write ipv4/HOOK or ipv6/HOOK, where HOOK is pre_routing, local_in, forward, \
                   local_out or post_routing.",
        }),
    }
}

fn priority(attach: &Attach) -> i32 {
    attach.number(PRIORITY).and_then(|priority| i32::try_from(priority).ok()).unwrap_or(0)
}

fn refused(refused: &Refused<'_>) -> Option<Refusal> {
    let priority = priority(refused.attach);
    let target = &refused.attach.target;
    matches!(refused.errno, "EBUSY" | "EEXIST").then(|| Refusal {
        code: Code::Busy,
        why: format!("{target} already has an eBPF program with priority {priority}"),
        help: "Write another priority. List the programs with: bpftool link".to_owned(),
    })
}
