//! A lower bound on what the verifier considers possible: a number has at least these values.
//!
//! The verifier never excludes a value that the program could compute. So it suffices to follow
//! numbers as the program computes them, and to leave numbers from outside open: the verifier must
//! consider each value that remains here. Constants in frozen read-only data are the exception,
//! which only the verifier knows; they are [`Number::Frozen`].

use super::{
    arithmetic::{AluOperation, Recipe, holds},
    instruction::Condition,
    set::{Set, candidates, compute_set},
};

/// Tells copies of one unknown number from those of another: where it came from.
pub(super) type NumberId = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Number {
    Known(u64),
    /// Any of these, each as possible as the other, and the same in every copy.
    Any(NumberId, Set),
    /// The result of a recipe for such a number.
    Made(NumberId, Set, Recipe),
    /// Computed only from frozen constants: the verifier knows it, this analysis does not.
    Frozen,
    /// The verifier may know more about it than this analysis.
    Hidden,
}

impl Number {
    /// Which unknown number it is, or is made of.
    pub(super) fn origin(self) -> Option<NumberId> {
        match self {
            Self::Any(origin, _) | Self::Made(origin, ..) => Some(origin),
            Self::Known(_) | Self::Frozen | Self::Hidden => None,
        }
    }

    /// One of the numbers that the unknown number may be.
    pub(super) fn witness(self) -> Option<u64> {
        match self {
            Self::Known(value) => Some(value),
            Self::Any(_, set) | Self::Made(_, set, _) => Some(match set {
                Set::Range { start, .. } => start,
                Set::Bits(_) => 0,
            }),
            Self::Frozen | Self::Hidden => None,
        }
    }

    /// What it is, now that the unknown number in it is `learnt`.
    pub(super) fn with(self, learnt: Self) -> Self {
        match (self, learnt) {
            (Self::Any(..), learnt) => learnt,
            (Self::Made(_, _, recipe), Self::Known(value)) => {
                recipe.of(value).map_or(Self::Hidden, Self::Known)
            }
            (Self::Made(_, _, recipe), Self::Any(origin, set)) => Self::Made(origin, set, recipe),
            _ => Self::Hidden,
        }
    }

    /// What comes out. If nobody else has a copy it becomes a number of its own, by the name of
    /// `alone`.
    pub(super) fn computed(self, operation: AluOperation, alone: Option<NumberId>) -> Self {
        let found = match (self, alone) {
            (Self::Known(value), _) => operation.of(value).map(Self::Known),
            (Self::Any(_, set), Some(origin)) => {
                compute_set(operation, set).map(|set| any(origin, set))
            }
            (Self::Frozen, _) => return Self::Frozen,
            _ => None,
        };
        let recipe = |recipe: Recipe| recipe.and_then(operation);
        match (found, self) {
            (Some(found), _) => found,
            (None, Self::Any(origin, set)) => {
                recipe(Recipe::EMPTY).map_or(Self::Hidden, |recipe| Self::Made(origin, set, recipe))
            }
            (None, Self::Made(origin, set, old)) => {
                recipe(old).map_or(Self::Hidden, |recipe| Self::Made(origin, set, recipe))
            }
            _ => Self::Hidden,
        }
    }

    /// What the unknown number in it may be where the comparison with `right` holds, and where it
    /// does not; none where nothing is left, or nothing that can be told.
    pub(super) fn split(self, comparison: Condition, wide: bool, right: u64) -> [Option<Self>; 2] {
        let holds = |value| holds(comparison, wide, value, right);
        let (set, recipe) = match self {
            Self::Known(value) => {
                return if holds(value) { [Some(self), None] } else { [None, Some(self)] };
            }
            Self::Any(origin, set) => {
                if let Some(parts) = parts(origin, set, comparison, wide, right) {
                    return parts;
                }
                (set, Recipe::EMPTY)
            }
            Self::Made(_, set, recipe) => (set, recipe),
            Self::Frozen | Self::Hidden => return [None, None],
        };
        // One witness for each side will do.
        let mut candidates = candidates(set, right);
        let made: Vec<_> = candidates.iter().map(|value| recipe.back(*value)).collect();
        candidates.extend(made);
        [true, false].map(|side| {
            let goes_there = |one: &u64| recipe.of(*one).is_some_and(|value| holds(value) == side);
            let found = candidates.iter().copied().find(|one| set.has(*one) && goes_there(one));
            found.map(Self::Known)
        })
    }
}

fn any(origin: NumberId, set: Set) -> Number {
    match set {
        Set::Range { start, span: 0 } => Number::Known(start),
        Set::Bits(0) => Number::Known(0),
        set => Number::Any(origin, set),
    }
}

fn between(origin: NumberId, low: u64, high: u64) -> Option<Number> {
    (low <= high).then(|| any(origin, Set::Range { start: low, span: high - low }))
}

/// The two sides as ranges, where they are some.
fn parts(
    origin: NumberId,
    set: Set,
    comparison: Condition,
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
        Condition::Equal => [equal(), other()],
        Condition::NotEqual => [other(), equal()],
        Condition::Greater => [more(), below(right)],
        Condition::GreaterOrEqual => [above(right), less()],
        Condition::Less => [less(), above(right)],
        Condition::LessOrEqual => [below(right), more()],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{AluOperation, Condition, Number, Set, holds};
    use crate::object::flow::{arithmetic::compute, instruction::Operator, set::compute_all};

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
    const COMPARISONS: [Condition; 11] = [
        Condition::Equal,
        Condition::NotEqual,
        Condition::Greater,
        Condition::GreaterOrEqual,
        Condition::Less,
        Condition::LessOrEqual,
        Condition::SignedGreater,
        Condition::SignedGreaterOrEqual,
        Condition::SignedLess,
        Condition::SignedLessOrEqual,
        Condition::Test,
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

        /// The same of what is made of a number.
        #[test]
        fn the_sides_of_a_branch_on_what_is_made_of_a_number(
            set in set(), right in prop_oneof![0_u64..300, any::<u64>()], wide: bool,
            comparison in prop::sample::select(&COMPARISONS[..]),
            steps in prop::collection::vec((prop::sample::select(&OPERATORS[..]), any::<bool>(), 0_u64..70), 1..4),
        ) {
            let made = steps.into_iter().fold(Number::Any(1, set), |number, (operator, wide, by)| {
                number.computed(AluOperation { operator, wide, by }, None)
            });
            for (side, wanted) in made.split(comparison, wide, right).into_iter().zip([true, false]) {
                if let Some(learnt @ Number::Known(value)) = side {
                    prop_assert!(set.has(value));
                    let Number::Known(value) = made.with(learnt) else { panic!("it is known now") };
                    prop_assert_eq!(holds(comparison, wide, value, right), wanted);
                }
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
