//! Follows a path from an argument through fields, items and pointers, and explains why a path is
//! invalid.

use freplace_compose_common::trace::HOPS;

use super::{
    TracedFunction,
    value::{LocatedValue, ValueType},
};
use crate::{
    chain::{Access, PathStep, ValuePath},
    diag::{Code, Diagnostic, Span, nearest},
    object::{
        btf::{Btf, Type, TypeId},
        place::{self, FieldError},
        prototype::declare,
    },
};

/// Why a path leads nowhere.
#[derive(Debug)]
pub(super) enum PathError {
    /// No argument of this name.
    Argument { candidates: Vec<String> },
    /// No field of this name.
    Field { span: Span, of: String, candidates: Vec<String> },
    /// Something that cannot be taken.
    Not { span: Span, why: String, help: String },
}

/// On the way from an argument along a path.
pub(super) struct PathWalk<'a> {
    btf: &'a Btf,
    source: u8,
    hops: Vec<(u32, u32)>,
    /// The offset from the target of the last pointer; `None` for the value itself.
    at: Option<u32>,
    of: TypeId,
}

impl<'a> PathWalk<'a> {
    /// From the value in `source`, which is of type `of`.
    pub(super) fn new(btf: &'a Btf, source: u8, of: TypeId) -> Self {
        Self { btf, source, hops: Vec::new(), at: None, of }
    }

    /// The type of where it is.
    pub(super) fn of(&self) -> TypeId {
        self.of
    }

    fn shown(&self, name: &str) -> String {
        declare(self.btf, self.of, name)
    }

    pub(super) fn step(&mut self, step: &PathStep) -> Result<(), PathError> {
        let span = step.name.span.clone();
        let name = &step.name.value;
        let is_pointer = matches!(self.btf.resolve(self.of), Some((_, Type::Ptr(_))));
        let not = |why: String, help: String| PathError::Not { span: span.clone(), why, help };
        match (step.way, is_pointer) {
            (Access::Arrow, true) => self.follow(&span)?,
            (Access::Arrow, false) => {
                let why =
                    format!("`->` requires a pointer, but this follows a `{}`", self.shown(""));
                return Err(not(why, format!("Write .{name} for a field of a struct.")));
            }
            (Access::Dot, true) => {
                let why = "`.` cannot follow a pointer".to_owned();
                return Err(not(why, format!("Write ->{name}.")));
            }
            (Access::Item(_), true) => {
                let why = "index into a pointer".to_owned();
                return Err(not(why, "Write *NAME to dereference the pointer.".to_owned()));
            }
            (Access::Dot | Access::Item(_), false) => {}
        }
        let found = match step.way {
            Access::Item(number) => place::item(self.btf, self.of, number),
            Access::Arrow | Access::Dot => place::field(self.btf, self.of, name),
        };
        let (offset, of) = found.map_err(|misstep| {
            let shown = self.shown("");
            match misstep {
                FieldError::NoField(candidates) => {
                    PathError::Field { span: span.clone(), of: shown, candidates }
                }
                FieldError::BitField => not("is a bit field".to_owned(), "Remove it.".to_owned()),
                FieldError::NotAStruct => not(
                    format!("follows a `{shown}`, which has no fields"),
                    "Remove the field. Only structs and unions have fields.".to_owned(),
                ),
                FieldError::NotAnArray => not(
                    format!("follows a `{shown}`, which is not an array"),
                    "Remove the brackets. Only arrays have items.".to_owned(),
                ),
                FieldError::TooFar(length) => not(
                    "index out of range".to_owned(),
                    format!("Write a lower index. The array has {length} items, numbered from 0."),
                ),
            }
        })?;
        let far = || not("offset out of range".to_owned(), "Remove it.".to_owned());
        self.at = Some(self.at.unwrap_or(0).checked_add(offset).ok_or_else(far)?);
        self.of = of;
        Ok(())
    }

    /// From a pointer to what it points to.
    pub(super) fn follow(&mut self, span: &Span) -> Result<(), PathError> {
        let not = |why: &str, help: &str| PathError::Not {
            span: span.clone(),
            why: why.to_owned(),
            help: help.to_owned(),
        };
        let Some((_, Type::Ptr(to))) = self.btf.resolve(self.of) else {
            let why = format!("is a `{}`, not a pointer", self.shown(""));
            return Err(not(&why, "Remove the `*`."));
        };
        if self.btf.size(to).is_none() {
            return Err(not("pointer to an unknown type", "Capture the pointer itself."));
        }
        if let Some(at) = self.at {
            self.read(at, 8, span)?;
        }
        self.at = Some(0);
        self.of = to;
        Ok(())
    }

    fn read(&mut self, offset: u32, size: u32, span: &Span) -> Result<(), PathError> {
        if self.hops.len() == HOPS {
            return Err(PathError::Not {
                span: span.clone(),
                why: format!("follows more than {HOPS} pointers"),
                help: "Choose a value behind fewer pointers.".to_owned(),
            });
        }
        self.hops.push((offset, size));
        Ok(())
    }

    pub(super) fn end(mut self, span: &Span) -> Result<LocatedValue, PathError> {
        let size = self.btf.size(self.of).unwrap_or(0);
        let is_scalar = match self.btf.resolve(self.of) {
            Some((_, Type::Int { .. } | Type::Enum { .. } | Type::Ptr(_))) => size <= 8,
            _ => false,
        };
        let Some(at) = self.at else {
            return Ok(LocatedValue {
                hops: self.hops,
                ..LocatedValue::of(self.source, ValueType::Type(self.of))
            });
        };
        if is_scalar {
            self.read(at, size, span)?;
            return Ok(LocatedValue {
                hops: self.hops,
                ..LocatedValue::of(self.source, ValueType::Type(self.of))
            });
        }
        if size == 0 {
            let why = "has no size".to_owned();
            return Err(PathError::Not { span: span.clone(), why, help: "Remove it.".to_owned() });
        }
        Ok(LocatedValue {
            hops: self.hops,
            whole: false,
            block: Some((at, size)),
            ..LocatedValue::of(self.source, ValueType::Type(self.of))
        })
    }
}

impl PathError {
    /// As a diagnostic on `path`.
    pub(super) fn tell(self, target: TracedFunction<'_>, path: &ValuePath) -> Box<Diagnostic> {
        let text = &path.text.value;
        let prototype = target.object.prototype(target.function).unwrap_or_default();
        let choose = |near: &str, names: &[String], what: &str| match nearest(
            near,
            names.iter().map(String::as_str),
        ) {
            Some(near) => format!("Did you mean `{near}`?"),
            None if names.is_empty() => format!("It has no {what}."),
            None => format!("It has: {}.", names.join(", ")),
        };
        let found = match self {
            Self::Argument { candidates } => {
                let name = &path.first.value;
                let message = format!("unknown argument `{name}` of `{}`", target.function.name);
                Diagnostic::new(Code::UnknownArgument, message)
                    .label(&path.first.span, "unknown argument")
                    .help(choose(name, &candidates, "argument"))
            }
            Self::Field { span, of, candidates } => {
                let name = path.fields.iter().find(|step| step.name.span == span);
                let name = name.map_or("", |step| step.name.value.as_str());
                let message = format!("unknown field `{name}` of {of} in `{text}`");
                Diagnostic::new(Code::UnknownArgument, message)
                    .label(&span, "unknown field")
                    .help(choose(name, &candidates, "field"))
            }
            Self::Not { span, why, help } => {
                Diagnostic::new(Code::CannotCapture, format!("`{text}` cannot be captured"))
                    .label(&span, why)
                    .help(help)
            }
        };
        Box::new(found.note(prototype))
    }
}
