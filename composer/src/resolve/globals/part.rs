//! Parts of a variable: fields by their names, and errors in names and values.

use crate::{
    chain::Spanned,
    diag::{Span, list, nearest},
    object::{
        btf::{Btf, Type, TypeId},
        prototype,
    },
};

/// A place in the bytes of a variable.
#[derive(Debug, Clone, Copy)]
pub(in crate::resolve) struct VariablePart {
    /// The type that is there.
    pub(super) of: TypeId,
    /// Bits from the start of the variable.
    pub(super) at: u64,
    /// How many, when it is a bit field.
    pub(super) width: Option<u32>,
}

impl VariablePart {
    /// All of a variable of this type.
    pub(in crate::resolve) fn whole(of: TypeId) -> Self {
        Self { of, at: 0, width: None }
    }
}

/// An invalid value, and how to fix it.
#[derive(Debug)]
pub(in crate::resolve) struct ValueError {
    pub(in crate::resolve) span: Span,
    /// For the message: `` `limit` … ``.
    pub(in crate::resolve) what: String,
    pub(in crate::resolve) label: String,
    pub(in crate::resolve) help: String,
    /// Whether it is a name, not a value, that is wrong.
    pub(super) unknown: bool,
}

impl ValueError {
    pub(super) fn value(span: &Span, what: String, label: &str, help: String) -> Box<Self> {
        let (span, label) = (span.clone(), label.to_owned());
        Box::new(Self { span, what, label, help, unknown: false })
    }

    /// The variable's BTF does not fit its section.
    pub(super) fn outside(span: &Span) -> Box<Self> {
        let help = "Build the object again. Its BTF is damaged.".to_owned();
        Self::value(span, "offset out of range".to_owned(), "here", help)
    }

    pub(super) fn unknown(span: &Span, what: String, label: &str, help: String) -> Box<Self> {
        Box::new(Self { unknown: true, ..*Self::value(span, what, label, help) })
    }
}

/// How deep types are followed: C nests no deeper, and a loop ends here.
pub(super) const DEPTH: usize = 32;

/// The field `name` of the struct or union at `place`, in anonymous ones within it too.
pub(super) fn member(btf: &Btf, place: VariablePart, name: &str) -> Option<VariablePart> {
    fn go(btf: &Btf, place: VariablePart, name: &str, depth: usize) -> Option<VariablePart> {
        let (_, Type::Struct { members, .. }) = btf.resolve(place.of).filter(|_| depth > 0)? else {
            return None;
        };
        members.into_iter().find_map(|member| {
            let at = place.at.saturating_add(u64::from(member.bit_offset));
            let width = (member.bit_width > 0).then_some(member.bit_width);
            let inner = VariablePart { of: member.of, at, width };
            match member.name {
                "" => go(btf, inner, name, depth - 1),
                own => (own == name).then_some(inner),
            }
        })
    }
    go(btf, place, name, DEPTH)
}

/// The names of the fields of `of`, those in anonymous structs included.
fn fields(btf: &Btf, of: TypeId, depth: usize) -> Vec<String> {
    let Some((_, Type::Struct { members, .. })) = btf.resolve(of).filter(|_| depth > 0) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for member in members {
        match member.name {
            "" => found.extend(fields(btf, member.of, depth - 1)),
            name => found.push(name.to_owned()),
        }
    }
    found
}

/// The error for an unknown field.
pub(super) fn no_field(
    btf: &Btf,
    name: &str,
    of: TypeId,
    field: &Spanned<String>,
) -> Box<ValueError> {
    let shown = field.value.escape_debug();
    let what = format!("unknown field `{shown}` of `{name}`");
    let names = fields(btf, of, 4);
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let help = match nearest(&field.value, names.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if names.is_empty() => {
            format!("Remove the field. A {} has none.", prototype::declare(btf, of, "").trim())
        }
        None => format!("Its fields are: {}.", list(&names)),
    };
    ValueError::unknown(&field.span, what, "unknown field", help)
}
