//! Does a raw tracepoint have as many arguments as its host reads?
//!
//! `bpf_probe_register`,
//! <https://github.com/torvalds/linux/blob/v6.12/kernel/trace/bpf_trace.c>: a program that reads
//! beyond the last argument is loaded, and refused when it is attached.

use super::{Context, flow::loaded, title};
use crate::{
    chain::{Attach, NodeKind},
    diag::{Code, Diagnostic},
};

/// Each argument is this many bytes of the context.
const ARGUMENT: u32 = 8;

pub(super) fn check(context: &mut Context<'_>) {
    for (index, node) in context.chain.graph.nodes() {
        let NodeKind::Host(host) = &node.kind else { continue };
        let Some(attach) = &host.attach else { continue };
        let Attach::RawTracepoint { name } = &attach.value else { continue };
        if context.misfits.contains(&index) {
            continue;
        }
        let Some(load) = context.own(node) else { continue };
        let loaded = loaded(context, index, &load);
        let mut findings = loaded.into_iter().map(|loaded| context.readings.of(&load, loaded));
        let reach = findings.next().and_then(|findings| findings.context_reach());
        let Some(reach) = reach else { continue };
        let read = reach.div_ceil(ARGUMENT) as usize;
        let kernels = context.kernels.profiles.iter();
        let counts = kernels.filter_map(|profile| {
            profile.targets.as_deref().and_then(|targets| targets.raw_tracepoint_arguments(name))
        });
        let Some(least) = counts.min().filter(|count| *count < read) else { continue };
        let found = Diagnostic::new(
            Code::RawTracepointArguments,
            format!(
                "{} reads argument {read} of raw tracepoint `{name}`, which has {least}",
                title(node)
            ),
        )
        .label(&attach.span, format!("{least} arguments"))
        .label(&host.program.span, format!("reads argument {read}"))
        .errno("EINVAL")
        .help(
            "A raw tracepoint hands over the arguments of its TP_PROTO, without more. \
             `bpftool btf dump file /sys/kernel/btf/vmlinux` shows them at btf_trace_NAME.",
        );
        context.push_where(found, |profile| {
            let targets = profile.targets.as_deref();
            let count = targets.and_then(|targets| targets.raw_tracepoint_arguments(name));
            count.is_some_and(|count| count < read)
        });
    }
}
