//! The comparison itself, and the kernel's messages for its results.

use crate::object::{
    Function, Object,
    btf::{Btf, Type, TypeId},
    prototype,
};

/// A function with its prototype.
pub(super) struct Side<'a> {
    btf: &'a Btf,
    name: &'a str,
    returns: TypeId,
    parameters: Vec<(&'a str, TypeId)>,
}

impl<'a> Side<'a> {
    pub(super) fn of(object: &'a Object, function: &'a Function) -> Option<Self> {
        match object.btf.get(function.prototype?)? {
            Type::Prototype { returns, parameters } if function.is_global => {
                Some(Self { btf: &object.btf, name: &function.name, returns, parameters })
            }
            _ => None,
        }
    }

    /// The prototype as C, and where its result and each parameter stand in it.
    pub(super) fn text(&self) -> (String, Vec<std::ops::Range<usize>>) {
        let result = prototype::declare(self.btf, self.returns, "");
        let mut places = Vec::new();
        places.push(0..result.chars().count());
        let gap = if result.ends_with('*') { "" } else { " " };
        let mut text = format!("{result}{gap}{}(", self.name);
        for (number, (name, of)) in self.parameters.iter().enumerate() {
            if number > 0 {
                text += ", ";
            }
            let start = text.chars().count();
            text += &prototype::declare(self.btf, *of, name);
            places.push(start..text.chars().count());
        }
        if self.parameters.is_empty() {
            text += "void";
        }
        text += ")";
        (text, places)
    }
}

/// Where two prototypes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mismatch {
    Count,
    Result,
    /// This parameter is of another kind.
    Kind(usize),
    /// This parameter is of another size.
    Size(usize),
    /// This parameter points to something that is no struct, on either side.
    Pointee(usize),
    /// This parameter points to a struct of another name.
    Struct(usize),
}

pub(super) fn compare(replacement: &Side<'_>, stub: &Side<'_>) -> Option<Mismatch> {
    if replacement.parameters.len() != stub.parameters.len() {
        return Some(Mismatch::Count);
    }
    let (ours, theirs) = (skip(replacement.btf, replacement.returns), skip(stub.btf, stub.returns));
    if shape(&ours) != shape(&theirs) {
        return Some(Mismatch::Result);
    }
    let pairs = replacement.parameters.iter().zip(&stub.parameters).enumerate();
    for (number, ((_, ours), (_, theirs))) in pairs {
        let (ours, theirs) = (skip(replacement.btf, *ours), skip(stub.btf, *theirs));
        if shape(&ours) != shape(&theirs) {
            return Some(Mismatch::Kind(number));
        }
        if size(&ours) != size(&theirs) {
            return Some(Mismatch::Size(number));
        }
        match (ours, theirs) {
            (Some(Type::Int { .. } | Type::Enum { .. }), _) => {}
            (Some(Type::Ptr(ours)), Some(Type::Ptr(theirs))) => {
                match (skip(replacement.btf, ours), skip(stub.btf, theirs)) {
                    (
                        Some(Type::Struct { name: ours, .. }),
                        Some(Type::Struct { name: theirs, .. }),
                    ) => {
                        if ours != theirs {
                            return Some(Mismatch::Struct(number));
                        }
                    }
                    _ => return Some(Mismatch::Pointee(number)),
                }
            }
            _ => return Some(Mismatch::Kind(number)),
        }
    }
    None
}

/// The type behind modifiers and typedefs: what `btf_type_skip_modifiers` leaves.
fn skip(btf: &Btf, id: TypeId) -> Option<Type<'_>> {
    btf.resolve(id).map(|(_, ty)| ty)
}

/// What the kernel compares as `info`: the kind, the number of members, and the flag.
fn shape(ty: &Option<Type<'_>>) -> Option<(u8, usize, bool)> {
    Some(match ty.as_ref()? {
        Type::Void => (0, 0, false),
        Type::Int { .. } => (1, 0, false),
        Type::Ptr(_) => (2, 0, false),
        Type::Array { .. } => (3, 0, false),
        Type::Struct { union, members, .. } => {
            let bits = members.iter().any(|member| member.bit_width > 0);
            (if *union { 5 } else { 4 }, members.len(), bits)
        }
        // Those of 8 bytes are a kind of their own.
        Type::Enum { size, signed, variants, .. } => {
            (if *size == 8 { 19 } else { 6 }, variants.len(), *signed)
        }
        Type::Forward { union, .. } => (7, 0, *union),
        Type::Float { .. } => (16, 0, false),
        _ => (31, 0, false),
    })
}

fn size(ty: &Option<Type<'_>>) -> Option<u32> {
    match ty.as_ref()? {
        Type::Int { size, .. }
        | Type::Struct { size, .. }
        | Type::Enum { size, .. }
        | Type::Float { size, .. } => Some(*size),
        _ => None,
    }
}

/// The kernel's word for a kind of type, as its messages have it.
fn kernel_word(ty: &Option<Type<'_>>) -> &'static str {
    match shape(ty) {
        Some((0, ..)) => "UNKNOWN",
        Some((1, ..)) => "INT",
        Some((2, ..)) => "PTR",
        Some((3, ..)) => "ARRAY",
        Some((4, ..)) => "STRUCT",
        Some((5, ..)) => "UNION",
        Some((6, ..)) => "ENUM",
        Some((7, ..)) => "FWD",
        Some((16, ..)) => "FLOAT",
        Some((19, ..)) => "ENUM64",
        _ => "UNKNOWN",
    }
}

/// The type of parameter `number`, as the kernel looks at it.
fn parameter<'a>(side: &Side<'a>, number: usize) -> Option<Type<'a>> {
    skip(side.btf, side.parameters.get(number)?.1)
}

/// The kernel's own words, where the replacement is loaded against this stub.
pub(super) fn said(replacement: &Side<'_>, stub: &Side<'_>, mismatch: &Mismatch) -> String {
    let (one, two) = (replacement.name, stub.name);
    match mismatch {
        Mismatch::Count => format!(
            "{one}() has {} args while {two}() has {} args",
            replacement.parameters.len(),
            stub.parameters.len()
        ),
        Mismatch::Result => format!(
            "Return type {} of {one}() doesn't match type {} of {two}()",
            kernel_word(&skip(replacement.btf, replacement.returns)),
            kernel_word(&skip(stub.btf, stub.returns))
        ),
        Mismatch::Kind(number) => format!(
            "arg{number} in {one}() is {} while {two}() has {}",
            kernel_word(&parameter(replacement, *number)),
            kernel_word(&parameter(stub, *number))
        ),
        Mismatch::Size(number) => format!(
            "arg{number} in {one}() has size {} while {two}() has {}",
            size(&parameter(replacement, *number)).unwrap_or(0),
            size(&parameter(stub, *number)).unwrap_or(0)
        ),
        Mismatch::Pointee(number) => {
            let is_struct = |side: &Side<'_>| match parameter(side, *number) {
                Some(Type::Ptr(of)) => matches!(skip(side.btf, of), Some(Type::Struct { .. })),
                _ => false,
            };
            let name = if is_struct(replacement) { two } else { one };
            format!("arg{number} in {name}() is not a pointer to context")
        }
        Mismatch::Struct(number) => {
            let name = |side: &Side<'_>| match parameter(side, *number) {
                Some(Type::Ptr(of)) => match skip(side.btf, of) {
                    Some(Type::Struct { name, .. }) => name.to_owned(),
                    _ => String::new(),
                },
                _ => String::new(),
            };
            format!(
                "arg{number} {one}(struct {} *) doesn't match {two}(struct {} *)",
                name(replacement),
                name(stub)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mismatch, Side, compare};
    use crate::object::Object;

    #[test]
    fn the_built_in_chains_match_and_their_mixture_does_not() {
        let object = |name: &str| {
            let bytes = freplace_compose_ebpf_programs::object(name).expect("built in");
            Object::parse(bytes).expect("a good object")
        };
        let (tcp, map, xdp) =
            (object("tcp"), object("tcp-map-replacement"), object("xdp-replacement"));
        fn side<'a>(object: &'a Object, name: &str) -> Side<'a> {
            Side::of(object, object.function(name).expect("there").1).expect("global")
        }
        let stub = side(&tcp, "stub_handler");
        assert_eq!(compare(&side(&map, "freplace_handler"), &stub), Some(Mismatch::Count));
        assert_eq!(compare(&side(&xdp, "drop_echo"), &stub), Some(Mismatch::Kind(0)));
        let replacement = object("tcp-replacement");
        assert_eq!(compare(&side(&replacement, "freplace_handler"), &stub), None);
    }
}
