//! Decodes the fields of an instruction into its operation.

use crate::object::insn::{Insn, WIDE, calls, class};

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Operator {
    Move,
    Add,
    Subtract,
    Multiply,
    Or,
    And,
    ShiftLeft,
    ShiftRight,
    ShiftRightSigned,
    Xor,
    Negate,
    /// Divisions, byte swaps, moves with a sign: what they make is not followed.
    Other,
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    SignedGreater,
    SignedGreaterOrEqual,
    SignedLess,
    SignedLessOrEqual,
    /// Any bit of both is set.
    Test,
}

/// The second operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Register(usize),
    Constant(u64),
}

/// Bytes of memory: a register and an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemoryOperand {
    pub(super) base: usize,
    pub(super) offset: i64,
    pub(super) size: u8,
}

/// An instruction, as far as it is followed. Registers are numbers from 0 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instruction {
    /// `wide` is 64 bits, otherwise 32.
    Compute {
        operator: Operator,
        wide: bool,
        to: usize,
        operand: Operand,
    },
    /// Takes two places of eight bytes. It may be an address, which a relocation tells.
    Constant {
        to: usize,
        value: u64,
    },
    Load {
        to: usize,
        from: MemoryOperand,
        signed: bool,
    },
    Store {
        at: MemoryOperand,
        value: Operand,
    },
    /// Changes memory in one step; `fetches` into the register.
    Atomic {
        at: MemoryOperand,
        fetches: Option<usize>,
    },
    Jump {
        to: i64,
    },
    Branch {
        comparison: Condition,
        wide: bool,
        left: usize,
        right: Operand,
        to: i64,
    },
    Helper(u32),
    /// A function of the program.
    Call,
    Exit,
    /// One that is not known, or whose effect on the path is not.
    Unknown,
}

/// The instruction at number `at` of `code`; none behind the end.
pub(super) fn decode(code: &[u8], at: usize) -> Option<Instruction> {
    let insn = Insn::at(code, at)?;
    let (to, source) = (usize::from(insn.to), usize::from(insn.source));
    let next = i64::try_from(at).ok()? + 1;
    let fields = InsnFields { insn, to, source, next };
    if to > 10 || (source > 10 && insn.opcode != WIDE) {
        return Some(Instruction::Unknown);
    }
    Some(match insn.class() {
        class::LOAD if insn.opcode == WIDE => {
            let upper = Insn::at(code, at + 1).map_or(0, |half| half.immediate);
            let [low, high] = [insn.immediate, upper].map(|half| u64::from(half.cast_unsigned()));
            Instruction::Constant { to, value: high << 32 | low }
        }
        class::LOAD_MEMORY..=class::STORE_REGISTER => fields.memory(),
        class::COMPUTE_32 | class::COMPUTE => fields.compute(),
        class::JUMP | class::JUMP_32 => fields.jump(),
        _ => Instruction::Unknown,
    })
}

/// The parts of an instruction; registers as they count states by.
struct InsnFields {
    insn: Insn,
    to: usize,
    source: usize,
    next: i64,
}

impl InsnFields {
    fn constant(&self) -> Operand {
        Operand::Constant(i64::from(self.insn.immediate).cast_unsigned())
    }

    fn operand(&self) -> Operand {
        if self.insn.opcode & 8 == 0 { self.constant() } else { Operand::Register(self.source) }
    }

    fn memory(&self) -> Instruction {
        let size = [4, 2, 1, 8][usize::from(self.insn.opcode >> 3 & 3)];
        let place = |base| MemoryOperand { base, offset: i64::from(self.insn.offset), size };
        match (self.insn.class(), self.insn.opcode & 0xe0) {
            (class::LOAD_MEMORY, mode @ (0x60 | 0x80)) => {
                Instruction::Load { to: self.to, from: place(self.source), signed: mode == 0x80 }
            }
            (class::STORE, 0x60) => {
                Instruction::Store { at: place(self.to), value: self.constant() }
            }
            (class::STORE_REGISTER, 0x60) => {
                Instruction::Store { at: place(self.to), value: Operand::Register(self.source) }
            }
            (class::STORE_REGISTER, 0xc0) => {
                // BPF_CMPXCHG answers in r0, the others with BPF_FETCH where they took it from.
                let fetches = match self.insn.immediate {
                    0xf1 => Some(0),
                    other if other & 1 != 0 => Some(self.source),
                    _ => None,
                };
                Instruction::Atomic { at: place(self.to), fetches }
            }
            _ => Instruction::Unknown,
        }
    }

    fn compute(&self) -> Instruction {
        let operator = match self.insn.opcode & 0xf0 {
            0x00 => Operator::Add,
            0x10 => Operator::Subtract,
            0x20 => Operator::Multiply,
            0x40 => Operator::Or,
            0x50 => Operator::And,
            0x60 => Operator::ShiftLeft,
            0x70 => Operator::ShiftRight,
            0x80 => Operator::Negate,
            0xa0 => Operator::Xor,
            0xb0 if self.insn.offset == 0 => Operator::Move,
            0xc0 => Operator::ShiftRightSigned,
            _ => Operator::Other,
        };
        let operand = match operator {
            Operator::Other | Operator::Negate => Operand::Constant(0),
            _ => self.operand(),
        };
        Instruction::Compute {
            operator,
            wide: self.insn.class() == class::COMPUTE,
            to: self.to,
            operand,
        }
    }

    fn jump(&self) -> Instruction {
        let wide = self.insn.class() == class::JUMP;
        let to = self.next + self.insn.jump().unwrap_or_default();
        let comparison = match (self.insn.opcode & 0xf0, wide) {
            (0x00, _) => return Instruction::Jump { to },
            (0x80, true) => {
                return match self.insn.source {
                    calls::HELPER => Instruction::Helper(self.insn.immediate.cast_unsigned()),
                    calls::FUNCTION => Instruction::Call,
                    _ => Instruction::Unknown,
                };
            }
            (0x90, true) => return Instruction::Exit,
            (0x10, _) => Condition::Equal,
            (0x20, _) => Condition::Greater,
            (0x30, _) => Condition::GreaterOrEqual,
            (0x40, _) => Condition::Test,
            (0x50, _) => Condition::NotEqual,
            (0x60, _) => Condition::SignedGreater,
            (0x70, _) => Condition::SignedGreaterOrEqual,
            (0xa0, _) => Condition::Less,
            (0xb0, _) => Condition::LessOrEqual,
            (0xc0, _) => Condition::SignedLess,
            (0xd0, _) => Condition::SignedLessOrEqual,
            _ => return Instruction::Unknown,
        };
        Instruction::Branch { comparison, wide, left: self.to, right: self.operand(), to }
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Instruction, MemoryOperand, Operand, Operator, decode};

    #[test]
    fn what_clang_writes_is_read() {
        let cases: [([u8; 8], Instruction); 6] = [
            // r6 = r1
            (
                [0xbf, 0x16, 0, 0, 0, 0, 0, 0],
                Instruction::Compute {
                    operator: Operator::Move,
                    wide: true,
                    to: 6,
                    operand: Operand::Register(1),
                },
            ),
            // r1 = *(u32 *)(r6 + 4)
            (
                [0x61, 0x61, 4, 0, 0, 0, 0, 0],
                Instruction::Load {
                    to: 1,
                    from: MemoryOperand { base: 6, offset: 4, size: 4 },
                    signed: false,
                },
            ),
            // *(u64 *)(r10 - 8) = r1
            (
                [0x7b, 0x1a, 0xf8, 0xff, 0, 0, 0, 0],
                Instruction::Store {
                    at: MemoryOperand { base: 10, offset: -8, size: 8 },
                    value: Operand::Register(1),
                },
            ),
            // if r0 != -1 goto +3
            (
                [0x55, 0, 3, 0, 0xff, 0xff, 0xff, 0xff],
                Instruction::Branch {
                    comparison: Condition::NotEqual,
                    wide: true,
                    left: 0,
                    right: Operand::Constant(u64::MAX),
                    to: 4,
                },
            ),
            ([0x85, 0, 0, 0, 131, 0, 0, 0], Instruction::Helper(131)),
            ([0x95, 0, 0, 0, 0, 0, 0, 0], Instruction::Exit),
        ];
        for (bytes, instruction) in cases {
            assert_eq!(decode(&bytes, 0), Some(instruction));
        }
        assert_eq!(decode(&[0x95], 0), None);
        assert_eq!(decode(&[0x95; 8], usize::MAX), None);
    }

    #[test]
    fn no_register_is_out_of_reach() {
        for opcode in 0..=255_u8 {
            for registers in 0..=255_u8 {
                let found = decode(&[opcode, registers, 0, 0, 0, 0, 0, 0], 0);
                let numbers = match found {
                    Some(Instruction::Compute { to, operand: Operand::Register(from), .. }) => {
                        vec![to, from]
                    }
                    Some(Instruction::Load { to, from, .. }) => vec![to, from.base],
                    Some(Instruction::Store { at, .. }) => vec![at.base],
                    Some(Instruction::Branch { left, .. }) => vec![left],
                    Some(Instruction::Constant { to, .. }) => vec![to],
                    _ => Vec::new(),
                };
                assert!(numbers.iter().all(|number| *number <= 10), "{opcode} {registers}");
            }
        }
    }
}
