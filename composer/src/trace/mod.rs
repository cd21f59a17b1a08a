//! What a built-in tracer records of a call: (the request in the chain, the target's types) → where
//! each value is found, where it is stored, and the condition for recording the call.
//!
//! Pure. `check` uses the errors, `plan` the table for the program in the kernel, and events are
//! decoded with the same list.

mod context;
mod filter;
mod make;
mod stored;
#[cfg(test)]
mod tests;
mod value;
mod walk;

use freplace_compose_common::trace::Trace;
use serde::{Deserialize, Serialize};

pub use context::KernelField;
pub(crate) use filter::is_network;
pub use value::ValueType;

use crate::{
    chain::{Builtin, Filter, ProbePoint, Spanned},
    diag::{Diagnostic, Span},
    hook::HostKind,
    object::{
        Function, Object, ProgramKind,
        btf::{Type, TypeId},
    },
};
use make::TableBuilder;
use value::Signature;

/// A function to trace.
#[derive(Debug, Clone, Copy)]
pub struct TracedFunction<'a> {
    /// The object that holds it.
    pub object: &'a Object,
    /// The function.
    pub function: &'a Function,
    /// The kind that its program is loaded as, or that of the program that it replaces, which
    /// determines its context.
    pub kind: ProgramKind,
    /// Whether it is a host itself, whose first argument is its context. That of a replacement is its
    /// stub's, which may be anything.
    pub is_entry: bool,
    /// The node whose program holds it, by its number.
    pub holder: usize,
}

/// What a built-in tracer records of each call of a function, at entry or at exit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "stored::Stored", try_from = "stored::Stored")]
pub struct Tracing {
    /// The node whose program holds the function, by its number.
    pub holder: usize,
    /// The function's name.
    pub function: String,
    /// The arguments, or the captures selected by the chain.
    pub arguments: Vec<Capture>,
    /// The result, if there is one.
    pub result: Option<Capture>,
    /// The condition for recording a call, as text.
    pub filter: Option<String>,
    /// Where the duration goes.
    pub took: Option<usize>,
    /// The table for the program. The offsets of `kernel` have to be added.
    pub table: Trace,
    /// Fields of the kernel's own structs, whose offsets differ between kernels.
    pub kernel: Vec<UnplacedField>,
}

/// A pointer that is followed to a field of a struct of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnplacedField {
    /// Which of the table's values.
    pub value: usize,
    /// Which of its hops.
    pub hop: usize,
    /// The field.
    pub field: KernelField,
}

/// A value in the payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// As it is written, or the argument's name.
    pub name: String,
    /// Its type.
    pub of: ValueType,
    /// Where the value is, as eight bytes.
    pub at: Option<usize>,
    /// Where the bytes are that it points to, or that it consists of, and how many.
    pub block: Option<(usize, usize)>,
    /// The bit that is set if it could not be read, and the offset of the bits.
    pub unread: Option<(u32, usize)>,
}

impl Tracing {
    /// What notes when a call began, and tells nothing.
    fn timer(target: TracedFunction<'_>) -> Self {
        let table = Trace { times: 1, ..Trace::default() };
        Self {
            holder: target.holder,
            function: target.function.name.clone(),
            arguments: Vec::new(),
            result: None,
            filter: None,
            took: None,
            table,
            kernel: Vec::new(),
        }
    }

    /// The names of the recorded values.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let arguments = self.arguments.iter().map(|argument| argument.name.as_str());
        let result = self.result.iter().map(|_| "ret");
        arguments.chain(result).chain(self.took.iter().map(|_| "took")).collect()
    }

    /// Whether it records calls.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.table.tells != 0
    }
}

/// The programs of a tracer of `target`, in the order in which they are attached.
///
/// # Errors
/// What is wrong with the request.
pub fn resolve(
    request: &Builtin,
    point: ProbePoint,
    target: TracedFunction<'_>,
) -> Result<Vec<(ProbePoint, Tracing)>, Vec<Diagnostic>> {
    let one = |point| TableBuilder::new(request, point, target)?.make();
    if point == ProbePoint::Fentry {
        return Ok(vec![(ProbePoint::Fentry, one(ProbePoint::Fentry)?)]);
    }
    let mut entry = match request.both {
        true => one(ProbePoint::Fentry)?,
        false => Tracing::timer(target),
    };
    entry.table.times = 1;
    Ok(vec![(ProbePoint::Fentry, entry), (ProbePoint::Fexit, one(ProbePoint::Fexit)?)])
}

/// The values and tests of a condition at the entry of `target`, as a table.
///
/// # Errors
/// What is wrong with the condition.
pub(crate) fn condition(
    filter: &(Spanned<String>, Filter),
    target: TracedFunction<'_>,
) -> Result<Trace, Vec<Diagnostic>> {
    let request = Builtin { both: false, capture: Some(Vec::new()), filter: Some(filter.clone()) };
    let made = TableBuilder::new(&request, ProbePoint::Fentry, target)?.make()?;
    Ok(made.table)
}

/// An argument in a request that is called as the result or the duration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowing {
    /// Its location.
    pub span: Span,
    /// How to refer to the hidden value: `$ret` or `$took`.
    pub hidden: &'static str,
    /// Whether it is in `capture`, where the hidden value cannot be named.
    pub is_captured: bool,
}

/// Names in `request` that refer to an argument of `target` and hide its result or duration: in
/// comparisons, and in captures without fields, because a result has none.
#[must_use]
pub fn shadowed(request: &Builtin, target: TracedFunction<'_>) -> Vec<Shadowing> {
    let Some(signature) = Signature::of(target) else { return Vec::new() };
    let mut found = Vec::new();
    for path in request.capture.iter().flatten() {
        let is_whole = path.fields.is_empty() && !path.followed;
        let hidden = signature.hides(&path.first.value).filter(|_| is_whole);
        let span = path.first.span.clone();
        found.extend(hidden.map(|hidden| Shadowing { span, hidden, is_captured: true }));
    }
    let mut open: Vec<&Filter> = request.filter.iter().map(|(_, filter)| filter).collect();
    while let Some(filter) = open.pop() {
        match filter {
            Filter::Test(test) => {
                let first = &test.path.first;
                let hidden = signature.hides(&first.value);
                let span = first.span.clone();
                found.extend(hidden.map(|hidden| Shadowing { span, hidden, is_captured: false }));
            }
            Filter::Not(inner) => open.push(inner),
            Filter::And(left, right) | Filter::Or(left, right) => {
                open.extend([right.as_ref(), left.as_ref()]);
            }
        }
    }
    found
}

/// The names of what a program of this kind returns.
pub(crate) fn verdicts(kind: ProgramKind) -> &'static [(&'static str, i64)] {
    HostKind::of_program(kind).map_or(&[], |kind| kind.verdicts)
}

/// The struct that `id` points to, with its name; none when it is no pointer to a struct.
fn pointee(object: &Object, id: TypeId) -> Option<(TypeId, &str)> {
    let (_, Type::Ptr(to)) = object.btf.resolve(id)? else { return None };
    match object.btf.resolve(to)? {
        (id, Type::Struct { name, .. } | Type::Forward { name, .. }) => Some((id, name)),
        _ => None,
    }
}
