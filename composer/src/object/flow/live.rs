//! Liveness of registers: which of them may still be read.
//!
//! States that differ only in a register that is never read again need not be distinguished, and code that is
//! inserted may use such a register.

use crate::object::insn::{ATOMIC, CALL, EXIT, Insn, REGISTER, SIZE, WIDE, calls, class};

/// Bits of the registers that may be read at each instruction or behind it.
pub(in crate::object) struct LiveRegisters(Vec<u16>);

/// Longer functions, and knots of jumps, are not looked at: then every register counts.
const LONGEST: usize = 1 << 15;
const ROUNDS: usize = 32;

const ALL: u16 = 0x7ff;
const ARGUMENTS: u16 = 0b11_1110;
/// What a call leaves nothing in: the result and the arguments.
const SCRATCH: u16 = 0b11_1111;

impl LiveRegisters {
    /// Of one function.
    pub(in crate::object) fn of(code: &[u8]) -> Self {
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
    pub(in crate::object) fn has(&self, at: usize, register: usize) -> bool {
        self.0.get(at).is_none_or(|bits| bits >> register & 1 == 1)
    }
}

/// The registers that may be read at an instruction or behind it, when `live` has those of the others.
fn before(code: &[u8], at: usize, live: &[u16]) -> u16 {
    let Some(insn) = Insn::at(code, at) else { return 0 };
    let after = |to: i64| {
        let to = i64::try_from(at).ok().and_then(|at| usize::try_from(at + 1 + to).ok());
        to.and_then(|to| live.get(to)).copied().unwrap_or(0)
    };
    let next = match (insn.opcode, insn.opcode & 0xf0) {
        (EXIT, _) => 0,
        (WIDE, _) => after(1),
        (_, 0x00) if insn.jump().is_some() => insn.jump().map_or(0, after),
        _ => after(0) | insn.jump().map_or(0, after),
    };
    let (reads, writes) = uses(insn);
    next & !writes | reads
}

/// The registers that an instruction reads, and those that it writes whatever happens.
fn uses(insn: Insn) -> (u16, u16) {
    if insn.to > 10 || insn.source > 10 {
        return (ALL, 0);
    }
    let (to, source) = (1_u16 << insn.to, 1_u16 << insn.source);
    let operand = if insn.opcode & REGISTER == 0 { 0 } else { source };
    match (insn.class(), insn.opcode & 0xf0) {
        (class::LOAD, _) if insn.opcode == WIDE => (0, to),
        // Loads of packets, which the context in r6 has, call a function of the kernel.
        (class::LOAD, _) => (1 << 6 | source, SCRATCH),
        (class::LOAD_MEMORY, _) => (source, to),
        (class::STORE, _) => (to, 0),
        // What is compared with is in r0; what it fetches is written, too.
        (class::STORE_REGISTER, _) if insn.opcode & 0xe0 == ATOMIC => (to | source | 1, 0),
        (class::STORE_REGISTER, _) => (to | source, 0),
        (class::COMPUTE | class::COMPUTE_32, 0xb0) => (operand, to),
        // Byte swaps and negation have one operand.
        (class::COMPUTE | class::COMPUTE_32, 0x80 | 0xd0) => (to, to),
        (class::COMPUTE | class::COMPUTE_32, _) => (to | operand, to),
        (_, 0x80) => match (insn.opcode, insn.source) {
            (CALL, calls::HELPER | calls::FUNCTION | calls::KERNEL_FUNCTION) => {
                (ARGUMENTS, SCRATCH)
            }
            _ => (ALL, 0),
        },
        (_, 0x90) => (1, 0),
        (_, 0x00 | 0xe0) => (0, 0), // jumps without a condition on registers
        _ => (to | operand, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::LiveRegisters;
    use crate::object::insn::{Insn, calls};

    fn insn(opcode: u8, to: u8, source: u8, offset: i16) -> Insn {
        Insn { opcode, to, source, offset, immediate: 0 }
    }

    /// The registers that are live at each instruction.
    fn live(code: &[Insn]) -> Vec<Vec<usize>> {
        let bytes: Vec<u8> = code.iter().flat_map(|insn| insn.bytes()).collect();
        let live = LiveRegisters::of(&bytes);
        let at = |at| (0..=10).filter(|register| live.has(at, *register)).collect();
        (0..code.len()).map(at).collect()
    }

    #[test]
    fn a_register_is_live_until_it_is_read_for_the_last_time() {
        let code = [
            insn(0x3f, 1, 2, 0),           // r1 /= r2
            insn(0xbf, 3, 1, 0),           // r3 = r1
            insn(0xd4, 3, 0, 0),           // r3 = le16 r3
            insn(0xdb, 10, 3, -8),         // *(u64 *)(r10 - 8) += r3
            Insn::call(calls::HELPER, 14), // reads r1 to r5
            Insn::EXIT,
        ];
        let arguments = [1, 2, 3, 4, 5];
        assert_eq!(live(&code)[0], [0, 1, 2, 4, 5, 10]);
        assert_eq!(live(&code)[3], [0, 1, 2, 3, 4, 5, 10]);
        assert_eq!(live(&code)[4], arguments);
        assert_eq!(live(&code)[5], [0]);
    }

    #[test]
    fn both_ways_of_a_branch_count_and_one_of_a_jump() {
        let code = [
            insn(0x1d, 1, 6, 2), // if r1 == r6 goto +2
            insn(0xbf, 0, 7, 0), // r0 = r7
            insn(0x05, 0, 0, 1), // goto +1
            insn(0xbf, 0, 8, 0), // r0 = r8
            Insn::EXIT,
        ];
        assert_eq!(live(&code), [vec![1, 6, 7, 8], vec![7], vec![0], vec![8], vec![0]]);
    }

    #[test]
    fn what_is_not_known_reads_all() {
        assert_eq!(live(&[insn(0x8d, 0, 0, 0)])[0].len(), 11);
        assert_eq!(live(&[insn(0x07, 11, 0, 0)])[0].len(), 11);
    }
}
