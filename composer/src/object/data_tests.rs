//! Global variables and maps, read from objects.

use super::{Global, Initial, MapDef, Object, Referent, prototype};

fn object(name: &str) -> Object {
    let bytes = freplace_compose_test_programs::object(name).expect("a test program");
    Object::parse(bytes).expect("a good object")
}

fn global<'a>(object: &'a Object, name: &'a str) -> &'a Global {
    let found: Vec<_> = object.globals_called(name).collect();
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

fn map<'a>(object: &'a Object, name: &str) -> &'a MapDef {
    object.maps.iter().find(|map| map.name == name).expect("it is there")
}

#[test]
fn variables_have_a_place_a_type_and_a_value() {
    let object = object("globals");
    let seen = |name| {
        let found = global(&object, name);
        let of = found.of.map(|of| prototype::declare(&object.btf, of, ""));
        let of = of.unwrap_or_default().trim().to_owned();
        (found.section.as_str(), found.frozen, of, object.initial(found))
    };
    let volatile = |of: &str| of.to_owned();
    assert_eq!(
        seen("limit"),
        (".rodata", true, volatile("const volatile int"), 5_u32.to_ne_bytes().to_vec())
    );
    assert_eq!(seen("big"), (".rodata", true, volatile("const volatile __u64"), vec![0; 8]));
    assert_eq!(
        seen("mode"),
        (".data", false, volatile("volatile enum mode"), 7_u32.to_ne_bytes().to_vec())
    );
    assert_eq!(seen("table"), (".bss", false, "__u32 [4]".to_owned(), vec![0; 16]));
    assert_eq!(
        seen("hits"),
        (".data.mine", false, "__u64".to_owned(), 4_u64.to_ne_bytes().to_vec())
    );
}

#[test]
fn static_variables_of_one_name_are_two() {
    let object = object("globals");
    let found: Vec<_> = object.globals_called("count").map(|one| one.name.as_str()).collect();
    assert_eq!(found, ["shows.count", "counts.count"]);
    let counts = global(&object, "counts.count");
    assert_eq!((counts.section.as_str(), object.initial(counts)), (".data", vec![3, 0, 0, 0]));
    assert!(counts.of.is_some());
}

#[test]
fn an_instruction_tells_which_variable_it_means() {
    let object = object("globals");
    let (_, function) = object.function("shows").expect("it is there");
    let places: Vec<_> = function
        .code
        .references
        .values()
        .filter_map(|referent| match referent {
            Referent::Variable { section, offset, frozen } => {
                Some((section.as_str(), *offset, *frozen))
            }
            _ => None,
        })
        .collect();
    for name in ["limit", "big", "mode", "hits"] {
        let one = global(&object, name);
        assert!(places.contains(&(one.section.as_str(), one.offset, one.frozen)), "{name}");
    }
}

#[test]
fn maps_hold_what_they_are_given() {
    let object = object("tables");
    let by_number = map(&object, "by_number");
    let inner = by_number.inner.as_deref().expect("it holds maps");
    assert_eq!((inner.type_name(), inner.max_entries, inner.value_size), ("array", 4, 8));
    let in_map = |entry, name: &str| (entry, Initial::Map(name.to_owned()));
    assert_eq!(by_number.values, [in_map(0, "first"), in_map(2, "second")]);
    assert_eq!(map(&object, "by_name").values, [in_map(3, "first")]);
    let jumps = map(&object, "jumps");
    assert_eq!(jumps.values, [(1, Initial::Program("leaf".to_owned()))]);
    assert_eq!((jumps.key_size, jumps.value_size, jumps.inner.is_none()), (4, 4, true));
}

#[test]
fn sizes_are_what_the_kernel_takes() {
    let object = object("map-sizes");
    let sizes = |name| {
        let map = map(&object, name);
        (map.key_size, map.value_size)
    };
    assert_eq!(sizes("ring"), (0, 0));
    assert_eq!(sizes("perf"), (4, 4));
    assert_eq!(sizes("latest"), (0, 4));
    assert_eq!(sizes("known"), (0, 8));
    assert_eq!(map(&object, "known").extra, 3);
    let storage = map(&object, "of_task");
    assert_eq!((storage.max_entries, storage.flags & 1), (0, 1));
    assert!(map(&object, "total").pinned && !map(&object, "flows").pinned);
}
