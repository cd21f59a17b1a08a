//! Generates chains of any size for measurements: groups of ten nodes that a kernel would accept,
//! or with one error in each group.

use std::fmt::Write as _;

/// The error in each group of ten nodes of a generated chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    /// No error.
    None,
    /// A misspelt id or key.
    Spelling,
    /// An error that depends on the objects: a missing program, a prototype that does not match, a
    /// function that is replaced twice.
    Rules,
}

/// Nodes of one group.
const GROUP: usize = 10;

/// A chain of `nodes` nodes, rounded down to tens.
pub(super) fn generate(nodes: usize, mistake: Defect) -> String {
    let mut text = String::new();
    for number in 0..nodes / GROUP {
        let of = |wanted: Defect, turn: usize| mistake == wanted && number % 3 == turn;
        let handler = if of(Defect::Spelling, 0) { "handlr" } else { "handler" };
        let attach = if of(Defect::Spelling, 1) { "atach" } else { "attach" };
        let kprobe = if of(Defect::Spelling, 2) { "kprob" } else { "kprobe" };
        let program = if of(Defect::Rules, 0) { "freplace_handle" } else { "freplace_handler" };
        let object = if of(Defect::Rules, 1) { "tcp-map-replacement" } else { "tcp-replacement" };
        let stub = if of(Defect::Rules, 2) { "handler" } else { "other" };
        // A String takes everything.
        let _ = write!(
            text,
            r#"[host.connect-{number}]
object = "builtin:tcp"
program = "k_tcp_connect"
{attach} = {{ kprobe = "tcp_connect" }}

[host.accept-{number}]
object = "builtin:tcp"
program = "k_icsk_complete_hashdance"
attach = {{ kprobe = "inet_csk_complete_hashdance" }}

[host.other-host-{number}]
object = "builtin:tcp"
program = "k_tcp_connect"
attach = {{ {kprobe} = "tcp_connect" }}

[stub.handler-{number}]
function = "stub_handler"
hosts = ["connect-{number}", "accept-{number}"]

[stub.other-{number}]
function = "stub_handler"
hosts = ["other-host-{number}"]

[replacement.new-{number}]
object = "builtin:{object}"
program = "{program}"
stub = "{handler}-{number}"

[replacement.newer-{number}]
object = "builtin:tcp-replacement"
program = "freplace_handler"
stub = "{stub}-{number}"

[tracer.before-{number}]
fentry = "new-{number}"
object = "builtin:tcp-tracer"
program = "fentry_freplace_handler"

[tracer.after-{number}]
fexit = "new-{number}"
object = "builtin:tcp-tracer"
program = "fexit_freplace_handler"

[tracer.entry-{number}]
fentry = "connect-{number}"
object = "builtin:tcp-tracer"
program = "fentry_freplace_handler"

"#
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Defect, generate};

    #[test]
    fn a_chain_has_as_many_nodes_as_asked_for() {
        let text = generate(1000, Defect::None);
        assert_eq!(text.lines().filter(|line| line.starts_with('[')).count(), 1000);
        assert_ne!(text, generate(1000, Defect::Spelling));
    }
}
