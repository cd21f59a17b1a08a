//! The page of a session, from records that were made up.

use super::{CALLS, Html, Render as _, Totals, measured::powers};
use crate::{
    event::{
        Decoder, Durations, EventAccounting, EventNode, Field, Layout, Shape, WallClock,
        render::tree::tests::CHAIN,
        tests::{Emitted, chain_of},
    },
    picture::tests::{XmlElement, elements},
    plan::Plan,
};

/// A page of `chain` with events, given as (call, node, nanoseconds, result, duration).
fn page(
    text: &str,
    events: &[(u64, &str, u64, u32, u64)],
    change: impl FnOnce(&Plan, &mut EventAccounting),
) -> String {
    let (chain, plan) = chain_of(text);
    let field = |name: &str, offset, shape| Field { name: name.into(), offset, shape };
    let variants = vec![("TCP_SEEN".to_owned(), 1), ("</code><script>".to_owned(), 2)];
    let fields = vec![
        field("took", 0, Shape::Nanoseconds),
        field("ret", 8, Shape::Enum { size: 4, signed: false, variants }),
    ];
    let layout = Layout { name: "event".into(), size: 12, fields };
    let source = |node| EventNode::new(node, [(7, layout.clone())].into());
    let decoder = Decoder { nodes: plan.nodes.iter().cloned().map(source).collect() };
    let mut html = Html::new(&chain, &plan, WallClock { offset_ns: 0 });
    let mut accounting = EventAccounting::new(plan.nodes.len());
    let mut out = String::new();
    for (call, id, time_ns, ret, took) in events {
        let node = plan.nodes.iter().position(|node| node.id == *id).expect("a node");
        let emitted =
            Emitted { time_ns: *time_ns, call: *call, node: node as u32, ..Emitted::default() };
        let payload = [&took.to_ne_bytes()[..], &ret.to_ne_bytes()].concat();
        let record = emitted.with_payload(&payload);
        let event = decoder.decode(&record).expect("a whole record");
        accounting.delivered(&event);
        html.event(&event, &mut out);
    }
    assert_eq!(out, "", "it is written at the end");
    change(&plan, &mut accounting);
    html.end(&Totals { accounting: &accounting, shown: events.len() as u64 }, &mut out);
    out
}

/// One call, passed twice through the replacement.
const EVENTS: [(u64, &str, u64, u32, u64); 7] = [
    (1, "fired", 1_000, 0, 0),
    (1, "in", 3_250, 0, 0),
    (1, "seven", 4_000, 0, 0),
    (1, "out", 34_999, 1, 31_000),
    (1, "in", 40_000, 0, 0),
    (1, "out", 60_000, 2, 19_500),
    (0, "host_out", 70_000, 1, 0),
];

/// The text of the elements that a test of a page looks for.
fn texts<'a>(elements: &'a [XmlElement], name: &str) -> Vec<&'a str> {
    elements.iter().filter(|it| it.name == name).map(|it| it.text.trim()).collect()
}

#[test]
fn a_page_has_counts_durations_results_and_calls() {
    let page = page(CHAIN, &EVENTS, |_, _| {});
    let elements = elements(&page);
    assert_eq!(
        texts(&elements, "h2"),
        [
            "Chain",
            "Nodes",
            "Durations",
            "Results",
            "Events over time",
            "Calls",
            "Losses and misses"
        ]
    );
    let figures: Vec<_> = texts(&elements, "dt").into_iter().zip(texts(&elements, "dd")).collect();
    assert_eq!(
        figures,
        [
            ("events", "7"),
            ("calls", "1"),
            ("lost", "0"),
            ("skipped", "0"),
            ("calls", "2"),
            ("mean", "25 µs"),
            ("median", "20 µs"),
            ("99 % within", "31 µs"),
            ("longest", "31 µs"),
        ]
    );
    let trees = texts(&elements, "pre");
    assert_eq!(trees.len(), 1);
    assert!(trees[0].contains("╭ in") && trees[0].contains("│ seven"), "{}", trees[0]);
    let bars = elements.iter().filter(|it| it.attribute("class") == Some("whole"));
    assert!(bars.count() > 2, "both passes are on a timeline");
    assert!(page.contains("No event was lost"));
}

#[test]
fn a_page_loads_nothing_and_runs_nothing() {
    let hostile = CHAIN.to_owned()
        + "tracer.odd = { fentry = \"fired\", function = \"</svg><script>alert(1)</script>\", object = \"o\", program = \"p\" }\n";
    let hostile = format!("name = \"<script src='http://x'>\"\n{hostile}");
    let events = [EVENTS.as_slice(), &[(2, "odd", 90_000, 2, 5)]].concat();
    let page = page(&hostile, &events, |_, _| {});
    let elements = elements(&page);
    for element in &elements {
        let allowed = [
            "a", "article", "body", "circle", "code", "dd", "defs", "details", "div", "dl", "dt",
            "em", "g", "h1", "h2", "h3", "head", "header", "html", "i", "li", "main", "marker",
            "meta", "p", "path", "pre", "rect", "section", "small", "span", "style", "summary",
            "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr", "ul",
        ];
        assert!(allowed.contains(&element.name.as_str()), "{}", element.name);
        for (key, value) in &element.attributes {
            assert!(!["src", "href", "onload", "onclick"].contains(&key.as_str()), "{key}");
            assert!(key == "xmlns" || !value.contains("//"), "{key}={value}");
        }
    }
    let policy =
        elements.iter().find_map(|it| it.attribute("content").filter(|it| it.contains("src")));
    assert!(policy.is_some_and(|policy| policy.starts_with("default-src 'none'")));
    assert!(!page.contains("<script") && page.contains("&lt;script"));
}

#[test]
fn losses_and_misses_are_told_by_node() {
    let page = page(CHAIN, &EVENTS, |plan, accounting| {
        let node = |id: &str| plan.nodes.iter().position(|node| node.id == id).expect("a node");
        accounting.counted(node("seven"), 4, 3);
        accounting.skips.add(node("fired"), Some(1));
        accounting.skips.add(node("in"), None);
        accounting.uncounted(node("out"), "own <map>");
    });
    let elements = elements(&page);
    assert_eq!(elements.iter().filter(|it| it.attribute("class") == Some("warn")).count(), 2);
    for line in [
        "3 events of <code>seven</code> lost",
        "<code>fired</code> was skipped 1 time:",
        "Skipped runs of <code>in</code> cannot be counted",
        "for <code>own &lt;map&gt;</code>",
    ] {
        assert!(page.contains(line), "{line}");
    }
}

#[test]
fn of_many_calls_the_first_are_kept_and_all_are_counted() {
    let events: Vec<_> = (1..=3 * CALLS)
        .flat_map(|call| [(call, "fired", 100 * call, 0, 0), (call, "out", 100 * call + 50, 1, 40)])
        .collect();
    let page = page(CHAIN, &events, |_, _| {});
    assert_eq!(page.matches("<details>").count() as u64, CALLS);
    assert!(page.contains("400 more calls were counted above and not kept."));
    assert!(page.len() < 1 << 20, "{}", page.len());
}

#[test]
fn a_histogram_has_no_gaps_and_leaves_nothing_out() {
    let powers = |all: &[u64]| {
        let mut durations = Durations::default();
        all.iter().for_each(|ns| durations.add(*ns));
        powers(&durations)
    };
    assert_eq!(
        powers(&[0, 1, 5, 7, 40]),
        [(1, 1), (2, 1), (4, 0), (8, 2), (16, 0), (32, 0), (64, 1)]
    );
    assert_eq!(powers(&[u64::MAX]), [(u64::MAX, 1)]);
    assert_eq!(powers(&[]), []);
}

#[test]
fn a_session_without_events_is_a_page_too() {
    let page = page(CHAIN, &[], |_, _| {});
    elements(&page);
    assert!(page.contains("No call was seen.") && page.contains("No event has a result."));
}
