//! The effect of a branch on the state, on both sides.

use super::{
    instruction::Condition,
    number::Number,
    set::Set,
    state::{ProgramState, RegState, Uncertain},
};

/// The ways on from a branch: first where it is taken.
#[derive(Debug)]
pub(super) enum Branches {
    /// The verifier walks each way that is there, whatever it does with the other.
    Walked([Option<ProgramState>; 2]),
    /// It walks one of them at least, and it is not known which.
    OneOf([ProgramState; 2]),
    /// It refuses to go on.
    None,
}

pub(super) fn ways(
    mut state: ProgramState,
    comparison: Condition,
    wide: bool,
    left: RegState,
    right: RegState,
) -> Branches {
    let doubt = match (left, right) {
        (RegState::Unset, _) | (_, RegState::Unset) => return Branches::None,
        (RegState::Number(left), RegState::Number(right)) => {
            match numbers(&mut state, comparison, wide, left, right) {
                Ok(ways) => return ways,
                Err(doubt) => doubt,
            }
        }
        (RegState::Packet(_) | RegState::PacketEnd, RegState::Packet(_) | RegState::PacketEnd)
            if wide =>
        {
            match packet(&state, comparison, left, right) {
                Some(ways) => return ways,
                None => Uncertain::Unclear,
            }
        }
        (pointer, RegState::Number(Number::Known(0))) if wide => {
            match null(&state, comparison, pointer) {
                Some(ways) => return ways,
                None => Uncertain::Unclear,
            }
        }
        _ => Uncertain::Unclear,
    };
    state.doubt = state.doubt.max(doubt);
    Branches::OneOf([state.clone(), state])
}

fn numbers(
    state: &mut ProgramState,
    comparison: Condition,
    wide: bool,
    left: Number,
    right: Number,
) -> Result<Branches, Uncertain> {
    let secret = |number: Number| matches!(number, Number::Frozen | Number::Hidden);
    if secret(left) || secret(right) {
        let only_constants =
            [left, right].iter().all(|number| matches!(number, Number::Frozen | Number::Known(_)));
        return Err(if only_constants { Uncertain::Constant } else { Uncertain::Unclear });
    }
    let Some(witness) = right.witness() else { return Err(Uncertain::Unclear) };
    let (mut left, mut right) = (left, right);
    if let Some(origin) = right.origin() {
        // The verifier has to reckon with every number on the right, so also with this one.
        let learnt = Number::Known(witness);
        state.learn(origin, learnt);
        right = right.with(learnt);
        if left.origin() == Some(origin) {
            left = left.with(learnt);
        }
    }
    let Number::Known(right) = right else { return Err(Uncertain::Unclear) };
    let sides = left.split(comparison, wide, right).map(|side| {
        let side = side?;
        let mut state = state.clone();
        if let Some(origin) = left.origin() {
            state.learn(origin, side);
        }
        Some(state)
    });
    Ok(Branches::Walked(sides))
}

/// A pointer compared with NULL.
fn null(state: &ProgramState, comparison: Condition, pointer: RegState) -> Option<Branches> {
    let null_is_taken = match comparison {
        Condition::Equal => true,
        Condition::NotEqual => false,
        _ => return None,
    };
    let side = |is_null: bool| {
        let mut state = state.clone();
        state.learn_null(pointer, is_null);
        state
    };
    let (null, other) = match pointer {
        RegState::Argument { tested: false, .. } | RegState::Nullable { null: true, .. } => {
            (Some(side(true)), Some(side(false)))
        }
        RegState::Nullable { .. } => (None, Some(side(false))),
        // These are never NULL, so the other way is always walked.
        RegState::Argument { .. }
        | RegState::Memory { .. }
        | RegState::Context(_)
        | RegState::Stack { .. } => (None, Some(state.clone())),
        _ => return None,
    };
    Some(Branches::Walked(if null_is_taken { [null, other] } else { [other, null] }))
}

/// A place in a packet compared with its end: how long is the packet?
fn packet(
    state: &ProgramState,
    comparison: Condition,
    left: RegState,
    right: RegState,
) -> Option<Branches> {
    let (low, high) = state.packet?;
    let (comparison, offset) = match (left, right) {
        (RegState::PacketEnd, RegState::Packet(offset)) => (comparison, offset),
        (RegState::Packet(offset), RegState::PacketEnd) => (
            match comparison {
                Condition::Greater => Condition::Less,
                Condition::GreaterOrEqual => Condition::LessOrEqual,
                Condition::Less => Condition::Greater,
                Condition::LessOrEqual => Condition::GreaterOrEqual,
                _ => return None,
            },
            offset,
        ),
        _ => return None,
    };
    let offset = u64::try_from(offset).ok()?;
    let length = match high.checked_sub(low)? {
        0 => Number::Known(low),
        span => Number::Any(0, Set::Range { start: low, span }),
    };
    let sides = length.split(comparison, true, offset).map(|side| {
        let packet = match side? {
            Number::Known(length) => (length, length),
            Number::Any(_, Set::Range { start, span }) => (start, start.checked_add(span)?),
            _ => return None,
        };
        Some(ProgramState { packet: Some(packet), ..state.clone() })
    });
    Some(Branches::Walked(sides))
}
