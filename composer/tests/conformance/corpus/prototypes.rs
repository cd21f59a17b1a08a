//! Prototypes. The kernel tests try every pair without attaching; here are those of one prototype,
//! and of each with some others, brought up.

use freplace_compose::{diag::Code, object::Object};

use crate::case::{Case, XDP, breaks_if, host, replacement, stub};

/// How far the other prototype is in the list of all.
const DISTANCES: [usize; 4] = [0, 1, 5, 11];

fn names(object: &str, prefix: &str) -> Vec<String> {
    let bytes = freplace_compose_test_programs::object(object).expect("a test program");
    let object = Object::parse(bytes).expect("a good object");
    let names = object.functions.iter().filter_map(|function| function.name.strip_prefix(prefix));
    names.map(str::to_owned).collect()
}

/// What a prototype is to the kernel, which does not look at the sign of an integer, at the size of
/// a result, at `const` or at typedefs.
fn same(name: &str) -> &str {
    match name {
        "constant_context" => "context",
        "boolean" => "byte",
        "signed_int" | "typedef_int" => "unsigned_int",
        "pointer_to_typedef" => "pointer_to_record",
        "returns_long" | "returns_unsigned" | "returns_boolean" => "nothing",
        other => other,
    }
}

/// Pointers lead to structs or unions, or the function cannot be replaced.
fn is_replaceable(name: &str) -> bool {
    name != "pointer_to_char"
}

pub(super) fn cases() -> Vec<Case> {
    let names = names("prototype-stubs", "stub_");
    let mut cases = Vec::new();
    for (number, original) in names.iter().enumerate() {
        for distance in DISTANCES {
            let new = &names[(number + distance) % names.len()];
            cases.push(breaks_if(
                same(original) != same(new) || !is_replaceable(original),
                Code::PrototypeMismatch,
                format!("prototype/{new} for {original}"),
                host("host", "prototype-stubs/host", XDP)
                    + &stub("stub", &format!("stub_{original}"), &["host"])
                    + &replacement("new", &format!("prototype-replacements/replace_{new}"), "stub"),
            ));
        }
    }
    cases
}
