//! Builds the table: which values are read, and where each is stored in the payload.

use std::collections::HashSet;

use freplace_compose_common::trace::{CapturedValue, HOPS, Hop, NOWHERE, RET, TOOK, Trace, VALUES};

use super::{
    Capture, TracedFunction, Tracing, UnplacedField, ValueType,
    value::{LocatedValue, Signature},
};
use crate::{
    chain::{Builtin, ProbePoint, ValuePath},
    diag::{Code, Diagnostic},
};

/// The most bytes that are copied from where one pointer leads.
const BLOCK: u32 = 256;

/// Puts a tracing together.
pub(super) struct TableBuilder<'a> {
    pub(super) request: &'a Builtin,
    point: ProbePoint,
    pub(super) target: TracedFunction<'a>,
    pub(super) signature: Signature<'a>,
    pub(super) table: Trace,
    kernel: Vec<UnplacedField>,
    /// Bytes of the payload so far.
    size: usize,
    pub(super) wrong: Vec<Diagnostic>,
}

impl<'a> TableBuilder<'a> {
    pub(super) fn new(
        request: &'a Builtin,
        point: ProbePoint,
        target: TracedFunction<'a>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let signature = Signature::of(target).ok_or_else(|| {
            let message = format!("missing prototype of `{}`", target.function.name);
            vec![
                Diagnostic::new(Code::CannotCapture, message)
                    .help("Compile the object with -g. The types of arguments are read from BTF."),
            ]
        })?;
        Ok(Self {
            request,
            point,
            target,
            signature,
            table: Trace::default(),
            kernel: Vec::new(),
            size: 0,
            wrong: Vec::new(),
        })
    }

    pub(super) fn make(mut self) -> Result<Tracing, Vec<Diagnostic>> {
        let request = self.request;
        // First, so that there is always room for them.
        let result = match self.point {
            ProbePoint::Fexit => {
                self.signature.result().and_then(|found| self.capture("ret", &found, None))
            }
            ProbePoint::Fentry => None,
        };
        let took = match self.point {
            ProbePoint::Fexit => self
                .value(&LocatedValue::of(TOOK, ValueType::Nanoseconds))
                .map(|index| self.put(index)),
            ProbePoint::Fentry => None,
        };
        let mut arguments = Vec::new();
        let mut seen = HashSet::new();
        for path in request.capture.iter().flatten() {
            if !seen.insert(&path.text.value) {
                let message = format!("duplicate value `{}` in `capture`", path.text.value);
                let wrong = Diagnostic::new(Code::CannotCapture, message)
                    .label(&path.text.span, "captured again")
                    .help("List each value once.");
                self.wrong.push(wrong);
            }
            match self.signature.find(path, false) {
                Ok(found) => {
                    arguments.extend(self.capture(&path.text.value, &found, Some(path)));
                }
                Err(error) => self.wrong.push(*error.tell(self.target, path)),
            }
        }
        if request.capture.is_none() {
            for (name, found) in self.signature.arguments() {
                arguments.extend(self.capture(&name, &found, None));
            }
        }
        if let Some((_, filter)) = &request.filter {
            self.filter(filter);
            let tests = self.table.tests.iter().take(self.table.test_count.into());
            self.table.tested = tests.fold(0, |bits, test| bits | 1 << (test.value % 16));
        }
        let reads = |value: &CapturedValue| value.hop_count > 0 || value.block_size > 0;
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
            filter: request.filter.as_ref().map(|(text, _)| text.value.clone()),
            took,
            table: self.table,
            kernel: self.kernel,
        })
    }

    /// Takes `found` into the payload.
    fn capture(
        &mut self,
        name: &str,
        found: &LocatedValue,
        path: Option<&ValuePath>,
    ) -> Option<Capture> {
        let capture = self.try_capture(name, found);
        if capture.is_none() {
            let message = format!("too many values: `{name}` exceeds the limit of a tracer");
            let mut wrong = Diagnostic::new(Code::CannotCapture, message).help(format!(
                "Use at most {VALUES} values, including result, duration and those of `where`."
            ));
            if let Some(path) = path {
                wrong = wrong.label(&path.text.span, "exceeds the limit");
            }
            self.wrong.push(wrong);
        }
        capture
    }

    /// The same; none when there is no room.
    fn try_capture(&mut self, name: &str, found: &LocatedValue) -> Option<Capture> {
        let mut index = self.value(found)?;
        let at = found.whole.then(|| self.put(index));
        let block = match found.block {
            Some((offset, size)) => {
                // A value has room for one block; the same pointer once more is a value of its own.
                if self.table.values[index].block_size > 0 {
                    index = self.another(index)?;
                }
                let size = size.min(BLOCK);
                let to = self.room(size as usize);
                let value = &mut self.table.values[index];
                value.block_offset = offset;
                value.block_size = u16::try_from(size).unwrap_or(u16::MAX);
                value.block_to = to;
                Some((usize::from(to), size as usize))
            }
            None => None,
        };
        let reads = block.is_some() || !found.hops.is_empty();
        // Where the bits are comes out at the end.
        let unread = reads.then(|| (u32::try_from(index).unwrap_or_default(), 0));
        Some(Capture { name: name.to_owned(), of: found.of, at, block, unread })
    }

    /// A second value read in the same way as that at `index`.
    fn another(&mut self, index: usize) -> Option<usize> {
        let value = CapturedValue { to: NOWHERE, block_size: 0, ..self.table.values[index] };
        let same: Vec<_> = self.kernel.iter().filter(|one| one.value == index).cloned().collect();
        let new = self.push(value)?;
        self.kernel.extend(same.into_iter().map(|one| UnplacedField { value: new, ..one }));
        Some(new)
    }

    fn push(&mut self, value: CapturedValue) -> Option<usize> {
        let index = usize::from(self.table.value_count);
        *self.table.values.get_mut(index)? = value;
        self.table.value_count += 1;
        Some(index)
    }

    /// The value `found` among those that are read; none when there is no room for another.
    pub(super) fn value(&mut self, found: &LocatedValue) -> Option<usize> {
        let mut value =
            CapturedValue { source: found.source, to: NOWHERE, ..CapturedValue::default() };
        for (hop, (offset, size)) in value.hops.iter_mut().zip(&found.hops) {
            *hop = Hop { offset: *offset, size: *size };
        }
        value.hop_count = u8::try_from(found.hops.len().min(HOPS)).unwrap_or_default();
        let same = |(index, other): (usize, &CapturedValue)| {
            let fields = self.kernel.iter().filter(|one| one.value == index);
            let fields = fields.map(|one| &one.field).eq(&found.kernel);
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
        self.kernel.extend(kernel.map(|(hop, field)| UnplacedField {
            value: index,
            hop,
            field: field.clone(),
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
    pub(super) fn is_known(&self, source: u8) -> bool {
        self.point == ProbePoint::Fexit || !matches!(source, RET | TOOK)
    }
}
