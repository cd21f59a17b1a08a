//! Computes the results of arithmetic instructions as the processor does.

use super::instruction::{Condition, Operator};

/// What is done with a number, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Recipe([Option<AluOperation>; 3]);

/// An operation with a known second operand; `wide` is 64 bits, otherwise 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AluOperation {
    pub(super) operator: Operator,
    pub(super) wide: bool,
    pub(super) by: u64,
}

impl AluOperation {
    pub(super) fn of(self, value: u64) -> Option<u64> {
        if self.wide {
            return compute(self.operator, value, self.by);
        }
        let (value, by) = (value as u32, self.by as u32);
        let bits = by & 31;
        let out = match self.operator {
            Operator::ShiftLeft => value << bits,
            Operator::ShiftRight => value >> bits,
            Operator::ShiftRightSigned => (value.cast_signed() >> bits).cast_unsigned(),
            operator => compute(operator, value.into(), by.into())? as u32,
        };
        Some(out.into())
    }

    /// A number that it may have been made of.
    fn back(self, value: u64) -> u64 {
        let bits = (self.by & 63) as u32;
        match self.operator {
            Operator::Add => value.wrapping_sub(self.by),
            Operator::Subtract => value.wrapping_add(self.by),
            Operator::ShiftLeft => value >> bits,
            Operator::ShiftRight | Operator::ShiftRightSigned => value << bits,
            Operator::Xor => value ^ self.by,
            Operator::Negate => value.wrapping_neg(),
            _ => value,
        }
    }
}

impl Recipe {
    pub(super) const EMPTY: Self = Self([None; 3]);

    pub(super) fn and_then(mut self, operation: AluOperation) -> Option<Self> {
        // What cannot be computed is no recipe.
        operation.of(0)?;
        *self.0.iter_mut().find(|place| place.is_none())? = Some(operation);
        Some(self)
    }

    pub(super) fn of(self, value: u64) -> Option<u64> {
        self.0.iter().flatten().try_fold(value, |value, operation| operation.of(value))
    }

    pub(super) fn back(self, value: u64) -> u64 {
        self.0.iter().rev().flatten().fold(value, |value, operation| operation.back(value))
    }
}

pub(super) fn compute(operator: Operator, value: u64, by: u64) -> Option<u64> {
    let bits = (by & 63) as u32;
    Some(match operator {
        Operator::Move => by,
        Operator::Add => value.wrapping_add(by),
        Operator::Subtract => value.wrapping_sub(by),
        Operator::Multiply => value.wrapping_mul(by),
        Operator::Or => value | by,
        Operator::And => value & by,
        Operator::ShiftLeft => value << bits,
        Operator::ShiftRight => value >> bits,
        Operator::ShiftRightSigned => (value.cast_signed() >> bits).cast_unsigned(),
        Operator::Xor => value ^ by,
        Operator::Negate => value.wrapping_neg(),
        Operator::Other => return None,
    })
}

pub(super) fn holds(comparison: Condition, wide: bool, left: u64, right: u64) -> bool {
    let cut = |value: u64| if wide { value } else { value & 0xffff_ffff };
    let sign = |value: u64| {
        if wide { value.cast_signed() } else { i64::from((value as u32).cast_signed()) }
    };
    let (unsigned, signed) = ((cut(left), cut(right)), (sign(left), sign(right)));
    match comparison {
        Condition::Equal => unsigned.0 == unsigned.1,
        Condition::NotEqual => unsigned.0 != unsigned.1,
        Condition::Greater => unsigned.0 > unsigned.1,
        Condition::GreaterOrEqual => unsigned.0 >= unsigned.1,
        Condition::Less => unsigned.0 < unsigned.1,
        Condition::LessOrEqual => unsigned.0 <= unsigned.1,
        Condition::SignedGreater => signed.0 > signed.1,
        Condition::SignedGreaterOrEqual => signed.0 >= signed.1,
        Condition::SignedLess => signed.0 < signed.1,
        Condition::SignedLessOrEqual => signed.0 <= signed.1,
        Condition::Test => unsigned.0 & unsigned.1 != 0,
    }
}
