//! Spies: the tracers that see the calls that are expected.

use std::collections::HashMap;

use super::{Arranger, SPY, mocks::plain};
use crate::{
    chain::{
        Builtin, Constant, Filter, Node, NodeKind, ProbePoint, Role, Spanned, Tracer, TracerProgram,
    },
    diag::{Diagnostic, list, nearest},
    hook::HostKind,
    object::Object,
    resolve::{NodeProgram, constant},
    testing::{ExpectedCalls, Trigger},
};

impl<'t> Arranger<'_, 't> {
    /// The id of the tracer that sees the calls; it is among `nodes` afterwards.
    pub(super) fn spy(
        &self,
        calls: &ExpectedCalls,
        nodes: &mut Vec<Node>,
        spies: &mut HashMap<String, String>,
    ) -> Result<String, Box<Diagnostic>> {
        let (target, function) = self.watched(calls, nodes)?;
        let point = match calls.filter.as_ref().is_some_and(|(_, filter)| asks_for_return(filter)) {
            true => ProbePoint::Fexit,
            false => ProbePoint::Fentry,
        };
        let filter = calls.filter.as_ref().map(|(text, _)| text.value.as_str()).unwrap_or_default();
        let key = format!("{target} {function:?} {filter} {point:?}");
        if let Some(known) = spies.get(&key) {
            return Ok(known.clone());
        }
        let id = format!("{SPY}{}", spies.len() + 1);
        let span = &calls.function.span;
        let tracer = Tracer {
            program: TracerProgram::BuiltIn(Box::new(Builtin {
                both: false,
                capture: None,
                filter: calls.filter.clone(),
            })),
            point,
            target: Spanned { value: target, span: span.clone() },
            function: function.map(|value| Spanned { value, span: span.clone() }),
        };
        nodes.push(plain(&id, span, NodeKind::Tracer(tracer)));
        spies.insert(key, id.clone());
        Ok(id)
    }

    /// Looks for the node with this id.
    pub(super) fn known_node(
        &self,
        id: &Spanned<String>,
        nodes: &[Node],
    ) -> Result<(), Box<Diagnostic>> {
        let ids: Vec<&str> = nodes.iter().map(|node| node.id.value.as_str()).collect();
        if ids.contains(&id.value.as_str()) {
            return Ok(());
        }
        let message = format!("unknown node `{}`", id.value.escape_debug());
        let help = match nearest(&id.value, ids.iter().copied()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("The nodes of this test are: {}.", list(&ids)),
        };
        Err(Box::new(self.bad(&id.span, message, "not in the chain").help(help)))
    }

    /// The node and the function of it that `calls` is of: what stands in for a function is watched in its place.
    pub(super) fn watched(
        &self,
        calls: &ExpectedCalls,
        nodes: &[Node],
    ) -> Result<(String, Option<String>), Box<Diagnostic>> {
        let name = &calls.function.value;
        if let Some(node) = &calls.node {
            self.known_node(node, nodes)?;
            return Ok((node.value.clone(), Some(name.clone())));
        }
        let stubs = nodes.iter().filter(
            |node| matches!(&node.kind, NodeKind::Stub(stub) if stub.function.value == *name),
        );
        let stubs: Vec<&str> = stubs.map(|node| node.id.value.as_str()).collect();
        let in_place = nodes.iter().find(|node| {
            matches!(&node.kind, NodeKind::Replacement(one) if stubs.contains(&one.stub.value.as_str()))
        });
        if let Some(replacement) = in_place {
            return Ok((replacement.id.value.clone(), None));
        }
        let run = match &self.test.trigger {
            Trigger::Run(run) => Some(self.host(run)?.0.id.value.as_str()),
            _ => None,
        };
        let has =
            |of: &NodeProgram| of.object().functions_of(of.program()).any(|one| one.name == *name);
        let is_there = |id: &str| nodes.iter().any(|node| node.id.value == id);
        let mut holders: Vec<&Node> = self
            .base
            .programs()
            .filter(|(_, node, of)| {
                node.built_in().is_none() && node.role() != Role::Tracer && has(of)
            })
            .map(|(_, node, _)| node)
            .filter(|node| is_there(&node.id.value))
            .collect();
        holders.sort_by_key(|node| Some(node.id.value.as_str()) != run);
        match holders.first() {
            Some(node) => Ok((node.id.value.clone(), Some(name.clone()))),
            None => {
                let known = self
                    .base
                    .programs()
                    .flat_map(|(_, _, of)| of.object().functions_of(of.program()));
                let known: Vec<&str> = known.map(|one| one.name.as_str()).collect();
                let message = format!("no program has a function `{}`", name.escape_debug());
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => "Inlined functions are not there; `inspect` lists those that are."
                        .to_owned(),
                };
                Err(Box::new(
                    self.bad(&calls.function.span, message, "unknown function").help(help),
                ))
            }
        }
    }

    /// The numbers of the names that `filter` compares with, as the objects of a node know them: its own, and for a
    /// tracer that of what it traces.
    pub(super) fn names(
        &self,
        node: &str,
        nodes: &[Node],
        filter: &Filter,
    ) -> HashMap<String, i128> {
        let target =
            nodes.iter().find(|one| one.id.value == node).and_then(|one| match &one.kind {
                NodeKind::Tracer(tracer) => Some(tracer.target.value.as_str()),
                _ => None,
            });
        let is_of = |id: &str| id == node || Some(id) == target;
        let mut objects: Vec<(&Object, &[(&str, i64)])> = Vec::new();
        for (_, one, of) in self.base.programs().filter(|(_, one, _)| is_of(&one.id.value)) {
            let kind = HostKind::of_program(of.program().kind);
            let verdicts = kind.filter(|_| one.role() == Role::Host).map(|kind| kind.verdicts);
            objects.push((of.object(), verdicts.unwrap_or_default()));
        }
        objects.extend(
            self.own_mocks().filter(|(id, _)| is_of(id)).map(|(_, object)| (&**object, &[][..])),
        );
        let mut names = HashMap::new();
        for name in names_in(filter) {
            let number = objects.iter().find_map(|(object, verdicts)| {
                let verdict = verdicts.iter().find(|(known, _)| *known == name);
                let verdict = verdict.map(|(_, number)| i128::from(*number));
                verdict.or_else(|| constant(&object.btf, name))
            });
            names.extend(number.map(|number| (name.to_owned(), number)));
        }
        names
    }
}

/// The names that a condition compares with.
pub(super) fn names_in(filter: &Filter) -> Vec<&str> {
    match filter {
        Filter::Not(inner) => names_in(inner),
        Filter::And(left, right) | Filter::Or(left, right) => {
            let mut names = names_in(left);
            names.extend(names_in(right));
            names
        }
        Filter::Test(test) => match &test.to {
            Some((_, Spanned { value: Constant::Name(name), .. })) => vec![name],
            _ => Vec::new(),
        },
    }
}

/// Whether a condition is about what is only known when a function returns.
pub(super) fn asks_for_return(filter: &Filter) -> bool {
    match filter {
        Filter::Test(test) => {
            matches!(test.path.first.value.as_str(), "ret" | "$ret" | "took" | "$took")
        }
        Filter::Not(inner) => asks_for_return(inner),
        Filter::And(left, right) | Filter::Or(left, right) => {
            asks_for_return(left) || asks_for_return(right)
        }
    }
}
