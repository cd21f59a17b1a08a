//! What a built-in tracer takes of a call: (what the chain asks for, the target's types) → where each
//! value is found, where it goes, and what has to hold for the call to be told.
//!
//! Pure. The check asks for what is wrong, the plan for the table that the program in the kernel
//! goes by, and events are read by the same list.

mod context;
mod filter;
mod value;

use std::sync::Arc;

use freplace_compose_common::trace::{HOPS, Hop, NOWHERE, RET, TOOK, Trace, VALUES, Value};
use serde::Serialize;

pub use context::KernelField;
pub use value::Of;

use crate::{
    chain::{Builtin, Moment, ValuePath},
    diag::{Code, Diagnostic, Source},
    object::{
        Function, Object, ProgramKind,
        btf::{Type, TypeId},
    },
};
use value::{Found, Signature};

/// The most bytes that are copied from where one pointer leads.
const BLOCK: u32 = 256;

/// A function to trace.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The object that holds it.
    pub object: &'a Object,
    /// The function.
    pub function: &'a Function,
    /// What the program it is in is loaded as, or stands in for: whose context it may take.
    pub kind: ProgramKind,
    /// Whether it is a program itself.
    pub is_entry: bool,
    /// The node whose program holds it, by its number.
    pub holder: usize,
}

/// What a built-in tracer takes of each call of one function at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tracing {
    /// The node whose program holds the function, by its number.
    pub holder: usize,
    /// The function's name.
    pub function: String,
    /// The arguments, or what was chosen of them.
    pub arguments: Vec<Capture>,
    /// The result, when there is one.
    pub result: Option<Capture>,
    /// Where the duration goes.
    #[serde(skip)]
    pub took: Option<usize>,
    /// What the program goes by. Offsets in `kernel` are still to be put in.
    #[serde(skip)]
    pub table: Trace,
    /// Fields of the kernel's own structs, which stand elsewhere in each kernel.
    #[serde(skip)]
    pub kernel: Vec<Unplaced>,
}

/// A pointer that is followed to a field of a struct of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplaced {
    /// Which of the table's values.
    pub value: usize,
    /// Which of its hops.
    pub hop: usize,
    /// The field.
    pub field: KernelField,
}

/// A value in the payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capture {
    /// As it is written, or the argument's name.
    pub name: String,
    /// What it is.
    #[serde(skip)]
    pub of: Of,
    /// Where the value is, as eight bytes.
    #[serde(skip)]
    pub at: Option<usize>,
    /// Where the bytes are that it points to, or that it consists of, and how many.
    #[serde(skip)]
    pub block: Option<(usize, usize)>,
    /// The bit that tells that it could not be read, and where the bits are.
    #[serde(skip)]
    pub unread: Option<(u32, usize)>,
}

impl Tracing {
    /// What notes when a call began, and tells nothing.
    fn timer(target: Target<'_>) -> Self {
        let table = Trace { times: 1, ..Trace::default() };
        Self {
            holder: target.holder,
            function: target.function.name.clone(),
            arguments: Vec::new(),
            result: None,
            took: None,
            table,
            kernel: Vec::new(),
        }
    }

    /// Whether it tells of calls.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.table.tells != 0
    }
}

/// What a tracer does with `target`: the moments, in the order in which its programs are attached.
///
/// # Errors
/// What is wrong with the request; the places are in `source`.
pub fn resolve(
    source: &Arc<Source>,
    request: &Builtin,
    moment: Moment,
    target: Target<'_>,
) -> Result<Vec<(Moment, Tracing)>, Vec<Diagnostic>> {
    let one = |moment| Maker::new(source, request, moment, target)?.make();
    if moment == Moment::Fentry {
        return Ok(vec![(Moment::Fentry, one(Moment::Fentry)?)]);
    }
    let mut entry = match request.both {
        true => one(Moment::Fentry)?,
        false => Tracing::timer(target),
    };
    entry.table.times = 1;
    Ok(vec![(Moment::Fentry, entry), (Moment::Fexit, one(Moment::Fexit)?)])
}

/// Puts a tracing together.
struct Maker<'a> {
    source: &'a Arc<Source>,
    request: &'a Builtin,
    moment: Moment,
    target: Target<'a>,
    signature: Signature<'a>,
    table: Trace,
    kernel: Vec<Unplaced>,
    /// Bytes of the payload so far.
    size: usize,
    wrong: Vec<Diagnostic>,
}

impl<'a> Maker<'a> {
    fn new(
        source: &'a Arc<Source>,
        request: &'a Builtin,
        moment: Moment,
        target: Target<'a>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let signature = Signature::of(target).ok_or_else(|| {
            let message = format!("`{}` has no prototype in its object", target.function.name);
            vec![
                Diagnostic::new(Code::CannotCapture, message)
                    .help("Compile the object with -g: arguments are shown by their types."),
            ]
        })?;
        Ok(Self {
            source,
            request,
            moment,
            target,
            signature,
            table: Trace::default(),
            kernel: Vec::new(),
            size: 0,
            wrong: Vec::new(),
        })
    }

    fn make(mut self) -> Result<Tracing, Vec<Diagnostic>> {
        let request = self.request;
        let mut arguments = Vec::new();
        match &request.capture {
            Some(paths) => {
                for path in paths {
                    let found = self.signature.find(path, false);
                    let found = found.map_err(|error| error.tell(self.source, self.target, path));
                    match found {
                        Ok(found) => {
                            arguments.extend(self.capture(&path.text.value, found, Some(path)))
                        }
                        Err(error) => self.wrong.push(*error),
                    }
                }
            }
            None => {
                for (name, found) in self.signature.arguments() {
                    arguments.extend(self.capture(&name, found, None));
                }
            }
        }
        let result = match self.moment {
            Moment::Fexit => {
                self.signature.result().and_then(|found| self.capture("ret", found, None))
            }
            Moment::Fentry => None,
        };
        let took = match self.moment {
            Moment::Fexit => {
                self.value(&Found::of(TOOK, Of::Nanoseconds)).map(|index| self.put(index))
            }
            Moment::Fentry => None,
        };
        if let Some((_, filter)) = &request.filter {
            self.filter(filter);
        }
        let reads = |value: &Value| value.hop_count > 0 || value.block_size > 0;
        if self.table.values.iter().any(reads) {
            self.table.unread_to = self.room(8);
            let at = usize::from(self.table.unread_to);
            for capture in &mut arguments {
                capture.unread = capture.unread.map(|(bit, _)| (bit, at));
            }
        }
        self.table.size = u32::try_from(self.size).unwrap_or(u32::MAX);
        self.table.tells = 1;
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        Ok(Tracing {
            holder: self.target.holder,
            function: self.target.function.name.clone(),
            arguments,
            result,
            took,
            table: self.table,
            kernel: self.kernel,
        })
    }

    /// Takes `found` into the payload.
    fn capture(&mut self, name: &str, found: Found, path: Option<&ValuePath>) -> Option<Capture> {
        let Some(index) = self.value(&found) else {
            let message = format!("`{name}` is one value more than a tracer takes");
            let mut wrong = Diagnostic::new(Code::CannotCapture, message)
                .help(format!("It takes {VALUES}, those of `where` included."));
            if let Some(path) = path {
                wrong = wrong.label(self.source, path.text.span.clone(), "one too many");
            }
            self.wrong.push(wrong);
            return None;
        };
        let mut capture =
            Capture { name: name.to_owned(), of: found.of, at: None, block: None, unread: None };
        if found.whole {
            capture.at = Some(self.put(index));
        }
        let mut reads = !found.hops.is_empty();
        if let Some((offset, size)) = found.block {
            let size = size.min(BLOCK);
            let taken = self.table.values[index].block_size > 0;
            // A value has room for one block; the same pointer once more is a value of its own.
            let index = if taken { self.another(index)? } else { index };
            let to = self.room(size as usize);
            let value = &mut self.table.values[index];
            value.block_offset = offset;
            value.block_size = u16::try_from(size).unwrap_or(u16::MAX);
            value.block_to = to;
            capture.block = Some((usize::from(to), size as usize));
            reads = true;
            capture.unread = Some((u32::try_from(index).unwrap_or(0), 0));
        }
        if reads {
            capture.unread = capture.unread.or(Some((u32::try_from(index).unwrap_or(0), 0)));
        }
        Some(capture)
    }

    /// A second value read in the same way as that at `index`.
    fn another(&mut self, index: usize) -> Option<usize> {
        let value = Value { to: NOWHERE, block_size: 0, ..self.table.values[index] };
        let same: Vec<_> = self.kernel.iter().filter(|one| one.value == index).cloned().collect();
        let new = self.push(value)?;
        self.kernel.extend(same.into_iter().map(|one| Unplaced { value: new, ..one }));
        Some(new)
    }

    fn push(&mut self, value: Value) -> Option<usize> {
        let index = usize::from(self.table.value_count);
        *self.table.values.get_mut(index)? = value;
        self.table.value_count += 1;
        Some(index)
    }

    /// The value `found` among those that are read; none when there is no room for another.
    fn value(&mut self, found: &Found) -> Option<usize> {
        let mut value = Value { source: found.source, to: NOWHERE, ..Value::default() };
        for (hop, (offset, size)) in value.hops.iter_mut().zip(&found.hops) {
            *hop = Hop { offset: *offset, size: *size };
        }
        value.hop_count = u8::try_from(found.hops.len().min(HOPS)).unwrap_or_default();
        let same = |(index, other): (usize, &Value)| {
            let fields = self.kernel.iter().filter(|one| one.value == index);
            let fields = fields.map(|one| one.field).eq(found.kernel.iter().copied());
            let alike = (other.source, other.hops, other.hop_count)
                == (value.source, value.hops, value.hop_count);
            (alike && fields).then_some(index)
        };
        let count = usize::from(self.table.value_count);
        let known = self.table.values.iter().take(count).enumerate().find_map(same);
        if known.is_some() {
            return known;
        }
        let index = self.push(value)?;
        let kernel = found.kernel.iter().enumerate();
        self.kernel.extend(kernel.map(|(hop, field)| Unplaced {
            value: index,
            hop,
            field: *field,
        }));
        Some(index)
    }

    /// The place in the payload of the value at `index`.
    fn put(&mut self, index: usize) -> usize {
        if self.table.values[index].to == NOWHERE {
            self.table.values[index].to = self.room(8);
        }
        self.table.values[index].to.into()
    }

    /// Makes room in the payload, from a multiple of eight on.
    fn room(&mut self, size: usize) -> u16 {
        let at = self.size;
        self.size += size.next_multiple_of(8);
        // Sixteen blocks and as many values are far from this.
        u16::try_from(at).unwrap_or(NOWHERE)
    }

    /// Whether something of the call is known at this moment.
    fn is_known(&self, source: u8) -> bool {
        self.moment == Moment::Fexit || !matches!(source, RET | TOOK)
    }
}

/// The names of what a function returns that its program's hook takes for an answer.
#[must_use]
pub fn verdicts(kind: ProgramKind) -> &'static [(&'static str, i64)] {
    match kind {
        ProgramKind::Xdp => &[
            ("XDP_ABORTED", 0),
            ("XDP_DROP", 1),
            ("XDP_PASS", 2),
            ("XDP_TX", 3),
            ("XDP_REDIRECT", 4),
        ],
        ProgramKind::Tc => &[
            ("TC_ACT_UNSPEC", -1),
            ("TC_ACT_OK", 0),
            ("TC_ACT_RECLASSIFY", 1),
            ("TC_ACT_SHOT", 2),
            ("TC_ACT_PIPE", 3),
            ("TC_ACT_STOLEN", 4),
            ("TC_ACT_QUEUED", 5),
            ("TC_ACT_REPEAT", 6),
            ("TC_ACT_REDIRECT", 7),
            ("TC_ACT_TRAP", 8),
        ],
        _ => &[],
    }
}

/// The struct that `id` points to, with its name; none when it is no pointer to a struct.
fn pointee(object: &Object, id: TypeId) -> Option<(TypeId, &str)> {
    let (_, Type::Ptr(to)) = object.btf.resolve(id)? else { return None };
    match object.btf.resolve(to)? {
        (id, Type::Struct { name, .. } | Type::Forward { name, .. }) => Some((id, name)),
        _ => None,
    }
}
