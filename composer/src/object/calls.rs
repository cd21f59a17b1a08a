//! Which functions a function can reach: the call graph of an object, read from its instructions.
//!
//! The kernel loads a program with the functions it reaches and no others, so a stub that nothing
//! calls, because clang folded the call away, is not there to be replaced.

use std::collections::HashSet;

/// One eBPF instruction is eight bytes: opcode, registers, offset, immediate.
/// <https://docs.kernel.org/bpf/standardization/instruction-set.html>
pub(super) const INSTRUCTION: usize = 8;
/// `BPF_JMP | BPF_CALL`.
pub(super) const CALL: u8 = 0x85;
/// `src_reg` of a call to another function of the program.
const PSEUDO_CALL: u8 = 1;
/// `BPF_LD | BPF_IMM | BPF_DW`, which also takes the address of a function for a callback.
pub(super) const LOAD_IMMEDIATE: u8 = 0x18;

/// An instruction that may refer to a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference {
    /// Offset of the instruction in its section, bytes.
    pub(super) at: u64,
    /// Bytes to add to the address of the symbol that a relocation at `at` names. Calls to static
    /// functions go by their section, with the function's offset here.
    pub(super) addend: i64,
    /// Whether it is a call; those need no relocation within one section.
    pub(super) is_call: bool,
}

impl Reference {
    /// Where a call that no relocation touches goes, as an offset in the same section.
    pub(super) fn local_target(self) -> Option<u64> {
        if self.is_call { self.at.checked_add_signed(self.addend) } else { None }
    }
}

/// The helpers that `code` calls: the number of the instruction, and that of the helper.
pub(super) fn helpers(code: &[u8]) -> impl Iterator<Item = (usize, u32)> + '_ {
    code.chunks_exact(INSTRUCTION).enumerate().filter_map(|(at, insn)| {
        // A call of a function of the kernel (kfunc) has another source register.
        let is_helper = insn[0] == CALL && insn[1] >> 4 == 0;
        is_helper.then(|| (at, u32::from_ne_bytes([insn[4], insn[5], insn[6], insn[7]])))
    })
}

/// The helpers that write a line to the kernel's trace: `bpf_trace_printk` and `bpf_trace_vprintk`.
const PRINTS: [u32; 2] = [6, 177];

/// For each call in `code` of a helper that prints, the instruction that put the address of the
/// format into the first argument, where it is plain which one did.
pub(super) fn formats(code: &[u8], start: u64) -> Vec<Option<u64>> {
    const FIRST_ARGUMENT: u8 = 1;
    let targets = jump_targets(code, start);
    let mut found = Vec::new();
    let mut from = None;
    for (at, insn) in (start..).step_by(INSTRUCTION).zip(code.chunks_exact(INSTRUCTION)) {
        let class = insn[0] & 7;
        if targets.contains(&at) {
            from = None; // who comes from there may bring another one
        }
        // Load, load from memory, both kinds of arithmetic; stores and jumps write to no register.
        let writes = matches!(class, 0 | 1 | 4 | 7) && insn[1] & 0xf == FIRST_ARGUMENT;
        if insn[0] == CALL {
            let number = u32::from_ne_bytes([insn[4], insn[5], insn[6], insn[7]]);
            if insn[1] >> 4 == 0 && PRINTS.contains(&number) {
                found.push(from);
            }
            from = None; // a call leaves nothing in it
        } else if writes {
            from = (insn[0] == LOAD_IMMEDIATE).then_some(at);
        }
    }
    found
}

/// Where the jumps in `code` lead.
fn jump_targets(code: &[u8], start: u64) -> HashSet<u64> {
    /// `BPF_JMP32 | BPF_JA`, whose offset is as wide as an immediate.
    const LONG_JUMP: u8 = 0x06;
    let instructions = (start..).step_by(INSTRUCTION).zip(code.chunks_exact(INSTRUCTION));
    let jumps = instructions.filter(|(_, insn)| matches!(insn[0] & 7, 5 | 6) && insn[0] != CALL);
    let target = |(at, insn): (u64, &[u8])| {
        let offset = match insn[0] {
            LONG_JUMP => i64::from(i32::from_ne_bytes([insn[4], insn[5], insn[6], insn[7]])),
            _ => i64::from(i16::from_ne_bytes([insn[2], insn[3]])),
        };
        at.checked_add_signed((offset + 1) * 8)
    };
    jumps.filter_map(target).collect()
}

/// The references in `code`, which begins at byte `start` of its section.
pub(super) fn references(code: &[u8], start: u64) -> impl Iterator<Item = Reference> + '_ {
    (start..).step_by(INSTRUCTION).zip(code.chunks_exact(INSTRUCTION)).filter_map(|(at, insn)| {
        let immediate = i64::from(i32::from_ne_bytes([insn[4], insn[5], insn[6], insn[7]]));
        match (insn[0], insn[1] >> 4) {
            // Relative to the next instruction; the compiler writes -1 in front of a relocation.
            (CALL, PSEUDO_CALL) => {
                Some(Reference { at, addend: (immediate + 1) * 8, is_call: true })
            }
            (LOAD_IMMEDIATE, _) => Some(Reference { at, addend: immediate, is_call: false }),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{formats, references};

    #[test]
    fn a_call_without_relocation_is_relative_to_the_next_instruction() {
        let mut code = [0_u8; 16];
        code[8..].copy_from_slice(&[0x85, 0x10, 0, 0, 2, 0, 0, 0]);
        let found: Vec<_> = references(&code, 64).collect();
        assert_eq!(found.len(), 1);
        // At 72; the next is at 80; two further is 96.
        assert_eq!(found[0].local_target(), Some(96));
    }

    #[test]
    fn a_format_is_known_where_only_one_way_leads_to_the_call() {
        let load = [0x18, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let print = [0x85, 0, 0, 0, 6, 0, 0, 0];
        let over = |by: u8| [0x05, 0, by, 0, 0, 0, 0, 0];
        let copy = [0xbf, 0x61, 0, 0, 0, 0, 0, 0]; // r1 = r6
        assert_eq!(formats(&[&load[..], &print].concat(), 8), [Some(8)]);
        assert_eq!(formats(&[&load[..], &print, &print].concat(), 0), [Some(0), None]);
        assert_eq!(formats(&[&load[..], &copy, &print].concat(), 0), [None]);
        // load, go on to the call; load another one, call.
        assert_eq!(formats(&[&load[..], &over(2), &load, &print].concat(), 0), [None]);
        assert_eq!(formats(&[&over(0)[..], &load, &print].concat(), 0), [Some(8)]);
    }

    #[test]
    fn a_helper_call_is_no_reference() {
        assert_eq!(references(&[0x85, 0, 0, 0, 5, 0, 0, 0], 0).count(), 0);
    }
}
