//! The programs of a kernel as a chain file to start from.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::json;

use super::{Census, Effect, Place, RunningProgram, RunningType};
use crate::object::ProgramType;

/// A chain file that has `programs`, which are part of `census`, as its hosts: with a stub for each function
/// that can be replaced, and in comments what the kernel does not tell.
#[must_use]
pub fn import(census: &Census, programs: &[&RunningProgram]) -> String {
    let mut out = String::from(
        "# The programs that ran when this was written. Stubs are the global functions that nothing replaces\n\
         # and nothing traces; add replacements for them, and tracers. Remove what is not needed.\n\
         name = \"imported\"\n",
    );
    let mut names = GivenIds::default();
    for program in programs {
        one(census, program, &mut names, &mut out);
    }
    out
}

/// A name as the id of a node has it.
#[must_use]
pub fn id_of(name: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' };
    let id: String = name.chars().map(letter).collect();
    if id.is_empty() { "unnamed".to_owned() } else { id }
}

/// Ids that are taken.
#[derive(Default)]
struct GivenIds(BTreeSet<String>);

impl GivenIds {
    /// `name`, or with a number where that is taken.
    fn give(&mut self, name: &str) -> String {
        let stem = id_of(name);
        let mut id = stem.clone();
        let mut number = 2;
        while !self.0.insert(id.clone()) {
            id = format!("{stem}.{number}");
            number += 1;
        }
        id
    }
}

// A String takes everything, here and below.
fn one(census: &Census, program: &RunningProgram, names: &mut GivenIds, out: &mut String) {
    out.push('\n');
    let _ = writeln!(out, "# {}", comment(&about(census, program)));
    for place in &program.attachments {
        let _ = writeln!(out, "# {}", comment(&census.words(&place.place)));
    }
    let is_tracer =
        matches!(program.program_type, RunningType::Known(ProgramType::Tracing | ProgramType::Lsm));
    if program.functions.is_empty() || matches!(program.program_type, RunningType::Other(_)) {
        out.push_str("# It has no BTF: nothing of it can be replaced or traced.\n");
        return;
    }
    if is_tracer {
        out.push_str(
            "# A tracing program: a chain of your own has a [tracer.NAME] or a host of its kind.\n",
        );
        return;
    }
    let host = names.give(&program.name);
    let _ = writeln!(out, "[host.{}]\nrunning = {}", json!(host), reference(census, program));
    let is_extension = matches!(program.program_type, RunningType::Known(ProgramType::Ext));
    if is_extension {
        out.push_str("# A replacement: its functions can be traced, and not replaced.\n");
        return;
    }
    for function in program.functions.iter().skip(1) {
        let on: Vec<_> =
            census.on(program.id).filter(|(_, id, _)| *id == function.btf_id).collect();
        let prototype = function.prototype.as_deref().unwrap_or(&function.name);
        if let Some((how, _, by)) = on.first() {
            let what = if *how == Effect::Replaces { "is replaced" } else { "is traced" };
            let _ = writeln!(
                out,
                "# {} {what} by {} ({})",
                comment(prototype),
                comment(&by.name),
                by.id
            );
        } else if function.global {
            let _ = writeln!(
                out,
                "\n# {}\n[stub.{}]\nfunction = {}\nhosts = [{}]",
                comment(prototype),
                json!(names.give(&function.name)),
                json!(function.name),
                json!(host)
            );
        } else {
            let _ = writeln!(out, "# static, can be traced: {}", comment(prototype));
        }
    }
}

/// What a program is, in a line.
fn about(census: &Census, program: &RunningProgram) -> String {
    let holders: Vec<_> = program.holders().into_iter().map(ToString::to_string).collect();
    let mut text =
        format!("{}: program {}, {}", program.name, program.id, program.program_type.name());
    if !holders.is_empty() {
        let _ = write!(text, ", held by {}", holders.join(", "));
    }
    if super::Dispatcher::of(census, program).is_some() {
        text.push_str(", a dispatcher");
    }
    text
}

/// How the program is found again: by its name where that is its alone, by where it is attached, else by its
/// number.
fn reference(census: &Census, program: &RunningProgram) -> String {
    let is_alone = |is_it: &dyn Fn(&RunningProgram) -> bool| {
        census.programs.iter().filter(|one| is_it(one)).count() == 1
    };
    if !program.name.is_empty() && is_alone(&|one| one.name == program.name) {
        return format!("{{ name = {} }}", json!(program.name));
    }
    for attachment in &program.attachments {
        let Place::Kernel { kind, at, namespace: None } = &attachment.place else { continue };
        let Some(key) =
            ["xdp", "tcx", "tc"].into_iter().find(|key| kind.split('/').next() == Some(*key))
        else {
            continue;
        };
        let Some(interface) = at.split(' ').next() else { continue };
        let Ok(name) = format!("{key}:{interface}").parse::<super::ProgramRef>() else { continue };
        if name.one(census).is_ok() {
            return format!("{{ {key} = {} }}", json!(interface));
        }
    }
    format!("{{ id = {} }} # its name is not its alone", program.id)
}

/// A text within a comment.
fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::import;
    use crate::{chain::Chain, running::tests::census};

    #[test]
    fn what_is_written_is_a_chain() {
        let census = census();
        let programs: Vec<_> = census.programs.iter().collect();
        let text = import(&census, &programs);
        let chain = Chain::parse("imported.toml".as_ref(), text.clone()).expect("a chain");
        assert_eq!(chain.name, "imported");
        let ids: Vec<_> = chain.graph.nodes().map(|(_, node)| node.id.value.as_str()).collect();
        assert_eq!(
            ids,
            ["sd_fw_egress", "xdp_dispatcher", "prog1", "compat_test", "xdp_drop", "count_packets"]
        );
        assert!(
            text.contains("# int prog0(struct xdp_md *ctx) is replaced by xdp_drop (44)"),
            "{text}"
        );
    }
}
