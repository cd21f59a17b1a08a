//! Errors in the chain's descriptions of records of other programs.

use std::fmt;

use crate::{
    chain::{FieldStep, Hint, Node, Spanned, title},
    diag::{Code, Diagnostic, nearest},
    object::{
        MapDef, Object,
        btf::BtfError,
        place::{self, FieldError},
    },
    resolve::is_shared,
};

/// Builds the diagnostics of a node and its object.
pub(super) struct Mistakes<'a> {
    pub(super) node: &'a Node,
    pub(super) object: &'a Object,
}

/// What the struct of a record is called in messages.
#[derive(Clone, Copy)]
pub(super) enum StructName<'a> {
    /// A type of the object.
    Type(&'a str),
    /// A layout in the chain.
    Layout,
}

impl fmt::Display for StructName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(name) => write!(f, "`{name}`"),
            Self::Layout => f.write_str("the layout"),
        }
    }
}

impl Mistakes<'_> {
    fn at<T>(&self, code: Code, message: String, place: &Spanned<T>, label: &str) -> Diagnostic {
        Diagnostic::new(code, message).label(&place.span, label)
    }

    /// The index of the event map `map` in the object.
    pub(super) fn map(&self, map: &Spanned<String>) -> Result<usize, Box<Diagnostic>> {
        let name = &map.value;
        let carries = |map: &&MapDef| map.is_event_buffer() && !is_shared(map);
        let found = self.object.maps.iter().position(|found| found.name == *name);
        let found = found.map(|index| (index, &self.object.maps[index]));
        match found {
            Some((index, found)) if carries(&found) => Ok(index),
            Some((_, found)) => {
                let message = format!("map `{name}` of {} is not an event map", title(self.node));
                let message = match found.is_event_buffer() {
                    false => message,
                    true => format!("`{name}` is the composer's own map"),
                };
                let help = match found.is_event_buffer() {
                    false => format!(
                        "Name a map of type ringbuf or perf_event_array. This one has type {}.",
                        found.type_name()
                    ),
                    true => "Remove this table. Events of this map are always decoded.".to_owned(),
                };
                let found = self.at(Code::NotAnEventsMap, message, map, "not an event map");
                Err(Box::new(found.help(help)))
            }
            None => {
                let message =
                    format!("map `{name}` not found in the object of {}", title(self.node));
                let names: Vec<_> = self.object.maps.iter().filter(carries).collect();
                let names: Vec<&str> = names.iter().map(|map| map.name.as_str()).collect();
                let help = match (nearest(name, names.iter().copied()), names.is_empty()) {
                    (Some(near), _) => format!("Did you mean `{near}`?"),
                    (None, false) => format!("Its event maps are: {}.", names.join(", ")),
                    (None, true) => "Its object has no event maps.".to_owned(),
                };
                let found = self.at(Code::UnknownMap, message, map, "not in its object");
                Err(Box::new(found.help(help)))
            }
        }
    }

    /// A type that the object does not have.
    pub(super) fn unknown_type(&self, record: &Spanned<String>) -> Diagnostic {
        let names = place::structures(&self.object.btf);
        let bare = |name: &str| name.rsplit(' ').next().unwrap_or_default().to_owned();
        let (wanted, bares): (_, Vec<_>) =
            (bare(&record.value), names.iter().map(|name| bare(name)).collect());
        let near = nearest(&wanted, bares.iter().map(String::as_str));
        let near = near.and_then(|near| names.iter().find(|name| bare(name) == near));
        let help = match near {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Keep the type in BTF with: const struct event *unused \
                     __attribute__((unused)); clang omits types that no function or variable uses."
                .to_owned(),
        };
        let message =
            format!("type `{1}` not found in the object of {0}", title(self.node), record.value);
        self.at(Code::UnknownType, message, record, "not in the object's BTF").help(help)
    }

    /// A layout that cannot be read, for the records of `map`.
    pub(super) fn layout(&self, map: &Spanned<String>, error: &BtfError) -> Diagnostic {
        let message = format!("the layout of `{}` cannot be read: {error}", map.value);
        self.at(Code::BadLayout, message, map, "has this layout")
    }

    /// An enum that the object does not have.
    pub(super) fn unknown_enum(&self, name: &str, hint: &Spanned<Hint>) -> Box<Diagnostic> {
        let message = format!("enum `{name}` not found in the object of {}", title(self.node));
        let names = place::enumerations(&self.object.btf);
        let near = nearest(name, names.iter().map(String::as_str));
        let help = match near {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Name an enum of the object's BTF.".to_owned(),
        };
        Box::new(self.at(Code::UnknownType, message, hint, "not in BTF").help(help))
    }

    /// A format that requires `wanted`, for a field of `size` bytes.
    pub(super) fn format(&self, hint: &Spanned<Hint>, wanted: &str, size: u32) -> Box<Diagnostic> {
        let message = format!("format `{}` requires {wanted}", hint.value.name());
        let label = format!("field of {size} {}", if size == 1 { "byte" } else { "bytes" });
        let help = "Use another format, or omit it to use the field's type.";
        Box::new(self.at(Code::BadText, message, hint, &label).help(help))
    }

    /// A `time` of another size; `last` is the last step of its path.
    pub(super) fn no_time(&self, last: &Spanned<FieldStep>) -> Box<Diagnostic> {
        let message = "`time` requires a field of 8 bytes, in nanoseconds of CLOCK_MONOTONIC";
        let help = "Name a field that holds a result of bpf_ktime_get_ns().";
        Box::new(self.at(Code::BadText, message.to_owned(), last, "not a time").help(help))
    }

    /// A step of a path that cannot be followed.
    pub(super) fn step(
        &self,
        record: StructName<'_>,
        step: &Spanned<FieldStep>,
        error: &FieldError,
    ) -> Box<Diagnostic> {
        let name = match &step.value {
            FieldStep::Field(name) => format!("field `{name}`"),
            FieldStep::Item(number) => format!("item {number}"),
        };
        let (message, help) = match (error, &step.value) {
            (FieldError::NoField(names), FieldStep::Field(wanted)) => {
                let help = match nearest(wanted, names.iter().map(String::as_str)) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => format!("Fields are: {}.", names.join(", ")),
                };
                (format!("{name} not found in {record}"), help)
            }
            (FieldError::BitField, _) => (
                format!("{name} is a bit field, which is not supported"),
                "Remove it, or declare the field with a size of whole bytes.".to_owned(),
            ),
            (FieldError::TooFar(length), _) => (
                format!("{name} is out of range: the array has {length}"),
                "Write a lower number. Items are numbered from 0.".to_owned(),
            ),
            (FieldError::NotAnArray, _) => {
                (format!("{name} not found: not an array"), "Remove the brackets.".to_owned())
            }
            (FieldError::NotAStruct | FieldError::NoField(_), _) => (
                format!("{name} not found: not a field of a struct"),
                "Use fields of structs only. Pointers are not followed.".to_owned(),
            ),
        };
        Box::new(self.at(Code::BadText, message, step, "this").help(help))
    }
}
