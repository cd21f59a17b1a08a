//! The two sides of the event ABI: what clang made of `freplace_compose.h` is what Rust reads.

mod common;

use std::mem::{offset_of, size_of};

use freplace_compose::object::{
    Object,
    btf::{Btf, Type},
};
use freplace_compose_common::{
    COUNT_STRUCT, COUNTS_MAP, EVENTS_MAP, HAS_TASK_GLOBAL, HEADER_STRUCT, Header, NODE_GLOBAL,
    NodeCount,
    trace::{
        self, CapturedValue, ENTRY_TRACE_GLOBAL, FilterTest, Hop, TIMES_MAP, TRACE_GLOBAL, Trace,
    },
};

/// Name, offset and size in bytes of each field, and the size of the whole.
type Fields = (Vec<(String, usize, usize)>, usize);

fn in_c(btf: &Btf, name: &str) -> Fields {
    let Some((_, Type::Struct { members, size, .. })) = btf.structure(name) else {
        panic!("struct {name} is not in the BTF");
    };
    let field = |member: &freplace_compose::object::btf::Member<'_>| {
        assert_eq!((member.bit_offset % 8, member.bit_width), (0, 0), "{}", member.name);
        let size = btf.size(member.of).expect("fields have sizes");
        (member.name.to_owned(), member.bit_offset as usize / 8, size as usize)
    };
    (members.iter().map(field).collect(), size as usize)
}

macro_rules! in_rust {
    ($type:ident { $($field:ident),* }) => {{
        fn size<T>(_: fn($type) -> T) -> usize {
            size_of::<T>()
        }
        // Names every field: one that is added has to be added here.
        let _ = |$type { $($field: _),* }: $type| ();
        let fields = vec![$((
            stringify!($field).trim_start_matches("r#").to_owned(),
            offset_of!($type, $field),
            size(|whole| whole.$field),
        )),*];
        (fields, size_of::<$type>())
    }};
}

fn objects() -> impl Iterator<Item = (&'static str, Object)> {
    freplace_compose_ebpf_programs::names().filter_map(|name| {
        let bytes = freplace_compose_ebpf_programs::object(name)?;
        Some((name, Object::parse(bytes).expect(name)))
    })
}

#[test]
fn the_header_is_the_same_in_c_and_rust() {
    let expected: Fields =
        in_rust!(Header { time_ns, call, node, r#type, size, cpu, pid, tid, comm });
    let bytes = std::fs::read(common::objects().join("abi.bpf.o")).expect("it was just compiled");
    let object = Object::parse(bytes).expect("it was just compiled");
    assert_eq!(in_c(&object.btf, HEADER_STRUCT), expected);
    assert_eq!(Header::LEN, expected.1);
}

#[test]
fn the_counter_is_the_same_in_c_and_rust() {
    let expected: Fields = in_rust!(NodeCount { produced, lost });
    let mut seen = 0;
    for (name, object) in objects().filter(|(_, object)| !object.events.is_empty()) {
        assert_eq!(in_c(&object.btf, COUNT_STRUCT), expected, "{name}");
        let map = object.maps.iter().find(|map| map.name == COUNTS_MAP).expect(name);
        assert_eq!((map.key_size, map.value_size as usize), (4, expected.1), "{name}");
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn the_maps_and_globals_have_the_names_that_the_composer_knows() {
    for (name, object) in objects().filter(|(_, object)| !object.events.is_empty()) {
        let events = object.maps.iter().find(|map| map.name == EVENTS_MAP).expect(name);
        assert_eq!(events.type_name(), "ringbuf", "{name}");
        let variables = object.btf.section(".rodata").expect(name);
        for global in [NODE_GLOBAL, HAS_TASK_GLOBAL] {
            let found = variables.iter().find_map(|id| match object.btf.get(*id)? {
                Type::Variable { name, of } if name == global => object.btf.size(of),
                _ => None,
            });
            assert_eq!(found, Some(4), "{global} of {name}");
        }
    }
}

#[test]
fn what_the_built_in_tracer_is_told_is_the_same_in_c_and_rust() {
    let (_, object) = objects().find(|(name, _)| *name == "trace").expect("it is built in");
    let btf = &object.btf;
    assert_eq!(in_c(btf, "fc_trace_hop"), in_rust!(Hop { offset, size }));
    let value =
        in_rust!(CapturedValue { hops, block_offset, block_size, block_to, to, source, hop_count });
    assert_eq!(in_c(btf, "fc_trace_value"), value);
    let test = in_rust!(FilterTest {
        constant,
        value,
        shift,
        is_signed,
        relations,
        if_true,
        if_false,
        reads,
        unused
    });
    assert_eq!(in_c(btf, "fc_trace_test"), test);
    let all = in_rust!(Trace {
        tests,
        values,
        r#type,
        size,
        unread_to,
        value_count,
        test_count,
        tells,
        times,
        tested
    });
    assert_eq!(in_c(btf, "fc_trace"), all);
    let variables = btf.section(".rodata").expect("it has constants");
    let names = variables.iter().filter_map(|id| match btf.get(*id)? {
        Type::Variable { name, of } => Some((name, btf.size(of)? as usize)),
        _ => None,
    });
    let names: Vec<_> = names.collect();
    for global in [TRACE_GLOBAL, ENTRY_TRACE_GLOBAL] {
        assert!(names.contains(&(global, all.1)), "{names:?}");
    }
    assert!(object.maps.iter().any(|map| map.name == TIMES_MAP));
    assert_eq!(Trace::default().to_bytes().len(), all.1);
}

#[test]
fn the_numbers_that_the_built_in_tracer_goes_by_are_those_of_its_header() {
    let path = common::workspace().join("ebpf-programs/bpf/trace.h");
    let header = std::fs::read_to_string(path).expect("it is part of the repository");
    for (name, number) in [
        ("VALUES", trace::VALUES as u64),
        ("HOPS", trace::HOPS as u64),
        ("TESTS", trace::TESTS as u64),
        ("RET", trace::RET.into()),
        ("TOOK", trace::TOOK.into()),
        ("NOWHERE", trace::NOWHERE.into()),
        ("PASS", trace::PASS.into()),
        ("DROP", trace::DROP.into()),
        ("LESS", trace::LESS.into()),
        ("EQUAL", trace::EQUAL.into()),
        ("GREATER", trace::GREATER.into()),
    ] {
        let start = format!("#define FC_TRACE_{name} ");
        let text = header.lines().find_map(|line| line.strip_prefix(&start)).expect(name);
        let found = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        assert_eq!(found, Ok(number), "{name}");
    }
}

#[test]
fn a_record_as_c_lays_it_out_is_read_field_by_field() {
    let mut record = Vec::new();
    record.extend([1_u64, 2].map(u64::to_ne_bytes).concat());
    record.extend([3_u32, 4, 2, 6, 7, 8].map(u32::to_ne_bytes).concat());
    record.extend(*b"comm\0\0\0\0\0\0\0\0\0\0\0\0!!padding");
    let (header, payload) = Header::split(&record).expect("it is whole");
    let expected = Header {
        time_ns: 1,
        call: 2,
        node: 3,
        r#type: 4,
        size: 2,
        cpu: 6,
        pid: 7,
        tid: 8,
        comm: *b"comm\0\0\0\0\0\0\0\0\0\0\0\0",
    };
    assert_eq!((header, payload, header.comm()), (expected, b"!!".as_slice(), b"comm".as_slice()));
}
