//! Compiles filters into a sequence of tests, each of which continues with a later one or an end.

use freplace_compose_common::trace::{
    DROP, EQUAL, FilterTest, GREATER, LESS, PASS, RET, TESTS, VALUES,
};

use super::{ValueType, make::TableBuilder, value::LocatedValue, verdicts, walk::PathError};
use crate::{
    chain::{CompareOp, Comparison, Constant, Filter, Spanned, ValuePath},
    diag::{Code, Diagnostic, nearest},
    object::btf::{Type, TypeId},
};

/// A value as a filter sees it.
struct FilterOperand {
    bytes: u32,
    is_signed: bool,
    /// Network order.
    is_swapped: bool,
    names: Vec<(String, i64)>,
    is_pointer: bool,
    is_duration: bool,
    is_boolean: bool,
    /// An enum with negative or large values: objects compiled before clang 15 do not define the
    /// signedness.
    may_be_signed: bool,
}

/// What is wrong with a comparison: at the constant, or at the path when there is none.
type Wrong = (String, String);

impl TableBuilder<'_> {
    /// Puts `filter` into the table.
    pub(super) fn filter(&mut self, filter: &Filter) {
        self.tests(filter, false, 0, PASS, DROP);
        self.table.test_count = u8::try_from(count(filter)).unwrap_or(u8::MAX);
    }

    /// Puts the tests of `filter` into the table from `start` on; `not` turns it round.
    fn tests(&mut self, filter: &Filter, not: bool, start: usize, if_true: u8, if_false: u8) {
        let both = match filter {
            Filter::Test(test) => {
                let made = self.test(test, not);
                if let (Some(test), Some(place)) = (made, self.table.tests.get_mut(start)) {
                    *place = FilterTest { if_true, if_false, ..test };
                }
                return;
            }
            Filter::Not(inner) => return self.tests(inner, !not, start, if_true, if_false),
            Filter::And(left, right) => (left, right, not),
            Filter::Or(left, right) => (left, right, !not),
        };
        let (left, right, is_or) = both;
        let next = start + count(left);
        let on = u8::try_from(next).unwrap_or(DROP); // fewer than TESTS
        match is_or {
            true => self.tests(left, not, start, if_true, on),
            false => self.tests(left, not, start, on, if_false),
        }
        self.tests(right, not, next, if_true, if_false);
    }

    fn test(&mut self, comparison: &Comparison, not: bool) -> Option<FilterTest> {
        let path = &comparison.path;
        let found = match self.signature.find(path, true) {
            Ok(found) => found,
            Err(mut error) => {
                if let PathError::Argument { candidates } = &mut error
                    && !self.is_known(RET)
                {
                    candidates.retain(|name| name != "ret" && name != "took");
                }
                self.wrong.push(*error.tell(self.target, path));
                return None;
            }
        };
        if !self.is_known(found.source) {
            let name = &path.text.value;
            let (why, help) = match self.request.both {
                true => {
                    ("`trace` records entries as well", "Use fexit = \"...\" instead of trace.")
                }
                false => (
                    "not available at the entry",
                    "Use fexit = \"...\". The value is available \
                                                    at the return.",
                ),
            };
            let message = format!("`{name}` is not available at the entry of a call");
            let wrong =
                Diagnostic::new(Code::BadFilter, message).label(&path.text.span, why).help(help);
            self.wrong.push(wrong);
            return None;
        }
        let operand = self.operand(&found, path)?;
        let zero = || Spanned { value: Constant::Number(0), span: path.text.span.clone() };
        let (relation, constant) = match &comparison.to {
            Some((relation, constant)) => (*relation, constant.clone()),
            None => (CompareOp::NotEqual, zero()),
        };
        let is_value = matches!(&constant.value, Constant::Name(name) if self.signature.has(name));
        let number = if is_value {
            let help = "Compare the value with a constant.";
            Err(("another value of the call".to_owned(), help.to_owned()))
        } else {
            operand.number(relation, &constant.value, &path.text.value)
        };
        let number = match number {
            Ok(number) => number,
            Err((why, help)) => {
                let message = format!("unsupported comparison of `{}`", path.text.value);
                let mut wrong =
                    Diagnostic::new(Code::BadFilter, message).label(&constant.span, why).help(help);
                if let Some(prototype) = self.target.object.prototype(self.target.function) {
                    wrong = wrong.note(prototype);
                }
                self.wrong.push(wrong);
                return None;
            }
        };
        let Some(index) = self.value(&found) else {
            let message =
                format!("too many values: `{}` exceeds the limit of a tracer", path.text.value);
            let wrong = Diagnostic::new(Code::BadFilter, message)
                .label(&path.text.span, "exceeds the limit")
                .help(format!(
                    "Use at most {VALUES} values, including result, duration and those of \
                     `capture`."
                ));
            self.wrong.push(wrong);
            return None;
        };
        let relations = relations(relation);
        Some(FilterTest {
            constant: number,
            value: u8::try_from(index).unwrap_or_default(),
            shift: u8::try_from(64 - 8 * operand.bytes).unwrap_or_default(),
            is_signed: operand.is_signed.into(),
            relations: if not { relations ^ (LESS | EQUAL | GREATER) } else { relations },
            reads: (!found.hops.is_empty()).into(),
            ..FilterTest::default()
        })
    }

    /// What `found` is to a filter.
    fn operand(&mut self, found: &LocatedValue, path: &ValuePath) -> Option<FilterOperand> {
        let plain = FilterOperand {
            bytes: 8,
            is_signed: false,
            is_swapped: false,
            names: Vec::new(),
            is_pointer: false,
            is_duration: false,
            is_boolean: false,
            may_be_signed: false,
        };
        let (id, names) = match found.of {
            ValueType::Number => return Some(plain),
            ValueType::NetworkShort => {
                return Some(FilterOperand { bytes: 2, is_swapped: true, ..plain });
            }
            ValueType::Address => return Some(FilterOperand { is_pointer: true, ..plain }),
            ValueType::Nanoseconds => return Some(FilterOperand { is_duration: true, ..plain }),
            ValueType::Verdict(id, kind) => (id, verdicts(kind)),
            ValueType::Type(id) | ValueType::Followed(id) => (id, &[] as &[_]),
        };
        let btf = &self.target.object.btf;
        let mut names: Vec<_> =
            names.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        match btf.resolve(id).map(|(_, ty)| ty) {
            Some(Type::Int { size: size @ 1..=8, signed, boolean, .. }) if found.whole => {
                if boolean {
                    names.extend([("false".to_owned(), 0), ("true".to_owned(), 1)]);
                }
                let is_swapped = is_network(btf, id);
                Some(FilterOperand {
                    bytes: size,
                    is_signed: signed,
                    is_swapped,
                    names,
                    is_boolean: boolean,
                    ..plain
                })
            }
            Some(Type::Enum { size: size @ 1..=8, signed, variants, .. }) if found.whole => {
                names.extend(variants.iter().map(|(name, value)| ((*name).to_owned(), *value)));
                let large = |value: &i64| value.cast_unsigned() >> (8 * size - 1) != 0;
                let may_be_signed = !signed && variants.iter().any(|(_, value)| large(value));
                Some(FilterOperand {
                    bytes: size,
                    is_signed: signed,
                    names,
                    may_be_signed,
                    ..plain
                })
            }
            Some(Type::Ptr(_)) if found.whole => Some(FilterOperand { is_pointer: true, ..plain }),
            _ => {
                let shown = crate::object::prototype::declare(btf, id, "");
                let message = format!("`{}` cannot be compared", path.text.value);
                let wrong = Diagnostic::new(Code::BadFilter, message)
                    .label(&path.text.span, format!("is a `{shown}`, not a number"))
                    .help("Compare a number, an enum or an address.");
                self.wrong.push(wrong);
                None
            }
        }
    }
}

impl FilterOperand {
    /// The bits of `constant` as the program compares them.
    fn number(&self, relation: CompareOp, constant: &Constant, path: &str) -> Result<u64, Wrong> {
        let number = match constant {
            Constant::Number(number) if self.is_duration && *number != 0 => {
                let why = "unit missing".to_owned();
                return Err((
                    why,
                    format!("Add a unit, for example {number}us. `{path}` is a duration."),
                ));
            }
            Constant::Number(number) => *number,
            Constant::Duration(ns) if self.is_duration => *ns,
            Constant::Duration(_) => {
                let why = "a duration".to_owned();
                return Err((why, format!("Remove the unit. `{path}` is a number.")));
            }
            Constant::Name(name) if self.is_pointer && name == "NULL" => 0,
            Constant::Name(name) => {
                let known = self.names.iter().find(|(known, _)| known == name);
                known.map(|(_, value)| i128::from(*value)).ok_or_else(|| self.unknown(name))?
            }
        };
        let bits = 8 * self.bytes;
        let is_order = !matches!(relation, CompareOp::Equal | CompareOp::NotEqual);
        if self.may_be_signed && is_order {
            let why = "only == and != are supported here".to_owned();
            let help = "Use == or !=, or compile with clang 15 or later, which records whether an \
                        enum is signed.";
            return Err((why, help.to_owned()));
        }
        let number = match number {
            // As the object has it.
            -0x8000_0000..0 if self.may_be_signed && self.bytes == 4 => number + (1 << bits),
            number => number,
        };
        let (least, most) = match self.is_signed {
            _ if self.is_boolean => (0, 1),
            true => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
            false => (0, (1_i128 << bits) - 1),
        };
        if number < least || number > most {
            let why = "out of range for its type".to_owned();
            let unit = if self.is_duration { " of nanoseconds" } else { "" };
            return Err((why, format!("Write a number{unit} from {least} to {most}.")));
        }
        if self.is_swapped {
            if is_order {
                let why = "only == and != are supported here".to_owned();
                return Err((why, format!("Use == or !=. `{path}` is in network order.")));
            }
            // What is in network order is compared as the bytes lie.
            let swapped = u64::try_from(number).unwrap_or_default().to_be();
            return Ok(if cfg!(target_endian = "little") {
                swapped >> (64 - bits)
            } else {
                swapped
            });
        }
        // The value is extended to 64 bits, with its sign or without.
        Ok(i64::try_from(number)
            .map_or_else(|_| u64::try_from(number).unwrap_or_default(), i64::cast_unsigned))
    }

    fn unknown(&self, name: &str) -> Wrong {
        let why = "unknown constant".to_owned();
        let names: Vec<_> = self.names.iter().map(|(name, _)| name.as_str()).collect();
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None if self.is_pointer => "Compare the pointer with NULL or a number.".to_owned(),
            None if names.is_empty() => "Compare it with a number.".to_owned(),
            None => format!("Write a number, or one of: {}.", names.join(", ")),
        };
        (why, help)
    }
}

/// Whether a typedef says that a number is in network order.
pub(crate) fn is_network(btf: &crate::object::btf::Btf, mut id: TypeId) -> bool {
    // A chain longer than this is no C.
    for _ in 0..32 {
        match btf.get(id) {
            Some(Type::Typedef {
                name: "__be16" | "__be32" | "__be64" | "fc_ipv4_t" | "fc_port_t",
                ..
            }) => {
                return true;
            }
            Some(Type::Typedef { of, .. } | Type::Modifier { of, .. }) => id = of,
            _ => return false,
        }
    }
    false
}

fn relations(relation: CompareOp) -> u8 {
    match relation {
        CompareOp::Equal => EQUAL,
        CompareOp::NotEqual => LESS | GREATER,
        CompareOp::Less => LESS,
        CompareOp::AtMost => LESS | EQUAL,
        CompareOp::Greater => GREATER,
        CompareOp::AtLeast => GREATER | EQUAL,
    }
}

/// How many tests a filter is made of; the reader lets no more than [`TESTS`] through.
fn count(filter: &Filter) -> usize {
    let count = match filter {
        Filter::Test(_) => 1,
        Filter::Not(inner) => count(inner),
        Filter::And(left, right) | Filter::Or(left, right) => count(left) + count(right),
    };
    count.min(TESTS)
}

#[cfg(test)]
mod tests {
    use super::{CompareOp, Constant, FilterOperand};

    /// An enum of -3 and 7 as clang 14 writes it: without a word on its sign.
    fn mood() -> FilterOperand {
        let names = vec![("SAD".to_owned(), 0xffff_fffd), ("HAPPY".to_owned(), 7)];
        FilterOperand {
            bytes: 4,
            is_signed: false,
            is_swapped: false,
            names,
            is_pointer: false,
            is_duration: false,
            is_boolean: false,
            may_be_signed: true,
        }
    }

    #[test]
    fn an_enum_that_may_have_a_sign_is_compared_for_equality_alone() {
        let number = |relation, constant| mood().number(relation, &constant, "mood").ok();
        let sad = Some(0xffff_fffd);
        assert_eq!(number(CompareOp::Equal, Constant::Number(-3)), sad);
        assert_eq!(number(CompareOp::NotEqual, Constant::Name("SAD".to_owned())), sad);
        assert_eq!(number(CompareOp::Equal, Constant::Number(0xffff_fffd)), sad);
        assert_eq!(number(CompareOp::Equal, Constant::Number(-0x8000_0001)), None);
        for relation in [CompareOp::Less, CompareOp::AtMost, CompareOp::Greater, CompareOp::AtLeast]
        {
            assert_eq!(number(relation, Constant::Number(7)), None);
        }
    }

    #[test]
    fn a_boolean_is_true_or_false_and_a_duration_has_a_unit() {
        let plain = || FilterOperand { may_be_signed: false, ..mood() };
        let flag = FilterOperand { bytes: 1, is_boolean: true, ..plain() };
        let number = |number| flag.number(CompareOp::Equal, &Constant::Number(number), "flag").ok();
        assert_eq!([number(0), number(1), number(2)], [Some(0), Some(1), None]);
        let took = FilterOperand { bytes: 8, is_duration: true, ..plain() };
        let took = |constant| took.number(CompareOp::Less, &constant, "took").ok();
        assert_eq!(took(Constant::Number(0)), Some(0));
        assert_eq!(took(Constant::Number(5)), None);
        assert_eq!(took(Constant::Duration(5)), Some(5));
        assert_eq!(took(Constant::Duration(-5)), None, "nothing takes less than no time");
    }
}
