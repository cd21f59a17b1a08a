//! The contents of the registers and the stack at one point of one path.

use std::collections::BTreeMap;

use super::{
    NullSource,
    number::{Number, NumberId},
    set::Set,
};

/// What a register or a place on the stack holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum RegState {
    /// Uninitialised: the verifier rejects reading it.
    Unset,
    Number(Number),
    /// The context plus this number of bytes.
    Context(i64),
    /// A pointer passed by the caller of a global function: memory of this number of bytes, or NULL
    /// until `tested`.
    Argument {
        number: u8,
        size: u32,
        offset: i64,
        tested: bool,
    },
    /// The stack of a frame, from its end, which r10 points to.
    Stack {
        frame: usize,
        offset: i64,
    },
    /// The start of a packet plus this number of bytes.
    Packet(i64),
    PacketEnd,
    /// A map itself; `finds_all` unless a key may be missing from it, as from a hash.
    Map {
        finds_all: bool,
    },
    /// Memory of a map, a ring buffer or a global variable.
    Memory {
        frozen: bool,
    },
    /// Memory that a helper gave, or NULL until tested. `null` is whether the verifier is known to
    /// reckon with NULL.
    Nullable {
        origin: NumberId,
        giver: NullSource,
        null: bool,
    },
    /// Some other pointer, which is not NULL.
    Pointer,
    /// An argument of a tracer's target: a number or a pointer.
    Passed {
        number: u8,
    },
    /// A number or a pointer.
    Unknown,
}

impl RegState {
    /// Any number of so many bytes, never looked at before.
    pub(super) fn fresh(origin: NumberId, size: u8) -> Self {
        Self::Number(Number::Any(origin, Set::of_size(size)))
    }

    /// Which unknown number it is, or is made of.
    fn origin(self) -> Option<NumberId> {
        match self {
            Self::Number(number) => number.origin(),
            _ => None,
        }
    }

    pub(super) fn known(number: u64) -> Self {
        Self::Number(Number::Known(number))
    }
}

/// What makes it uncertain that the verifier walks this path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Uncertain {
    None,
    /// A branch on a frozen constant, which only the verifier knows.
    Constant,
    /// A branch on something that is not followed.
    Unclear,
}

/// Bytes on a stack: from the end, and how many.
type StackSlots = BTreeMap<(i64, u8), RegState>;

/// One function that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Frame {
    /// Its index in the object.
    pub(super) function: usize,
    /// The instruction to go on with in it, once what it called returns.
    pub(super) next: usize,
    pub(super) registers: [RegState; 11],
    pub(super) slots: StackSlots,
}

impl Frame {
    pub(super) fn new(function: usize, number: usize) -> Self {
        let mut registers = [RegState::Unset; 11];
        registers[10] = RegState::Stack { frame: number, offset: 0 };
        Self { function, next: 0, registers, slots: StackSlots::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ProgramState {
    /// At least one.
    pub(super) frames: Vec<Frame>,
    pub(super) doubt: Uncertain,
    /// How long the packet may be; none when that is no longer followed.
    pub(super) packet: Option<(u64, u64)>,
}

impl ProgramState {
    /// The value in a register of the innermost frame.
    pub(super) fn get(&self, register: usize) -> RegState {
        let value = self.frames.last().and_then(|frame| frame.registers.get(register));
        value.copied().unwrap_or(RegState::Unknown)
    }

    pub(super) fn set(&mut self, register: usize, value: RegState) {
        // r10 is read-only; the verifier refuses what writes to it.
        let frame = self.frames.last_mut();
        if let Some(place) = frame.and_then(|frame| frame.registers[..10].get_mut(register)) {
            *place = value;
        }
    }

    /// Hands everything that any frame holds to `visit`.
    fn each(&mut self, mut visit: impl FnMut(&mut RegState)) {
        for frame in &mut self.frames {
            frame.registers.iter_mut().for_each(&mut visit);
            frame.slots.values_mut().for_each(&mut visit);
        }
    }

    /// How many places hold the unknown number `origin`, or what is made of it.
    pub(super) fn copies(&mut self, origin: NumberId) -> usize {
        let mut count = 0;
        self.each(|value| count += usize::from(value.origin() == Some(origin)));
        count
    }

    /// Makes room for something new by the name of `origin`: of an older one, made at the same
    /// place in a loop, nothing more is claimed.
    pub(super) fn forget(&mut self, origin: NumberId) {
        self.each(|value| match *value {
            RegState::Number(number) if number.origin() == Some(origin) => {
                *value = RegState::Number(Number::Hidden);
            }
            RegState::Nullable { origin: of, .. } if of == origin => *value = RegState::Unknown,
            _ => {}
        });
    }

    /// Puts what is now known of the number `origin` into every copy.
    pub(super) fn learn(&mut self, origin: NumberId, number: Number) {
        self.each(|value| {
            if let RegState::Number(old) = *value
                && old.origin() == Some(origin)
            {
                *value = RegState::Number(old.with(number));
            }
        });
    }

    /// Puts what is now known of a pointer into every copy.
    pub(super) fn learn_null(&mut self, pointer: RegState, is_null: bool) {
        self.each(|value| {
            let known = match (*value, pointer) {
                (RegState::Nullable { origin, .. }, RegState::Nullable { origin: of, .. })
                    if origin == of =>
                {
                    RegState::Memory { frozen: false }
                }
                (
                    RegState::Argument { number, size, offset, tested: false },
                    RegState::Argument { number: of, .. },
                ) if number == of => RegState::Argument { number, size, offset, tested: true },
                _ => return,
            };
            *value = if is_null { RegState::known(0) } else { known };
        });
    }

    /// What a load from the stack gives.
    pub(super) fn read_stack(&self, frame: usize, offset: i64, size: u8) -> RegState {
        let slots = self.frames.get(frame).map(|frame| &frame.slots);
        match slots.and_then(|slots| slots.get(&(offset, size))) {
            Some(value) => *value,
            // Several writes, or one of another size, or a helper's.
            None if size < 8 => RegState::Number(Number::Hidden),
            None => RegState::Unknown,
        }
    }

    pub(super) fn write_stack(&mut self, frame: usize, offset: i64, size: u8, value: RegState) {
        let Some(frame) = self.frames.get_mut(frame) else { return };
        let end = offset.saturating_add(i64::from(size));
        frame.slots.retain(|(at, length), _| {
            at.saturating_add(i64::from(*length)) <= offset || *at >= end
        });
        frame.slots.insert((offset, size), value);
    }

    /// Somebody writes to what `pointer` leads to, no one knows how far.
    pub(super) fn spoil(&mut self, pointer: RegState) {
        match pointer {
            RegState::Stack { frame, offset } => {
                if let Some(frame) = self.frames.get_mut(frame) {
                    frame
                        .slots
                        .retain(|(at, size), _| at.saturating_add(i64::from(*size)) <= offset);
                }
            }
            // It may lead to the stack.
            RegState::Unknown | RegState::Passed { .. } | RegState::Pointer => {
                for frame in &mut self.frames {
                    frame.slots.clear();
                }
            }
            _ => {}
        }
    }

    /// The innermost frame ends; none when it is the only one.
    pub(super) fn leave(&mut self) -> Option<()> {
        if self.frames.len() < 2 {
            return None;
        }
        let result = self.get(0);
        self.frames.pop();
        let depth = self.frames.len();
        self.clobber();
        self.set(0, result);
        self.each(|value| {
            if matches!(value, RegState::Stack { frame, .. } if *frame >= depth) {
                *value = RegState::Unknown;
            }
        });
        Some(())
    }

    /// A call is over: the registers of its arguments and its result hold nothing.
    pub(super) fn clobber(&mut self) {
        for register in 0..=5 {
            self.set(register, RegState::Unset);
        }
    }
}
