use super::{Btf, BtfError, Type};

/// A section as Linux 7.2 writes it, with a table of kinds behind the strings.
fn with_layout(types: &[u32], strings: &[u8], layout: &[[u8; 4]]) -> Vec<u8> {
    let mut out = section(32, types, strings);
    let offset = u32::try_from(out.len() - 32).expect("a few bytes");
    let length = u32::try_from(layout.len() * 4).expect("a few kinds");
    out[24..28].copy_from_slice(&offset.to_ne_bytes());
    out[28..32].copy_from_slice(&length.to_ne_bytes());
    out.extend(layout.concat());
    out
}

/// A section with the given types and strings, with a header of `header` bytes.
fn section(header: u32, types: &[u32], strings: &[u8]) -> Vec<u8> {
    let mut out = vec![0x9f, 0xeb, 1, 0];
    let length = u32::try_from(types.len() * 4).expect("a few words");
    let strings_length = u32::try_from(strings.len()).expect("a few bytes");
    for word in [header, 0, length, length, strings_length] {
        out.extend(word.to_ne_bytes());
    }
    out.resize(header as usize, 0);
    out.extend(types.iter().flat_map(|word| word.to_ne_bytes()));
    out.extend(strings);
    out
}

#[test]
fn a_longer_header_is_followed_by_its_length() {
    let int = [1, 1 << 24, 4, 1 << 24 | 32];
    for header in [24, 32] {
        let btf = Btf::parse(section(header, &int, b"\0int\0")).expect("well formed");
        let expected = Type::Int { name: "int", size: 4, signed: true, boolean: false };
        assert_eq!(btf.get(1), Some(expected));
    }
}

#[test]
fn unknown_kinds_are_passed_over_by_the_table_of_kinds() {
    const INT: [u32; 4] = [1, 1 << 24, 4, 1 << 24 | 32];
    // Kind 100 has four bytes once and eight for each of its two items.
    let unknown = [1, 100 << 24 | 2, 7, 0, 1, 2, 3, 4];
    let types = [&INT[..], &unknown, &[0, 2 << 24, 1]].concat();
    let mut layout = [[0; 4]; 101];
    layout[100] = [4, 8, 0, 0];
    let btf = Btf::parse(with_layout(&types, b"\0int\0", &layout)).expect("well formed");
    assert_eq!((btf.len(), btf.get(2), btf.get(3)), (3, None, Some(Type::Ptr(1))));
    assert_eq!(btf.iter().count(), 2);

    let short = with_layout(&types, b"\0int\0", &layout[..100]);
    assert_eq!(Btf::parse(short).err(), Some(BtfError::Kind { id: 2, kind: 100 }));
    let mut cut = with_layout(&types, b"\0int\0", &layout);
    cut.truncate(cut.len() - 1);
    assert_eq!(Btf::parse(&*cut).err(), Some(BtfError::Truncated(cut.len())));
    // Items that reach past the end of the types are no panic.
    layout[100] = [255; 4];
    assert!(Btf::parse(with_layout(&types, b"\0int\0", &layout)).is_err());
}

#[test]
fn more_than_65535_values_are_counted() {
    let values = 70_000;
    let mut types = vec![1, 6 << 24 | values, 4];
    types.extend((0..values).flat_map(|value| [1, value]));
    types.extend([0, 2 << 24, 1]);
    let btf = Btf::parse(section(24, &types, b"\0a\0")).expect("well formed");
    let Some(Type::Enum { variants, .. }) = btf.get(1) else { panic!("an enum") };
    assert_eq!(variants.last(), Some(&("a", i64::from(values - 1))));
    assert_eq!(btf.get(2), Some(Type::Ptr(1)));
}

#[test]
fn types_that_are_part_of_themselves_are_declared_shortly() {
    // A pointer to itself; a function that takes a pointer to itself.
    let types = [0, 2 << 24, 1, 0, 13 << 24 | 1, 0, 0, 3, 0, 2 << 24, 2];
    let btf = Btf::parse(section(24, &types, &[0])).expect("it is whole");
    let declare = crate::object::prototype::declare;
    assert_eq!(declare(&btf, 1, "x"), "? *x");
    assert_eq!(declare(&btf, 3, "call"), "void (*call)(?)");
}

#[test]
fn loops_of_typedefs_and_arrays_end() {
    let btf = Btf::parse(section(24, &[0, 8 << 24, 1], b"\0")).expect("well formed");
    assert_eq!(btf.resolve(1), None);
    let array = [0, 3 << 24, 0, 1, 1, 2];
    let btf = Btf::parse(section(24, &array, b"\0")).expect("well formed");
    assert_eq!(btf.size(1), None);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let good = section(24, &[1, 1 << 24, 4, 32], b"\0int\0");
    assert!(Btf::parse(&good[..good.len() - 1]).is_err());
    assert_eq!(Btf::parse(vec![0; 24]).err(), Some(BtfError::Magic));
    assert_eq!(Btf::parse(&good[..8]).err(), Some(BtfError::Truncated(8)));
    for kind in [31, 127] {
        let unknown = section(24, &[0, kind << 24, 0], b"\0");
        assert_eq!(Btf::parse(unknown).err(), Some(BtfError::Kind { id: 1, kind }));
    }
}
