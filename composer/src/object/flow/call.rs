//! Calls of the program's own functions: parameters and arguments.

use super::{
    ArgumentValue, FactKind, ParameterType,
    number::{Number, NumberId},
    state::{Frame, ProgramState, RegState},
};

/// How many frames the verifier lets be on top of each other.
const FRAMES: usize = 8;

/// Enters the static function `callee`, which is verified together with its callers; none when
/// there are too many frames.
pub(super) fn enter(state: &mut ProgramState, callee: usize, back: usize) -> Option<()> {
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
pub(super) fn pass_over(state: &mut ProgramState, origin: NumberId) {
    for register in 1..=5 {
        state.spoil(state.get(register));
    }
    // It may have moved the packet.
    state.packet = None;
    state.clobber();
    state.forget(origin);
    state.set(0, RegState::fresh(origin, 8));
}

/// The first argument of the global function `callee` that the verifier refuses.
///
/// `btf_check_func_arg_match`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
pub(super) fn refused(
    state: &ProgramState,
    callee: usize,
    wanted: &[ParameterType],
) -> Option<FactKind> {
    wanted.iter().zip(0_u8..).find_map(|(wanted, number)| {
        let held = refused_one(state.get(usize::from(number) + 1), *wanted)?;
        Some(FactKind::Passes { callee, number, wanted: *wanted, held })
    })
}

fn refused_one(value: RegState, wanted: ParameterType) -> Option<ArgumentValue> {
    let held = match value {
        RegState::Unknown | RegState::Passed { .. } => return None,
        RegState::Unset => ArgumentValue::Nothing,
        RegState::Number(_) => ArgumentValue::Number,
        RegState::Context(0) => ArgumentValue::Context,
        RegState::Context(by) => ArgumentValue::Moved(by),
        RegState::Memory { frozen: true } => ArgumentValue::Constant,
        _ => ArgumentValue::Pointer,
    };
    match (wanted, value) {
        (ParameterType::Unclear, _) => None,
        (ParameterType::Number, _) => (held != ArgumentValue::Number).then_some(held),
        (ParameterType::Context, _) => (held != ArgumentValue::Context).then_some(held),
        // What may be a NULL that the verifier knows of is none of our business.
        (_, RegState::Number(Number::Known(0) | Number::Frozen | Number::Hidden)) => None,
        // It may write to it.
        (ParameterType::Memory(_), RegState::Memory { frozen: true }) => Some(held),
        (ParameterType::Memory(size), RegState::Stack { offset, .. }) => {
            let rest = offset.checked_neg().and_then(|rest| u32::try_from(rest).ok())?;
            (rest < size).then_some(ArgumentValue::Short(rest))
        }
        (ParameterType::Memory(_), _) => match held {
            ArgumentValue::Nothing
            | ArgumentValue::Number
            | ArgumentValue::Context
            | ArgumentValue::Moved(_) => Some(held),
            _ => None,
        },
    }
}
