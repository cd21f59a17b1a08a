//! Whatever a ring buffer holds, a line of text comes out of it, or a word on why not.

use freplace_compose_common::Header;
use proptest::{prelude::*, test_runner::Config};

use super::{
    Decoder, Event, EventNode, Field, Json, Layout, Log, Paint, Render as _, Shape, WallClock,
};
use crate::{
    chain::{Chain, Role},
    inert,
    object::Object,
    plan::{self, AttachPoint, Plan, PlannedNode},
    resolve::Resolved,
};

/// Decodes `record` and writes it down in both ways; says whether it was an event.
fn show(plan: &Plan, decoder: &Decoder, record: &[u8]) -> bool {
    let Ok(event) = decoder.decode(record) else { return false };
    write_down(plan, &event);
    true
}

/// Writes an event down in both ways; returns the record.
pub(crate) fn write_down(plan: &Plan, event: &Event<'_>) -> serde_json::Value {
    for has_tasks in [true, false] {
        let [colored, bare] = [true, false].map(|colors| {
            let (clock, paint) = (WallClock { offset_ns: -1 }, Paint { colors });
            let mut line = String::new();
            Log::new(&plan.nodes, clock, has_tasks, paint).event(event, &mut line);
            one_line(&line);
            line
        });
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), bare);
    }
    let mut line = String::new();
    Json::new(plan).event(event, &mut line);
    one_line(&line);
    let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(value["record"], "event");
    value
}

/// One line, its end included, with nothing in it but colours that a terminal would obey.
fn one_line(line: &str) {
    let text = line.strip_suffix('\n').expect("a line ends");
    let plain = anstream::adapter::strip_str(text).to_string();
    assert!(!plain.chars().any(char::is_control), "{text:?}");
    // What is stripped is ours: colours and nothing else.
    let escapes = text.matches('\u{1b}').count();
    assert_eq!(escapes, text.matches("\u{1b}[").count(), "{text:?}");
}

/// A chain whose objects are not there, and a plan with its nodes, which does nothing.
pub(crate) fn chain_of(text: &str) -> (Chain, Plan) {
    let chain = Chain::parse("made-up.toml".as_ref(), text.to_owned()).expect("a chain");
    let nodes = chain.graph.nodes().map(|(_, node)| PlannedNode::of(node)).collect();
    let plan = Plan { chain: chain.name.clone(), nodes, operations: Vec::new() };
    (chain, plan)
}

/// A record that was made up: the payload is `value`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Emitted {
    pub(crate) time_ns: u64,
    pub(crate) call: u64,
    pub(crate) node: u32,
    pub(crate) cpu: u32,
    pub(crate) value: u32,
}

impl Emitted {
    fn bytes(self) -> Vec<u8> {
        self.with_payload(&self.value.to_ne_bytes())
    }

    /// Its record, with another payload.
    pub(crate) fn with_payload(self, payload: &[u8]) -> Vec<u8> {
        let mut record = [self.time_ns, self.call].map(u64::to_ne_bytes).concat();
        let size = payload.len() as u32;
        record.extend([self.node, 7, size, self.cpu, 146, 146].map(u32::to_ne_bytes).concat());
        record.extend(b"wget");
        record.resize(Header::LEN, 0);
        record.extend(payload);
        record
    }
}

/// Decodes what was made up, for `nodes` that all emit `struct event { __u32 value; }`.
pub(crate) fn with_events(
    nodes: &[PlannedNode],
    emitted: &[Emitted],
    mut each: impl FnMut(&Event<'_>),
) {
    let shape = Shape::Integer { size: 4, signed: false };
    let fields = vec![Field { name: "value".into(), offset: 0, shape }];
    let layout = Layout { name: "event".into(), size: 4, fields };
    let source = |node: &PlannedNode| EventNode::new(node.clone(), [(7, layout.clone())].into());
    let decoder = Decoder { nodes: nodes.iter().map(source).collect() };
    for emitted in emitted {
        each(&decoder.decode(&emitted.bytes()).expect("a whole record"));
    }
}

/// The same for one event of a node of no chain.
pub(crate) fn with_event(emitted: &Emitted, each: impl FnMut(&Event<'_>)) {
    let nodes = vec![node(); emitted.node as usize + 1];
    with_events(&nodes, &[*emitted], each);
}

pub(crate) fn node() -> PlannedNode {
    let place = AttachPoint { at: "x".into(), function: None };
    PlannedNode {
        id: "node".into(),
        scope: String::new(),
        role: Role::Host,
        label: "kprobe",
        moments: &[],
        place,
    }
}

fn record(kind: u32, size: u32, comm: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 16];
    record.extend([0, kind, size, 3, 4, 5].map(u32::to_ne_bytes).concat());
    record.extend(comm);
    record.resize(Header::LEN, 0);
    record.extend(payload);
    record
}

pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    let number = prop::sample::select(vec![1_usize, 2, 4, 8]);
    let variant = ("[a-z\"\\\\]{0,4}", any::<i64>());
    let leaf = prop_oneof![
        (number.clone(), any::<bool>()).prop_map(|(size, signed)| Shape::Integer { size, signed }),
        prop::sample::select(vec![2_usize, 4]).prop_map(Shape::BigEndian),
        (0_usize..20).prop_map(Shape::Text),
        (0_usize..20).prop_map(Shape::Bytes),
        (number, any::<bool>(), prop::collection::vec(variant, 0..4))
            .prop_map(|(size, signed, variants)| Shape::Enum { size, signed, variants }),
        prop::sample::select(vec![
            Shape::Boolean,
            Shape::Ipv4,
            Shape::Ipv6,
            Shape::Ip,
            Shape::Port,
            Shape::Mac,
            Shape::Nanoseconds,
            Shape::Errno(4),
            Shape::Errno(8),
            Shape::Hex(4),
            Shape::Endpoint,
            Shape::Flow,
            Shape::Pointer,
        ]),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0_usize..9, 0_usize..5).prop_map(|(element, size, length)| {
                Shape::Array { element: Box::new(element), size, length }
            }),
            prop::collection::vec(field(inner), 0..4).prop_map(Shape::Struct),
        ]
    })
}

pub(crate) fn field(shape: impl Strategy<Value = Shape>) -> impl Strategy<Value = Field> {
    ("ret|[a-z\"\\\\]{0,6}", 0_usize..40, shape).prop_map(|(name, offset, shape)| Field {
        name,
        offset,
        shape,
    })
}

proptest! {
    #![proptest_config(Config { cases: 3000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_bytes_are_split_within_their_bounds(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some((header, payload)) = Header::split(&bytes) {
            prop_assert_eq!(payload.len(), header.size as usize);
            prop_assert!(Header::LEN + payload.len() <= bytes.len());
        }
    }

    #[test]
    fn any_payload_of_any_layout_is_one_line(
        fields in prop::collection::vec(field(shape()), 0..5),
        payload in prop::collection::vec(any::<u8>(), 0..80),
        comm in prop::collection::vec(any::<u8>(), 0..16),
        known in any::<bool>(),
    ) {
        let layout = Layout { name: "event".into(), size: 8, fields };
        let decoder = Decoder {
            nodes: vec![EventNode::new(node(), [(7, layout)].into())],
        };
        let plan = Plan { chain: "x".into(), nodes: vec![node()], operations: Vec::new() };
        let size = payload.len() as u32;
        let bytes = record(if known { 7 } else { 8 }, size, &comm, &payload);
        prop_assert!(show(&plan, &decoder, &bytes));
    }
}

#[test]
fn every_event_of_the_shipped_chains_is_shown_whatever_its_payload() {
    for (file, text) in [
        ("tcp.toml", include_str!("../../../chains/tcp.toml")),
        ("tcp-map.toml", include_str!("../../../chains/tcp-map.toml")),
        ("xdp.toml", include_str!("../../../chains/xdp.toml")),
        ("trace.toml", include_str!("../../../chains/trace.toml")),
    ] {
        let chain = Chain::parse(file.as_ref(), text.to_owned()).expect("it is shipped");
        let resolved = Resolved::open(chain).expect("its objects are built in");
        let plan = plan::build(&resolved, plan::Offers::default());
        let decoder = Decoder::new(&resolved);
        let mut seen = 0;
        for (index, source) in decoder.nodes.iter().enumerate() {
            let traced = (1..).zip(&source.traced).map(|(id, traced)| (id, traced.size()));
            let layouts = source.layouts.iter().map(|(id, layout)| (*id, layout.size as usize));
            for (id, size) in layouts.chain(traced) {
                for byte in [0, 0xff, b'"', b'\n', 0x1b] {
                    let payload = vec![byte; size];
                    let mut bytes = record(id, size as u32, &[byte; 16], &payload);
                    bytes[16..20].copy_from_slice(&(index as u32).to_ne_bytes());
                    assert!(show(&plan, &decoder, &bytes));
                    seen += 1;
                }
            }
        }
        assert!(seen > 0, "{file} has events");
    }
}

#[test]
fn names_of_fields_are_shown_escaped() {
    let bytes = freplace_compose_ebpf_programs::object("tcp").expect("it is built in").to_vec();
    let layouts = |bytes: Vec<u8>| -> Vec<Layout> {
        let object = Object::parse(bytes).expect("an object");
        object.events.iter().filter_map(|id| Layout::of(&object.btf, *id)).collect()
    };
    let all = layouts(bytes.clone());
    let mut names = all.iter().flat_map(|layout| &layout.fields).map(|field| field.name.clone());
    let name = names.find(|name| name.len() >= 3).expect("a field with a name");
    // The reader of BTF takes no name with a control character.
    for order in ["\u{202e}", "\u{2066}", "\u{200b}"] {
        let hostile = order.to_owned() + &"x".repeat(name.len() - order.len());
        let whole = format!("\0{name}\0");
        let mut bytes = bytes.clone();
        for at in 0..bytes.len() - whole.len() {
            if bytes[at..].starts_with(whole.as_bytes()) {
                bytes[at + 1..=at + hostile.len()].copy_from_slice(hostile.as_bytes());
            }
        }
        let escaped = inert::line(&hostile).into_owned();
        let has = |layout: &Layout| layout.fields.iter().any(|field| field.name == escaped);
        let layout = layouts(bytes).into_iter().find(has).expect("the name was changed");
        let payload = vec![0; layout.size as usize];
        let record = record(7, layout.size, b"", &payload);
        let decoder = Decoder { nodes: vec![EventNode::new(node(), [(7, layout)].into())] };
        let plan = Plan { chain: "x".into(), nodes: vec![node()], operations: Vec::new() };
        let event = decoder.decode(&record).expect("a whole record");
        write_down(&plan, &event);
        let (mut human, mut json) = (String::new(), String::new());
        // What trees and trace events hold.
        super::human::fields(&event, Paint { colors: false }, &mut human);
        super::json::payload(&event, &mut json);
        for text in [&human, &json] {
            assert!(text.chars().all(inert::is_visible), "{text:?}");
        }
        assert!(json.contains("u{"), "{json}");
    }
}
