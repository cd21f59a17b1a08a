//! A call of a function of the program: what it takes, and what it is given.

use super::{
    Held, Wanted, What,
    number::{Number, Origin},
    state::{Frame, State, Value},
};

/// How many frames the verifier lets be on top of each other.
const FRAMES: usize = 8;

/// Enters the static function `callee`, which is verified together with its callers; none when
/// there are too many frames.
pub(super) fn enter(state: &mut State, callee: usize, back: usize) -> Option<()> {
    if state.frames.len() >= FRAMES {
        return None;
    }
    let mut frame = Frame::new(callee, state.frames.len());
    for register in 1..=5 {
        frame.registers[register] = state.get(register);
    }
    state.frames.last_mut()?.next = back;
    state.clobber();
    state.frames.push(frame);
    Some(())
}

/// Passes over a global function, which is verified by itself.
pub(super) fn pass_over(state: &mut State, origin: Origin) {
    for register in 1..=5 {
        state.spoil(state.get(register));
    }
    // It may have moved the packet.
    state.packet = None;
    state.clobber();
    state.forget(origin);
    state.set(0, Value::fresh(origin, 8));
}

/// The first argument of the global function `callee` that the verifier refuses.
///
/// `btf_check_func_arg_match`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
pub(super) fn refused(state: &State, callee: usize, wanted: &[Wanted]) -> Option<What> {
    wanted.iter().zip(0_u8..).find_map(|(wanted, number)| {
        let held = refused_one(state.get(usize::from(number) + 1), *wanted)?;
        Some(What::Passes { callee, number, wanted: *wanted, held })
    })
}

fn refused_one(value: Value, wanted: Wanted) -> Option<Held> {
    let held = match value {
        Value::Unknown | Value::Passed { .. } => return None,
        Value::Unset => Held::Nothing,
        Value::Number(_) => Held::Number,
        Value::Context(0) => Held::Context,
        Value::Context(by) => Held::Moved(by),
        Value::Memory { frozen: true } => Held::Constant,
        _ => Held::Pointer,
    };
    match (wanted, value) {
        (Wanted::Unclear, _) => None,
        (Wanted::Number, _) => (held != Held::Number).then_some(held),
        (Wanted::Context, _) => (held != Held::Context).then_some(held),
        // What may be a NULL that the verifier knows of is none of our business.
        (_, Value::Number(Number::Known(0) | Number::Frozen | Number::Hidden)) => None,
        // It may write to it.
        (Wanted::Memory(_), Value::Memory { frozen: true }) => Some(held),
        (Wanted::Memory(size), Value::Stack { offset, .. }) => {
            let rest = offset.checked_neg().and_then(|rest| u32::try_from(rest).ok())?;
            (rest < size).then_some(Held::Short(rest))
        }
        (Wanted::Memory(_), _) => match held {
            Held::Nothing | Held::Number | Held::Context | Held::Moved(_) => Some(held),
            _ => None,
        },
    }
}
