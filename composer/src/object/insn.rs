//! eBPF instructions: eight bytes, their fields, and the meanings of the numbers.
//!
//! The only module that defines the layout, in both byte orders, and the numbers:
//! <https://docs.kernel.org/bpf/standardization/instruction-set.html>. Source registers with a
//! meaning are `BPF_PSEUDO_*` in
//! <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>. The behaviour of
//! instructions is defined in [`flow`](super::flow).

/// Size of an instruction in bytes. One with an immediate of 64 bits has two slots.
pub const SIZE: usize = 8;

/// The lowest three bits of an opcode.
pub mod class {
    /// `BPF_LD`, of which [`WIDE`](super::WIDE) is the one in use.
    pub const LOAD: u8 = 0;
    /// `BPF_LDX`: from memory.
    pub const LOAD_MEMORY: u8 = 1;
    /// `BPF_ST`: an immediate to memory.
    pub const STORE: u8 = 2;
    /// `BPF_STX`: a register to memory.
    pub const STORE_REGISTER: u8 = 3;
    /// `BPF_ALU`: arithmetic of 32 bits.
    pub const COMPUTE_32: u8 = 4;
    /// `BPF_JMP`: jumps, calls and the end.
    pub const JUMP: u8 = 5;
    /// `BPF_JMP32`: jumps that compare 32 bits.
    pub const JUMP_32: u8 = 6;
    /// `BPF_ALU64`: arithmetic of 64 bits.
    pub const COMPUTE: u8 = 7;
}

/// `BPF_LD | BPF_IMM | BPF_DW`: an immediate of 64 bits, or an address.
pub const WIDE: u8 = 0x18;
/// `BPF_JMP | BPF_CALL`.
pub const CALL: u8 = 0x85;
/// `BPF_JMP | BPF_EXIT`.
pub const EXIT: u8 = 0x95;
/// `BPF_ALU64 | BPF_MOV | BPF_K`: a register is set to the immediate.
pub const SET: u8 = 0xb7;

/// The second operand is a register, and not the immediate.
pub const REGISTER: u8 = 0x08;
/// `BPF_MEM`: memory is read or written as it is.
pub const MEMORY: u8 = 0x60;
/// `BPF_ATOMIC`: it is changed in one step, which the immediate says.
pub const ATOMIC: u8 = 0xc0;
/// The bits of an opcode for eight bytes of memory.
pub const DOUBLE: u8 = 0x18;

/// The bits of an opcode that say how many bytes of memory are read or written; `None` for another number.
#[must_use]
pub const fn width(bytes: u32) -> Option<u8> {
    match bytes {
        1 => Some(0x10),
        2 => Some(0x08),
        4 => Some(0x00),
        8 => Some(DOUBLE),
        _ => None,
    }
}

/// Values of the source register of a [`CALL`]: the kind of callee.
pub mod calls {
    /// A helper, by its number.
    pub const HELPER: u8 = 0;
    /// `BPF_PSEUDO_CALL`: a function of the program, relative to the next instruction.
    pub const FUNCTION: u8 = 1;
    /// `BPF_PSEUDO_KFUNC_CALL`: a function of the kernel, by its BTF id.
    pub const KERNEL_FUNCTION: u8 = 2;
}

/// Values of the source register of a [`WIDE`] instruction: the kind of immediate.
pub mod wide {
    /// A number.
    pub const NUMBER: u8 = 0;
    /// `BPF_PSEUDO_MAP_FD`: a map's descriptor.
    pub const MAP: u8 = 1;
    /// `BPF_PSEUDO_MAP_VALUE`: a map's descriptor, and a place in its first value.
    pub const MAP_VALUE: u8 = 2;
    /// `BPF_PSEUDO_BTF_ID`: a variable of the kernel, by its BTF id.
    pub const KERNEL_VARIABLE: u8 = 3;
    /// `BPF_PSEUDO_FUNC`: the address of a function of the program, as far away as of a call.
    pub const FUNCTION: u8 = 4;
}

/// An instruction, field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Insn {
    /// The operation; see [`class`].
    pub opcode: u8,
    /// The register that is written; of a store, the one with the address. Up to 15, of which 0 to
    /// 10 exist.
    pub to: u8,
    /// The register that is read, or the kind of the immediate.
    pub source: u8,
    /// Bytes from an address, or how far to jump.
    pub offset: i16,
    /// A number.
    pub immediate: i32,
}

impl Insn {
    /// The end of a function.
    pub const EXIT: Self = Self { opcode: EXIT, to: 0, source: 0, offset: 0, immediate: 0 };

    /// `register = number`, a register from 0 to 9.
    #[must_use]
    pub const fn set(register: u8, number: i32) -> Self {
        Self { opcode: SET, to: register, source: 0, offset: 0, immediate: number }
    }

    /// A call of `number`, whose kind is `source`; see [`calls`].
    #[must_use]
    pub const fn call(source: u8, number: i32) -> Self {
        Self { opcode: CALL, to: 0, source, offset: 0, immediate: number }
    }

    /// The instruction in these bytes.
    #[must_use]
    pub fn of(bytes: [u8; SIZE]) -> Self {
        let [opcode, registers, o0, o1, i0, i1, i2, i3] = bytes;
        let (low, high) = (registers & 0xf, registers >> 4);
        let (to, source) = if cfg!(target_endian = "little") { (low, high) } else { (high, low) };
        Self {
            opcode,
            to,
            source,
            offset: i16::from_ne_bytes([o0, o1]),
            immediate: i32::from_ne_bytes([i0, i1, i2, i3]),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; SIZE] {
        let (to, source) = (self.to & 0xf, self.source & 0xf);
        let registers =
            if cfg!(target_endian = "little") { source << 4 | to } else { to << 4 | source };
        let ([o0, o1], [i0, i1, i2, i3]) =
            (self.offset.to_ne_bytes(), self.immediate.to_ne_bytes());
        [self.opcode, registers, o0, o1, i0, i1, i2, i3]
    }

    /// The instruction with number `at` in `code`; `None` beyond the end.
    #[must_use]
    pub fn at(code: &[u8], at: usize) -> Option<Self> {
        let start = at.checked_mul(SIZE)?;
        Some(Self::of(*code.get(start..)?.first_chunk()?))
    }

    /// Writes it as number `at` of `code`, unless that is beyond the end.
    pub fn put(self, code: &mut [u8], at: usize) {
        let place = at.checked_mul(SIZE).and_then(|start| code.get_mut(start..));
        if let Some(place) = place.and_then(|rest| rest.first_chunk_mut()) {
            *place = self.bytes();
        }
    }

    /// All places of `code` in their order, second halves of wide instructions too.
    pub fn all(code: &[u8]) -> impl Iterator<Item = Self> + '_ {
        code.chunks_exact(SIZE).filter_map(|chunk| Some(Self::of(*chunk.first_chunk()?)))
    }

    /// Its class.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.opcode & 7
    }

    /// The number of the helper that it calls.
    #[must_use]
    pub const fn helper(self) -> Option<u32> {
        match (self.opcode, self.source) {
            (CALL, calls::HELPER) => Some(self.immediate.cast_unsigned()),
            _ => None,
        }
    }

    /// Whether it calls a function of the program.
    #[must_use]
    pub const fn calls_function(self) -> bool {
        self.opcode == CALL && self.source == calls::FUNCTION
    }

    /// The jump distance relative to the next instruction. For `BPF_JMP32 | BPF_JA` it is the
    /// immediate, which has a larger range than the offset.
    #[must_use]
    pub fn jump(self) -> Option<i64> {
        match (self.class(), self.opcode & 0xf0) {
            (class::JUMP | class::JUMP_32, 0x80 | 0x90) => None, // calls, and the end
            (class::JUMP_32, 0x00) => Some(self.immediate.into()),
            (class::JUMP | class::JUMP_32, _) => Some(self.offset.into()),
            _ => None,
        }
    }
}

/// Makes the wide instruction with number `at` in `code` load the 64 bits of `low` and `high`,
/// whose kind is `source`; see [`wide`].
pub fn set_wide(code: &mut [u8], at: usize, source: u8, low: i32, high: i32) {
    let next = at.saturating_add(1);
    let (Some(first), Some(second)) = (Insn::at(code, at), Insn::at(code, next)) else { return };
    Insn { source, immediate: low, ..first }.put(code, at);
    Insn { immediate: high, ..second }.put(code, next);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CALL, Insn, SIZE, WIDE, set_wide, wide};

    #[test]
    #[cfg(target_endian = "little")]
    fn fields_are_where_clang_puts_them() {
        // *(u64 *)(r10 - 8) = r1
        let store = Insn { opcode: 0x7b, to: 10, source: 1, offset: -8, immediate: 0 };
        assert_eq!(store.bytes(), [0x7b, 0x1a, 0xf8, 0xff, 0, 0, 0, 0]);
        assert_eq!(Insn::call(1, 2).bytes(), [CALL, 0x10, 0, 0, 2, 0, 0, 0]);
        assert_eq!(Insn::set(5, -1).bytes(), [0xb7, 5, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    }

    #[test]
    fn only_what_a_call_of_a_helper_calls_is_a_helper() {
        assert_eq!(Insn::call(0, 5).helper(), Some(5));
        assert_eq!(Insn::call(2, 5).helper(), None);
        assert!(Insn::call(1, 5).calls_function());
        assert_eq!(Insn::set(0, 5).helper(), None);
    }

    #[test]
    fn a_jump_goes_by_its_offset_or_its_immediate() {
        let jump = |opcode| Insn { opcode, offset: 3, immediate: 70_000, ..Insn::default() }.jump();
        assert_eq!([0x05, 0x15, 0x1e, 0x06].map(jump), [Some(3), Some(3), Some(3), Some(70_000)]);
        assert_eq!([CALL, 0x95, 0xb7, WIDE].map(jump), [None; 4]);
    }

    #[test]
    fn a_wide_immediate_is_two_halves_and_keeps_its_register() {
        let first = Insn { opcode: WIDE, to: 2, ..Insn::default() };
        let mut code = [first.bytes(), [0; SIZE]].concat();
        set_wide(&mut code, 0, wide::MAP_VALUE, 7, 9);
        let expected = Insn { source: wide::MAP_VALUE, immediate: 7, ..first };
        assert_eq!(Insn::at(&code, 0), Some(expected));
        assert_eq!(Insn::at(&code, 1), Some(Insn { immediate: 9, ..Insn::default() }));
        // Where its second half is cut off, nothing is written.
        let mut half = first.bytes();
        set_wide(&mut half, 0, wide::MAP, 7, 9);
        assert_eq!(half, first.bytes());
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(bytes: [u8; SIZE], at in 0_usize..4) {
            prop_assert_eq!(Insn::of(bytes).bytes(), bytes);
            let mut code = [0; 3 * SIZE];
            Insn::of(bytes).put(&mut code, at);
            let expected = (at < 3).then(|| Insn::of(bytes));
            prop_assert_eq!(Insn::at(&code, at), expected);
            prop_assert_eq!(Insn::all(&code).count(), 3);
            prop_assert_eq!(Insn::at(&code, usize::MAX), None);
        }
    }
}
