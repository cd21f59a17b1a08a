//! The decoder of events: any contents of a ring buffer give a line of text, or a reason.

use std::sync::LazyLock;

use freplace_compose::{
    chain::Chain,
    event::{
        ChromeTrace, Decoder, EventAccounting, Json, Log, Paint, Render as _, Totals, Tree,
        WallClock,
    },
    plan::{self, Plan},
    resolve::{NodeProgram, PartlyResolved, Resolved},
};
use freplace_compose_common::Header;

/// A chain, as far as events go.
struct FuzzedChain {
    resolved: Resolved,
    plan: Plan,
    decoder: Decoder,
    /// The types of event that each node writes.
    kinds: Vec<Vec<u32>>,
}

impl FuzzedChain {
    fn new(chain: Chain) -> Self {
        let resolved = PartlyResolved::of(chain, &crate::library()).whole();
        let resolved = resolved.expect("its objects are built in");
        let events = |of: &NodeProgram| of.object().events.iter().copied().collect();
        let nodes = resolved.nodes().map(|(_, _, node)| node.program().map(events));
        let kinds = nodes.map(Option::unwrap_or_default).collect();
        let (plan, decoder) =
            (plan::build(&resolved, plan::Offers::default()), Decoder::new(&resolved));
        Self { resolved, decoder, plan, kinds }
    }
}

/// Reads `data` as a record of one of the shipped chains. The first byte says of which; the second
/// of which node and the third of which of its events, or `!` that the record has its own header.
///
/// # Panics
/// When the composer does, or what it writes is no line.
pub fn event(data: &[u8]) {
    static STAGES: LazyLock<Vec<FuzzedChain>> =
        LazyLock::new(|| crate::shipped().into_iter().map(FuzzedChain::new).collect());
    let Some((&[chain, node, kind], payload)) = data.split_first_chunk() else { return };
    let stage = &STAGES[usize::from(chain) % STAGES.len()];
    if node == b'!' {
        return show(stage.resolved.chain(), &stage.plan, &stage.decoder, payload);
    }
    let node = usize::from(node) % stage.kinds.len();
    let kinds = &stage.kinds[node];
    let kind = kinds.get(usize::from(kind) % kinds.len().max(1)).copied().unwrap_or(0);
    let record = record(node as u32, kind, payload);
    show(stage.resolved.chain(), &stage.plan, &stage.decoder, &record);
}

/// A record of `node` with an event of type `kind`, whose bytes are the last of `data`.
pub(crate) fn record(node: u32, kind: u32, data: &[u8]) -> Vec<u8> {
    let payload = &data[data.len().saturating_sub(256)..];
    let mut record = vec![0; 16];
    record.extend([node, kind, payload.len() as u32, 1, 2, 3].map(u32::to_ne_bytes).concat());
    record.resize(Header::LEN, b'c');
    record.extend(payload);
    record
}

/// Decodes `record` and writes it down in every way.
pub(crate) fn show(chain: &Chain, plan: &Plan, decoder: &Decoder, record: &[u8]) {
    let Ok(event) = decoder.decode(record) else { return };
    for has_tasks in [true, false] {
        let (clock, paint) = (WallClock { offset_ns: -1 }, Paint { colors: true });
        let mut line = String::new();
        Log::new(&plan.nodes, clock, has_tasks, paint).event(&event, &mut line);
        one_line(&line);
    }
    let mut line = String::new();
    Json::new(plan).event(&event, &mut line);
    one_line(&line);
    let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(value["record"], "event");

    let mut tree = Tree::new(chain, plan, WallClock { offset_ns: 0 }, Paint { colors: true });
    let mut trace = ChromeTrace::new(chain, plan);
    let [mut lines, mut slices] = [const { String::new() }; 2];
    trace.start(&[], &mut slices);
    // The second time it is of the same call, or of none as well.
    tree.event(&event, &mut lines);
    tree.unshown(&event, &mut lines);
    for _ in 0..2 {
        trace.event(&event, &mut slices);
    }
    let accounting = EventAccounting::new(plan.nodes.len());
    let totals = Totals { accounting: &accounting, shown: 1 };
    tree.end(&totals, &mut lines);
    trace.end(&totals, &mut slices);
    lines.split_inclusive('\n').for_each(one_line);
    let slices: Vec<serde_json::Value> = serde_json::from_str(&slices).expect("JSON");
    assert!(slices.len() > 1, "the process has a name");
}

/// One line, its end included, with nothing in it but colours that a terminal would obey.
fn one_line(line: &str) {
    let text = line.strip_suffix('\n').expect("a line ends");
    let plain = anstream::adapter::strip_str(text).to_string();
    assert!(!plain.chars().any(char::is_control), "{text:?}");
}
