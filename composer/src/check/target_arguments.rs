//! Hosts that read more arguments than their target, such as a raw tracepoint, has.

use super::{Context, flow::loaded, title};
use crate::{
    chain::NodeKind,
    diag::{Code, Diagnostic},
    hook::Lookup,
};

/// Each argument is this many bytes of the context.
const ARGUMENT: u32 = 8;

pub(super) fn check(context: &mut Context<'_>) {
    for (index, node) in context.chain.graph.nodes() {
        let NodeKind::Host(host) = &node.kind else { continue };
        let Some(attach) = &host.attach else { continue };
        let (kind, target) = (attach.value.kind, attach.value.target.as_str());
        let Some(Lookup { what, arguments: Some(arguments), .. }) = &kind.lookup else { continue };
        if context.misfits.contains(&index) {
            continue;
        }
        let Some(load) = context.own(index) else { continue };
        let loaded = loaded(context, index, &load);
        let mut findings = loaded.into_iter().map(|loaded| context.readings.of(&load, loaded));
        let reach = findings.next().and_then(|findings| findings.context_reach());
        let Some(reach) = reach else { continue };
        let read = reach.div_ceil(ARGUMENT) as usize;
        let kernels = context.kernels.profiles.iter();
        let counts = kernels.filter_map(|profile| {
            profile.targets.as_deref().and_then(|targets| (arguments.count)(target, targets))
        });
        let Some(least) = counts.min().filter(|count| *count < read) else { continue };
        let found = Diagnostic::new(
            Code::RawTracepointArguments,
            format!(
                "{} reads argument {read} of {what} `{target}`, which has only {least}",
                title(node)
            ),
        )
        .label(&attach.span, format!("{least} arguments"))
        .label(&host.program.span, format!("reads argument {read}"))
        .errno("EINVAL")
        .help(arguments.help);
        context.push_where(found, |profile| {
            let targets = profile.targets.as_deref();
            let count = targets.and_then(|targets| (arguments.count)(target, targets));
            count.is_some_and(|count| count < read)
        });
    }
}
