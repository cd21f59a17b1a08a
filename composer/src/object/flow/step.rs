//! The effect of an instruction that does not branch on the state.

use super::{
    FactKind, NullSource, PointerUse,
    arithmetic::AluOperation,
    helpers,
    instruction::{Instruction, Operand, Operator},
    memory::argument,
    number::{Number, NumberId},
    set::Set,
    state::{ProgramState, RegState},
};
use crate::object::{
    ProgramKind,
    helpers::{WriteSize, helper},
};

/// The verifier refuses to go on here, or nobody knows how it does.
pub(super) struct Stop(pub(super) Option<FactKind>);

pub(super) const UNKNOWN: Stop = Stop(None);

/// Where in the program a step is, and what is known of all of it.
pub(super) struct Interpreter<'a> {
    pub(super) state: &'a mut ProgramState,
    /// The name for a number that is made here.
    pub(super) origin: NumberId,
    pub(super) kind: ProgramKind,
    /// Whether memory may hold pointers of the kernel.
    pub(super) pointers_in_maps: bool,
}

impl Interpreter<'_> {
    pub(super) fn operand(&self, operand: Operand) -> RegState {
        match operand {
            Operand::Register(register) => self.state.get(register),
            Operand::Constant(value) => RegState::known(value),
        }
    }

    /// A new number or pointer that is told apart by the place it comes from.
    pub(super) fn new_value(&mut self, register: usize, value: RegState) {
        self.state.set(register, RegState::Unset);
        self.state.forget(self.origin);
        self.state.set(register, value);
    }

    pub(super) fn compute(
        &mut self,
        operator: Operator,
        wide: bool,
        to: usize,
        operand: Operand,
    ) -> Result<(), Stop> {
        let right = self.operand(operand);
        let left = if operator == Operator::Move { RegState::known(0) } else { self.state.get(to) };
        if left == RegState::Unset || right == RegState::Unset {
            return Err(UNKNOWN);
        }
        let is_copy = match right {
            RegState::Number(Number::Any(_, set)) => wide || fits(set, 4),
            _ => wide,
        };
        if operator == Operator::Move && is_copy {
            self.state.set(to, right);
            return Ok(());
        }
        let value = match (left, right) {
            (RegState::Number(left), RegState::Number(right)) => {
                RegState::Number(self.number(operator, wide, to, left, right))
            }
            (pointer, RegState::Number(by)) if wide => self.pointer(operator, to, pointer, by)?,
            (RegState::Number(by), pointer) if wide && operator == Operator::Add => {
                self.pointer(operator, to, pointer, by)?
            }
            (
                RegState::Packet(_) | RegState::PacketEnd,
                RegState::Packet(_) | RegState::PacketEnd,
            ) if wide && operator == Operator::Subtract => RegState::Number(Number::Hidden),
            _ => RegState::Unknown,
        };
        self.state.set(to, value);
        Ok(())
    }

    fn number(
        &mut self,
        operator: Operator,
        wide: bool,
        to: usize,
        left: Number,
        right: Number,
    ) -> Number {
        let (unknown, known) = match (operator, left, right) {
            (Operator::Move, _, right) => (right, 0),
            (_, left, Number::Known(right)) => (left, right),
            (Operator::Add | Operator::Or | Operator::And, Number::Known(left), right) => {
                (right, left)
            }
            (_, Number::Frozen, Number::Frozen) => return Number::Frozen,
            _ => return Number::Hidden,
        };
        let (number, operation) = match operator {
            Operator::Move => {
                (unknown, AluOperation { operator: Operator::And, wide, by: 0xffff_ffff })
            }
            operator => (unknown, AluOperation { operator, wide, by: known }),
        };
        // Another copy that is read again would have to change with this one.
        let others = number.origin().is_some_and(|old| {
            let own =
                matches!(self.state.get(to), RegState::Number(own) if own.origin() == Some(old));
            self.state.copies(old) > usize::from(own)
        });
        if others {
            return number.computed(operation, None);
        }
        self.state.set(to, RegState::Unset);
        self.state.forget(self.origin);
        number.computed(operation, Some(self.origin))
    }

    /// A pointer and a number.
    fn pointer(
        &mut self,
        operator: Operator,
        to: usize,
        pointer: RegState,
        by: Number,
    ) -> Result<RegState, Stop> {
        if !matches!(operator, Operator::Add | Operator::Subtract) {
            return Ok(RegState::Unknown);
        }
        let bytes = match by {
            Number::Known(bytes) if operator == Operator::Add => Some(bytes.cast_signed()),
            Number::Known(bytes) => bytes.cast_signed().checked_neg(),
            _ => None,
        };
        let moved = |offset: i64| bytes.and_then(|bytes| offset.checked_add(bytes));
        Ok(match pointer {
            RegState::Argument { number, tested: false, .. } => {
                let register = u8::try_from(to).unwrap_or_default();
                return Err(Stop(Some(FactKind::Untested { number, register, computed: true })));
            }
            RegState::Nullable { null: true, giver, .. } => {
                return Err(unchecked(giver, to, PointerUse::Computed));
            }
            RegState::Nullable { .. } | RegState::Map { .. } | RegState::PacketEnd => {
                return Err(UNKNOWN);
            }
            RegState::Argument { number, size, offset, tested } => match moved(offset) {
                Some(offset) => RegState::Argument { number, size, offset, tested },
                None => RegState::Pointer,
            },
            RegState::Context(offset) => moved(offset).map_or(RegState::Pointer, RegState::Context),
            RegState::Stack { frame, offset } => {
                moved(offset).map_or(RegState::Pointer, |offset| RegState::Stack { frame, offset })
            }
            RegState::Packet(offset) => moved(offset).map_or(RegState::Pointer, RegState::Packet),
            RegState::Memory { .. } | RegState::Pointer => pointer,
            _ => RegState::Unknown,
        })
    }

    /// An instruction whose constant is set when the program is loaded: the verifier sees another
    /// one than stands here. Tells how many places it takes.
    pub(super) fn relocated(&mut self, instruction: Instruction) -> Result<usize, Stop> {
        match instruction {
            Instruction::Constant { to, .. } => {
                self.state.set(to, RegState::Number(Number::Frozen));
                return Ok(2);
            }
            Instruction::Compute { operator, to, .. } => {
                let value = match self.state.get(to) {
                    _ if operator == Operator::Move => RegState::Number(Number::Frozen),
                    RegState::Number(Number::Known(_) | Number::Frozen) => {
                        RegState::Number(Number::Frozen)
                    }
                    RegState::Number(_) => RegState::Number(Number::Hidden),
                    RegState::Argument { tested: false, .. }
                    | RegState::Unset
                    | RegState::Nullable { .. } => {
                        return Err(UNKNOWN);
                    }
                    // Some place in what it points to.
                    RegState::Memory { .. } => return Ok(1),
                    _ => RegState::Unknown,
                };
                self.state.set(to, value);
            }
            Instruction::Load { to, from, .. } => {
                if let pointer @ RegState::Argument { tested: false, .. } =
                    self.state.get(from.base)
                {
                    argument(pointer, from)?;
                }
                self.state.set(to, RegState::Unknown);
            }
            Instruction::Store { .. } => self.state.spoil(RegState::Unknown),
            _ => return Err(UNKNOWN),
        }
        Ok(1)
    }

    /// A helper of the kernel is called.
    pub(super) fn helper(&mut self, id: u32) -> Result<(), Stop> {
        let called = helper(id);
        let first = self.state.get(1);
        if called.is_some_and(|helper| helper.takes_memory) {
            match first {
                RegState::Nullable { null: true, giver, .. } => {
                    return Err(unchecked(giver, 1, PointerUse::Handed(id)));
                }
                RegState::Number(Number::Known(number)) if is_about_null(number) => {
                    return Err(unchecked(NullSource::Null, 1, PointerUse::Handed(id)));
                }
                _ => {}
            }
        }
        let written = called.and_then(|helper| helper.writes).and_then(|(address, size)| {
            let RegState::Stack { frame, offset } = self.state.get(address) else {
                return None;
            };
            let size = match size {
                WriteSize::Are(size) => size,
                WriteSize::In(register) => match self.state.get(register) {
                    RegState::Number(Number::Known(size @ (1 | 2 | 4 | 8))) => size as u8,
                    _ => return None,
                },
            };
            Some((frame, offset, size))
        });
        for register in 1..=5 {
            self.state.spoil(self.state.get(register));
        }
        if let Some((frame, offset, size)) = written {
            let origin = self.origin | 1 << 62;
            self.state.forget(origin);
            self.state.write_stack(frame, offset, size, RegState::fresh(origin, size));
        }
        if called.is_some_and(|helper| helper.moves_packet_data) {
            self.state.packet = None;
        }
        self.state.clobber();
        self.new_value(0, helpers::result(called, self.origin, first));
        Ok(())
    }
}

pub(super) fn unchecked(giver: NullSource, register: usize, used: PointerUse) -> Stop {
    let register = u8::try_from(register).unwrap_or_default();
    Stop(Some(FactKind::Unchecked { giver, register, used }))
}

/// Whether it is NULL, or a place in what NULL was taken to point to.
pub(super) fn is_about_null(number: u64) -> bool {
    number.cast_signed().unsigned_abs() < 4096
}

pub(super) fn fits(set: Set, size: u8) -> bool {
    match (set, Set::of_size(size)) {
        (Set::Range { start, span }, Set::Range { span: most, .. }) => {
            start.checked_add(span).is_some_and(|end| end <= most)
        }
        (Set::Bits(bits), Set::Range { span: most, .. }) => bits <= most,
        _ => false,
    }
}
