//! How fast records become text: millions of events a second on one core, and how that compares to
//! only counting them by node.
//!
//! `cargo xtask bench` runs it on this machine and in the guest. Nothing is written anywhere: what
//! the disk or the reader costs is not in it.

use std::{
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use freplace_compose::{
    chain::Chain,
    event::{
        ChromeTrace, Decoder, Event, Json, Layout, Log, Paint, Payload, Render as _, Tree,
        WallClock,
    },
    plan,
    resolve::Resolved,
};
use freplace_compose_common::Header;

/// As many as give a few megabytes of text, more than fits in a cache.
const CALLS: u32 = 5000;
/// How long each way is measured.
const TIME: Duration = Duration::from_millis(700);

/// The records of as many calls of chains/tcp.toml.
fn records(resolved: &Resolved) -> Vec<Vec<u8>> {
    let find = |id: &str| {
        let mut programs = resolved.programs();
        programs.find(|(_, node, _)| node.id.value == id).expect("it is in the chain")
    };
    let id = |node: &str, name: &str| {
        let object = find(node).2.object();
        let mut ids = object.events.iter();
        let found = ids.find(|id| Layout::of(&object.btf, **id).is_some_and(|it| it.name == name));
        *found.expect("its event")
    };
    let at = |id: &str| find(id).0.index() as u32;
    let way = [
        ("connect", "tcp_event", 36),
        ("before", "tcp_event", 36),
        ("handler_v1", "tcp_event", 36),
        ("after", "tcp_return_event", 48),
    ];
    let way = way.map(|(node, name, size)| (at(node), id(node, name), size));
    let mut records = Vec::new();
    for call in 1..=CALLS {
        for (number, (node, of, size)) in way.iter().enumerate() {
            let time = 8_123_456_789_u64 + u64::from(call) * 50_000 + 1_700 * number as u64;
            let mut record = [time, (1 << 48) + u64::from(call)].map(u64::to_ne_bytes).concat();
            record.extend([*node, *of, *size, 0, 14_632, 14_633].map(u32::to_ne_bytes).concat());
            record.extend(b"wget\0\0\0\0\0\0\0\0\0\0\0\0");
            assert_eq!(record.len(), Header::LEN);
            for (octet, port) in [(1, 40_000 + (call % 20_000) as u16), (2, 443)] {
                record.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 2, octet]);
                record.extend(port.to_be_bytes());
            }
            record.extend([1_u32, 0].map(u32::to_ne_bytes).concat());
            record[Header::LEN + 40..].fill(0);
            record.extend(11_900_u64.to_ne_bytes());
            record.truncate(Header::LEN + *size as usize);
            records.push(record);
        }
    }
    records
}

/// Events a second of `pass`, which goes once over all records.
fn rate(events: usize, mut pass: impl FnMut()) -> f64 {
    pass(); // memory is had by then
    let began = Instant::now();
    let mut passes = 0_u32;
    while began.elapsed() < TIME {
        pass();
        passes += 1;
    }
    events as f64 * f64::from(passes) / began.elapsed().as_secs_f64()
}

fn main() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chains/tcp.toml");
    let text = include_str!("../../chains/tcp.toml").to_owned();
    let chain = Chain::parse(&path, text).expect("it is shipped");
    let resolved = Resolved::open(chain).expect("its objects are built in");
    let (chain, plan) = (resolved.chain(), plan::build(&resolved, plan::Offers::default()));
    let records = records(&resolved);
    let decoder = Decoder::new(&resolved);
    let mut out = String::new();
    let mut counts = vec![0_u64; plan.nodes.len()];
    let counting = rate(records.len(), || {
        for record in &records {
            if let Some((header, payload)) = Header::split(black_box(record)) {
                counts[header.node as usize] += payload.len() as u64;
            }
        }
        black_box(&counts);
    });
    let each = |out: &mut String, write: &mut dyn FnMut(&Event<'_>, &mut String)| {
        for record in &records {
            let event = decoder.decode(black_box(record)).expect("an event");
            assert!(matches!(event.payload, Payload::Struct(..)));
            write(&event, out);
            // As large as what is handed to the writer.
            if out.len() > 64 * 1024 {
                black_box(&out);
                out.clear();
            }
        }
    };
    let (nodes, clock) = (&plan.nodes, WallClock { offset_ns: 0 });
    let paint = Paint { colors: false };
    let mut json = Json::new(&plan);
    let mut log = Log::new(nodes, clock, true, paint);
    let mut tree = Tree::new(chain, &plan, clock, paint);
    let mut trace = ChromeTrace::new(chain, &plan);
    let mut rates = vec![("counting", counting)];
    rates.push(("decoding", rate(records.len(), || each(&mut out, &mut |_, _| {}))));
    rates.push((
        "json",
        rate(records.len(), || each(&mut out, &mut |event, out| json.event(event, out))),
    ));
    rates.push(("log", {
        rate(records.len(), || each(&mut out, &mut |event, out| log.event(event, out)))
    }));
    rates.push(("tree", {
        rate(records.len(), || each(&mut out, &mut |event, out| tree.event(event, out)))
    }));
    rates.push(("trace-event", {
        rate(records.len(), || each(&mut out, &mut |event, out| trace.event(event, out)))
    }));
    for (way, rate) in rates {
        println!(
            "  {way:<11}  {:>7.2} million events/s   {:>5.1} %",
            rate / 1e6,
            rate / counting * 100.0
        );
    }
}
