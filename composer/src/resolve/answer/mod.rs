//! Replacements that the composer makes: what the chain says of one → a program with the prototype of its
//! stub, as an object. No compiler is needed, and everything else (rules, plan, loader) sees a replacement as
//! any other.
//!
//! The program's arguments stay in the registers 1 to 5 that they come in, since it calls nothing. A pointer is
//! tested before it is used: the kernel lets none pass without that.

mod assembler;
mod code;

use std::sync::Arc;

use super::globals::{Encoder, ValueError, VariablePart};
use crate::{
    chain::{Chain, GeneratedAnswer, Node, Results, Spanned, Value, title},
    diag::{Code, Diagnostic, Span, list, nearest},
    object::{
        Function, Object, ProgramKind,
        btf::{Type, TypeId},
        prototype,
    },
    trace::{self, TracedFunction},
};
use code::{PointerWrite, ResultCode, generate};

/// The object of `node`, whose stub is `function` of `object`, the program of a host.
///
/// # Errors
/// What of the answer does not fit the stub.
pub(super) fn object(
    node: &Node,
    answer: &GeneratedAnswer,
    (host, kind): (&Object, ProgramKind),
    function: &Function,
) -> Result<Arc<Object>, Vec<Diagnostic>> {
    let maker = AnswerMaker { node, host, kind, function };
    let mut wrong = Vec::new();
    let results = maker.results(&answer.results, &mut wrong);
    let writes = answer.writes.iter().filter_map(|write| match maker.write(write) {
        Ok(write) => Some(write),
        Err(found) => {
            wrong.push(*found);
            None
        }
    });
    let writes: Vec<PointerWrite> = writes.collect();
    let (Some(results), true) = (results, wrong.is_empty()) else { return Err(wrong) };
    let generated = generate(&writes, &results).ok_or_else(|| {
        let message = format!("{}: more than a generated program can do", title(node));
        let help = "Write fewer cases, or a program of your own.";
        vec![Diagnostic::new(Code::BadAnswer, message).label(&node.id.span, "this node").help(help)]
    })?;
    let (code, variables) = generated;
    let size = if variables.is_empty() { 0 } else { 8 };
    Ok(Arc::new(host.generated(function, &code, &variables, size)))
}

/// The node that makes an answer, and the function that it stands in for.
struct AnswerMaker<'a> {
    node: &'a Node,
    host: &'a Object,
    /// The kind of the host's program.
    kind: ProgramKind,
    function: &'a Function,
}

impl AnswerMaker<'_> {
    fn error(&self, span: &Span, what: &str, label: &str, help: impl Into<String>) -> Diagnostic {
        let message = format!("{}: {what}", title(self.node));
        let found = Diagnostic::new(Code::BadAnswer, message).label(span, label).help(help);
        match self.host.prototype(self.function) {
            Some(prototype) => found.note(prototype),
            None => found,
        }
    }

    fn value_error(&self, error: ValueError) -> Diagnostic {
        self.error(&error.span, &error.what, &error.label, error.help)
    }

    fn prototype(&self) -> Option<(TypeId, Vec<(&str, TypeId)>)> {
        match self.host.btf.get(self.function.prototype?)? {
            Type::Prototype { returns, parameters } => Some((returns, parameters)),
            _ => None,
        }
    }

    /// What is returned, as numbers of 64 bits; none where something is wrong with it.
    fn results(&self, results: &Results, wrong: &mut Vec<Diagnostic>) -> Option<ResultCode> {
        let span = &self.node.id.span;
        let Some((returns, _)) = self.prototype() else {
            let help = "Compile the object with -g.";
            wrong.push(self.error(
                span,
                "the prototype of its stub is not known",
                "this node",
                help,
            ));
            return None;
        };
        let is_void = matches!(self.host.btf.resolve(returns), Some((_, Type::Void)));
        match results {
            Results::Nothing if is_void => Some(ResultCode::InOrder(vec![0])),
            Results::Nothing => {
                let returns = prototype::declare(&self.host.btf, returns, "");
                let what = format!("`returns` is missing: its stub returns `{}`", returns.trim());
                let help = "Write, for example, returns = 0";
                wrong.push(self.error(span, &what, "what is returned is not said", help));
                None
            }
            Results::InOrder(values) => {
                let numbers = values.iter().map(|value| self.number(returns, value, wrong));
                let numbers: Vec<_> = numbers.collect();
                numbers.into_iter().collect::<Option<_>>().map(ResultCode::InOrder)
            }
            Results::ByArguments(cases) => {
                let cases = cases.iter().map(|case| {
                    let number = self.number(returns, &case.value, wrong);
                    let Some(filter) = &case.filter else { return Some((None, number?)) };
                    match trace::condition(filter, self.traced()) {
                        Ok(table) => match code::is_within_reach(&table) {
                            true => Some((Some(Box::new(table)), number?)),
                            false => {
                                let help = "Compare an argument, or a field of what it points to.";
                                let what = "`where` follows more than one pointer";
                                wrong.push(self.error(&filter.0.span, what, "too far", help));
                                None
                            }
                        },
                        Err(found) => {
                            wrong.extend(found);
                            None
                        }
                    }
                });
                let cases: Vec<_> = cases.collect();
                cases.into_iter().collect::<Option<_>>().map(ResultCode::ByArguments)
            }
        }
    }

    /// The stub as something whose arguments are looked at: the replacement is no entry of a program, so its
    /// context is a struct as any other.
    fn traced(&self) -> TracedFunction<'_> {
        TracedFunction {
            object: self.host,
            function: self.function,
            kind: ProgramKind::Freplace,
            is_entry: false,
            holder: 0,
        }
    }

    /// The number that `value` is as what the stub returns.
    fn number(
        &self,
        of: TypeId,
        value: &Spanned<Value>,
        wrong: &mut Vec<Diagnostic>,
    ) -> Option<i64> {
        let btf = &self.host.btf;
        let (size, is_signed) = match btf.resolve(of) {
            Some((_, Type::Int { size, signed, .. } | Type::Enum { size, signed, .. })) => {
                (size.min(8) as usize, signed)
            }
            Some((_, Type::Void)) => {
                let help = "Remove `returns`.";
                wrong.push(self.error(&value.span, "its stub returns nothing", "a result", help));
                return None;
            }
            _ => {
                let help = "Write a program of your own.";
                let what = "its stub returns neither a number nor an enum";
                wrong.push(self.error(&value.span, what, "a result", help));
                return None;
            }
        };
        let mut bytes = [0; 8];
        let mut written = Vec::new();
        let mut encoder = Encoder::new(btf, &mut bytes[..size], &mut written);
        if let Err(error) = encoder.write("returns", VariablePart::whole(of), value) {
            wrong.push(self.value_error(*error));
            return None;
        }
        let mut number = if cfg!(target_endian = "big") {
            i64::from_ne_bytes(bytes).checked_shr(64 - 8 * size as u32).unwrap_or_default()
        } else {
            i64::from_ne_bytes(bytes)
        };
        if is_signed {
            let unused = 64 - 8 * size as u32;
            number = (number << unused) >> unused;
        }
        Some(number)
    }

    /// The bytes that `write` puts behind a pointer.
    fn write(
        &self,
        (name, value): &(Spanned<String>, Spanned<Value>),
    ) -> Result<PointerWrite, Box<Diagnostic>> {
        let btf = &self.host.btf;
        let (_, parameters) = self.prototype().unwrap_or_default();
        let found = parameters.iter().position(|(parameter, _)| *parameter == name.value);
        let Some(index) = found.filter(|index| *index < code::ARGUMENTS) else {
            let names: Vec<_> = parameters.iter().map(|(name, _)| *name).collect();
            let what = format!("unknown argument `{}`", name.value.escape_debug());
            let help = match nearest(&name.value, names.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None if names.is_empty() => "Its stub has no arguments.".to_owned(),
                None => format!("Its arguments are: {}.", list(&names)),
            };
            return Err(Box::new(self.error(&name.span, &what, "unknown argument", help)));
        };
        let (_, of) = parameters[index];
        let Some((_, Type::Ptr(to))) = btf.resolve(of) else {
            let declared = prototype::declare(btf, of, "");
            let what = format!("`{}` is a `{}`, not a pointer", name.value, declared.trim());
            let help = "Remove it. A function can only write where its arguments point to.";
            return Err(Box::new(self.error(&name.span, &what, "not a pointer", help)));
        };
        if let Some((_, Type::Struct { name: pointee, .. })) = btf.resolve(to)
            && self.kind.context_struct() == Some(pointee)
        {
            let what = format!("`{}` is the context of the program", name.value);
            let help =
                "Write a program of your own, which may change the fields that the kernel allows.";
            return Err(Box::new(self.error(&name.span, &what, "the context", help)));
        }
        let Some(size) = btf.size(to).filter(|size| *size > 0) else {
            let what = format!("what `{}` points to is not known", name.value);
            let help = "Write a program of your own.";
            return Err(Box::new(self.error(&name.span, &what, "of unknown size", help)));
        };
        let (mut bytes, mut written) = (vec![0; size as usize], Vec::new());
        let encoder = Encoder::new(btf, &mut bytes, &mut written);
        let parts = encoder.write_parts(&name.value, VariablePart::whole(to), value);
        let parts = parts.map_err(|error| Box::new(self.value_error(*error)))?;
        let mut runs = Vec::new();
        for part in parts {
            let bits = part.bits;
            if !bits.start.is_multiple_of(8) || !bits.end.is_multiple_of(8) {
                let what = format!("`{}` sets a bit field", name.value);
                let help = "Set the whole fields around it, or write a program of your own.";
                return Err(Box::new(self.error(&value.span, &what, "a bit field", help)));
            }
            let (start, end) = ((bits.start / 8) as usize, (bits.end / 8) as usize);
            runs.push((u32::try_from(start).unwrap_or(u32::MAX), bytes[start..end].to_vec()));
        }
        Ok(PointerWrite { argument: u8::try_from(index).unwrap_or_default(), runs })
    }
}

/// Makes the objects of the replacements in `chain` that the composer makes, of those whose stub is there.
pub(super) fn objects<'c>(
    chain: &'c Chain,
    object_of: &dyn Fn(&Node) -> Option<Arc<Object>>,
    wrong: &mut Vec<Diagnostic>,
) -> Vec<(&'c crate::chain::ObjectRef, Option<Arc<Object>>)> {
    let mut made = Vec::new();
    for (index, node) in chain.graph.nodes() {
        let (Some(answer), Some((reference, _))) = (node.answer(), node.program()) else {
            continue;
        };
        let stub = chain.graph.functions_of(index).into_iter().find_map(|(host, name)| {
            let host = chain.graph.node(host);
            let object = object_of(host)?;
            let (number, _) = object.function(name)?;
            let entry = host.program().and_then(|(_, program)| object.program(program.value));
            let kind = entry.or(object.programs.first()).map_or(ProgramKind::Other, |one| one.kind);
            Some((object, kind, number))
        });
        // Where there is none, that is told of the stub.
        let object = stub.and_then(|(host, kind, number)| {
            let function = host.functions.get(number)?;
            match object(node, answer, (&host, kind), function) {
                Ok(object) => Some(object),
                Err(found) => {
                    wrong.extend(found);
                    None
                }
            }
        });
        made.push((reference.value, object));
    }
    made
}
