//! What the chain says of the events of others: the maps are there and carry events, the types are
//! in the object, and texts name fields that these have.

use super::{Context, title};
use crate::{
    chain::{Declared, EventMap, FieldRef, FieldStep, Hint, Node, Spanned, TextPiece},
    diag::{Code, Diagnostic, nearest},
    object::{
        MapDef, Object,
        btf::{Btf, TypeId},
        place::{self, FieldError},
    },
    resolve::{fits, is_shared, walk},
};

pub(super) fn check(context: &mut Context<'_>) {
    let mut found = Vec::new();
    for (_, node) in context.chain.graph.nodes() {
        let Some((reference, _)) = node.program() else { continue };
        let Some(object) = context.names.objects().get(reference.value) else { continue };
        let rule = NodeObject { node, object };
        for events in &node.output.events {
            found.extend(rule.map(&events.map));
            rule.types(events, &mut found);
        }
    }
    context.found.extend(found);
}

/// A node and its object.
struct NodeObject<'a> {
    node: &'a Node,
    object: &'a Object,
}

/// The struct that records are.
struct RecordStruct<'a> {
    btf: &'a Btf,
    of: TypeId,
    /// For messages.
    name: String,
}

impl NodeObject<'_> {
    fn at<T>(&self, code: Code, message: String, place: &Spanned<T>, label: &str) -> Diagnostic {
        Diagnostic::new(code, message).label(&place.span, label)
    }

    fn map(&self, map: &Spanned<String>) -> Option<Diagnostic> {
        let name = &map.value;
        let carries = |map: &&MapDef| map.is_event_buffer() && !is_shared(map);
        let found = self.object.maps.iter().find(|found| found.name == *name);
        match found {
            Some(found) if carries(&found) => None,
            Some(found) => {
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
                Some(self.at(Code::NotAnEventsMap, message, map, "not an event map").help(help))
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
                Some(self.at(Code::UnknownMap, message, map, "not in its object").help(help))
            }
        }
    }

    fn types(&self, events: &EventMap, found: &mut Vec<Diagnostic>) {
        let declared = events.layout.as_ref().and_then(|own| Btf::parse(own.section()).ok());
        let record = match (&declared, &events.record) {
            (Some(btf), _) => {
                RecordStruct { btf, of: Declared::STRUCT, name: "the layout".to_owned() }
            }
            (None, None) => return,
            (None, Some(record)) => {
                let btf = &self.object.btf;
                let Some(of) = place::structure(btf, &record.value) else {
                    found.push(self.unknown_type(record));
                    return;
                };
                RecordStruct { btf, of, name: format!("`{}`", record.value) }
            }
        };
        for piece in events.text.iter().flatten() {
            if let TextPiece::Field(field) = piece {
                found.extend(self.field(&record, field));
            }
        }
        let Some(time) = &events.time else { return };
        match walk(record.btf, record.of, time) {
            Err((step, misstep)) => found.push(self.misstep(&record, &time[step], &misstep)),
            Ok((_, time_type)) if record.btf.size(time_type) != Some(8) => {
                let Some(last) = time.last() else { return };
                let message = "`time` requires a field of 8 bytes, in nanoseconds of \
                               CLOCK_MONOTONIC"
                    .to_owned();
                let help = "Name a field that holds a result of bpf_ktime_get_ns().".to_owned();
                found.push(self.at(Code::BadText, message, last, "not a time").help(help));
            }
            Ok(_) => {}
        }
    }

    fn unknown_type(&self, record: &Spanned<String>) -> Diagnostic {
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

    fn field(&self, record: &RecordStruct<'_>, field: &FieldRef) -> Option<Diagnostic> {
        let (btf, object) = (record.btf, &self.object.btf);
        let at = match walk(btf, record.of, &field.path) {
            Ok((_, at)) => at,
            Err((step, misstep)) => {
                return Some(self.misstep(record, &field.path[step], &misstep));
            }
        };
        let hint = field.hint.as_ref()?;
        if let Hint::Enum(name) = &hint.value
            && place::enumeration(object, name).is_none()
        {
            let message = format!("enum `{name}` not found in the object of {}", title(self.node));
            let names = place::enumerations(object);
            let near = nearest(name, names.iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("Did you mean `{near}`?"),
                None => "Name an enum of the object's BTF.".to_owned(),
            };
            return Some(self.at(Code::UnknownType, message, hint, "not in BTF").help(help));
        }
        let Err(wanted) = fits(&hint.value, btf, at) else { return None };
        let size = btf.size(at).unwrap_or(0);
        let message = format!("format `{}` requires {wanted}", hint.value.name());
        let label = format!("field of {size} {}", if size == 1 { "byte" } else { "bytes" });
        let help = "Use another format, or omit it to use the field's type.";
        Some(self.at(Code::BadText, message, hint, &label).help(help))
    }

    fn misstep(
        &self,
        record: &RecordStruct<'_>,
        step: &Spanned<FieldStep>,
        misstep: &FieldError,
    ) -> Diagnostic {
        let name = match &step.value {
            FieldStep::Field(name) => format!("field `{name}`"),
            FieldStep::Item(number) => format!("item {number}"),
        };
        let (message, help) = match (misstep, &step.value) {
            (FieldError::NoField(names), FieldStep::Field(wanted)) => {
                let help = match nearest(wanted, names.iter().map(String::as_str)) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => format!("Fields are: {}.", names.join(", ")),
                };
                (format!("{name} not found in {}", record.name), help)
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
        self.at(Code::BadText, message, step, "this").help(help)
    }
}
