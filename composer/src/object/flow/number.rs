//! What is known of a number, as a claim on the verifier: it takes at least these values for
//! possible.
//!
//! The verifier never takes a value for impossible that the program could compute. So it is enough
//! to follow numbers as the program computes them, and to leave open what comes from outside: each
//! value that is left over here is one the verifier has to reckon with. Constants in frozen
//! read-only data are the exception, which only it knows; those are [`Number::Frozen`].

use super::instruction::{Comparison, Operator};

/// Tells copies of one unknown number from those of another: where it came from.
pub(super) type Origin = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Number {
    Known(u64),
    /// Any of these, each as possible as the other, and the same in every copy.
    Any(Origin, Set),
    /// Made of frozen constants alone: the verifier knows it, and it cannot be told from here.
    Frozen,
    /// The verifier may know more of it than can be told from here.
    Hidden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Set {
    /// `start`, and the `span` numbers behind it; the last one may be behind the wrap to 0.
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
    fn range(self) -> Option<(u64, u64)> {
        match self {
            Self::Range { start, span } => Some((start, start.checked_add(span)?)),
            Self::Bits(bits) if bits.wrapping_add(1) & bits == 0 => Some((0, bits)),
            Self::Bits(_) => None,
        }
    }
}

fn any(origin: Origin, set: Set) -> Number {
    match set {
        Set::Range { start, span: 0 } => Number::Known(start),
        Set::Bits(0) => Number::Known(0),
        set => Number::Any(origin, set),
    }
}

fn between(origin: Origin, low: u64, high: u64) -> Option<Number> {
    (low <= high).then(|| any(origin, Set::Range { start: low, span: high - low }))
}

impl Number {
    /// One of the numbers that it may be.
    pub(super) fn witness(self) -> Option<u64> {
        match self {
            Self::Known(value) | Self::Any(_, Set::Range { start: value, .. }) => Some(value),
            Self::Any(_, Set::Bits(_)) => Some(0),
            Self::Frozen | Self::Hidden => None,
        }
    }

    /// The lower 32 bits.
    pub(super) fn truncated(self, origin: Origin) -> Self {
        match self {
            Self::Known(value) => Self::Known(value & 0xffff_ffff),
            Self::Any(old, set) => match set.range() {
                Some((_, high)) if high <= 0xffff_ffff => Self::Any(old, set),
                _ => self.computed(Operator::And, 0xffff_ffff, origin),
            },
            other => other,
        }
    }

    /// What comes out with a known second operand; a new unknown number gets `origin`.
    pub(super) fn computed(self, operator: Operator, by: u64, origin: Origin) -> Self {
        match self {
            Self::Known(value) => {
                compute(operator, value, by).map_or(Self::Hidden, Self::Known)
            }
            Self::Any(_, set) => {
                compute_all(operator, set, by).map_or(Self::Hidden, |set| any(origin, set))
            }
            other => other,
        }
    }

    /// What is left of it where the comparison with `right` holds, and where it does not; none
    /// where nothing is left, or nothing that can be told.
    pub(super) fn split(
        self,
        comparison: Comparison,
        wide: bool,
        right: u64,
    ) -> [Option<Self>; 2] {
        let holds = |value| holds(comparison, wide, value, right);
        match self {
            Self::Known(value) => {
                if holds(value) { [Some(self), None] } else { [None, Some(self)] }
            }
            Self::Any(origin, set) => {
                if let Some(parts) = parts(origin, set, comparison, wide, right) {
                    return parts;
                }
                // One witness for each side will do.
                [true, false].map(|side| {
                    let mut candidates = candidates(set, right).into_iter();
                    let found = candidates.find(|one| set.has(*one) && holds(*one) == side);
                    found.map(Self::Known)
                })
            }
            Self::Frozen | Self::Hidden => [None, None],
        }
    }
}

fn compute(operator: Operator, value: u64, by: u64) -> Option<u64> {
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

/// All that comes out of `set`, where that is a set again.
fn compute_all(operator: Operator, set: Set, by: u64) -> Option<Set> {
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

fn holds(comparison: Comparison, wide: bool, left: u64, right: u64) -> bool {
    let cut = |value: u64| if wide { value } else { value & 0xffff_ffff };
    let sign = |value: u64| {
        if wide { value.cast_signed() } else { i64::from((value as u32).cast_signed()) }
    };
    let (unsigned, signed) = ((cut(left), cut(right)), (sign(left), sign(right)));
    match comparison {
        Comparison::Equal => unsigned.0 == unsigned.1,
        Comparison::NotEqual => unsigned.0 != unsigned.1,
        Comparison::Greater => unsigned.0 > unsigned.1,
        Comparison::GreaterOrEqual => unsigned.0 >= unsigned.1,
        Comparison::Less => unsigned.0 < unsigned.1,
        Comparison::LessOrEqual => unsigned.0 <= unsigned.1,
        Comparison::SignedGreater => signed.0 > signed.1,
        Comparison::SignedGreaterOrEqual => signed.0 >= signed.1,
        Comparison::SignedLess => signed.0 < signed.1,
        Comparison::SignedLessOrEqual => signed.0 <= signed.1,
        Comparison::Test => unsigned.0 & unsigned.1 != 0,
    }
}

/// The two sides as ranges, where they are some.
fn parts(
    origin: Origin,
    set: Set,
    comparison: Comparison,
    wide: bool,
    right: u64,
) -> Option<[Option<Number>; 2]> {
    let (low, high) = set.range()?;
    let right = if wide {
        right
    } else if high <= 0xffff_ffff {
        right & 0xffff_ffff
    } else {
        return None;
    };
    let below = |end: u64| between(origin, low, high.min(end));
    let above = |start: u64| between(origin, low.max(start), high);
    let less = || right.checked_sub(1).and_then(below);
    let more = || right.checked_add(1).and_then(above);
    let equal = || set.has(right).then_some(Number::Known(right));
    let other = || {
        // The larger part of what is left around it: one is enough.
        if !set.has(right) {
            return Some(any(origin, set));
        }
        if right - low > high - right { less() } else { more().or_else(less) }
    };
    Some(match comparison {
        Comparison::Equal => [equal(), other()],
        Comparison::NotEqual => [other(), equal()],
        Comparison::Greater => [more(), below(right)],
        Comparison::GreaterOrEqual => [above(right), less()],
        Comparison::Less => [less(), above(right)],
        Comparison::LessOrEqual => [below(right), more()],
        _ => return None,
    })
}

/// Numbers that are likely to stand on one side or the other of `right`.
fn candidates(set: Set, right: u64) -> Vec<u64> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Comparison, Number, Operator, Set, compute, compute_all, holds};

    fn set() -> impl Strategy<Value = Set> {
        let number = || prop_oneof![Just(0), Just(u64::MAX), 0_u64..300, any::<u64>()];
        prop_oneof![
            (number(), number()).prop_map(|(start, span)| Set::Range { start, span }),
            number().prop_map(Set::Bits),
            (0_u32..64).prop_map(|bits| Set::Bits(u64::MAX >> bits)),
            (0_u32..64).prop_map(|bits| Set::Bits(u64::MAX << bits)),
        ]
    }

    /// A number of the set, by its position.
    fn pick(set: Set, position: u64) -> u64 {
        match set {
            Set::Range { start, span } => {
                start.wrapping_add(position.checked_rem(span.wrapping_add(1)).unwrap_or(position))
            }
            Set::Bits(bits) => position & bits,
        }
    }

    const OPERATORS: [Operator; 7] = [
        Operator::Add,
        Operator::Subtract,
        Operator::And,
        Operator::ShiftLeft,
        Operator::ShiftRight,
        Operator::ShiftRightSigned,
        Operator::Or,
    ];
    const COMPARISONS: [Comparison; 11] = [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::SignedGreater,
        Comparison::SignedGreaterOrEqual,
        Comparison::SignedLess,
        Comparison::SignedLessOrEqual,
        Comparison::Test,
    ];

    proptest! {
        /// What is said to come out of a set does: nothing more, and nothing that comes out is
        /// missing.
        #[test]
        fn what_comes_out_of_a_set_is_a_set(
            set in set(), by in prop_oneof![0_u64..70, any::<u64>()], position: u64,
            operator in prop::sample::select(&OPERATORS[..]),
        ) {
            if let Some(out) = compute_all(operator, set, by) {
                let value = compute(operator, pick(set, position), by).expect("it is computed");
                prop_assert!(out.has(value), "{set:?} {operator:?} {by}: {value} in {out:?}");
                // And the other way round, by size: as many numbers as can have come out.
                if let (Operator::Add | Operator::Subtract, Set::Range { span, .. }) = (operator, out) {
                    let ends = match set { Set::Range { span, .. } | Set::Bits(span) => span };
                    prop_assert_eq!(span, ends);
                }
            }
        }

        /// Each side of a branch holds numbers of the set that go that way.
        #[test]
        fn the_sides_of_a_branch_are_parts_that_go_there(
            set in set(), right in prop_oneof![0_u64..300, any::<u64>()], position: u64, wide: bool,
            comparison in prop::sample::select(&COMPARISONS[..]),
        ) {
            let sides = Number::Any(1, set).split(comparison, wide, right);
            for (side, wanted) in sides.into_iter().zip([true, false]) {
                let value = match side {
                    Some(Number::Known(value)) => value,
                    Some(Number::Any(_, part)) => pick(part, position),
                    _ => continue,
                };
                prop_assert!(set.has(value));
                prop_assert_eq!(holds(comparison, wide, value, right), wanted);
            }
        }

        /// And one that no number of the set takes is not taken.
        #[test]
        fn a_small_set_is_split_without_rest(start in 0_u64..10, span in 0_u64..10, right in 0_u64..20) {
            let set = Set::Range { start, span };
            for comparison in &COMPARISONS[..6] {
                let sides = Number::Any(1, set).split(*comparison, true, right);
                for (side, wanted) in sides.into_iter().zip([true, false]) {
                    let taken = (start..=start + span).any(|value| holds(*comparison, true, value, right) == wanted);
                    prop_assert_eq!(side.is_some(), taken);
                }
            }
        }
    }

    #[test]
    fn an_int_is_widened() {
        let int = compute_all(Operator::ShiftLeft, Set::ALL, 32);
        let int = int.and_then(|set| compute_all(Operator::ShiftRightSigned, set, 32));
        let wide = i64::from(i32::MIN).cast_unsigned();
        assert_eq!(int, Some(Set::Range { start: wide, span: 0xffff_ffff }));
    }
}
