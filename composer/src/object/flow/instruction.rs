//! Eight bytes → an instruction.
//!
//! <https://docs.kernel.org/bpf/standardization/instruction-set.html>

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
pub(super) enum Comparison {
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
pub(super) struct Place {
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
        from: Place,
        signed: bool,
    },
    Store {
        at: Place,
        value: Operand,
    },
    /// Changes memory in one step; `fetches` into the register.
    Atomic {
        at: Place,
        fetches: Option<usize>,
    },
    Jump {
        to: i64,
    },
    Branch {
        comparison: Comparison,
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

const INSTRUCTION: usize = 8;

/// The instruction at number `at` of `code`; none behind the end.
pub(super) fn decode(code: &[u8], at: usize) -> Option<Instruction> {
    let start = at.checked_mul(INSTRUCTION)?;
    let bytes: &[u8; INSTRUCTION] =
        code.get(start..start.checked_add(INSTRUCTION)?)?.try_into().ok()?;
    let (low, high) = (usize::from(bytes[1] & 0xf), usize::from(bytes[1] >> 4));
    let (to, source) = if cfg!(target_endian = "little") { (low, high) } else { (high, low) };
    let offset = i64::from(i16::from_ne_bytes([bytes[2], bytes[3]]));
    let immediate = i32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    let next = i64::try_from(at).ok()? + 1;
    let fields = Fields { opcode: bytes[0], to, source, offset, immediate, next };
    if to > 10 || (source > 10 && bytes[0] != 0x18) {
        return Some(Instruction::Unknown);
    }
    Some(match bytes[0] & 7 {
        0 if bytes[0] == 0x18 => {
            let upper = code.get(start + 12..start + 16).and_then(|part| part.try_into().ok());
            let upper = upper.map_or(0, u32::from_ne_bytes);
            let value = u64::from(upper) << 32 | u64::from(immediate.cast_unsigned());
            Instruction::Constant { to, value }
        }
        1..=3 => fields.memory(),
        4 | 7 => fields.compute(),
        5 | 6 => fields.jump(),
        _ => Instruction::Unknown,
    })
}

/// The parts of an instruction.
struct Fields {
    opcode: u8,
    to: usize,
    source: usize,
    offset: i64,
    immediate: i32,
    next: i64,
}

impl Fields {
    fn constant(&self) -> Operand {
        Operand::Constant(i64::from(self.immediate).cast_unsigned())
    }

    fn operand(&self) -> Operand {
        if self.opcode & 8 == 0 { self.constant() } else { Operand::Register(self.source) }
    }

    fn memory(&self) -> Instruction {
        let size = [4, 2, 1, 8][usize::from(self.opcode >> 3 & 3)];
        let place = |base| Place { base, offset: self.offset, size };
        match (self.opcode & 7, self.opcode & 0xe0) {
            (1, 0x60) => Instruction::Load { to: self.to, from: place(self.source), signed: false },
            (1, 0x80) => Instruction::Load { to: self.to, from: place(self.source), signed: true },
            (2, 0x60) => Instruction::Store { at: place(self.to), value: self.constant() },
            (3, 0x60) => {
                Instruction::Store { at: place(self.to), value: Operand::Register(self.source) }
            }
            (3, 0xc0) => {
                // BPF_CMPXCHG answers in r0, the others with BPF_FETCH where they took it from.
                let fetches = match self.immediate {
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
        let operator = match self.opcode & 0xf0 {
            0x00 => Operator::Add,
            0x10 => Operator::Subtract,
            0x20 => Operator::Multiply,
            0x40 => Operator::Or,
            0x50 => Operator::And,
            0x60 => Operator::ShiftLeft,
            0x70 => Operator::ShiftRight,
            0x80 => Operator::Negate,
            0xa0 => Operator::Xor,
            0xb0 if self.offset == 0 => Operator::Move,
            0xc0 => Operator::ShiftRightSigned,
            _ => Operator::Other,
        };
        let operand = match operator {
            Operator::Other | Operator::Negate => Operand::Constant(0),
            _ => self.operand(),
        };
        Instruction::Compute { operator, wide: self.opcode & 7 == 7, to: self.to, operand }
    }

    fn jump(&self) -> Instruction {
        let wide = self.opcode & 7 == 5;
        let comparison = match (self.opcode & 0xf0, wide) {
            (0x00, true) => return Instruction::Jump { to: self.next + self.offset },
            (0x00, false) => {
                return Instruction::Jump { to: self.next + i64::from(self.immediate) };
            }
            (0x80, true) => {
                return match self.source {
                    0 => Instruction::Helper(self.immediate.cast_unsigned()),
                    1 => Instruction::Call,
                    _ => Instruction::Unknown,
                };
            }
            (0x90, true) => return Instruction::Exit,
            (0x10, _) => Comparison::Equal,
            (0x20, _) => Comparison::Greater,
            (0x30, _) => Comparison::GreaterOrEqual,
            (0x40, _) => Comparison::Test,
            (0x50, _) => Comparison::NotEqual,
            (0x60, _) => Comparison::SignedGreater,
            (0x70, _) => Comparison::SignedGreaterOrEqual,
            (0xa0, _) => Comparison::Less,
            (0xb0, _) => Comparison::LessOrEqual,
            (0xc0, _) => Comparison::SignedLess,
            (0xd0, _) => Comparison::SignedLessOrEqual,
            _ => return Instruction::Unknown,
        };
        let to = self.next + self.offset;
        Instruction::Branch { comparison, wide, left: self.to, right: self.operand(), to }
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Instruction, Operand, Operator, Place, decode};

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
                    from: Place { base: 6, offset: 4, size: 4 },
                    signed: false,
                },
            ),
            // *(u64 *)(r10 - 8) = r1
            (
                [0x7b, 0x1a, 0xf8, 0xff, 0, 0, 0, 0],
                Instruction::Store {
                    at: Place { base: 10, offset: -8, size: 8 },
                    value: Operand::Register(1),
                },
            ),
            // if r0 != -1 goto +3
            (
                [0x55, 0, 3, 0, 0xff, 0xff, 0xff, 0xff],
                Instruction::Branch {
                    comparison: Comparison::NotEqual,
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
