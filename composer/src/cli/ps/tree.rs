//! Programs as trees: below each those that replace or trace its functions.

use std::fmt::Write as _;

use crate::cli::ink::Ink as _;
use freplace_compose::{
    inert,
    running::{Census, Dispatcher, Forest, RunningProgram, TreeNode},
};

/// All programs.
pub(super) fn forest(census: &Census) -> String {
    let mut out = String::new();
    for root in &Forest::of(census).roots {
        write(census, root, "", "", &mut out);
    }
    out
}

/// These, and what is on them.
pub(super) fn of(census: &Census, programs: &[&RunningProgram]) -> String {
    let mut out = String::new();
    for program in programs {
        write(census, &TreeNode::below(census, program), "", "", &mut out);
    }
    out
}

/// Adds the lines of a node: its own behind `first`, those below it behind `rest`.
fn write(census: &Census, node: &TreeNode<'_>, first: &str, rest: &str, out: &mut String) {
    let program = node.program;
    let mut line = String::new();
    if let Some((how, function)) = node.on {
        let function = inert::line(function.unwrap_or("?"));
        line += &format!("{} {function}  ", how.word().dimmed());
    }
    line += &format!("{} ", inert::line(&program.name).bold());
    line += &format!("({})  {}", program.id, program.program_type.name());
    if node.on.is_none() {
        let mut places = census.places(program);
        places.extend(super::tables(program));
        if !places.is_empty() {
            line += &format!("  {}", inert::line(&places.join(", ")));
        }
    }
    if node.repeated {
        out.push_str(first);
        let _ = writeln!(out, "{line}  {}", "shown above".dimmed());
        return;
    }
    if let Some(dispatcher) = Dispatcher::of(census, program) {
        line += &format!("  {}", super::dispatcher(&dispatcher));
    }
    let held = super::held_by(program);
    if !held.is_empty() {
        line += &format!("  held by {}", inert::line(&held)).dimmed().to_string();
    }
    // A String takes everything.
    let _ = writeln!(out, "{first}{line}");
    let last = node.children.len().saturating_sub(1);
    for (index, child) in node.children.iter().enumerate() {
        let (branch, below) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        write(census, child, &format!("{rest}{branch}"), &format!("{rest}{below}"), out);
    }
}
