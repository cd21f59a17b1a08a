//! A run of a host by BPF_PROG_TEST_RUN: what it gets, and what is expected to be returned.

use super::{Arranger, HostRun};
use crate::{
    chain::{Spanned, Value},
    diag::{Code, Diagnostic, list},
    hook::{HostKind, TestRunInput, test_run_input},
    object::{
        Object,
        btf::{Type, TypeId},
    },
    resolve::{EncodedValue, NodeProgram, encode},
    testing::TestRunSpec,
};

impl<'t> Arranger<'_, 't> {
    pub(super) fn run(&self, run: &TestRunSpec) -> Result<HostRun, Box<Diagnostic>> {
        let (node, of) = self.host(run)?;
        let kind = of.program().kind;
        let span = run.host.as_ref().map_or(&self.test.span, |host| &host.span);
        let input = kind.program_type().and_then(test_run_input).ok_or_else(|| {
            let message = format!("the kernel does not run {} programs by themselves", kind.name());
            let help = "Write `traffic` or `exec` instead of `run`: the hosts are attached then, and run when \
                        what they are attached to happens.";
            Box::new(self.bad(span, message, "no BPF_PROG_TEST_RUN").help(help))
        })?;
        if run.repeat.value > 1 && !input.repeats {
            let message = format!("the kernel runs {} programs once", kind.name());
            return Err(Box::new(
                self.bad(&run.repeat.span, message, "once").help("Remove `repeat`."),
            ));
        }
        let data = match (&run.packet, input.packet) {
            (Some(packet), true) => packet.value.bytes(),
            (Some(packet), false) => {
                let message = format!("{} programs get no packet", kind.name());
                return Err(Box::new(
                    self.bad(&packet.span, message, "a packet").help("Remove `packet`."),
                ));
            }
            // The shortest frame.
            (None, true) => vec![0; 60],
            (None, false) => Vec::new(),
        };
        let object = of.object();
        let context_type = context_type(object, of);
        let mut context = Vec::new();
        if let Some(value) = &run.context {
            context = self.context(object, context_type.filter(|_| input.context), value)?.bytes;
            self.fill_lengths(object, context_type, input, data.len(), &mut context);
        } else if !input.packet
            && let Some(size) = context_type.and_then(|of| object.btf.size(of))
        {
            context = vec![0; size as usize];
        }
        let expect = &self.test.expect;
        let verdicts = HostKind::of_program(kind).map_or(&[][..], |kind| kind.verdicts);
        let returns = match &expect.returns {
            Some(value) => Some(self.returned(of, verdicts, value)?),
            None => None,
        };
        if let Some(packet) = &expect.packet
            && !input.packet
        {
            let message = format!("{} programs leave no packet", kind.name());
            return Err(Box::new(self.bad(packet.span(), message, "no packet").help("Remove it.")));
        }
        let expected_context = match &expect.context {
            Some(value) => {
                if context.is_empty() {
                    let size = context_type.and_then(|of| object.btf.size(of)).unwrap_or(0);
                    context = vec![0; size as usize];
                    self.fill_lengths(object, context_type, input, data.len(), &mut context);
                }
                Some(self.context(object, context_type.filter(|_| input.context), value)?)
            }
            None => None,
        };
        Ok(HostRun {
            host: node.id.value.clone(),
            input,
            data,
            context,
            repeat: if input.repeats { run.repeat.value } else { 0 },
            returns,
            verdicts,
            expected_context,
        })
    }

    pub(super) fn context(
        &self,
        object: &Object,
        of: Option<TypeId>,
        value: &Spanned<Value>,
    ) -> Result<EncodedValue, Box<Diagnostic>> {
        let of = of.ok_or_else(|| {
            let message = "the context of this host cannot be set";
            let help = "The kernel takes none for its type, or the object's BTF does not have its fields: a \
                        program that reads one has them.";
            Box::new(self.bad(&value.span, message, "not known").help(help))
        })?;
        encode(Code::BadTest, (&object.btf, of), "ctx", value)
    }

    /// Sets the fields of a context that say how long the packet is.
    pub(super) fn fill_lengths(
        &self,
        object: &Object,
        of: Option<TypeId>,
        input: TestRunInput,
        length: usize,
        context: &mut [u8],
    ) {
        let Some((_, Type::Struct { members, .. })) = of.and_then(|of| object.btf.resolve(of))
        else {
            return;
        };
        for member in members.iter().filter(|one| input.length_fields.contains(&one.name)) {
            let at = (member.bit_offset / 8) as usize;
            if let (Some(place), Ok(length)) = (context.get_mut(at..at + 4), u32::try_from(length))
            {
                place.copy_from_slice(&length.to_ne_bytes());
            }
        }
    }

    /// The number that a host is expected to return.
    pub(super) fn returned(
        &self,
        of: &NodeProgram,
        verdicts: &[(&str, i64)],
        value: &Spanned<Value>,
    ) -> Result<i64, Box<Diagnostic>> {
        if let Value::Text(text) = &value.value
            && let Some((_, number)) = verdicts.iter().find(|(name, _)| name == text)
        {
            return Ok(*number);
        }
        let object = of.object();
        let entry = object.functions.get(of.program().function);
        let prototype = entry.and_then(|entry| object.btf.get(entry.prototype?));
        let Some(Type::Prototype { returns, .. }) = prototype else {
            let message = "the type that the host returns is not known";
            return Err(Box::new(
                self.bad(&value.span, message, "a result").help("Compile with -g."),
            ));
        };
        let bytes = encode(Code::BadTest, (&object.btf, returns), "returns", value);
        let bytes = bytes.map_err(|found| {
            let names: Vec<&str> = verdicts.iter().map(|(name, _)| *name).collect();
            match names.is_empty() {
                true => found,
                false => {
                    Box::new(found.help(format!("Write a number, or one of: {}.", list(&names))))
                }
            }
        })?;
        // What is returned has 32 bits here.
        let first = bytes.bytes.first_chunk().copied().unwrap_or_default();
        Ok(i32::from_ne_bytes(first).into())
    }
}

/// The struct that the context of a program is, by the type of its parameter.
pub(super) fn context_type(object: &Object, of: &NodeProgram) -> Option<TypeId> {
    let entry = object.functions.get(of.program().function)?;
    let Type::Prototype { parameters, .. } = object.btf.get(entry.prototype?)? else { return None };
    let (_, Type::Ptr(to)) = object.btf.resolve(parameters.first()?.1)? else { return None };
    match object.btf.resolve(to)? {
        (id, Type::Struct { size: 1.., .. }) => Some(id),
        _ => None,
    }
}
