//! Conditions on events, against what the programs of a chain can write.
//!
//! What a test expects of no event at all would hold for ever if a field were misspelt. The types of events are
//! known before anything is loaded, so such a condition is a mistake in the file.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::arrange::TestGroup;
use crate::{
    chain::{Access, Comparison, Filter, ValuePath},
    diag::{Code, Diagnostic, list, nearest},
    event::{Decoder, Json as EventJson, Render as _},
    plan::Plan,
};

/// What conditions of the tests of `group` name that no event of their node can have.
pub(super) fn unknown_fields(
    group: &TestGroup<'_>,
    plan: &Plan,
    decoder: &Decoder,
) -> Vec<Diagnostic> {
    let mut told = HashSet::new();
    let mut found = Vec::new();
    let events = group.tests.iter().flat_map(|test| &test.test.expect.events);
    for expected in events {
        let Some((_, filter)) = &expected.filter else { continue };
        let node = plan.nodes.iter().position(|node| node.id == expected.node.value);
        let Some(node) = node else { continue };
        let mut samples = None;
        for Comparison { path, .. } in comparisons(filter) {
            let samples = samples.get_or_insert_with(|| samples_of(node, plan, decoder));
            let span = &path.text.span;
            // Cases of a test have their conditions in one place.
            if samples.iter().any(|event| may_have(path, event))
                || !told.insert((span.start(), span.end()))
            {
                continue;
            }
            let (id, text) = (&expected.node.value, path.text.value.escape_debug());
            let message = format!("no event of `{id}` has `{text}`");
            let unknown = Diagnostic::new(Code::BadTest, message).label(span, "unknown field");
            found.push(unknown.help(help(path, samples)));
        }
    }
    found
}

/// An event of each kind that node number `node` can write.
fn samples_of(node: usize, plan: &Plan, decoder: &Decoder) -> Vec<Json> {
    let mut json = EventJson::new(plan);
    let (mut found, mut line) = (Vec::new(), String::new());
    decoder.samples(node, &mut |event| {
        line.clear();
        json.event(event, &mut line);
        found.extend(serde_json::from_str(&line).ok());
    });
    found
}

/// The comparisons that a condition is made of.
fn comparisons(filter: &Filter) -> Vec<&Comparison> {
    match filter {
        Filter::Test(test) => vec![test],
        Filter::Not(inner) => comparisons(inner),
        Filter::And(left, right) | Filter::Or(left, right) => {
            [comparisons(left), comparisons(right)].concat()
        }
    }
}

/// The fields of an event: those of its record, or the arguments of its call.
fn fields(event: &Json) -> impl Iterator<Item = (&String, &Json)> {
    ["data", "args"].iter().filter_map(move |key| event[*key].as_object()).flatten()
}

/// Whether an event such as `event` can have a value at `path`.
fn may_have(path: &ValuePath, event: &Json) -> bool {
    let first = path.first.value.trim_start_matches('$');
    let own = |name: &str| fields(event).find(|(field, _)| *field == name).map(|(_, value)| value);
    // A result has a name where the number is one that has one.
    if own(&path.text.value).is_some() || (first == "ret_name" && event.get("ret").is_some()) {
        return true;
    }
    let Some(mut value) = own(&path.first.value).or_else(|| event.get(first)) else {
        return false;
    };
    for step in &path.fields {
        // What a pointer leads to is not there in a sample.
        if value.is_null() {
            return true;
        }
        let inner = match step.way {
            Access::Item(index) => value.get(index as usize),
            Access::Arrow | Access::Dot => value.get(&step.name.value),
        };
        let Some(inner) = inner else { return false };
        value = inner;
    }
    true
}

fn help(path: &ValuePath, samples: &[Json]) -> String {
    let mut known: Vec<&str> =
        samples.iter().flat_map(fields).map(|(name, _)| name.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    match nearest(&path.first.value, known.iter().copied()) {
        Some(near) if near != path.first.value => format!("Did you mean `{near}`?"),
        _ if known.is_empty() => {
            "It writes no events of its own: expect `calls` instead.".to_owned()
        }
        _ => format!("Its events have: {}.", list(&known)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{
        chain::ChainInputs,
        testing::{TestFile, check},
    };

    /// What is wrong with tests that have these conditions.
    fn wrong(conditions: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut text = "chain = \"builtin:xdp\"\n".to_owned();
        for (number, (node, condition)) in conditions.iter().enumerate() {
            text += &format!(
                "[[test]]\nname = \"{number}\"\nrun = \"ingress\"\ncases = [{{}}, {{}}]\n\
                 expect.events = [{{ node = \"{node}\", count = 0, where = '{condition}' }}]\n"
            );
        }
        let file = TestFile::parse(Path::new("a.toml"), text, &ChainInputs::default())
            .expect("valid")
            .expect("tests");
        let found = check(file).err().unwrap_or_default();
        found.into_iter().map(|one| (one.message, one.help.unwrap_or_default())).collect()
    }

    #[test]
    fn a_field_that_no_event_has_is_told_once_with_what_there_is() {
        let found =
            wrong(&[("ingress", "lenght == 42 || length == 1"), ("drop_echo", "ret.x == 1")]);
        let expected = [
            ("no event of `ingress` has `lenght`", "Did you mean `length`?"),
            ("no event of `drop_echo` has `ret.x`", "Its events have: "),
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((message, help), (known, remedy)) in found.iter().zip(expected) {
            assert_eq!(message, known);
            assert!(help.starts_with(remedy), "{help}");
        }
    }

    #[test]
    fn what_an_event_may_have_is_accepted() {
        let accepted = [
            ("ingress", "length == 42 && queue == 0 && cpu == 0 && time_ns > 1"),
            ("after", "ret == XDP_DROP"),
            ("filter", "node == 1"),
        ];
        assert_eq!(wrong(&accepted), []);
        let nothing = wrong(&[("filter", "length == 1")]);
        assert_eq!(nothing[0].1, "It writes no events of its own: expect `calls` instead.");
    }
}
