//! Types and prototypes written as C.

use super::btf::{Btf, Type, TypeId};

/// How deep a type is followed; C nests no deeper than this in practice, and a loop ends here.
const DEPTH: usize = 32;
/// How many types one declaration is made of at most: in damaged BTF a prototype may take itself
/// as its parameters.
const TYPES: usize = 1024;

/// The prototype `id` of a function called `name`: `int filter(struct xdp_md *ctx, __u32 len)`.
#[must_use]
pub fn function(btf: &Btf, name: &str, id: TypeId) -> Option<String> {
    let Type::Prototype { returns, parameters } = btf.get(id)? else { return None };
    let list = if parameters.is_empty() {
        "void".to_owned()
    } else {
        let one = |(name, of): &(&str, TypeId)| match of {
            0 => "...".to_owned(),
            of => declare(btf, *of, name),
        };
        parameters.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    Some(declare(btf, returns, &format!("{name}({list})")))
}

/// Declares `name` with type `id`, as C writes it: `struct sock *sk`, `char comm[16]`.
#[must_use]
pub fn declare(btf: &Btf, id: TypeId, name: &str) -> String {
    go(btf, id, name.to_owned(), &[], &mut { TYPES })
}

/// `above` are the types that this one is part of: one of them again would go on for ever.
fn go(btf: &Btf, id: TypeId, declarator: String, above: &[TypeId], left: &mut usize) -> String {
    *left = left.saturating_sub(1);
    let path = &[above, &[id]].concat()[..];
    let join = |base: &str| match (base, declarator.as_str()) {
        (base, "") => base.to_owned(),
        (base, rest) if rest.starts_with('*') => format!("{base} {rest}"),
        (base, rest) => format!("{base} {rest}"),
    };
    let Some(ty) = btf.get(id).filter(|_| above.len() < DEPTH && !above.contains(&id) && *left > 0)
    else {
        return join("?");
    };
    match ty {
        Type::Void => join("void"),
        Type::Int { name, .. } | Type::Float { name, .. } | Type::Typedef { name, .. } => {
            join(name)
        }
        Type::Struct { name, union, .. } | Type::Forward { name, union } => {
            join(&tagged(if union { "union" } else { "struct" }, name))
        }
        Type::Enum { name, .. } => join(&tagged("enum", name)),
        Type::Ptr(of) => match btf.get(of) {
            Some(Type::Prototype { .. } | Type::Array { .. }) => {
                go(btf, of, format!("(*{declarator})"), path, left)
            }
            _ => go(btf, of, format!("*{declarator}"), path, left),
        },
        Type::Array { element, length } => {
            go(btf, element, format!("{declarator}[{length}]"), path, left)
        }
        Type::Modifier { word: "", of } => go(btf, of, declarator, path, left),
        // A modifier of a pointer stands behind the star, any other in front of the type.
        Type::Modifier { word, of } => match btf.get(of) {
            Some(Type::Ptr(_)) => go(btf, of, format!("{word} {declarator}"), path, left),
            _ => format!("{word} {}", go(btf, of, declarator, path, left)),
        },
        Type::Prototype { returns, parameters } => {
            let list: Vec<_> = parameters
                .iter()
                .map(|(name, of)| go(btf, *of, (*name).to_owned(), path, left))
                .collect();
            go(btf, returns, format!("{declarator}({})", list.join(", ")), path, left)
        }
        Type::Function { name, .. } | Type::Variable { name, .. } | Type::Section { name, .. } => {
            join(name)
        }
        Type::DeclarationTag => join("?"),
    }
}

fn tagged(word: &str, name: &str) -> String {
    if name.is_empty() { format!("{word} {{...}}") } else { format!("{word} {name}") }
}
