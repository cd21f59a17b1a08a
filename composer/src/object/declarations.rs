//! The types that a prototype is made of, declared as C: what a program of that prototype needs in front of it.

use std::{collections::HashSet, fmt::Write as _};

use super::{
    btf::{Btf, Member, Type, TypeId},
    prototype::declare,
};

/// How deep types are followed; C nests no deeper in practice.
const DEPTH: usize = 32;
/// A struct with more members is one of the kernel's, which nobody wants to read.
const MEMBERS: usize = 64;

/// Declarations of the types that the prototype `id` and its parameters' targets are made of, in the order in
/// which C needs them. Types called as `is_known` says come from headers; what only pointers within structs lead
/// to is declared without its fields.
#[must_use]
pub fn declarations(btf: &Btf, id: TypeId, is_known: &dyn Fn(&str) -> bool) -> String {
    let mut writer = DeclarationWriter {
        btf,
        is_known,
        done: HashSet::new(),
        named: HashSet::new(),
        out: String::new(),
    };
    if let Some(Type::Prototype { returns, parameters }) = btf.get(id) {
        for of in std::iter::once(returns).chain(parameters.into_iter().map(|(_, of)| of)) {
            writer.need(of, true, DEPTH);
        }
    }
    writer.out
}

struct DeclarationWriter<'a> {
    btf: &'a Btf,
    is_known: &'a dyn Fn(&str) -> bool,
    /// Types that were declared with all their fields.
    done: HashSet<TypeId>,
    /// Structs that were named without them.
    named: HashSet<String>,
    out: String,
}

impl DeclarationWriter<'_> {
    /// Declares what the type `id` needs; of the target of a pointer the fields only if `targets`.
    fn need(&mut self, id: TypeId, targets: bool, depth: usize) {
        let Some(found) = self.btf.get(id).filter(|_| depth > 0) else { return };
        match found {
            Type::Ptr(of) => match self.btf.get(of) {
                Some(Type::Struct { name, union, .. } | Type::Forward { name, union })
                    if !targets && !name.is_empty() =>
                {
                    self.name(name, union);
                }
                _ => self.need(of, targets, depth - 1),
            },
            Type::Array { element, .. } => self.need(element, targets, depth - 1),
            Type::Modifier { of, .. } => self.need(of, targets, depth - 1),
            Type::Typedef { name, of } => {
                // Of linux/types.h and stdbool.h.
                if name.starts_with("__") || name == "bool" || (self.is_known)(name) {
                    return;
                }
                self.need(of, targets, depth - 1);
                if !self.done.insert(id) {
                    return;
                }
                // A String takes everything, here and below.
                let _ = match self.btf.get(of) {
                    Some(Type::Struct { name: "", union, members, .. }) => {
                        let _ = writeln!(self.out, "typedef {} {{", word(union));
                        self.members(&members, 1, depth - 1);
                        writeln!(self.out, "}} {name};\n")
                    }
                    Some(Type::Enum { name: "", variants, .. }) => {
                        self.out.push_str("typedef enum {\n");
                        self.variants(&variants);
                        writeln!(self.out, "}} {name};\n")
                    }
                    _ => writeln!(self.out, "typedef {};\n", declare(self.btf, of, name)),
                };
            }
            Type::Enum { name, variants, .. } => {
                if name.is_empty() || (self.is_known)(name) || !self.done.insert(id) {
                    return;
                }
                let _ = writeln!(self.out, "enum {name} {{");
                self.variants(&variants);
                self.out.push_str("};\n\n");
            }
            Type::Forward { name, union } => self.name(name, union),
            Type::Struct { name, union, members, size } => {
                if (self.is_known)(name) || !self.done.insert(id) {
                    return;
                }
                if members.len() > MEMBERS {
                    return self.name(name, union);
                }
                for member in &members {
                    self.need(member.of, false, depth - 1);
                }
                // One without a name is written where it is used.
                if name.is_empty() {
                    return;
                }
                let word = word(union);
                let _ = writeln!(self.out, "{word} {name} {{");
                self.members(&members, 1, depth - 1);
                let _ = writeln!(
                    self.out,
                    "}};\n_Static_assert(sizeof({word} {name}) == {size}, \"as in the host\");\n"
                );
            }
            _ => {}
        }
    }

    fn name(&mut self, name: &str, union: bool) {
        if !(self.is_known)(name) && self.named.insert(name.to_owned()) {
            let _ = writeln!(self.out, "{} {name};\n", word(union));
        }
    }

    fn variants(&mut self, variants: &[(&str, i64)]) {
        for (variant, value) in variants {
            let _ = writeln!(self.out, "\t{variant} = {value},");
        }
    }

    fn members(&mut self, members: &[Member<'_>], indent: usize, depth: usize) {
        let tabs = "\t".repeat(indent);
        for member in members {
            // An array of them is one of what is written here.
            let (mut of, mut items) = (member.of, String::new());
            while let Some(Type::Array { element, length }) = self.btf.get(of) {
                items += &format!("[{length}]");
                of = element;
            }
            let inline = match self.btf.get(of) {
                Some(Type::Struct { name: "", union, members, .. }) if depth > 0 => {
                    Some((union, members))
                }
                _ => None,
            };
            match inline {
                Some((union, inner)) => {
                    let _ = writeln!(self.out, "{tabs}{} {{", word(union));
                    self.members(&inner, indent + 1, depth - 1);
                    let blank = if member.name.is_empty() { "" } else { " " };
                    let _ = writeln!(self.out, "{tabs}}}{blank}{}{items};", member.name);
                }
                None => {
                    let width = match member.bit_width {
                        0 => String::new(),
                        width => format!(" : {width}"),
                    };
                    let _ = writeln!(
                        self.out,
                        "{tabs}{}{width};",
                        declare(self.btf, member.of, member.name)
                    );
                }
            }
        }
    }
}

fn word(union: bool) -> &'static str {
    if union { "union" } else { "struct" }
}
