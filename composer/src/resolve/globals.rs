//! `globals = { … }`: the variables that are set, and their bytes.

mod encode;
mod names;
mod number;
mod part;

use std::ops::Range;

use freplace_compose_common::{
    HAS_TASK_GLOBAL, NODE_GLOBAL,
    trace::{ENTRY_TRACE_GLOBAL, TRACE_GLOBAL},
};

use serde::{Deserialize, Serialize};

use crate::{
    chain::{Access, GlobalValue, Node, Spanned, ValuePath, title},
    diag::{Code, Diagnostic, list, nearest},
    object::{
        Global, Object,
        btf::{Btf, Type},
        prototype,
    },
};
pub(super) use encode::Encoder;
pub use encode::{EncodedPart, constant};
pub(super) use part::{ValueError, VariablePart};
use part::{member, no_field};

/// Variables that the composer sets by itself.
const RESERVED: [&str; 4] = [NODE_GLOBAL, HAS_TASK_GLOBAL, TRACE_GLOBAL, ENTRY_TRACE_GLOBAL];

/// A global variable with its new contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetGlobal {
    /// Its name.
    pub name: String,
    /// Its section.
    pub section: String,
    /// Where it is in that, bytes from the start.
    pub offset: u64,
    /// All of its bytes.
    #[serde(with = "crate::hex")]
    pub bytes: Vec<u8>,
    /// Its entries in the chain: parts and values, as text.
    pub parts: Vec<(String, String)>,
}

/// The variables that `node` sets, each with the number of the first value that is for it; and what
/// is wrong.
pub(super) fn settings(
    node: &Node,
    object: &Object,
    found: &mut Vec<Diagnostic>,
) -> Vec<(SetGlobal, usize)> {
    let set = values(&node.data.globals, &title(node), object, found);
    set.into_iter().map(|(set, number)| (set.global, number)).collect()
}

/// A global variable with its new contents, and which parts of it are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetGlobalParts {
    /// The variable.
    pub global: SetGlobal,
    /// The parts that are given.
    pub parts: Vec<EncodedPart>,
}

/// The same for `globals`, which are those of `title`.
pub(super) fn values(
    globals: &[GlobalValue],
    title: &str,
    object: &Object,
    found: &mut Vec<Diagnostic>,
) -> Vec<(SetGlobalParts, usize)> {
    let mut set: Vec<(SetGlobalParts, usize)> = Vec::new();
    let mut written: Vec<Vec<Range<u64>>> = Vec::new();
    for (number, value) in globals.iter().enumerate() {
        let done = variable(object, &value.path).and_then(|(global, fields)| {
            let of = global.of.ok_or_else(|| {
                let what = format!("missing BTF type of `{}`", global.name);
                let help = "Compile the object with -g.".to_owned();
                ValueError::unknown(&value.path.text.span, what, "type unknown", help)
            })?;
            let index = set.iter().position(|(SetGlobalParts { global: one, .. }, _)| {
                one.section == global.section && one.offset == global.offset
            });
            let index = index.unwrap_or_else(|| {
                let bytes = object.initial(global);
                let one = SetGlobal {
                    name: global.name.clone(),
                    section: global.section.clone(),
                    offset: global.offset,
                    bytes,
                    parts: Vec::new(),
                };
                set.push((SetGlobalParts { global: one, parts: Vec::new() }, number));
                written.push(Vec::new());
                set.len() - 1
            });
            let place = part(&object.btf, &global.name, VariablePart::whole(of), fields)?;
            let (SetGlobalParts { global: one, parts }, _) = &mut set[index];
            let encoder = Encoder::new(&object.btf, &mut one.bytes, &mut written[index]);
            parts.extend(encoder.write_parts(&value.path.text.value, place, &value.value)?);
            one.parts.push((value.path.text.value.clone(), value.value.value.to_string()));
            Ok(())
        });
        if let Err(mistake) = done {
            let code = if mistake.unknown { Code::UnknownGlobal } else { Code::GlobalValue };
            let message = format!("{title}: {}", mistake.what);
            let mistaken = Diagnostic::new(code, message)
                .label(&mistake.span, mistake.label)
                .help(mistake.help);
            found.push(mistaken);
        }
    }
    set
}

/// The variable that `path` begins with, and the steps that are left.
fn variable<'a, 'p>(
    object: &'a Object,
    path: &'p ValuePath,
) -> Result<(&'a Global, &'p [crate::chain::PathStep]), Box<ValueError>> {
    let Spanned { value: name, span } = &path.first;
    if RESERVED.contains(&name.as_str()) {
        let what = format!("`{name}` is reserved for the composer");
        let help = "Remove it. The composer sets this variable for each node.";
        return Err(ValueError::unknown(span, what, "reserved", help.to_owned()));
    }
    // A static variable of a function has the function's name in front.
    if let Some(step) = path.fields.first().filter(|step| step.way == Access::Dot) {
        let full = format!("{name}.{}", step.name.value);
        if let Some(found) = object.globals.iter().find(|global| global.name == full) {
            return Ok((found, &path.fields[1..]));
        }
    }
    let found: Vec<_> = object.globals_called(name).collect();
    match found.as_slice() {
        [one] => Ok((one, &path.fields)),
        [] => {
            let names: Vec<_> = object.globals.iter().map(|global| global.name.as_str()).collect();
            let names: Vec<_> = names.into_iter().filter(|name| !RESERVED.contains(name)).collect();
            let what = format!("global variable `{name}` not found");
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None if names.is_empty() => "The object has no global variables.".to_owned(),
                None => format!("Its variables are: {}.", list(&names)),
            };
            Err(ValueError::unknown(span, what, "not in its object", help))
        }
        several => {
            let names: Vec<_> = several.iter().map(|global| global.name.as_str()).collect();
            let what = format!("ambiguous global variable `{name}`");
            let mut unique = names.clone();
            unique.dedup();
            let help = match unique.len() == names.len() {
                true => format!("Write one of: {}.", list(&names)),
                false => {
                    "Rename one of them. They are static variables of several files.".to_owned()
                }
            };
            Err(ValueError::unknown(span, what, "ambiguous", help))
        }
    }
}

/// The part of a variable that `steps` lead to.
fn part(
    btf: &Btf,
    name: &str,
    mut place: VariablePart,
    steps: &[crate::chain::PathStep],
) -> Result<VariablePart, Box<ValueError>> {
    let mut name = name.to_owned();
    for step in steps {
        match step.way {
            Access::Item(index) => {
                let Some((_, Type::Array { element, length })) = btf.resolve(place.of) else {
                    let declared = prototype::declare(btf, place.of, "");
                    let what = format!("`{name}` is a {}, not an array", declared.trim());
                    let help = "Remove the brackets.".to_owned();
                    return Err(ValueError::unknown(&step.name.span, what, "not an array", help));
                };
                if index >= length {
                    let what = format!("index out of range: `{name}` has {length} items");
                    let help = match length {
                        0 => "An array without a size has no items.".to_owned(),
                        _ => format!("The last index is {}.", length - 1),
                    };
                    return Err(ValueError::unknown(&step.name.span, what, "out of range", help));
                }
                let bits = u64::from(btf.size(element).unwrap_or(0)) * 8;
                let at = place.at.saturating_add(u64::from(index) * bits);
                place = VariablePart { of: element, at, width: None };
                name = format!("{name}[{index}]");
            }
            Access::Dot | Access::Arrow => {
                let field = &step.name;
                place = member(btf, place, &field.value)
                    .ok_or_else(|| no_field(btf, &name, place.of, field))?;
                name = format!("{name}.{}", field.value);
            }
        }
    }
    Ok(place)
}

/// What C calls the place at `offset` of a section: `conf.go_on[1]`; the section and the place when
/// no variable is there.
pub(crate) fn name_of(object: &Object, section: &str, offset: u64) -> String {
    let is_there = |global: &&Global| {
        global.section == section
            && (global.offset..global.offset.saturating_add(global.size)).contains(&offset)
    };
    let Some(global) = object.globals.iter().find(is_there) else {
        return format!("{section}+{offset}");
    };
    let mut name = global.name.clone();
    let (Some(mut of), mut at) = (global.of, offset - global.offset) else { return name };
    // No type nests deeper than its bytes.
    for _ in 0..32 {
        match object.btf.resolve(of) {
            Some((_, Type::Array { element, .. })) => {
                let size = u64::from(object.btf.size(element).unwrap_or(0)).max(1);
                name += &format!("[{}]", at / size);
                (of, at) = (element, at % size);
            }
            Some((_, Type::Struct { members, .. })) => {
                let inner = members.into_iter().find_map(|member| {
                    let start = u64::from(member.bit_offset / 8);
                    let size = u64::from(object.btf.size(member.of).unwrap_or(0));
                    let fits = (start..start + size).contains(&at);
                    fits.then(|| (member.name.to_owned(), member.of, at - start))
                });
                let Some((field, inner, rest)) = inner else { break };
                if !field.is_empty() {
                    name += &format!(".{field}");
                }
                (of, at) = (inner, rest);
            }
            _ => break,
        }
    }
    name
}
