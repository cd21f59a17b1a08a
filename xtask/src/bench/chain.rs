//! Chains of any size, for measuring: groups of ten nodes that a kernel would take, or with one
//! mistake in each.

use std::fmt::Write as _;

/// What is wrong with a generated chain: one thing in each group of ten nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    /// Nothing.
    None,
    /// A reference to an id that is misspelt, or a key that is.
    Spelling,
    /// What only the objects tell: a program that is not there, a prototype that does not fit, a
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
