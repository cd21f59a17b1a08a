//! Whatever a program writes in a form of its own, a line comes out of it.

use proptest::{prelude::*, test_runner::Config};

use super::{Layout, Shape, TextPart, UserEventMap};
use crate::{
    chain::{Chain, FieldStep},
    event::{
        Printk, TraceLine, json,
        tests::{field, node, shape, write_down},
    },
    plan::{self, Plan},
    resolve::Resolved,
};

fn plan_of_one() -> Plan {
    Plan { chain: "x".into(), nodes: vec![node()], operations: Vec::new() }
}

fn part() -> impl Strategy<Value = TextPart> {
    prop_oneof![
        ".{0,5}".prop_map(TextPart::Literal),
        (0_usize..100, shape()).prop_map(|(at, shape)| TextPart::Value(at, shape)),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 2000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_record_is_one_line(
        layout in prop::option::of((prop::collection::vec(field(shape()), 0..4), 0_u32..90)),
        text in prop::collection::vec(part(), 0..4),
        time in prop::option::of(prop_oneof![0_usize..90, Just(usize::MAX)]),
        record in prop::collection::vec(any::<u8>(), 0..400),
        cpu in any::<Option<u32>>(),
    ) {
        let plan = plan_of_one();
        let layout = layout.map(|(fields, size)| Layout { name: "event".into(), size, fields });
        let json = json::keys_of(&node());
        let name = "events".to_owned();
        let map = UserEventMap { node: 0, map: name, planned: node(), json, layout, text, time };
        let event = map.event(&record, cpu, 5);
        let is_short = map.layout.as_ref().is_some_and(|own| own.size as usize > record.len());
        prop_assert_eq!(event.is_undecoded(), is_short);
        let value = write_down(&plan, &event);
        prop_assert_eq!(value["data"].is_object(), map.layout.is_some() && !is_short);
    }
}

/// A chain of programs of one object.
fn chain(object: &str, text: &str) -> (Resolved, Plan) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bytes = freplace_compose_test_programs::object(object).expect("it was compiled");
    std::fs::write(folder.path().join(format!("{object}.o")), bytes).expect("room in /tmp");
    let chain = Chain::parse(&folder.path().join("chain.toml"), text.to_owned()).expect("good");
    let resolved = Resolved::open(chain).expect("its objects are there");
    let plan = plan::build(&resolved, plan::Offers::default());
    (resolved, plan)
}

/// Programs whose formats are known, one of which is on its stack.
fn printk() -> (Plan, Printk) {
    let text = "printk = true\n[host.one]\nobject = \"printers.o\"\nprogram = \"says_hello\"\n\
                attach = { kprobe = \"x\" }\n[host.two]\nobject = \"printers.o\"\n\
                program = \"mumbles\"\nattach = { kprobe = \"x\" }\n";
    let (resolved, plan) = chain("printers", text);
    let printk = Printk::new(&resolved);
    (plan, printk)
}

/// What `record` is, decoded by `layout`.
fn by_layout(layout: &str, record: &[u8]) -> serde_json::Value {
    let text = format!(
        "[host.one]\nobject = \"foreign.o\"\nprogram = \"untyped\"\nattach = {{ kprobe = \"x\" }}\n\
         events = {{ map = \"events\", layout = \"{layout}\" }}\n"
    );
    let (resolved, plan) = chain("foreign", &text);
    let all = UserEventMap::all(&resolved);
    let map = all.iter().find(|map| map.map == "events").expect("its map");
    write_down(&plan, &map.event(record, None, 5))["data"].take()
}

#[test]
fn a_record_ends_behind_the_last_field_of_its_layout_or_later() {
    let record: Vec<u8> = (1..=24).collect();
    for (layout, least) in [
        ("u64 a; u16 b", 10),             // 16 with C's padding
        ("u64 a; char b[3]; u8 c", 12),   // 16
        ("u8 a; u64 b; u8 c[5]", 21),     // 24
        ("packed u8 a; u64 b; u8 c", 10), // C has none
        ("u64 a; u64 b", 16),             // none
    ] {
        for length in 0..=record.len() {
            let data = by_layout(layout, &record[..length]);
            assert_eq!(data.is_object(), length >= least, "{layout}, {length} bytes: {data}");
        }
    }
}

#[test]
fn a_layout_has_values_in_both_byte_orders() {
    let record: Vec<u8> = (1..=40).collect();
    let layout = "packed s8 a; __be16 b; __be32 c; __be64 d; bool e; u16 f; u8 g[2][2]; char h[2]";
    let expected = serde_json::json!({
        "a": 1,
        "b": 0x0203,
        "c": 0x0405_0607,
        "d": 0x0809_0a0b_0c0d_0e0f_u64,
        "e": true,
        "f": u16::from_ne_bytes([17, 18]),
        "g": [[19, 20], [21, 22]],
        "h": "\u{17}\u{18}",
    });
    assert_eq!(by_layout(layout, &record), expected);
}

#[test]
fn any_line_of_a_trace_is_one_line() {
    let (plan, mut printk) = printk();
    let head = |text: &[u8]| {
        [b"            wget-146     [001]  1234.567890: bpf_trace_printk: ", text].concat()
    };
    let lines: [(Vec<u8>, usize); 8] = [
        (head(b"hello 5 of \x1b[31mred\n"), 1),
        (b"more\x1b of it".to_vec(), 1),
        (b"".to_vec(), 0),
        (head(b"\xff\xfe \"quoted\""), 1),
        (head(b""), 0),
        (b"and \x07 on".to_vec(), 1),
        (b"CPU:0 [LOST 3 EVENTS]".to_vec(), 0),
        (b"\xff\xff\xff".to_vec(), 1),
    ];
    for (line, expected) in lines {
        let mut count = 0;
        printk.line(&TraceLine::read(&line), &mut |event| {
            count += 1;
            let value = write_down(&plan, event);
            assert!(value["printk"].is_string(), "{value}");
        });
        assert_eq!(count, expected, "{}", String::from_utf8_lossy(&line));
    }
}

#[test]
fn a_hint_holds_for_the_field_wherever_it_is_shown() {
    let mut fields = vec![
        crate::event::Field { name: "a".into(), offset: 0, shape: Shape::Bytes(4) },
        crate::event::Field {
            name: "b".into(),
            offset: 4,
            shape: Shape::Struct(vec![crate::event::Field {
                name: "c".into(),
                offset: 0,
                shape: Shape::Integer { size: 2, signed: false },
            }]),
        },
    ];
    let step = |name: &str| FieldStep::Field(name.to_owned());
    super::set(&mut fields, &[step("b"), step("c")], &Shape::BigEndian(2));
    super::set(&mut fields, &[step("nowhere")], &Shape::Mac);
    assert_eq!(fields[0].shape, Shape::Bytes(4));
    let Shape::Struct(inner) = &fields[1].shape else { panic!("it was one") };
    assert_eq!(inner[0].shape, Shape::BigEndian(2));
}
