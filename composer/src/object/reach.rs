//! Which instructions of a function the verifier is sure to come to.
//!
//! It walks through a program and takes both ways at a condition, unless it knows how that turns
//! out; what it never comes to is dropped and may be anything. So from the instructions alone only
//! this is sure: what lies on every way through the function, and, behind a test of what
//! `bpf_map_lookup_elem` and its like just returned, the way on which it is not NULL. All else
//! counts as doubtful here.

use std::collections::BTreeSet;

use petgraph::{
    Direction,
    algo::dominators::{self, Dominators},
    graph::{DiGraph, NodeIndex},
    visit::Reversed,
};

use super::insn::{CALL, SIZE as INSTRUCTION, WIDE as LOAD_IMMEDIATE};

/// What happens in a function whichever way it goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sure {
    /// Numbers of helpers that it calls.
    pub helpers: BTreeSet<u32>,
    /// Indices of functions that it calls.
    pub calls: BTreeSet<usize>,
    /// Whether it calls a function of the kernel (kfunc), of which some never return.
    pub leaves: bool,
}

/// Instruction classes and operations.
/// <https://docs.kernel.org/bpf/standardization/instruction-set.html>
const CLASS: u8 = 0x07;
const JMP: u8 = 0x05;
const JMP32: u8 = 0x06;
const ALWAYS: u8 = 0x05;
const ALWAYS_LONG: u8 = 0x06;
const EXIT: u8 = 0x95;
const EQUAL: u8 = 0x15;
const NOT_EQUAL: u8 = 0x55;
const MOVE: u8 = 0xbf;
/// `BPF_STX | BPF_ATOMIC`, without the size: it may write a register.
const ATOMIC: u8 = 0xc3;
/// `src_reg` of a call to a function of the kernel.
const PSEUDO_KFUNC: u8 = 2;

/// Helpers that return a pointer or NULL, neither of which the verifier rules out:
/// `bpf_map_lookup_elem` and `bpf_ringbuf_reserve`.
const OR_NULL: [u32; 2] = [1, 131];

/// The way through a function, as far as it is sure.
#[derive(Debug, Default)]
pub(super) struct Way {
    sure: Vec<bool>,
    pub(super) leaves: bool,
}

impl Way {
    /// Of a whole function.
    pub(super) fn through(code: &[u8]) -> Self {
        let instructions: Vec<&[u8]> = code.chunks_exact(INSTRUCTION).collect();
        let leaves =
            instructions.iter().any(|insn| insn[0] == CALL && insn[1] >> 4 == PSEUDO_KFUNC);
        // What jumps out of itself is not understood here, and nothing of it is sure.
        let sure = Flow::of(&instructions).map_or_else(Vec::new, |flow| flow.sure());
        Self { sure, leaves }
    }

    /// Whether it passes the instruction with this number.
    pub(super) fn passes(&self, at: usize) -> bool {
        self.sure.get(at).copied().unwrap_or(false)
    }
}

/// The instructions of a function and where each leads, with one more node behind all its ends.
struct Flow<'a> {
    instructions: &'a [&'a [u8]],
    graph: DiGraph<(), ()>,
    /// From the end: what every way from an instruction to it has to pass.
    joins: Dominators<NodeIndex>,
}

impl<'a> Flow<'a> {
    /// None when it jumps to where no instruction of it is.
    fn of(instructions: &'a [&'a [u8]]) -> Option<Self> {
        let mut graph = DiGraph::with_capacity(instructions.len() + 1, instructions.len());
        for _ in 0..=instructions.len() {
            graph.add_node(());
        }
        let end = NodeIndex::new(instructions.len());
        let mut wide = false;
        for (at, insn) in instructions.iter().enumerate() {
            if std::mem::take(&mut wide) {
                continue; // the second half of one
            }
            wide = insn[0] == LOAD_IMMEDIATE;
            let place = |offset: i64| {
                let to = i64::try_from(at).ok()?.checked_add(offset)?.checked_add(1)?;
                usize::try_from(to).ok().filter(|to| *to < instructions.len()).map(NodeIndex::new)
            };
            let from = NodeIndex::new(at);
            match insn[0] {
                EXIT => drop(graph.add_edge(from, end, ())),
                ALWAYS => drop(graph.add_edge(from, place(short(insn))?, ())),
                ALWAYS_LONG => drop(graph.add_edge(from, place(immediate(insn))?, ())),
                CALL => drop(graph.add_edge(from, place(0)?, ())),
                code if is_jump(code) => {
                    graph.add_edge(from, place(0)?, ());
                    graph.add_edge(from, place(short(insn))?, ());
                }
                LOAD_IMMEDIATE => drop(graph.add_edge(from, place(1)?, ())),
                _ => drop(graph.add_edge(from, place(0)?, ())),
            }
        }
        let joins = dominators::simple_fast(Reversed(&graph), end);
        Some(Self { instructions, graph, joins })
    }

    /// For each instruction, whether it is passed for sure.
    fn sure(&self) -> Vec<bool> {
        let mut sure = vec![false; self.instructions.len()];
        let mut open = vec![NodeIndex::new(0)];
        while let Some(node) = open.pop() {
            match sure.get_mut(node.index()) {
                Some(seen) if !*seen => *seen = true,
                _ => continue, // walked already, or the end
            }
            open.extend(self.joins.immediate_dominator(node));
            open.extend(self.not_null(node.index()));
        }
        sure
    }

    /// Where the jump at `at` leads when what it tests is not NULL, if it tests for that what a
    /// helper has just returned.
    fn not_null(&self, at: usize) -> Option<NodeIndex> {
        let test = self.instructions.get(at)?;
        if !matches!(test[0], EQUAL | NOT_EQUAL) || immediate(test) != 0 {
            return None;
        }
        let mut register = test[1] & 0xf;
        for before in (0..at).rev() {
            // Nothing else leads to what lies between the two.
            let mut into =
                self.graph.neighbors_directed(NodeIndex::new(before + 1), Direction::Incoming);
            if into.next()?.index() != before || into.next().is_some() {
                return None;
            }
            let insn = self.instructions.get(before)?;
            let (to, from) = (insn[1] & 0xf, insn[1] >> 4);
            match insn[0] {
                CALL if register == 0 => {
                    let number = u32::try_from(immediate(insn)).ok()?;
                    let found = from == 0 && OR_NULL.contains(&number);
                    let skip = if test[0] == EQUAL { 0 } else { short(test) };
                    let target = i64::try_from(at).ok()?.checked_add(skip)?.checked_add(1)?;
                    return found.then_some(NodeIndex::new(usize::try_from(target).ok()?));
                }
                // A call leaves registers 6 to 9 as they are.
                CALL if register > 5 => {}
                MOVE if to == register && short(insn) == 0 => register = from,
                code if code == CALL || is_jump(code) || code & !0x18 == ATOMIC => return None,
                // Loads and arithmetic write where stores do not.
                code if to == register && !matches!(code & CLASS, 2 | 3) => return None,
                _ => {}
            }
        }
        None
    }
}

fn is_jump(code: u8) -> bool {
    matches!(code & CLASS, JMP | JMP32)
}

fn short(insn: &[u8]) -> i64 {
    i64::from(i16::from_ne_bytes([insn[2], insn[3]]))
}

fn immediate(insn: &[u8]) -> i64 {
    i64::from(i32::from_ne_bytes([insn[4], insn[5], insn[6], insn[7]]))
}

#[cfg(test)]
mod tests {
    use super::Way;

    /// An instruction of code, registers (source, destination), offset and immediate.
    fn insn(code: u8, registers: u8, offset: i16, immediate: i32) -> [u8; 8] {
        let ([a, b], [c, d, e, f]) = (offset.to_ne_bytes(), immediate.to_ne_bytes());
        [code, registers, a, b, c, d, e, f]
    }

    fn helper(number: i32) -> [u8; 8] {
        insn(0x85, 0, 0, number)
    }

    /// r0 = 0
    fn nothing() -> [u8; 8] {
        insn(0xb7, 0, 0, 0)
    }

    fn exit() -> [u8; 8] {
        insn(0x95, 0, 0, 0)
    }

    /// If register `of` is zero, over `skip` instructions.
    fn if_zero(of: u8, skip: i16) -> [u8; 8] {
        insn(0x15, of, skip, 0)
    }

    fn sure(code: &[[u8; 8]]) -> Vec<usize> {
        let way = Way::through(&code.concat());
        (0..code.len()).filter(|at| way.passes(*at)).collect()
    }

    #[test]
    fn a_straight_line_is_sure() {
        assert_eq!(sure(&[helper(5), nothing(), exit()]), [0, 1, 2]);
        // The second half of a wide instruction is none of its own.
        let wide = [insn(0x18, 1, 0, 0), [0; 8], helper(5), exit()];
        assert_eq!(sure(&wide), [0, 2, 3]);
    }

    #[test]
    fn what_hangs_on_a_condition_is_doubtful_and_what_follows_is_sure_again() {
        assert_eq!(sure(&[if_zero(1, 1), helper(5), helper(6), exit()]), [0, 2, 3]);
        // An early end leaves nothing sure behind it.
        assert_eq!(sure(&[if_zero(1, 1), exit(), helper(6), exit()]), [0]);
        // if (x) helper else helper
        let both = [if_zero(1, 2), helper(5), insn(0x05, 0, 1, 0), helper(5), exit()];
        assert_eq!(sure(&both), [0, 4]);
    }

    #[test]
    fn behind_a_test_for_null_the_other_way_is_sure() {
        let plain = [helper(131), if_zero(0, 1), helper(16), exit()];
        assert_eq!(sure(&plain), [0, 1, 2, 3]);
        // if (r6 != 0) goto, where r6 is what r0 was
        let moved = [
            helper(1),
            insn(0xbf, 0x06, 0, 0),
            helper(5),
            insn(0x55, 6, 1, 0),
            exit(),
            helper(16),
            exit(),
        ];
        assert_eq!(sure(&moved), [0, 1, 2, 3, 5, 6]);
    }

    #[test]
    fn a_test_of_anything_else_is_a_condition() {
        // Of a helper that returns a number.
        assert_eq!(sure(&[helper(5), if_zero(0, 1), helper(16), exit()]), [0, 1, 3]);
        // Of a register that was written since.
        let written = [helper(131), insn(0x79, 0x10, 0, 0), if_zero(0, 1), helper(16), exit()];
        assert_eq!(sure(&written), [0, 1, 2, 4]);
        // Of what may come from elsewhere.
        let joined = [if_zero(1, 1), helper(131), if_zero(0, 1), helper(16), exit()];
        assert_eq!(sure(&joined), [0, 2, 4]);
    }

    #[test]
    fn loops_end_and_jumps_to_nowhere_leave_nothing_sure() {
        assert_eq!(sure(&[helper(5), insn(0x05, 0, -2, 0)]), [0]);
        assert_eq!(sure(&[helper(5), insn(0x15, 1, -2, 0), helper(6), exit()]), [0, 1, 2, 3]);
        assert_eq!(sure(&[helper(5), insn(0x05, 0, 9, 0), exit()]), [] as [usize; 0]);
        assert_eq!(sure(&[helper(5)]), [] as [usize; 0]);
        assert_eq!(sure(&[]), [] as [usize; 0]);
    }

    #[test]
    fn a_function_of_the_kernel_may_not_return() {
        assert!(Way::through(&[insn(0x85, 0x20, 0, 0), exit()].concat()).leaves);
        assert!(!Way::through(&[insn(0x85, 0x10, 0, 0), exit()].concat()).leaves);
    }
}
