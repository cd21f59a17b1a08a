//! Field offsets as in C, and invalid declarations.

use proptest::{prelude::*, test_runner::Config};

use super::Declared;
use crate::object::btf::{Btf, Type};

/// Names, offsets and sizes of the fields, and the size of all.
fn read(text: &str) -> (Vec<(String, u32, u32)>, u32) {
    let declared = Declared::read(text).unwrap_or_else(|found| panic!("{text}: {found:?}"));
    let btf = Btf::parse(declared.section()).expect("well formed");
    let Some(Type::Struct { members, size, .. }) = btf.get(Declared::STRUCT) else {
        panic!("{text}: no struct");
    };
    let field = |member: &crate::object::btf::Member<'_>| {
        let size = btf.size(member.of).expect("it has one");
        (member.name.to_owned(), member.bit_offset / 8, size)
    };
    (members.iter().map(field).collect(), size)
}

#[test]
fn fields_lie_where_c_puts_them() {
    let (fields, size) = read("u8 a; u64 b; __be16 port; char comm[16]; bool c; int d[2][3];");
    let places: Vec<_> = fields.iter().map(|(_, at, size)| (*at, *size)).collect();
    assert_eq!(places, [(0, 1), (8, 8), (16, 2), (18, 16), (34, 1), (36, 24)]);
    // C would add four bytes, for which a record need not have room.
    assert_eq!(size, 60);
}

#[test]
fn a_packed_layout_has_no_gaps() {
    let (fields, size) = read(" packed u8 a;\n unsigned long long b; int16_t packed");
    let places: Vec<_> = fields.iter().map(|(_, at, size)| (*at, *size)).collect();
    assert_eq!((places, size), (vec![(0, 1), (1, 8), (9, 2)], 11));
    assert_eq!(read("u8 a[65536]").1, 65536);
}

#[test]
fn a_mistake_is_told_where_it_is() {
    for (text, place, says) in [
        ("u32 a; u23 b", "u23", "u32"),
        ("u32 a; struct  pair b", "struct  pair", "one by one"),
        ("enum mood a", "enum mood", "as u32"),
        ("int u32 a", "int u32", "Valid types"),
        ("unsigned bool a", "unsigned bool", "unsigned long"),
        ("struct event { u32 a; u8 b", "{", "without the struct"),
        ("u8 a __attribute__((packed))", "(", "`packed`"),
        ("u8 a; /* u8 b", "/* u8 b", "*/"),
        ("u8 ä /* u8 c; */", "ä", "as in C"),
        ("u8 a[010]; u8 b[09]", "[09]", "at least 1"),
        ("u8 a[0x+1]", "[0x+1]", "at least 1"),
        ("u32 a; unsigned  int", "unsigned  int", "as in C"),
        ("u32 int", "u32 int", "as in C"),
        ("a", "a", "as in C"),
        ("[3]", "[3]", "as in C"),
        ("u32 2a", "u32 2a", "as in C"),
        ("u32 a[0]", "[0]", "at least 1"),
        ("u32 a[n]; u8 b", "[n]", "at least 1"),
        ("u32 a[-1]", "[-1]", "at least 1"),
        ("u32 a[2", "[2", "at least 1"),
        ("u32 a[2] b", "b", "at least 1"),
        ("u32 a[2][2][2]", "[2]", "one or two"),
        ("u32 *a", "*", "u64"),
        ("u32 a, b", ",", "at a time"),
        ("u32 a : 3", ":", "Bit fields"),
        ("u32 ä", "ä", "as in C"),
        ("u32 a; u64 a", "u64 a", "Rename"),
        ("u8 a; u8 b[65536]", "u8 b[65536]", "65536 bytes"),
        ("u64 a[0xffffffff][0xffffffff]", "u64 a[0xffffffff][0xffffffff]", "65536 bytes"),
        (" ; ;", " ; ;", "as in C"),
        ("packed ", "packed ", "as in C"),
    ] {
        let found = Declared::read(text).expect_err(text);
        let [(at, message, help)] = &found[..] else { panic!("{text}: {found:?}") };
        assert_eq!(&text[at.clone()], place, "{text}: {message}");
        assert!(help.contains(says), "{text}: {help}");
    }
    assert_eq!(Declared::read("u23 a; u32 b[0]; u8 c").expect_err("both").len(), 2);
}

#[test]
fn comments_are_passed_over() {
    let text = "/* ; */ packed u8 a; // the kind; u8 x\n u16 b /* \u{e4} */; u8 c[010]; // end";
    let (fields, size) = read(text);
    let names: Vec<_> = fields.iter().map(|(name, at, _)| (name.as_str(), *at)).collect();
    assert_eq!((names, size), (vec![("a", 0), ("b", 1), ("c", 3)], 11));
    assert_eq!(Declared::read("u8 a; /* \u{e4} */ u9 b").expect_err("u9")[0].0, 15..17);
}

#[test]
fn c_says_the_same_in_many_words() {
    for (text, size) in [
        ("long unsigned int a", 8),
        ("unsigned long long int a", 8),
        ("int long signed a", 8),
        ("short int a", 2),
        ("short unsigned int a", 2),
        ("signed a", 4),
        ("signed int a", 4),
        ("int unsigned a", 4),
        ("char signed a", 1),
        ("char unsigned a", 1),
        ("pid_t a", 4),
        ("size_t a", 8),
    ] {
        assert_eq!(read(text).1, size, "{text}");
    }
}

proptest! {
    #![proptest_config(Config { cases: 2000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_is_written_is_a_struct_or_has_mistakes_in_it(
        words in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "u8", "u64", "__be32", "char", "unsigned", "int", "long", "packed", "struct",
                    "a", "b", "[2]", "[0x", "]", ";", ";", "; u16 ", "/*", "*/", "//", "\n", "ä", "*",
                    "[65536]", "[4294967295]", "{", "(",
                ])
                .prop_map(str::to_owned),
                ".{0,3}",
            ],
            0..20,
        ),
        gap in prop::sample::select(vec!["", " "]),
    ) {
        let text = words.join(gap);
        match Declared::read(&text) {
            Ok(_) => {
                let (fields, size) = read(&text);
                let mut end = 0;
                for (name, at, own) in &fields {
                    prop_assert!(*at >= end && *own > 0, "{}: {}", text, name);
                    end = at + own;
                }
                prop_assert_eq!(end, size);
            }
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                for (place, ..) in mistakes {
                    prop_assert!(text.get(place.clone()).is_some(), "{}: {:?}", text, place);
                }
            }
        }
    }
}
