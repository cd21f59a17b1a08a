//! Sets of numbers that are closed under some operations.

use super::{arithmetic::AluOperation, instruction::Operator};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Set {
    /// `start` and the following `span` numbers; they may wrap around to 0.
    Range { start: u64, span: u64 },
    /// Every number that has no other bits than these.
    Bits(u64),
}

impl Set {
    pub(super) const ALL: Self = Self::Range { start: 0, span: u64::MAX };

    /// Everything that fits into so many bytes.
    pub(super) fn of_size(size: u8) -> Self {
        match size {
            1 | 2 | 4 => Self::Range { start: 0, span: (1 << (8 * u32::from(size))) - 1 },
            _ => Self::ALL,
        }
    }

    pub(super) fn has(self, value: u64) -> bool {
        match self {
            Self::Range { start, span } => value.wrapping_sub(start) <= span,
            Self::Bits(bits) => value & !bits == 0,
        }
    }

    /// The bits, when the set is all numbers of them.
    fn bits(self) -> Option<u64> {
        match self {
            Self::Range { start: 0, span } if span.wrapping_add(1) & span == 0 => Some(span),
            Self::Range { .. } => None,
            Self::Bits(bits) => Some(bits),
        }
    }

    /// The range, when it is one that does not wrap.
    pub(super) fn range(self) -> Option<(u64, u64)> {
        match self {
            Self::Range { start, span } => Some((start, start.checked_add(span)?)),
            Self::Bits(bits) if bits.wrapping_add(1) & bits == 0 => Some((0, bits)),
            Self::Bits(_) => None,
        }
    }
}

/// All that comes out of `set`, where that is a set again.
pub(super) fn compute_set(operation: AluOperation, set: Set) -> Option<Set> {
    let AluOperation { operator, wide, by } = operation;
    if wide {
        return compute_all(operator, set, by);
    }
    // In 32 bits it is the same where nothing is lost above.
    let cut = |set: Set| match set.range() {
        Some((_, high)) if high <= 0xffff_ffff => Some(set),
        _ => compute_all(Operator::And, set, 0xffff_ffff),
    };
    let by = match operator {
        Operator::ShiftRightSigned => return None,
        Operator::ShiftLeft | Operator::ShiftRight => by & 31,
        _ => by & 0xffff_ffff,
    };
    cut(compute_all(operator, cut(set)?, by)?)
}

/// The same in 64 bits.
pub(super) fn compute_all(operator: Operator, set: Set, by: u64) -> Option<Set> {
    let shift = (by & 63) as u32;
    Some(match (operator, set) {
        (Operator::Add, Set::Range { start, span }) => {
            Set::Range { start: start.wrapping_add(by), span }
        }
        (Operator::Subtract, Set::Range { start, span }) => {
            Set::Range { start: start.wrapping_sub(by), span }
        }
        (Operator::Add | Operator::Subtract, Set::Bits(_)) => {
            let (low, high) = set.range()?;
            return compute_all(operator, Set::Range { start: low, span: high - low }, by);
        }
        (Operator::And, _) => Set::Bits(set.bits()? & by),
        (Operator::ShiftLeft, _) => Set::Bits(set.bits()? << shift),
        (Operator::ShiftRight, _) => Set::Bits(set.bits()? >> shift),
        // The sign comes down from above: (x << 32) >> 32 is how an int is widened.
        (Operator::ShiftRightSigned, _) => {
            let bits = set.bits()?;
            if bits >> 63 == 0 {
                Set::Bits(bits >> shift)
            } else if shift > 0 && bits == u64::MAX << shift {
                let low = i64::MIN >> shift;
                Set::Range { start: low.cast_unsigned(), span: (1 << (64 - shift)) - 1 }
            } else {
                return None;
            }
        }
        _ => return None,
    })
}

/// Numbers that are likely to stand on one side or the other of `right`.
pub(super) fn candidates(set: Set, right: u64) -> Vec<u64> {
    let around = [right, right.wrapping_add(1), right.wrapping_sub(1)];
    let low = right & 0xffff_ffff;
    let mut found = vec![0, 1, low, low.wrapping_add(1), low.wrapping_sub(1), u64::MAX];
    found.extend([i64::MIN.cast_unsigned(), i64::MAX.cast_unsigned(), 0x8000_0000, 0x7fff_ffff]);
    found.extend(around);
    match set {
        Set::Range { start, span } => {
            found.extend([start, start.wrapping_add(span), start.wrapping_add(span / 2)]);
        }
        Set::Bits(bits) => {
            let lowest = bits & bits.wrapping_neg();
            found.extend([bits, lowest, bits & !lowest, bits & right, bits & !right]);
            found.extend([(right ^ lowest) & bits, (right & bits) | lowest]);
        }
    }
    found
}
