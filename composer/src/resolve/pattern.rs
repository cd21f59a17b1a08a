//! Tracers that name their functions by a pattern: each becomes a tracer for each function.
//!
//! A pattern is for the functions that a program is loaded with. Those that cannot be traced as asked
//! are left out and reported; a function that is named exactly is left to the rules.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    iter,
};

use petgraph::graph::NodeIndex;

use super::{
    NodeProgram, PartlyResolved, TargetFunction,
    functions::{candidates, list_or_nothing, not_found},
    is_only_jumped_to,
    reach::Walks,
};
use crate::{
    chain::{Graph, Node, NodeKind, Spanned, Tracer, TracerProgram, title},
    diag::{Code, Diagnostic, Severity, nearest},
    object::flow::{self, Fact},
    pattern::NamePattern,
};

/// A chain in which every pattern is a tracer for each function.
pub(super) struct Expansion {
    pub(super) graph: Graph,
    /// Errors about patterns.
    pub(super) wrong: Vec<Diagnostic>,
    /// Errors for which the rules have better messages.
    pub(super) untold: Vec<Diagnostic>,
    /// What was left out.
    pub(super) warnings: Vec<Diagnostic>,
}

/// The pattern of a tracer, if it has one.
fn pattern(node: &Node) -> Option<(&Tracer, &Spanned<String>)> {
    let NodeKind::Tracer(tracer) = &node.kind else { return None };
    let function = tracer.function.as_ref()?;
    NamePattern::is_several(&function.value).then_some((tracer, function))
}

/// Whether `node` traces functions by a pattern.
pub(super) fn has_pattern(node: &Node) -> bool {
    pattern(node).is_some()
}

/// The chain of `names` with its patterns replaced; none if it has none.
pub(super) fn expand(names: &PartlyResolved) -> Option<Expansion> {
    let graph = &names.chain().graph;
    if !graph.nodes().any(|(_, node)| has_pattern(node)) {
        return None;
    }
    let mut search = Search {
        names,
        replaced: replaced(names),
        walks: Walks::default(),
        wrong: Vec::new(),
        untold: Vec::new(),
        warnings: Vec::new(),
    };
    let mut nodes = Vec::new();
    for (index, node) in graph.nodes() {
        search.traces_several(index, node);
        match pattern(node).and_then(|asked| search.functions(index, node, asked)) {
            Some(functions) => nodes.extend(functions.iter().map(|name| one(node, name))),
            None => nodes.push(node.clone()),
        }
    }
    let Search { wrong, untold, warnings, .. } = search;
    Some(Expansion { graph: Graph::with(nodes), wrong, untold, warnings })
}

/// The tracer `node` for one function: a node `ID:FUNCTION`, which no id of a file can be.
fn one(node: &Node, function: &str) -> Node {
    let mut one = node.clone();
    one.id.value = format!("{}:{function}", node.id.value);
    if let NodeKind::Tracer(Tracer { function: Some(named), .. }) = &mut one.kind {
        function.clone_into(&mut named.value);
    }
    one
}

/// The functions that are replaced, by the node whose program holds them and their index, with the node
/// that does.
fn replaced(names: &PartlyResolved) -> HashMap<(NodeIndex, usize), &str> {
    let nodes = names.chain().graph.nodes();
    let replacements = nodes.filter(|(_, node)| matches!(node.kind, NodeKind::Replacement(_)));
    let functions = replacements.flat_map(|(index, node)| {
        names
            .functions(index)
            .map(|function| ((function.holder, function.index), node.id.value.as_str()))
    });
    functions.collect()
}

struct Search<'a> {
    names: &'a PartlyResolved,
    replaced: HashMap<(NodeIndex, usize), &'a str>,
    walks: Walks<'a>,
    wrong: Vec<Diagnostic>,
    untold: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl<'a> Search<'a> {
    /// A tracer of a tracer of several functions.
    fn traces_several(&mut self, index: NodeIndex, node: &Node) {
        let NodeKind::Tracer(tracer) = &node.kind else { return };
        let graph = &self.names.chain().graph;
        let Some(target) = graph.needs(index).first().map(|target| graph.node(*target)) else {
            return;
        };
        // Of a built-in tracer a rule tells.
        let Some((_, function)) = pattern(target).filter(|_| target.built_in().is_none()) else {
            return;
        };
        let message = format!("`{}` traces a tracer of several functions", node.id.value);
        let found = Diagnostic::new(Code::WrongNodeKind, message)
            .label(&tracer.target.span, "traces several functions")
            .label(&function.span, "pattern")
            .help("Write a tracer with one function, and trace that.");
        self.wrong.push(found);
    }

    /// The functions that the tracer at `index` is for; none where that cannot be known.
    fn functions(
        &mut self,
        index: NodeIndex,
        node: &'a Node,
        (tracer, function): (&'a Tracer, &'a Spanned<String>),
    ) -> Option<Vec<&'a str>> {
        let graph = &self.names.chain().graph;
        let holder = graph.needs(index).first().copied()?;
        let target = graph.node(holder);
        let of = self.names.program(holder)?;
        let (object, program) = (of.object(), of.program());
        let missing = || not_found(function, target, object, program, false);
        if target.built_in().is_some() {
            self.untold.push(missing());
            return None;
        }
        let programs = iter::once(program).chain(of.leaves());
        let reached: BTreeSet<usize> = programs.flat_map(|one| object.reachable(one)).collect();
        let reached =
            || reached.iter().filter_map(|index| Some((*index, object.functions.get(*index)?)));
        // By their index; an exact name is never left out.
        let mut found: BTreeMap<usize, (&'a str, bool)> = BTreeMap::new();
        let wrong = self.wrong.len();
        for part in NamePattern::new(&function.value).parts() {
            if !NamePattern::is_several(part) {
                let named = Spanned { value: part.to_owned(), span: function.span.clone() };
                match object.function(part) {
                    Some((index, function)) => {
                        found.insert(index, (&function.name, true));
                    }
                    None => self.wrong.push(not_found(&named, target, object, program, false)),
                }
                continue;
            }
            let is_it = |name: &str| NamePattern::new(part).matches(name);
            let mut matching = reached().filter(|(_, function)| is_it(&function.name)).peekable();
            if matching.peek().is_none() {
                self.wrong.push(no_match(part, function, target, of));
            }
            for (index, function) in matching {
                found.entry(index).or_insert((&function.name, false));
            }
        }
        if self.wrong.len() > wrong {
            return None;
        }
        let facts = self.facts(index, tracer);
        let mut kept = Vec::new();
        let mut left_out = Vec::new();
        for (index_of, (name, is_exact)) in found {
            let one = TargetFunction { holder, name: name.to_owned(), index: index_of };
            match self.why_not(index, tracer, of, &one, &facts).filter(|_| !is_exact) {
                Some(why) => left_out.push((name, why)),
                None => kept.push(name),
            }
        }
        self.tell(node, function, kept.len(), &left_out);
        (!kept.is_empty()).then_some(kept)
    }

    /// What is certain of the tracer's own program.
    fn facts(&self, index: NodeIndex, tracer: &Tracer) -> Vec<Fact> {
        let TracerProgram::Own { .. } = tracer.program else { return Vec::new() };
        let Some(own) = self.names.program(index) else { return Vec::new() };
        let findings = flow::read(own.object(), own.program(), own.program().kind, false);
        findings.certain.into_iter().collect()
    }

    /// Why the tracer at `index` cannot trace `function`, in a short phrase.
    fn why_not(
        &mut self,
        index: NodeIndex,
        tracer: &Tracer,
        of: &NodeProgram,
        function: &TargetFunction,
        facts: &[Fact],
    ) -> Option<String> {
        if let Some(by) = self.replaced.get(&(function.holder, function.index)) {
            return Some(format!("replaced by `{by}`"));
        }
        let taken = of.object().loaded.iter().flat_map(|loaded| &loaded.taken);
        if let Some(taken) =
            taken.into_iter().find(|one| one.replaced && one.function == function.name)
        {
            return Some(format!("replaced by {}", taken.by));
        }
        let holder = self.names.chain().graph.node(function.holder);
        let is_own_entry = function.index == of.program().function;
        let is_passed = match is_own_entry {
            true => is_only_jumped_to(holder),
            false => of.leaves().any(|leaf| leaf.function == function.index),
        };
        if is_passed {
            return Some("entered only by tail calls".to_owned());
        }
        if of.object().functions[function.index].btf_id.is_none() {
            return Some("not in BTF".to_owned());
        }
        if let Some(dead) = self.names.dead(function, &mut self.walks) {
            return Some(format!("never called because of {}", dead.because()));
        }
        if tracer.built_in().is_some() {
            let (_, wrong) = self.names.traced_as(tracer, function);
            return wrong.into_iter().next().map(|found| found.message);
        }
        let own = self.names.program(index)?;
        let target = self.names.access_target(function)?;
        let refusal = target.refuses(facts, own.object(), tracer.point)?;
        Some(format!("the program {}", refusal.what))
    }

    /// Reports what is left out.
    fn tell(
        &mut self,
        node: &Node,
        function: &Spanned<String>,
        kept: usize,
        left_out: &[(&str, String)],
    ) {
        if left_out.is_empty() {
            return;
        }
        let (id, pattern) = (&node.id.value, &function.value);
        let all = kept + left_out.len();
        let message = match kept {
            0 => format!("`{id}` traces nothing: no function of `{pattern}` can be traced"),
            _ => format!("`{id}` leaves out {} of {all} functions of `{pattern}`", left_out.len()),
        };
        let width = left_out.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let lines = left_out.iter().map(|(name, why)| format!("{name:<width$}  {why}"));
        let found = Diagnostic::new(Code::LeftOut, message)
            .label(&function.span, format!("leaves out {}", left_out.len()))
            .note(lines.collect::<Vec<_>>().join("\n"));
        match kept {
            0 => self.wrong.push(found.help("Name a function that can be traced.")),
            _ => self.warnings.push(Diagnostic {
                severity: Severity::Warning,
                ..found.help("Write a narrower pattern, or several names with commas.")
            }),
        }
    }
}

/// A pattern that no function matches.
fn no_match(part: &str, function: &Spanned<String>, holder: &Node, of: &NodeProgram) -> Diagnostic {
    let (object, program) = (of.object(), of.program());
    let message = format!("no function of {} matches `{part}`", title(holder));
    let names = candidates(object, program);
    let help = match near(part, &names) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Program `{}` calls: {}.", program.name, list_or_nothing(&names)),
    };
    Diagnostic::new(Code::UnknownFunction, message)
        .label(&function.span, "matches nothing")
        .help(help)
}

/// The pattern that may be meant: what stands before its first `*` with a slip corrected.
fn near(part: &str, names: &[&str]) -> Option<String> {
    let (start, rest) = part.split_at(part.find(['*', '?'])?);
    let length = start.chars().count();
    let starts = names.iter().map(|name| {
        let end = name.char_indices().nth(length).map_or(name.len(), |(at, _)| at);
        &name[..end]
    });
    let near = nearest(start, starts)?;
    let meant = format!("{near}{rest}");
    names.iter().any(|name| NamePattern::new(&meant).matches(name)).then_some(meant)
}
