//! Events and calls: which of them a condition takes, how many there are, and a line for each.

use serde_json::Value as Json;

use super::{Came, NumberNames, UnmetExpectation};
use crate::{
    chain::{Access, CompareOp, Constant, Filter, ValuePath},
    testing::ExpectedCount,
};

/// The calls that a spy saw: one event each.
pub(super) fn of_spy<'a>(came: &'a Came, spy: &str) -> Vec<&'a Json> {
    came.events.iter().filter(|event| event["node"] == spy).collect()
}

/// Names in their order, one that comes several times in a row once, and no more than can be read.
pub(super) fn in_short(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let runs: Vec<&[&str]> = names.chunk_by(|one, next| one == next).collect();
    let run = |run: &&[&str]| match run {
        [one] => (*one).to_owned(),
        several => format!("{} ×{}", several[0], several.len()),
    };
    let mut shown: Vec<String> = runs.iter().take(SHOWN).map(run).collect();
    if runs.len() > SHOWN {
        shown.push(format!("and {} more", runs.len() - SHOWN));
    }
    shown.join(", ")
}

/// What is wrong with a count, with the events that were seen.
pub(super) fn counted(
    expected: &ExpectedCount,
    count: usize,
    what: &str,
    events: &[&Json],
) -> Option<UnmetExpectation> {
    /// Nobody reads more.
    const SHOWN: usize = 5;
    let count = count as u64;
    if (expected.least..=expected.most).contains(&count) {
        return None;
    }
    let mut lines: Vec<String> = events.iter().take(SHOWN).map(|event| line(event)).collect();
    if events.len() > SHOWN {
        lines.push(format!("and {} more", events.len() - SHOWN));
    }
    let note = (!lines.is_empty()).then(|| lines.join("\n"));
    // Where a number is written, another one can be.
    let is_number = expected.span.text().parse::<u64>().is_ok();
    let instead = is_number.then(|| count.to_string());
    let wanted = match (expected.least, expected.most) {
        (least, most) if least == most => format!("not {least}"),
        (least, u64::MAX) => format!("not at least {least}"),
        (0, most) => format!("not at most {most}"),
        (least, most) => format!("not {least} to {most}"),
    };
    let got = format!("{what}: {count}, {wanted}");
    Some(UnmetExpectation { span: expected.span.clone(), got, note, instead })
}

/// An event in a line: what was called with which arguments, or the fields of a record.
pub(super) fn line(event: &Json) -> String {
    let fields = |object: &Json| -> String {
        let fields = object.as_object().into_iter().flatten();
        let fields: Vec<_> =
            fields.map(|(name, value)| format!("{name}={}", plain(value))).collect();
        fields.join(" ")
    };
    let name = event["function"].as_str().or(event["node"].as_str()).unwrap_or_default();
    let mut line = match event.get("args") {
        Some(arguments) => format!("{name}({})", fields(arguments)),
        None => format!("{name}  {}", fields(&event["data"])),
    };
    if let Some(result) = event.get("ret").filter(|result| !result.is_null()) {
        line += &format!(" = {}", plain(result));
    }
    line
}

pub(super) fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Whether an event is one of those that `filter` takes: of the fields of its record, or of the arguments of the
/// call. `names` has the numbers of names.
pub(super) fn holds(filter: &Filter, names: &NumberNames, event: &Json) -> bool {
    match filter {
        Filter::Not(inner) => !holds(inner, names, event),
        Filter::And(left, right) => holds(left, names, event) && holds(right, names, event),
        Filter::Or(left, right) => holds(left, names, event) || holds(right, names, event),
        Filter::Test(test) => {
            let Some(value) = at(&test.path, event) else { return false };
            let to = test.to.as_ref().map(|(relation, to)| (*relation, &to.value));
            compares(value, to, names)
        }
    }
}

/// The value of an event that `path` leads to.
pub(super) fn at<'e>(path: &ValuePath, event: &'e Json) -> Option<&'e Json> {
    let within = |name: &str| ["data", "args"].iter().find_map(|key| event[*key].get(name));
    // What a tracer captures has the whole expression as its name.
    if let Some(value) = within(&path.text.value) {
        return Some(value);
    }
    let first = path.first.value.as_str();
    let mut value = within(first).or_else(|| event.get(first.trim_start_matches('$')))?;
    for step in &path.fields {
        value = match step.way {
            Access::Item(index) => value.get(index as usize),
            _ => value.get(&step.name.value),
        }?;
    }
    Some(value)
}

/// Why none of `events` can be one that `filter` takes, whatever came: a name that is no number where all of them
/// have one, or the other way round.
pub(super) fn never_holds(
    filter: &Filter,
    names: &NumberNames,
    events: &[&Json],
) -> Option<String> {
    match filter {
        Filter::Not(inner) => never_holds(inner, names, events),
        Filter::And(left, right) | Filter::Or(left, right) => {
            never_holds(left, names, events).or_else(|| never_holds(right, names, events))
        }
        Filter::Test(test) => {
            let path = &test.path.text.value;
            let values: Vec<&Json> =
                events.iter().filter_map(|event| at(&test.path, event)).collect();
            if values.is_empty() {
                return None;
            }
            let Some((_, to)) = &test.to else { return None };
            match &to.value {
                Constant::Name(name)
                    if !matches!(name.as_str(), "true" | "false" | "NULL")
                        && !names.contains_key(name)
                        && values.iter().all(|value| value.is_number()) =>
                {
                    Some(format!("`{path}` is a number, and `{name}` is none that is known"))
                }
                Constant::Number(_) | Constant::Duration(_) => {
                    let name = values[0]
                        .as_str()
                        .filter(|_| values.iter().all(|one| number(one).is_none()))?;
                    Some(format!("`{path}` is no number, but a name: `{name}`"))
                }
                _ => None,
            }
        }
    }
}

/// The number that a value is, or is the text of.
pub(super) fn number(value: &Json) -> Option<i128> {
    match value {
        Json::Bool(boolean) => Some(i128::from(*boolean)),
        Json::Number(number) => {
            number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
        }
        Json::String(text) => {
            let digits =
                text.strip_prefix("0x").map(|digits| i128::from_str_radix(digits, 16).ok());
            digits.unwrap_or_else(|| text.parse().ok())
        }
        _ => None,
    }
}

pub(super) fn compares(
    value: &Json,
    to: Option<(CompareOp, &Constant)>,
    names: &NumberNames,
) -> bool {
    let Some((relation, constant)) = to else {
        return number(value).is_none_or(|number| number != 0);
    };
    let constant = match constant {
        Constant::Number(number) | Constant::Duration(number) => *number,
        Constant::Name(name) => match name.as_str() {
            "true" => 1,
            "false" | "NULL" => 0,
            name => match (value.as_str(), names.get(name)) {
                (None, Some(number)) => *number,
                (text, _) => {
                    return match relation {
                        CompareOp::Equal => text == Some(name),
                        CompareOp::NotEqual => text != Some(name),
                        _ => false,
                    };
                }
            },
        },
    };
    let Some(number) = number(value) else { return false };
    match relation {
        CompareOp::Equal => number == constant,
        CompareOp::NotEqual => number != constant,
        CompareOp::Less => number < constant,
        CompareOp::AtMost => number <= constant,
        CompareOp::Greater => number > constant,
        CompareOp::AtLeast => number >= constant,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{NumberNames, holds, never_holds};
    use crate::{chain::Filter, testing::TestFile};

    /// A condition on the events of a node.
    fn condition(text: &str) -> Filter {
        let text = format!(
            "chain = \"builtin:xdp\"\n[[test]]\nname = \"a\"\n\
             expect.events = [{{ node = \"ingress\", where = '{text}' }}]\n"
        );
        let file =
            TestFile::parse(Path::new("a.toml"), text, &crate::chain::ChainInputs::default())
                .expect("it is valid")
                .expect("it has a test");
        file.tests[0].expect.events[0].filter.clone().expect("it has a condition").1
    }

    fn names() -> NumberNames {
        [("XDP_DROP".to_owned(), 1)].into()
    }

    #[test]
    fn a_name_is_compared_with_names_and_with_numbers() {
        let (number, name) = (json!({ "ret": 1 }), json!({ "data": { "ret": "XDP_DROP" } }));
        for event in [&number, &name] {
            assert!(holds(&condition("ret == XDP_DROP"), &names(), event), "{event}");
            assert!(!holds(&condition("ret != XDP_DROP"), &names(), event), "{event}");
            assert!(!holds(&condition("ret == XDP_PASS"), &names(), event), "{event}");
        }
    }

    #[test]
    fn what_is_captured_is_found_by_its_expression() {
        let event = json!({ "args": { "change->to": "TCP_CLOSE", "flow": { "port": 9 } } });
        assert!(holds(&condition("change->to == TCP_CLOSE && flow.port == 9"), &names(), &event));
    }

    #[test]
    fn a_condition_that_never_holds_is_told() {
        let events = [&json!({ "data": { "length": 42, "to": "TCP_CLOSE" }, "ret": 2 })];
        let told = |text| never_holds(&condition(text), &names(), &events);
        assert_eq!(told("length == 42 || ret == XDP_DROP"), None);
        assert_eq!(told("!(to == TCP_LISTEN)"), None);
        let name = told("ret == XDP_DORP");
        assert_eq!(
            name.as_deref(),
            Some("`ret` is a number, and `XDP_DORP` is none that is known")
        );
        let number = told("to == 7");
        assert_eq!(number.as_deref(), Some("`to` is no number, but a name: `TCP_CLOSE`"));
    }
}
