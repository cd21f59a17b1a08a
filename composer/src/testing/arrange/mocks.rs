//! Mocks among the nodes of a chain, and what they leave nothing to do for.

use std::collections::HashSet;

use super::{Arranger, mock_id};
use crate::{
    chain::{
        Data, GlobalValue, Node, NodeKind, ObjectRef, Output, Replacement, Spanned, Stub, Tracer,
    },
    diag::{Diagnostic, Span, list, nearest},
    testing::{Mock, MockProgram},
};

impl<'t> Arranger<'_, 't> {
    /// The nodes of the chain with the mocks of the test, and what that leaves nothing to do for removed.
    pub(super) fn nodes(
        &self,
        constants: &[(String, &GlobalValue)],
        wrong: &mut Vec<Diagnostic>,
    ) -> Vec<Node> {
        let chain = self.base.chain();
        let mut nodes: Vec<Node> = chain.graph.nodes().map(|(_, node)| node.clone()).collect();
        for (host, global) in constants {
            for node in nodes.iter_mut().filter(|node| node.id.value == *host) {
                node.data.globals.retain(|own| own.path.text.value != global.path.text.value);
                node.data.globals.push((*global).clone());
            }
        }
        for mock in &self.test.mocks {
            if let Err(found) = self.mock(mock, &mut nodes) {
                wrong.push(*found);
            }
        }
        nodes
    }

    /// Puts a mock in the place of whatever replaces or traces its function.
    pub(super) fn mock(&self, mock: &Mock, nodes: &mut Vec<Node>) -> Result<(), Box<Diagnostic>> {
        let (name, span) = (&mock.function.value, &mock.function.span);
        let holders: Vec<&Node> = self
            .hosts()
            .filter(|(_, _, of)| {
                of.object().functions_of(of.program()).any(|one| one.name == *name)
            })
            .map(|(_, node, _)| node)
            .collect();
        if holders.is_empty() {
            let known = self.hosts().flat_map(|(_, _, of)| of.object().functions_of(of.program()));
            let known: Vec<&str> =
                known.filter(|one| one.is_global).map(|one| one.name.as_str()).collect();
            let message = format!("no host has a function `{}` to be mocked", name.escape_debug());
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("Global functions of the hosts: {}.", list(&known)),
            };
            return Err(Box::new(self.bad(span, message, "unknown function").help(help)));
        }
        let is_its_stub = |node: &Node| matches!(&node.kind, NodeKind::Stub(stub) if stub.function.value == *name);
        let stubs: Vec<String> = nodes
            .iter()
            .filter(|node| is_its_stub(node))
            .map(|node| node.id.value.clone())
            .collect();
        let mut gone: HashSet<String> = stubs.iter().cloned().collect();
        let on_host = |tracer: &Tracer| {
            holders.iter().any(|host| host.id.value == tracer.target.value)
                && tracer.function.as_ref().is_some_and(|function| function.value == *name)
        };
        // What replaces it, what traces that, and so on.
        loop {
            let more = nodes.iter().find(|node| {
                !gone.contains(&node.id.value)
                    && match &node.kind {
                        NodeKind::Replacement(replacement) => {
                            gone.contains(&replacement.stub.value)
                        }
                        NodeKind::Tracer(tracer) => {
                            gone.contains(&tracer.target.value) || on_host(tracer)
                        }
                        NodeKind::Host(_) | NodeKind::Stub(_) => false,
                    }
            });
            match more {
                Some(node) => gone.insert(node.id.value.clone()),
                None => break,
            };
        }
        nodes.retain(|node| !gone.contains(&node.id.value));
        let here = |value: String| Spanned { value, span: span.clone() };
        let stub = format!("stub.{name}");
        let hosts = holders.iter().map(|host| here(host.id.value.clone())).collect();
        nodes.push(plain(
            &stub,
            span,
            NodeKind::Stub(Stub { function: here(name.clone()), hosts }),
        ));
        let id = mock_id(name);
        let stub = here(stub);
        let replacement = match &mock.by {
            MockProgram::Made(answer) => Replacement {
                object: here_object(ObjectRef::Generated(id.clone()), span),
                program: here(String::new()),
                stub,
                answer: Some(answer.clone()),
            },
            MockProgram::Own { object, program, .. } => {
                Replacement { object: object.clone(), program: program.clone(), stub, answer: None }
            }
        };
        let mut node = plain(&id, span, NodeKind::Replacement(replacement));
        if let MockProgram::Own { globals, .. } = &mock.by {
            node.data.globals.clone_from(globals);
        }
        nodes.push(node);
        Ok(())
    }
}

/// A node with nothing but its kind.
pub(super) fn plain(id: &str, span: &Span, kind: NodeKind) -> Node {
    let id = Spanned { value: id.to_owned(), span: span.clone() };
    Node {
        id,
        scope: String::new(),
        kind,
        section: None,
        output: Output::default(),
        data: Data::default(),
    }
}

pub(super) fn here_object(value: ObjectRef, span: &Span) -> Spanned<ObjectRef> {
    Spanned { value, span: span.clone() }
}
