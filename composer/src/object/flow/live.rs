//! Liveness of registers: states that differ only in a register that is never read again need not
//! be distinguished.

use super::instruction::{Instruction, Operand, decode};
use crate::object::insn::SIZE;

/// Bits of the registers that may be read at each instruction or behind it.
pub(super) struct LiveRegisters(Vec<u16>);

/// Longer functions, and knots of jumps, are not looked at: then every register counts.
const LONGEST: usize = 1 << 15;
const ROUNDS: usize = 32;

const ALL: u16 = 0x7ff;
const ARGUMENTS: u16 = 0b11_1110;

impl LiveRegisters {
    pub(super) fn of(code: &[u8]) -> Self {
        let length = code.len() / SIZE;
        if length > LONGEST {
            return Self(Vec::new());
        }
        let mut live = vec![0_u16; length];
        // Most code runs forwards, so going backwards settles it in a few rounds.
        for _ in 0..ROUNDS {
            let mut settled = true;
            for at in (0..length).rev() {
                let now = before(code, at, &live);
                settled &= now == live[at];
                live[at] = now;
            }
            if settled {
                return Self(live);
            }
        }
        Self(Vec::new())
    }

    /// Whether `register` may be read at instruction `at` or behind it.
    pub(super) fn has(&self, at: usize, register: usize) -> bool {
        self.0.get(at).is_none_or(|bits| bits >> register & 1 == 1)
    }
}

fn before(code: &[u8], at: usize, live: &[u16]) -> u16 {
    let after =
        |to: i64| usize::try_from(to).ok().and_then(|to| live.get(to)).copied().unwrap_or(0);
    let next = i64::try_from(at).map_or(0, |at| after(at + 1));
    let bit = |register: usize| 1_u16 << register;
    let reads = |operand: Operand| match operand {
        Operand::Register(register) => bit(register),
        Operand::Constant(_) => 0,
    };
    match decode(code, at) {
        Some(Instruction::Compute { operator, to, operand, .. }) => {
            let own = if operator == super::instruction::Operator::Move { 0 } else { bit(to) };
            next & !bit(to) | own | reads(operand)
        }
        Some(Instruction::Constant { to, .. }) => {
            i64::try_from(at).map_or(0, |at| after(at + 2)) & !bit(to)
        }
        Some(Instruction::Load { to, from, .. }) => next & !bit(to) | bit(from.base),
        Some(Instruction::Store { at, value }) => next | bit(at.base) | reads(value),
        Some(Instruction::Jump { to }) => after(to),
        Some(Instruction::Branch { left, right, to, .. }) => {
            next | after(to) | bit(left) | reads(right)
        }
        Some(Instruction::Helper(_) | Instruction::Call) => next & !0b11_1111 | ARGUMENTS,
        Some(Instruction::Exit) => bit(0),
        // What these read is not looked at.
        Some(Instruction::Atomic { .. } | Instruction::Unknown) => ALL,
        None => 0,
    }
}
