//! The arguments and the result of a function by their types, and the values that paths refer to.

use freplace_compose_common::trace::{RET, TOOK};
use serde::{Deserialize, Serialize};

use super::{
    KernelField, TracedFunction,
    context::{ContextLayout, context},
    pointee, verdicts,
    walk::{PathError, PathWalk},
};
use crate::{
    chain::{Access, PathStep, ValuePath},
    diag::nearest,
    object::{
        ProgramKind,
        btf::{Btf, Type, TypeId},
    },
};

/// The result and the duration, whatever arguments are called.
const RESULT: &str = "$ret";
const DURATION: &str = "$took";

/// Arguments are handed over in this many registers.
const REGISTERS: usize = 5;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Of this type of the target's object.
    Type(TypeId),
    /// A pointer of this type; the block is its target.
    Followed(TypeId),
    /// An answer to the hook of a program of this kind, of this type.
    Verdict(TypeId, ProgramKind),
    /// A number without a sign.
    Number,
    /// A number of two bytes in network order.
    NetworkShort,
    /// An address.
    Address,
    /// A duration.
    Nanoseconds,
}

/// A value, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocatedValue {
    pub(super) source: u8,
    /// Offset and size of each read.
    pub(super) hops: Vec<(u32, u32)>,
    /// The fields of the hops, where they are the kernel's.
    pub(super) kernel: Vec<KernelField>,
    pub(super) of: ValueType,
    /// Whether it fits eight bytes.
    pub(super) whole: bool,
    /// Offset and size of the bytes it points to, or consists of.
    pub(super) block: Option<(u32, u32)>,
}

impl LocatedValue {
    pub(super) fn of(source: u8, of: ValueType) -> Self {
        Self { source, hops: Vec::new(), kernel: Vec::new(), of, whole: true, block: None }
    }
}

/// A function's arguments and result.
pub(super) struct Signature<'a> {
    target: TracedFunction<'a>,
    /// Names and types of those in a register of their own.
    parameters: Vec<(String, TypeId)>,
    /// The names of those after the first one that is not.
    beyond: Vec<String>,
    returns: TypeId,
}

impl<'a> Signature<'a> {
    pub(super) fn of(target: TracedFunction<'a>) -> Option<Self> {
        let btf = &target.object.btf;
        let prototype = btf.get(target.function.prototype?)?;
        let Type::Prototype { returns, parameters } = prototype else { return None };
        let fits = |of: TypeId| {
            let resolved = btf.resolve(of).map(|(_, ty)| ty);
            let kind =
                matches!(resolved, Some(Type::Int { .. } | Type::Enum { .. } | Type::Ptr(_)));
            kind && btf.size(of).is_some_and(|size| size <= 8)
        };
        let named = |(number, (name, of)): (usize, (&str, TypeId))| match name {
            "" => (format!("arg{number}"), of),
            name => (name.to_owned(), of),
        };
        let mut parameters: Vec<_> = parameters.into_iter().enumerate().map(named).collect();
        let held = parameters.iter().take(REGISTERS).take_while(|(_, of)| fits(*of)).count();
        let beyond = parameters.split_off(held).into_iter().map(|(name, _)| name).collect();
        Some(Self { target, parameters, beyond, returns })
    }

    /// Whether there is an argument called `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(found, _)| found == name)
    }

    /// The name of what the argument `name` hides from a filter at a function's return, if it does.
    pub(super) fn hides(&self, name: &str) -> Option<&'static str> {
        let hidden = match name {
            "ret" => RESULT,
            "took" => DURATION,
            _ => return None,
        };
        self.has(name).then_some(hidden)
    }

    fn btf(&self) -> &'a Btf {
        &self.target.object.btf
    }

    /// Whether parameter number `index` is the context of the program.
    fn is_context(&self, index: usize) -> bool {
        let Some((_, of)) = self.parameters.get(index) else { return false };
        if self.target.is_entry && index == 0 {
            return matches!(self.btf().resolve(*of), Some((_, Type::Ptr(_))));
        }
        let name = pointee(self.target.object, *of).map(|(_, name)| name);
        name.is_some() && name == self.target.kind.context_struct()
    }

    /// Every argument: contexts as addresses, pointers to structs of the program followed.
    pub(super) fn arguments(&self) -> Vec<(String, LocatedValue)> {
        let one = |(index, (name, of)): (usize, &(String, TypeId))| {
            let found = LocatedValue::of(source(index), ValueType::Type(*of));
            let found = if self.is_context(index) { found } else { self.followed(found, *of) };
            (name.clone(), found)
        };
        self.parameters.iter().enumerate().map(one).collect()
    }

    /// What is returned; nothing where that is void, or no number.
    pub(super) fn result(&self) -> Option<LocatedValue> {
        let (_, ty) = self.btf().resolve(self.returns)?;
        let of = match ty {
            Type::Int { .. } if self.is_verdict() => {
                ValueType::Verdict(self.returns, self.target.kind)
            }
            Type::Int { size: ..=8, .. } | Type::Enum { .. } | Type::Ptr(_) => {
                ValueType::Type(self.returns)
            }
            _ => return None,
        };
        Some(LocatedValue::of(RET, of))
    }

    /// Whether what it returns may be what its program answers.
    fn is_verdict(&self) -> bool {
        let takes_context = (0..self.parameters.len()).any(|index| self.is_context(index));
        takes_context && !verdicts(self.target.kind).is_empty()
    }

    /// A value that is a pointer to a struct with what it points to.
    fn followed(&self, found: LocatedValue, of: TypeId) -> LocatedValue {
        let Some((to, _)) = pointee(self.target.object, of) else { return found };
        match self.btf().get(to) {
            Some(Type::Struct { size, .. }) if size > 0 => {
                LocatedValue { of: ValueType::Followed(of), block: Some((0, size)), ..found }
            }
            _ => found,
        }
    }

    /// The value at the end of `path`. For a `filter` it has to be one number.
    pub(super) fn find(&self, path: &ValuePath, filter: bool) -> Result<LocatedValue, PathError> {
        let name = path.first.value.as_str();
        let Some(index) = self.parameters.iter().position(|(found, _)| found == name) else {
            return self.other(path, filter);
        };
        if self.is_context(index)
            && let Some(step) = path.fields.first()
            && let ContextLayout::Other(fields) = context(self.target.kind)
        {
            return self.translated(index, path, step, fields);
        }
        if self.is_context(index)
            && path.followed
            && let ContextLayout::Other(fields) = context(self.target.kind)
        {
            let why = "is the kernel's own struct for a tracer".to_owned();
            let name = fields.first().map(|field| format!("{}->{}", path.first.value, field.name));
            let help = match name {
                Some(name) => format!("Name one of its fields, for example {name}."),
                None => "Capture only its address.".to_owned(),
            };
            return Err(PathError::Not { span: path.text.span.clone(), why, help });
        }
        let mut walk = PathWalk::new(self.btf(), source(index), self.parameters[index].1);
        for step in &path.fields {
            walk.step(step)?;
        }
        if path.followed {
            walk.follow(&path.text.span)?;
        }
        let of = walk.of();
        let found = walk.end(&path.text.span)?;
        if path.fields.is_empty() && self.is_context(index) || filter || !found.whole {
            return Ok(found);
        }
        Ok(self.followed(found, of))
    }

    /// A path that does not begin with an argument.
    fn other(&self, path: &ValuePath, filter: bool) -> Result<LocatedValue, PathError> {
        let span = path.first.span.clone();
        let name = path.first.value.as_str();
        let not = |why: String, help: &str| PathError::Not {
            span: span.clone(),
            why,
            help: help.to_owned(),
        };
        if self.beyond.iter().any(|other| other == name) {
            return Err(not(
                format!("`{name}` is not passed in a single register"),
                "Capture one of the first five arguments, of up to eight bytes each.",
            ));
        }
        let own = match name {
            "ret" | RESULT => Some(
                self.result()
                    .ok_or_else(|| not("the function returns nothing".to_owned(), "Remove it."))?,
            ),
            "took" | DURATION => Some(LocatedValue::of(TOOK, ValueType::Nanoseconds)),
            _ => None,
        };
        match own {
            Some(found) if filter && path.fields.is_empty() && !path.followed => Ok(found),
            Some(_) if filter => {
                Err(not(format!("`{name}` has no fields"), "Compare it without a field."))
            }
            Some(_) => Err(not(
                "result and duration are always recorded".to_owned(),
                "Remove it. `capture` selects arguments.",
            )),
            None => {
                let mut candidates: Vec<_> =
                    self.parameters.iter().map(|(name, _)| name.clone()).collect();
                if filter {
                    candidates.extend(["ret".to_owned(), "took".to_owned()]);
                }
                Err(PathError::Argument { candidates })
            }
        }
    }

    /// A field of a context that the kernel keeps elsewhere.
    fn translated(
        &self,
        index: usize,
        path: &ValuePath,
        step: &PathStep,
        fields: &'static [super::context::Translated],
    ) -> Result<LocatedValue, PathError> {
        let span = step.name.span.clone();
        let Some(found) = fields.iter().find(|field| field.name == step.name.value) else {
            let names: Vec<_> = fields.iter().map(|field| field.name).collect();
            let help = match (nearest(&step.name.value, names.iter().copied()), names.as_slice()) {
                (_, []) => "Capture only its address.".to_owned(),
                (Some(near), _) => format!("Did you mean `{near}`?"),
                (None, names) => format!("Available fields are: {}.", names.join(", ")),
            };
            let why = "not in the kernel's own struct, which a tracer sees".to_owned();
            return Err(PathError::Not { span, why, help });
        };
        if path.fields.len() > 1 || path.followed || step.way != Access::Arrow {
            let why = "is a number".to_owned();
            let help = format!("Write {}->{}.", path.first.value, found.name);
            return Err(PathError::Not { span, why, help });
        }
        Ok(LocatedValue {
            // Sizes and offsets are the kernel's; these tell the hops from none.
            hops: vec![(0, 8); found.way.len()],
            kernel: found.way.to_vec(),
            ..LocatedValue::of(source(index), found.of)
        })
    }
}

/// How a table names argument number `index`.
fn source(index: usize) -> u8 {
    u8::try_from(index).unwrap_or_default() // one of the first five
}
