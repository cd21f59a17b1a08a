//! No types make the reader panic, or code that uses it. Whole objects are tested by the fuzzers.

use proptest::{prelude::*, test_runner::Config};

use super::{
    Object,
    btf::{Btf, Type},
    prototype,
};
use crate::event::{Layout, Shape};

proptest! {
    #![proptest_config(Config { cases: 2000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(Object::parse(bytes.clone()).is_err());
        let mut elf = b"\x7fELF\x02\x01\x01\0".to_vec();
        elf.extend(bytes);
        prop_assert!(Object::parse(elf).is_err());
    }

    #[test]
    fn any_types_are_read_or_refused(words in prop::collection::vec(type_word(), 0..64)) {
        if let Ok(btf) = Btf::parse(section(&words, b"\0a\0\0")) {
            for (id, _) in btf.iter() {
                let _ = (btf.size(id), btf.resolve(id), prototype::declare(&btf, id, "x"));
                let _ = (prototype::function(&btf, "x", id), Layout::of(&btf, id));
            }
        }
    }
}

/// A word that a type may be made of: small numbers, and a kind with a few members.
fn type_word() -> impl Strategy<Value = u32> {
    prop_oneof![
        3 => 0_u32..20,
        3 => (0_u32..20, 0_u32..6, any::<bool>()).prop_map(|(kind, members, flag)| {
            kind << 24 | members | u32::from(flag) << 31
        }),
        1 => any::<u32>(),
    ]
}

/// A section of BTF with the given types and strings.
fn section(types: &[u32], strings: &[u8; 4]) -> Vec<u8> {
    let length = types.len() as u32 * 4;
    let mut section = vec![0x9f, 0xeb, 1, 0];
    let header = [24, 0, length, length, 4];
    section.extend(header.iter().chain(types).flat_map(|word| word.to_ne_bytes()));
    section.extend(strings);
    section
}

fn count(shape: &Shape) -> usize {
    match shape {
        Shape::Struct(fields) => fields.iter().map(|field| 1 + count(&field.shape)).sum(),
        _ => 0,
    }
}

#[test]
fn a_struct_made_of_itself_has_a_bounded_layout() {
    let mut types = vec![1, 4 << 24 | 20, 8];
    types.extend([1, 1, 0].repeat(20));
    let btf = Btf::parse(section(&types, b"\0a\0\0")).expect("well formed");
    let layout = Layout::of(&btf, 1).expect("a struct");
    assert!(count(&Shape::Struct(layout.fields)) <= 1024);
}

#[test]
fn a_prototype_that_takes_itself_is_written_with_an_end() {
    let mut types = vec![0, 13 << 24 | 5, 0];
    types.extend([1, 2].repeat(5));
    types.extend([0, 2 << 24, 1]);
    let btf = Btf::parse(section(&types, b"\0a\0\0")).expect("well formed");
    let text = prototype::function(&btf, "f", 1).expect("a prototype");
    assert!(text.starts_with("void f(") && text.len() < 100_000);
}

#[test]
fn a_field_that_reaches_out_of_its_struct_is_none() {
    let int = [1, 1 << 24, 4, 32];
    let array = [0, 3 << 24, 0, 1, 1, 1 << 28];
    let of_array = [1, 4 << 24 | 2, 4, 1, 2, 0, 1, 1, 0];
    let btf = Btf::parse(section(&[&int[..], &array, &of_array].concat(), b"\0a\0\0"));
    let layout = Layout::of(&btf.expect("well formed"), 3).expect("a struct");
    let shapes: Vec<_> = layout.fields.into_iter().map(|field| field.shape).collect();
    assert_eq!(shapes, [Shape::Integer { size: 4, signed: false }]);
}

#[test]
fn a_name_that_a_terminal_would_obey_is_no_name() {
    let int = [1, 1 << 24, 4, 32];
    let btf = Btf::parse(section(&int, b"\0\x1bc\0")).expect("well formed");
    assert_eq!(btf.get(1), None);
    let btf = Btf::parse(section(&int, b"\0ab\0")).expect("well formed");
    assert!(matches!(btf.get(1), Some(Type::Int { name: "ab", .. })));
}

#[test]
fn a_subset_takes_an_enum_whose_size_is_not_that_of_its_values() {
    // Values of 64 bits in an enum of 4 bytes: what a fuzzer would write, and no compiler.
    let wide = [1, 19 << 24 | 1, 4, 1, 5, 0];
    let btf = Btf::parse(section(&wide, b"\0a\0\0")).expect("well formed");
    let part = Btf::parse(super::subset(&btf, &["a"])).expect("well formed");
    assert_eq!(part.get(1), btf.get(1));
}
