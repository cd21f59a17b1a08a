//! Tables, interpreted by the same rules as in the kernel.

use freplace_compose_common::trace::{
    DROP, EQUAL, FilterTest, GREATER, LESS, NOWHERE, PASS, RET, TESTS, TOOK, Trace,
};
use proptest::{prelude::*, test_runner::Config};

use super::{TracedFunction, Tracing, resolve};
use crate::{
    chain::{Chain, NodeKind, ProbePoint},
    diag::Diagnostic,
    object::ProgramKind,
    plan::{self, Action},
    resolve::{PartlyResolved, Resolved},
};

/// A chain with one built-in tracer on `drop_echo` of the xdp recipe.
fn chain(tracer: &str) -> Chain {
    let text = include_str!("../../../chains/xdp.toml");
    let (hosts, _) = text.split_once("[tracer.").expect("it has tracers");
    let text = format!("{hosts}\n[tracer.t]\n{tracer}\n");
    Chain::parse("made-up.toml".as_ref(), text).expect("a chain")
}

fn resolved(tracer: &str) -> Result<Vec<(ProbePoint, Tracing)>, Vec<Diagnostic>> {
    let chain = chain(tracer);
    let (index, node) = chain.graph.nodes().last().expect("it has nodes");
    let NodeKind::Tracer(tracer) = &node.kind else { panic!("the last is the tracer") };
    let request = tracer.built_in().expect("it has no object");
    let functions = chain.graph.functions_of(index);
    let (holder, name) = functions.first().expect("its target has a program");
    let names = PartlyResolved::open(chain.clone());
    let object = names.program(*holder).expect("it is built in").object();
    let (_, function) = object.function(name).expect("it is there");
    let (kind, holder) = (ProgramKind::Xdp, holder.index());
    let target = TracedFunction { object, function, kind, is_entry: false, holder };
    resolve(request, tracer.point, target)
}

/// What the program in the kernel makes of the filter when the result is `ret`.
fn passes(table: &Trace, ret: i32) -> bool {
    let mut at = 0_u8;
    for number in 0..TESTS {
        if number >= usize::from(table.test_count) {
            break;
        }
        if usize::from(at) != number {
            continue;
        }
        let FilterTest { constant, value, shift, is_signed, relations, if_true, if_false, .. } =
            table.tests[number];
        assert_eq!(table.values[usize::from(value)].source, RET);
        assert_eq!(is_signed, 1);
        // A register holds more than an int.
        let register = u64::from(ret.cast_unsigned()) | 0xdead_beef << 32;
        let value = (register << shift).cast_signed() >> shift;
        let relation = match value.cmp(&constant.cast_signed()) {
            std::cmp::Ordering::Less => LESS,
            std::cmp::Ordering::Equal => EQUAL,
            std::cmp::Ordering::Greater => GREATER,
        };
        let next = if relations & relation != 0 { if_true } else { if_false };
        assert!(next > at, "tests lead forwards");
        at = next;
    }
    assert!(at == PASS || at == DROP, "every way comes to an end");
    at != DROP
}

/// A filter as text, and what it says of a result.
#[derive(Debug, Clone)]
enum FilterTree {
    Test(&'static str, i32),
    Bare,
    Not(Box<FilterTree>),
    And(Box<FilterTree>, Box<FilterTree>),
    Or(Box<FilterTree>, Box<FilterTree>),
}

impl FilterTree {
    fn text(&self) -> String {
        match self {
            Self::Test(relation, number) => format!("ret {relation} {number}"),
            Self::Bare => "ret".to_owned(),
            Self::Not(inner) => format!("!({})", inner.text()),
            Self::And(left, right) => format!("({}) && ({})", left.text(), right.text()),
            Self::Or(left, right) => format!("({}) || ({})", left.text(), right.text()),
        }
    }

    fn holds(&self, ret: i32) -> bool {
        match self {
            Self::Test("==", number) => ret == *number,
            Self::Test("!=", number) => ret != *number,
            Self::Test("<", number) => ret < *number,
            Self::Test("<=", number) => ret <= *number,
            Self::Test(">", number) => ret > *number,
            Self::Test(_, number) => ret >= *number,
            Self::Bare => ret != 0,
            Self::Not(inner) => !inner.holds(ret),
            Self::And(left, right) => left.holds(ret) && right.holds(ret),
            Self::Or(left, right) => left.holds(ret) || right.holds(ret),
        }
    }
}

fn made() -> impl Strategy<Value = FilterTree> {
    let relation = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let test = (relation, -3..4).prop_map(|(relation, number)| FilterTree::Test(relation, number));
    let leaf = prop_oneof![8 => test, 1 => Just(FilterTree::Bare)];
    leaf.prop_recursive(4, 16, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|inner| FilterTree::Not(Box::new(inner))),
            pair.clone().prop_map(|(left, right)| FilterTree::And(Box::new(left), Box::new(right))),
            pair.prop_map(|(left, right)| FilterTree::Or(Box::new(left), Box::new(right))),
        ]
    })
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_filter_lets_through_what_it_says(filter in made()) {
        let tracer = format!("fexit = \"drop_echo\"\nwhere = \"{}\"", filter.text());
        let resolved = resolved(&tracer).expect("a good filter");
        let table = &resolved[1].1.table;
        for ret in -4..5 {
            prop_assert_eq!(passes(table, ret), filter.holds(ret), "{} of {}", filter.text(), ret);
        }
    }
}

#[test]
fn a_tracer_at_the_return_notes_when_calls_begin_and_tells_one_event() {
    let resolved = resolved("fexit = \"drop_echo\"").expect("it can be traced");
    let [(ProbePoint::Fentry, entry), (ProbePoint::Fexit, exit)] = resolved.as_slice() else {
        panic!("{resolved:?}");
    };
    assert_eq!((entry.tells(), entry.table.times, entry.table.value_count), (false, 1, 0));
    assert!(exit.tells());
    assert_eq!(exit.names(), ["ctx", "ret", "took"]);
    let sources: Vec<_> = exit.table.values[..3].iter().map(|value| value.source).collect();
    assert_eq!(sources, [RET, TOOK, 0]);
    assert_eq!((exit.table.size, exit.table.unread_to), (24, NOWHERE), "nothing is followed");
}

#[test]
fn a_tracer_of_both_moments_tells_two_events_and_one_of_the_entry_measures_nothing() {
    let both = resolved("trace = \"drop_echo\"").expect("it can be traced");
    assert!(both.iter().all(|(_, tracing)| tracing.tells()));
    assert_eq!(both[0].1.names(), ["ctx"]);
    assert_eq!(both[0].1.table.times, 1);
    let entry = resolved("fentry = \"drop_echo\"").expect("it can be traced");
    assert_eq!((entry.len(), entry[0].1.table.times), (1, 0));
}

#[test]
fn values_that_are_asked_for_twice_are_read_once() {
    let tracer = "fexit = \"drop_echo\"\ncapture = [\"ctx\", \"ctx->data\"]\n\
                  where = \"ctx->data > 1 && ctx != NULL && ret == 1\"";
    let resolved = resolved(tracer).expect("it can be traced");
    let tracing = &resolved[1].1;
    assert_eq!(tracing.table.value_count, 4, "ret, took, ctx, ctx->data");
    assert_eq!(tracing.kernel.len(), 1);
    let capture = &tracing.arguments[1];
    assert_eq!(capture.at, Some(tracing.table.values[3].to.into()), "what the filter looks at");
}

#[test]
fn every_table_of_the_recipe_is_planned_with_a_number_of_its_own() {
    let text = include_str!("../../../chains/trace.toml");
    let chain = Chain::parse("trace.toml".as_ref(), text.to_owned()).expect("it is shipped");
    let resolved = Resolved::open(chain).expect("its objects are built in");
    let plan = plan::build(&resolved, plan::Offers::default());
    let tables = plan.operations.iter().filter_map(|operation| match &operation.action {
        Action::Load { trace: Some(tracing), .. } if tracing.tells() => {
            Some((operation.node?, tracing.table.r#type))
        }
        _ => None,
    });
    let told: Vec<_> = tables.collect();
    assert_eq!(told, [(3, 1), (3, 2), (4, 1)]);
}
