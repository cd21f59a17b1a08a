//! Instructions with jumps to places that are not known yet.

use crate::object::insn::{ATOMIC, DOUBLE, EXIT, Insn, MEMORY, REGISTER, WIDE, class, wide, width};

/// A place that is jumped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JumpLabel(usize);

/// How two numbers compare, as the operation of a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JumpIf {
    /// Always.
    Always = 0x00,
    /// `BPF_JEQ`.
    Equal = 0x10,
    /// `BPF_JGT`.
    Greater = 0x20,
    /// `BPF_JGE`.
    AtLeast = 0x30,
    /// `BPF_JNE`.
    NotEqual = 0x50,
    /// `BPF_JSGT`.
    SignedGreater = 0x60,
    /// `BPF_JSGE`.
    SignedAtLeast = 0x70,
    /// `BPF_JLT`.
    Less = 0xa0,
    /// `BPF_JLE`.
    AtMost = 0xb0,
    /// `BPF_JSLT`.
    SignedLess = 0xc0,
    /// `BPF_JSLE`.
    SignedAtMost = 0xd0,
}

/// The instructions so far.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    code: Vec<Insn>,
    /// The number of the instruction at each label.
    places: Vec<usize>,
    /// Instructions that jump, each with where to.
    jumps: Vec<(usize, JumpLabel)>,
    /// Instructions that refer to the program's own variables.
    variables: Vec<usize>,
}

impl Assembler {
    /// A place for later.
    pub(super) fn label(&mut self) -> JumpLabel {
        self.places.push(0);
        JumpLabel(self.places.len() - 1)
    }

    /// Says that `label` is here.
    pub(super) fn here(&mut self, label: JumpLabel) {
        self.places[label.0] = self.code.len();
    }

    /// `register = number`.
    pub(super) fn set(&mut self, register: u8, number: i64) {
        match i32::try_from(number) {
            Ok(number) => self.code.push(Insn::set(register, number)),
            Err(_) => self.wide(register, wide::NUMBER, number),
        }
    }

    /// `register = &variables`.
    pub(super) fn variables(&mut self, register: u8) {
        self.variables.push(self.code.len());
        self.wide(register, wide::NUMBER, 0);
    }

    fn wide(&mut self, to: u8, source: u8, number: i64) {
        let (low, high) = (number as i32, (number >> 32) as i32);
        self.code.push(Insn { opcode: WIDE, to, source, offset: 0, immediate: low });
        self.code.push(Insn { immediate: high, ..Insn::default() });
    }

    /// `to = from`.
    pub(super) fn copy(&mut self, to: u8, from: u8) {
        const MOVE: u8 = 0xb0;
        let opcode = class::COMPUTE | REGISTER | MOVE;
        self.code.push(Insn { opcode, to, source: from, ..Insn::default() });
    }

    /// Leaves only the lower bits of `register`: all but `lost`.
    pub(super) fn keep_lower(&mut self, register: u8, lost: u8, is_signed: bool) {
        const LEFT: u8 = 0x60;
        const RIGHT: u8 = 0x70;
        const SIGNED_RIGHT: u8 = 0xc0;
        if lost == 0 {
            return;
        }
        for operation in [LEFT, if is_signed { SIGNED_RIGHT } else { RIGHT }] {
            let opcode = class::COMPUTE | operation;
            self.code.push(Insn {
                opcode,
                to: register,
                immediate: lost.into(),
                ..Insn::default()
            });
        }
    }

    /// `to = *(address + offset)`, of `size` bytes; whether there is such an instruction.
    pub(super) fn load(&mut self, to: u8, address: u8, offset: u32, size: u32) -> bool {
        let (Some(width), Ok(offset)) = (width(size), i16::try_from(offset)) else { return false };
        let opcode = class::LOAD_MEMORY | MEMORY | width;
        self.code.push(Insn { opcode, to, source: address, offset, immediate: 0 });
        true
    }

    /// `*(address + offset) = bytes`, which are at most four; whether there is such an instruction.
    pub(super) fn store(&mut self, address: u8, offset: u32, bytes: &[u8]) -> bool {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (Some(width), Ok(offset)) = (width(size), i16::try_from(offset)) else { return false };
        let immediate = match *bytes {
            [one] => i32::from(one),
            [one, two] => i32::from(u16::from_ne_bytes([one, two])),
            [one, two, three, four] => i32::from_ne_bytes([one, two, three, four]),
            _ => return false,
        };
        let opcode = class::STORE | MEMORY | width;
        self.code.push(Insn { opcode, to: address, source: 0, offset, immediate });
        true
    }

    /// `register = atomic_fetch_add(*address, register)`, of eight bytes.
    pub(super) fn fetch_add(&mut self, address: u8, register: u8) {
        /// `BPF_ADD | BPF_FETCH`.
        const ADD_AND_FETCH: i32 = 0x01;
        let opcode = class::STORE_REGISTER | ATOMIC | DOUBLE;
        let add =
            Insn { opcode, to: address, source: register, offset: 0, immediate: ADD_AND_FETCH };
        self.code.push(add);
    }

    /// Jumps to `label` if `register` compares so with `number`.
    pub(super) fn jump_if(&mut self, register: u8, test: JumpIf, number: i32, label: JumpLabel) {
        self.jumps.push((self.code.len(), label));
        let opcode = class::JUMP | test as u8;
        self.code.push(Insn { opcode, to: register, source: 0, offset: 0, immediate: number });
    }

    /// Jumps to `label` if `register` compares so with the register `other`.
    pub(super) fn jump_if_register(
        &mut self,
        register: u8,
        test: JumpIf,
        other: u8,
        label: JumpLabel,
    ) {
        self.jumps.push((self.code.len(), label));
        let opcode = class::JUMP | REGISTER | test as u8;
        self.code.push(Insn { opcode, to: register, source: other, offset: 0, immediate: 0 });
    }

    /// Jumps to `label`.
    pub(super) fn jump(&mut self, label: JumpLabel) {
        self.jump_if(0, JumpIf::Always, 0, label);
    }

    /// Ends the program.
    pub(super) fn exit(&mut self) {
        self.code.push(Insn { opcode: EXIT, ..Insn::EXIT });
    }

    /// The instructions, and the numbers of those that refer to variables; none when a jump is too far.
    pub(super) fn finish(mut self) -> Option<(Vec<Insn>, Vec<usize>)> {
        for (at, label) in self.jumps {
            let distance = self.places[label.0].checked_sub(at + 1)?;
            self.code[at].offset = i16::try_from(distance).ok()?;
        }
        Some((self.code, self.variables))
    }
}
