//! Records of an `up --format json`, as tests ask for them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Finished;
use crate::draft;

/// The events among `records`, in order.
pub(crate) fn events(finished: &Finished) -> Vec<Value> {
    let mut records = finished.records();
    records.retain(|record| record["record"] == "event");
    records
}

/// The node of each event.
pub(crate) fn nodes(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["node"].as_str().expect("a node has a name")).collect()
}

/// The events of one node.
pub(crate) fn of<'a>(events: &'a [Value], node: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["node"] == node).collect()
}

/// The events of the first stretch on one CPU that are of these nodes one after the other: what other CPUs
/// do at the same time comes in between.
pub(crate) fn stretch<'a, const N: usize>(
    events: &'a [Value],
    of_nodes: [&str; N],
) -> Option<[&'a Value; N]> {
    let cpu = |event: &Value| event["cpu"].as_u64();
    let cpus: BTreeSet<_> = events.iter().map(cpu).collect();
    cpus.into_iter().find_map(|here| {
        let there: Vec<&Value> = events.iter().filter(|event| cpu(event) == here).collect();
        let mut windows =
            there.windows(N).filter_map(|window| <[&Value; N]>::try_from(window).ok());
        windows.find(|window| window.map(|event| event["node"].as_str()) == of_nodes.map(Some))
    })
}

/// The events of one invocation of a host, in order.
pub(crate) fn of_call(events: &[Value], call: &Value) -> Vec<Value> {
    events.iter().filter(|event| event["call"] == *call).cloned().collect()
}

/// Every record is as its schema says.
#[track_caller]
pub(crate) fn assert_schema(finished: &Finished) {
    let schema = freplace_compose::event::schema();
    for record in finished.records() {
        assert_eq!(draft::check(&schema, &record), Ok(()), "{record}");
    }
}

/// Asserts what holds for every stream that ended well: each record is what the schema asks for; it
/// begins with the version, then all nodes, and ends with each node's books, which balance, and a
/// summary that counts the events before it.
#[track_caller]
pub(crate) fn assert_stream(finished: &Finished, chain: &str, programs: &[&str]) {
    finished.assert_done();
    let records = finished.records();
    assert_eq!(records[0]["record"], "version");
    assert_eq!(records[0]["version"], 1);
    assert_eq!(records[0]["chain"], chain);
    let up: Vec<_> = records.iter().filter(|record| record["record"] == "node_up").collect();
    let names: Vec<_> = up.iter().map(|record| record["node"].as_str().unwrap_or("?")).collect();
    assert_eq!(names, programs);
    let last = records.last().expect("there is one");
    assert_eq!(last["record"], "summary", "{last}");
    assert_eq!(last["events"], events(finished).len());
    let lost = records.iter().filter(|record| record["record"] == "lost");
    let lost: u64 = lost.map(|record| record["count"].as_u64().unwrap_or(0)).sum();
    assert_eq!(last["lost"], lost);
    assert_schema(finished);
    let down: Vec<_> = records.iter().filter(|record| record["record"] == "node_down").collect();
    let number = |record: &Value, key: &str| record[key].as_u64().expect("a number");
    for node in &down {
        let sum = number(node, "delivered") + number(node, "lost");
        assert_eq!(number(node, "produced"), sum, "{node}");
    }
    let mut names: Vec<_> = down.iter().map(|record| record["node"].as_str()).collect();
    let mut wanted: Vec<_> = programs.iter().copied().map(Some).collect();
    names.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(names, wanted, "each node goes down once");
    assert_eq!(down.iter().map(|node| number(node, "lost")).sum::<u64>(), lost);
}
