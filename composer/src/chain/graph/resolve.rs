//! Resolves the ids that nodes refer to.

use std::collections::{HashMap, HashSet};

use petgraph::graph::{DiGraph, NodeIndex};

use super::Dependency;
use crate::{
    chain::{Node, NodeKind, Role, Spanned},
    diag::{Code, Diagnostic, Names, Span, list},
};

/// A reference from one node to another, before it is resolved.
pub(super) struct NodeReference {
    pub(super) from: NodeIndex,
    pub(super) to: Spanned<String>,
    pub(super) kind: Dependency,
    /// The allowed roles of the other node; any if empty.
    wanted: &'static [Role],
}

/// What `node`, which is `from`, refers to.
pub(super) fn references(from: NodeIndex, node: &Node) -> Vec<NodeReference> {
    let one =
        |to: &Spanned<String>, kind, wanted| NodeReference { from, to: to.clone(), kind, wanted };
    let jumps = node.data.tail.iter().map(|entry| {
        let kind = Dependency::JumpsTo { map: entry.map.clone(), entry: entry.entry.clone() };
        one(&entry.node, kind, &[Role::Host] as &[_])
    });
    let mut found = match &node.kind {
        NodeKind::Host(_) => Vec::new(),
        // A stub inside a replacement is a reference the graph understands and a rule refuses.
        NodeKind::Stub(stub) => stub
            .hosts
            .iter()
            .map(|host| one(host, Dependency::StubOf, &[Role::Host, Role::Replacement] as &[_]))
            .collect(),
        NodeKind::Replacement(replacement) => {
            vec![one(&replacement.stub, Dependency::Replaces, &[Role::Stub])]
        }
        NodeKind::Tracer(tracer) => vec![one(&tracer.target, Dependency::Traces, &[])],
    };
    found.extend(jumps);
    found
}

/// The nodes that may be referred to.
pub(super) struct Resolver<'a> {
    inner: &'a DiGraph<Node, (Dependency, Span)>,
    by_id: &'a HashMap<String, NodeIndex>,
    /// Nodes that could not be read because of another error.
    unread: HashSet<&'a str>,
    /// What the ids of such nodes begin with.
    unread_files: &'a [String],
    /// Candidate ids for suggestions, by allowed roles; created on first use.
    names: HashMap<&'static str, Names<'a>>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        inner: &'a DiGraph<Node, (Dependency, Span)>,
        by_id: &'a HashMap<String, NodeIndex>,
        unread: &'a [String],
        unread_files: &'a [String],
    ) -> Self {
        let unread = unread.iter().map(String::as_str).collect();
        Self { inner, by_id, unread, unread_files, names: HashMap::new() }
    }

    /// The node that `reference` means; none when what is wrong with that node was told.
    pub(super) fn resolve(
        &mut self,
        reference: &NodeReference,
    ) -> Result<Option<NodeIndex>, Box<Diagnostic>> {
        let NodeReference { from, to, wanted, .. } = reference;
        let fits = |role: Role| wanted.is_empty() || wanted.contains(&role);
        let what = wanted_name(wanted);
        let from = &self.inner[*from].id.value;
        let Some(found) = self.by_id.get(&to.value) else {
            let is_of = |prefix: &String| to.value.starts_with(prefix);
            if self.unread.contains(to.value.as_str()) || self.unread_files.iter().any(is_of) {
                return Ok(None);
            }
            let message = format!("`{from}` refers to unknown node `{}`", to.value);
            return Err(Box::new(
                Diagnostic::new(Code::UnknownNode, message)
                    .label(&to.span, format!("unknown {what}"))
                    .help(self.suggest(reference)),
            ));
        };
        let node = &self.inner[*found];
        if !fits(node.role()) {
            let role = node.role();
            let message = format!("`{from}` requires a {what}, but `{}` is a {role}", to.value);
            return Err(Box::new(
                Diagnostic::new(Code::WrongNodeKind, message)
                    .label(&to.span, format!("a {role}"))
                    .label(&node.id.span, format!("{role} defined here"))
                    .help(self.suggest(reference)),
            ));
        }
        Ok(Some(*found))
    }

    /// What may have been meant.
    fn suggest(&mut self, reference: &NodeReference) -> String {
        let what = wanted_name(reference.wanted);
        let (inner, unread) = (self.inner, &self.unread);
        // What is understood only to be refused by name, a stub of a replacement, is no advice.
        let meant = |role: Role| reference.wanted.first().is_none_or(|wanted| *wanted == role);
        let names = self.names.entry(what).or_insert_with(|| {
            let nodes = inner.node_weights().filter(|node| meant(node.role()));
            let ids = nodes.map(|node| node.id.value.as_str());
            // What could not be read for another mistake may be what is meant.
            let mut unread: Vec<_> = unread.iter().copied().collect();
            unread.sort_unstable();
            Names::new(ids.chain(unread))
        });
        let own = inner[reference.from].id.value.as_str();
        if let Some(near) = names.nearest(&reference.to.value, |id| id != own) {
            return format!("Did you mean `{near}`?");
        }
        match names.iter().filter(|id| *id != own).collect::<Vec<_>>().as_slice() {
            [] if reference.wanted.is_empty() => "The chain has no other node.".to_owned(),
            [] => format!("The chain has no {what}; add a [{what}.NAME] table."),
            [id] => format!("The chain's only {what} is `{id}`."),
            ids => format!("The chain's {what}s are: {}.", list(ids)),
        }
    }
}

fn wanted_name(wanted: &[Role]) -> &'static str {
    match wanted.first() {
        Some(Role::Host) => "host",
        Some(Role::Stub) => "stub",
        Some(Role::Replacement) => "replacement",
        Some(Role::Tracer) => "tracer",
        None => "node",
    }
}
