//! Sleepable programs at targets that do not allow them.
//!
//! The kernel allows sleepable tracers on certain functions of its own, and on no eBPF program:
//! `bpf_check_attach_target`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.

use super::{Context, title};
use crate::{
    chain::NodeKind,
    diag::{Code, Diagnostic},
};

pub(super) fn check(context: &mut Context<'_>) {
    let graph = &context.chain.graph;
    for (index, node) in graph.nodes() {
        let NodeKind::Tracer(tracer) = &node.kind else { continue };
        if context.misfits.contains(&index) {
            continue;
        }
        let Some(of) = context.names.program(index) else { continue };
        let program = of.program();
        let Some((_, function)) = graph.functions_of(index).first().copied() else { continue };
        if !program.traits.sleepable {
            continue;
        }
        let awake = program.section.replacen(".s", "", 1);
        let message = format!("{} is sleepable, but `{function}` is not", title(node));
        let label = format!("is SEC(\"{}\")", program.section);
        let found = Diagnostic::new(Code::NotSleepable, message)
            .label(of.asked(), label)
            .label(&tracer.target.span, "target")
            .says("EINVAL", format!("{function} is not sleepable"))
            .help(format!(
                "Compile it as SEC(\"{awake}\"), and remove calls of sleepable helpers such as \
                 bpf_copy_from_user(). Tracers of eBPF programs cannot be sleepable."
            ));
        context.found.push(found);
        context.misfits.insert(index);
    }
}
