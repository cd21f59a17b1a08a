//! Events of built-in tracers: calls and returns of a function, by the types of its own object.

use freplace_compose_common::trace::UNKNOWN;

use super::{Paint, Shape, digits::decimal, json, layout, value};
use crate::{
    chain::ProbePoint,
    inert,
    object::btf::{Btf, Type},
    plan::PlannedNode,
    trace::{self, Capture, Tracing, ValueType},
};

/// The events of a built-in tracer on one function, at entry or exit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The displayed name of the function.
    name: String,
    /// Its name in C.
    function: String,
    /// Bytes of the payload.
    size: usize,
    arguments: Vec<Argument>,
    /// None at the entry.
    exit: Option<CallReturn>,
    /// The first keys of its events as JSON.
    keys: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Argument {
    name: String,
    shape: Shape,
    /// Where the value is; none for one that is all in the block.
    at: Option<usize>,
    /// The location and shape of the bytes that it points to or consists of.
    block: Option<(usize, usize, Shape)>,
    /// The bit that is set if it could not be read, and the offset of the bits.
    unread: Option<(u32, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct CallReturn {
    /// None where the function returns nothing.
    result: Option<(Shape, usize)>,
    /// Names of results.
    names: &'static [(&'static str, i64)],
    took: usize,
}

impl Traced {
    /// What `tracing`, of `node`, tells of a function with the types of `btf`.
    pub(super) fn new(tracing: &Tracing, btf: &Btf, node: &PlannedNode) -> Self {
        let exit = tracing.took.map(|took| CallReturn {
            result: tracing.result.as_ref().and_then(|result| {
                let at = result.at?;
                let (shape, offset) = shape(btf, result.of);
                Some((shape, at + offset))
            }),
            names: match tracing.result.as_ref().map(|result| result.of) {
                Some(ValueType::Verdict(_, kind)) => trace::verdicts(kind),
                _ => &[],
            },
            took,
        });
        let point = if exit.is_some() { ProbePoint::Fexit } else { ProbePoint::Fentry };
        Self {
            name: inert::line(node.place.function()).into_owned(),
            keys: json::keys(&node.id, point.name()),
            function: tracing.function.clone(),
            size: tracing.table.size as usize,
            arguments: tracing.arguments.iter().map(|capture| argument(capture, btf)).collect(),
            exit,
        }
    }

    /// Bytes of its payload.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether `payload` is long enough.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        payload.len() >= self.size
    }

    /// Its probe point.
    #[must_use]
    pub fn point(&self) -> ProbePoint {
        if self.exit.is_some() { ProbePoint::Fexit } else { ProbePoint::Fentry }
    }

    /// How long the call took; none where that is not known.
    pub(super) fn took(&self, payload: &[u8]) -> Option<u64> {
        self.exit.as_ref()?.took(payload)
    }

    /// The first keys of its events as JSON.
    pub(super) fn keys(&self) -> &str {
        &self.keys
    }

    /// `handler(ctx=0xffff8880, len=64) = 2 (XDP_PASS)  1.8 µs`
    pub(super) fn human(&self, payload: &[u8], paint: Paint, out: &mut String) {
        paint.bold(&self.name, out);
        out.push('(');
        for (number, argument) in self.arguments.iter().enumerate() {
            if number > 0 {
                out.push_str(", ");
            }
            paint.key(&argument.name, out);
            argument.human(payload, out);
        }
        out.push(')');
        if self.exit.as_ref().is_some_and(|exit| exit.result.is_some()) {
            out.push_str(" = ");
            self.result(payload, out);
        }
        if let Some(took) = self.took(payload) {
            out.push_str("  ");
            value::duration(took, out);
        }
    }

    /// `2 (XDP_PASS)`; whether there is a result.
    pub(super) fn result(&self, payload: &[u8], out: &mut String) -> bool {
        let Some(exit) = &self.exit else { return false };
        let Some((shape, at)) = &exit.result else { return false };
        shape.human(from(payload, *at), out);
        if let Some(name) = exit.verdict(payload) {
            out.push_str(" (");
            out.push_str(name);
            out.push(')');
        }
        true
    }

    /// The keys of an event, without braces.
    pub(super) fn json(&self, payload: &[u8], out: &mut String) {
        let kind = if self.exit.is_some() { "return" } else { "call" };
        out.push_str("\"type\":\"");
        out.push_str(kind);
        out.push_str("\",\"function\":");
        value::string(&self.function, out);
        out.push_str(",\"args\":{");
        for (number, argument) in self.arguments.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            value::string(&argument.name, out);
            out.push(':');
            argument.json(payload, out);
        }
        out.push('}');
        let Some(exit) = &self.exit else { return };
        if let Some((shape, at)) = &exit.result {
            out.push_str(",\"ret\":");
            shape.json(from(payload, *at), out);
            if let Some(name) = exit.verdict(payload) {
                out.push_str(",\"ret_name\":");
                value::string(name, out);
            }
        }
        match exit.took(payload) {
            Some(took) => {
                out.push_str(",\"took_ns\":");
                decimal(took, out);
            }
            None => out.push_str(",\"took_ns\":null"),
        }
    }
}

impl CallReturn {
    fn verdict(&self, payload: &[u8]) -> Option<&'static str> {
        let (shape, at) = self.result.as_ref()?;
        let number = shape.number(from(payload, *at))?;
        let found = self.names.iter().find(|(_, value)| i128::from(*value) == number);
        found.map(|(name, _)| *name)
    }

    /// None for a call that was entered before the tracer was there.
    fn took(&self, payload: &[u8]) -> Option<u64> {
        word(payload, self.took).filter(|took| *took != UNKNOWN)
    }
}

/// What of an argument there is to show.
enum Shown<'a> {
    Value(&'a Shape, &'a [u8]),
    /// A null pointer.
    Null,
    /// Something that could not be read; the pointer itself, where that is known.
    Unread(Option<&'a [u8]>),
}

impl Argument {
    fn shown<'a>(&'a self, payload: &'a [u8]) -> Shown<'a> {
        let unread = self.unread.is_some_and(|(bit, at)| {
            word(payload, at).is_none_or(|bits| bits >> (bit % 64) & 1 == 1)
        });
        let pointer = self.at.map(|at| from(payload, at));
        match (&self.block, pointer) {
            (Some(_), Some(pointer)) if word(pointer, 0) == Some(0) => Shown::Null,
            (Some(_), pointer) if unread => Shown::Unread(pointer),
            (Some((at, size, shape)), _) => {
                Shown::Value(shape, payload.get(*at..at + size).unwrap_or_default())
            }
            (None, _) if unread => Shown::Unread(None),
            (None, value) => Shown::Value(&self.shape, value.unwrap_or_default()),
        }
    }

    fn human(&self, payload: &[u8], out: &mut String) {
        match self.shown(payload) {
            Shown::Value(shape, bytes) => shape.human(bytes, out),
            Shown::Null => out.push_str("NULL"),
            Shown::Unread(pointer) => {
                if let Some(pointer) = pointer {
                    Shape::Pointer.human(pointer, out);
                    out.push(' ');
                }
                out.push('?');
            }
        }
    }

    fn json(&self, payload: &[u8], out: &mut String) {
        match self.shown(payload) {
            Shown::Value(shape, bytes) => shape.json(bytes, out),
            Shown::Null | Shown::Unread(_) => out.push_str("null"),
        }
    }
}

fn argument(capture: &Capture, btf: &Btf) -> Argument {
    let (own, offset) = shape(btf, capture.of);
    let block = capture.block.map(|(at, size)| {
        let of = match capture.of {
            ValueType::Followed(pointer) => match btf.resolve(pointer) {
                Some((_, Type::Ptr(to))) => Some(to),
                _ => None,
            },
            ValueType::Type(of) => Some(of),
            _ => None,
        };
        let shape = of.and_then(|of| layout::within(btf, of, size));
        (at, size, shape.unwrap_or(Shape::Bytes(size)))
    });
    Argument {
        name: inert::line(&capture.name).into_owned(),
        shape: own,
        at: capture.at.map(|at| at + if block.is_some() { 0 } else { offset }),
        block,
        unread: capture.unread,
    }
}

/// What a value is, and where in its eight bytes it begins.
fn shape(btf: &Btf, of: ValueType) -> (Shape, usize) {
    let (shape, size) = match of {
        ValueType::Type(id) | ValueType::Followed(id) | ValueType::Verdict(id, _) => {
            (layout::value(btf, id), btf.size(id).unwrap_or(8) as usize)
        }
        ValueType::Number => (Shape::Integer { size: 8, signed: false }, 8),
        ValueType::NetworkShort => (Shape::BigEndian(2), 2),
        ValueType::Address => (Shape::Pointer, 8),
        ValueType::Nanoseconds => (Shape::Nanoseconds, 8),
    };
    // The value is a register's: its bytes are the lower ones.
    (shape, if cfg!(target_endian = "big") { 8_usize.saturating_sub(size) } else { 0 })
}

fn from(payload: &[u8], at: usize) -> &[u8] {
    payload.get(at..).unwrap_or_default()
}

fn word(payload: &[u8], at: usize) -> Option<u64> {
    payload.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_ne_bytes)
}
