//! The call graph of an object, read from its instructions.
//!
//! The kernel loads a program with only the functions that it reaches. So a stub that nothing
//! calls, because clang removed the call, cannot be replaced.

use std::collections::HashSet;

use super::{
    helpers::helper,
    insn::{CALL, Insn, SIZE, WIDE, class},
};

/// An instruction that may refer to a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FunctionReference {
    /// Offset of the instruction in its section, bytes.
    pub(super) at: u64,
    /// Bytes to add to the address of the symbol that a relocation at `at` names. Calls to static
    /// functions go by their section, with the function's offset here.
    pub(super) addend: i64,
    /// Whether it is a call; those need no relocation within one section.
    pub(super) is_call: bool,
}

impl FunctionReference {
    /// Where a call that no relocation touches goes, as an offset in the same section.
    pub(super) fn local_target(self) -> Option<u64> {
        if self.is_call { self.at.checked_add_signed(self.addend) } else { None }
    }
}

/// The numbers of the helpers that `code` calls.
pub(super) fn helpers(code: &[u8]) -> impl Iterator<Item = u32> + '_ {
    Insn::all(code).filter_map(Insn::helper)
}

/// The instructions of `code`, which begins at byte `start` of its section, each with its place.
fn placed(code: &[u8], start: u64) -> impl Iterator<Item = (u64, Insn)> + '_ {
    (start..).step_by(SIZE).zip(Insn::all(code))
}

/// For each call in `code` of a helper that prints, the instruction that put the address of the
/// format into the first argument, where it is plain which one did.
pub(super) fn formats(code: &[u8], start: u64) -> Vec<Option<u64>> {
    const FIRST_ARGUMENT: u8 = 1;
    let targets = jump_targets(code, start);
    let mut found = Vec::new();
    let mut from = None;
    for (at, insn) in placed(code, start) {
        if targets.contains(&at) {
            from = None; // who comes from there may bring another one
        }
        // Stores and jumps write to no register.
        let writes = matches!(
            insn.class(),
            class::LOAD | class::LOAD_MEMORY | class::COMPUTE_32 | class::COMPUTE
        );
        if insn.opcode == CALL {
            if insn.helper().and_then(helper).is_some_and(|helper| helper.prints) {
                found.push(from);
            }
            from = None; // a call leaves nothing in it
        } else if writes && insn.to == FIRST_ARGUMENT {
            from = (insn.opcode == WIDE).then_some(at);
        }
    }
    found
}

/// Where the jumps in `code` lead.
fn jump_targets(code: &[u8], start: u64) -> HashSet<u64> {
    let target = |(at, insn): (u64, Insn)| at.checked_add_signed((insn.jump()? + 1) * 8);
    placed(code, start).filter_map(target).collect()
}

/// The references in `code`, which begins at byte `start` of its section.
pub(super) fn references(code: &[u8], start: u64) -> impl Iterator<Item = FunctionReference> + '_ {
    placed(code, start).filter_map(|(at, insn)| {
        let immediate = i64::from(insn.immediate);
        match insn.opcode {
            // Relative to the next instruction; the compiler writes -1 in front of a relocation.
            CALL if insn.calls_function() => {
                Some(FunctionReference { at, addend: (immediate + 1) * 8, is_call: true })
            }
            WIDE => Some(FunctionReference { at, addend: immediate, is_call: false }),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{formats, references};
    use crate::object::insn::{Insn, WIDE, calls};

    fn code(insns: &[Insn]) -> Vec<u8> {
        insns.iter().flat_map(|insn| insn.bytes()).collect()
    }

    #[test]
    fn a_call_without_relocation_is_relative_to_the_next_instruction() {
        let code = code(&[Insn::default(), Insn::call(calls::FUNCTION, 2)]);
        let found: Vec<_> = references(&code, 64).collect();
        assert_eq!(found.len(), 1);
        // At 72; the next is at 80; two further is 96.
        assert_eq!(found[0].local_target(), Some(96));
    }

    #[test]
    fn a_format_is_known_where_only_one_way_leads_to_the_call() {
        let load = [Insn { opcode: WIDE, to: 1, ..Insn::default() }, Insn::default()];
        let print = [Insn::call(calls::HELPER, 6)];
        let over = |by| [Insn { opcode: 0x05, offset: by, ..Insn::default() }];
        let copy = [Insn { opcode: 0xbf, to: 1, source: 6, ..Insn::default() }]; // r1 = r6
        let of = |parts: &[&[Insn]], start| formats(&code(&parts.concat()), start);
        assert_eq!(of(&[&load, &print], 8), [Some(8)]);
        assert_eq!(of(&[&load, &print, &print], 0), [Some(0), None]);
        assert_eq!(of(&[&load, &copy, &print], 0), [None]);
        // load, go on to the call; load another one, call.
        assert_eq!(of(&[&load, &over(2), &load, &print], 0), [None]);
        assert_eq!(of(&[&over(0), &load, &print], 0), [Some(8)]);
    }

    #[test]
    fn a_helper_call_is_no_reference() {
        assert_eq!(references(&Insn::call(calls::HELPER, 5).bytes(), 0).count(), 0);
    }
}
