//! The instructions of a generated replacement.

use freplace_compose_common::trace::{
    CapturedValue, DROP, EQUAL, FilterTest, GREATER, LESS, PASS, Trace,
};

use super::assembler::{Assembler, JumpIf, JumpLabel};
use crate::object::insn::Insn;

/// Arguments come in this many registers.
pub(super) const ARGUMENTS: usize = 5;

/// What is returned.
pub(super) enum ResultCode {
    /// One after the other; the last one for all further calls.
    InOrder(Vec<i64>),
    /// The first whose condition holds.
    ByArguments(Vec<(Option<Box<Trace>>, i64)>),
}

/// What is written where an argument points to.
pub(super) struct PointerWrite {
    /// Its number, from 0.
    pub(super) argument: u8,
    /// Bytes with their places.
    pub(super) runs: Vec<(u32, Vec<u8>)>,
}

/// The register of the result, and two that hold no argument.
const RESULT: u8 = 0;
const VALUE: u8 = 6;
const CONSTANT: u8 = 7;

/// The register that argument number `index` comes in.
fn register(index: u8) -> u8 {
    index + 1
}

/// Whether the values that `table` looks at are arguments or behind one pointer each.
pub(super) fn is_within_reach(table: &Trace) -> bool {
    let tests = table.tests.iter().take(table.test_count.into());
    let mut values = tests.filter_map(|test| table.values.get(usize::from(test.value)));
    values.all(|value| value.hop_count <= 1 && usize::from(value.source) < ARGUMENTS)
}

/// The instructions, and the numbers of those that refer to the count of calls; none when that cannot be
/// written.
pub(super) fn generate(
    writes: &[PointerWrite],
    results: &ResultCode,
) -> Option<(Vec<Insn>, Vec<usize>)> {
    let mut code = Assembler::default();
    for write in writes {
        let behind = code.label();
        code.jump_if(register(write.argument), JumpIf::Equal, 0, behind);
        for (offset, bytes) in &write.runs {
            for (offset, piece) in pieces(*offset, bytes) {
                if !code.store(register(write.argument), offset, piece) {
                    return None;
                }
            }
        }
        code.here(behind);
    }
    match results {
        ResultCode::InOrder(numbers) => in_order(&mut code, numbers),
        ResultCode::ByArguments(cases) => {
            for (table, number) in cases {
                let next = code.label();
                if let Some(table) = table
                    && !unless(&mut code, table, next)
                {
                    return None;
                }
                code.set(RESULT, *number);
                code.exit();
                code.here(next);
            }
        }
    }
    code.finish()
}

/// `bytes` from `offset` on in pieces of one, two or four bytes at multiples of their sizes.
fn pieces(mut offset: u32, mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let fits = |size: &usize| bytes.len() >= *size && (offset as usize).is_multiple_of(*size);
        let size = [4, 2].into_iter().find(fits).unwrap_or(1);
        let (piece, rest) = bytes.split_at(size);
        found.push((offset, piece));
        offset = offset.saturating_add(u32::try_from(size).unwrap_or(1));
        bytes = rest;
    }
    found
}

fn in_order(code: &mut Assembler, numbers: &[i64]) {
    let Some((last, first)) = numbers.split_last() else { return };
    if !first.is_empty() {
        code.variables(VALUE);
        code.set(CONSTANT, 1);
        code.fetch_add(VALUE, CONSTANT);
        for (call, number) in (0_i32..).zip(first) {
            let next = code.label();
            code.jump_if(CONSTANT, JumpIf::NotEqual, call, next);
            code.set(RESULT, *number);
            code.exit();
            code.here(next);
        }
    }
    code.set(RESULT, *last);
    code.exit();
}

/// Jumps to `otherwise` unless the condition holds; whether that could be written.
fn unless(code: &mut Assembler, table: &Trace, otherwise: JumpLabel) -> bool {
    let count = usize::from(table.test_count);
    let labels: Vec<JumpLabel> = (0..count).map(|_| code.label()).collect();
    let holds = code.label();
    let to = |end: u8| match end {
        PASS => Some(holds),
        DROP => Some(otherwise),
        test => labels.get(usize::from(test)).copied(),
    };
    for (test, label) in table.tests.iter().zip(&labels) {
        code.here(*label);
        let ends = (to(test.if_true), to(test.if_false));
        let (Some(if_true), Some(if_false)) = ends else { return false };
        let Some(value) = table.values.get(usize::from(test.value)) else { return false };
        if !look_at(code, value, if_false) {
            return false;
        }
        code.keep_lower(VALUE, test.shift, test.is_signed != 0);
        code.set(CONSTANT, test.constant.cast_signed());
        match jump(test) {
            Some(test) => {
                code.jump_if_register(VALUE, test, CONSTANT, if_true);
                code.jump(if_false);
            }
            None => code.jump(if test.relations == 0 { if_false } else { if_true }),
        }
    }
    code.here(holds);
    true
}

/// Loads a value; what is behind a null pointer is none, and the test does not hold.
fn look_at(code: &mut Assembler, value: &CapturedValue, if_null: JumpLabel) -> bool {
    let argument = register(value.source);
    match value.hops.first().filter(|_| value.hop_count > 0) {
        None => {
            code.copy(VALUE, argument);
            true
        }
        Some(hop) => {
            code.jump_if(argument, JumpIf::Equal, 0, if_null);
            code.load(VALUE, argument, hop.offset, hop.size)
        }
    }
}

/// The jump that is taken where `test` holds; none where it always or never does.
fn jump(test: &FilterTest) -> Option<JumpIf> {
    const LESS_OR_EQUAL: u8 = LESS | EQUAL;
    const GREATER_OR_EQUAL: u8 = GREATER | EQUAL;
    const UNEQUAL: u8 = LESS | GREATER;
    Some(match (test.relations, test.is_signed != 0) {
        (EQUAL, _) => JumpIf::Equal,
        (UNEQUAL, _) => JumpIf::NotEqual,
        (LESS, true) => JumpIf::SignedLess,
        (LESS, false) => JumpIf::Less,
        (LESS_OR_EQUAL, true) => JumpIf::SignedAtMost,
        (LESS_OR_EQUAL, false) => JumpIf::AtMost,
        (GREATER, true) => JumpIf::SignedGreater,
        (GREATER, false) => JumpIf::Greater,
        (GREATER_OR_EQUAL, true) => JumpIf::SignedAtLeast,
        (GREATER_OR_EQUAL, false) => JumpIf::AtLeast,
        _ => return None,
    })
}
