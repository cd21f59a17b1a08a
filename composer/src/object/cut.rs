//! Cuts one program out of its object: its instructions and those of all functions that it reaches,
//! in one sequence, and the references that are still unresolved.
//!
//! An object file may contain much more: programs of unknown types, functions left by a linker,
//! variables of a kernel that does not have them. Unused parts are ignored, so they cannot cause
//! errors; unresolved references have names.
//!
//! Pure, so that `validate` checks exactly what the kernel will load.

use std::collections::{BTreeSet, HashMap};

use thiserror::Error;

use super::{
    LineInfo, Object, Program, Referent, Relocation,
    btf::TypeId,
    core_types,
    insn::{CALL, Insn, SIZE, WIDE, calls, wide},
};

/// A program that is complete except for what only a kernel can provide: descriptors, addresses,
/// offsets of its types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// Instructions of eight bytes: the program's own first, then those of each function that it
    /// reaches, once. Calls and addresses of functions are resolved.
    pub code: Vec<u8>,
    /// Its functions, in that order.
    pub functions: Vec<CutFunction>,
    /// Unresolved references, in instruction order.
    pub open: Vec<Open>,
    /// The lines of source that instructions come from; `at` is an instruction's number.
    pub lines: Vec<LineInfo>,
    /// CO-RE relocations; `at` is an instruction number.
    pub relocations: Vec<Relocation>,
}

/// A function in a [`Cut`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutFunction {
    /// Its index in [`Object::functions`].
    pub function: usize,
    /// The number of its first instruction.
    pub start: u32,
}

/// An instruction that refers to something outside of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its number.
    pub at: u32,
    /// The target; never a function of the object.
    pub to: Referent,
}

/// Why a program cannot be cut out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CutError {
    /// A function whose instructions are not in the file.
    #[error("instructions of `{0}` missing in the file")]
    NoCode(String),
    /// A reference without a target.
    #[error("dangling reference in instruction {at} of `{function}`")]
    Dangling {
        /// The function.
        function: String,
        /// The number of the instruction in it.
        at: usize,
    },
    /// More instructions than any kernel accepts.
    #[error("more instructions than any kernel accepts")]
    TooLong,
}

/// `BPF_COMPLEXITY_LIMIT_INSNS`, in bytes: what the verifier looks at, of all that is loaded.
const LARGEST: usize = 1_000_000 * SIZE;

impl Object {
    /// Cuts `program` out.
    ///
    /// # Errors
    /// [`CutError`], when something that it needs is not in the object.
    pub fn cut(&self, program: &Program) -> Result<Cut, CutError> {
        let mut cut = Cut::default();
        let mut starts = HashMap::new();
        // Jumps to functions that have no place yet: instruction, function.
        let mut jumps = Vec::new();
        let mut waiting = vec![program.function];
        while let Some(index) = waiting.pop() {
            if starts.contains_key(&index) {
                continue;
            }
            let start = number(cut.code.len());
            starts.insert(index, start);
            cut.functions.push(CutFunction { function: index, start });
            let callees = self.append(index, start, &mut cut, &mut jumps)?;
            // The first one called is the next one in the row.
            waiting.extend(callees.into_iter().rev());
            if cut.code.len() > LARGEST {
                return Err(CutError::TooLong);
            }
        }
        for (at, callee) in jumps {
            let Some(start) = starts.get(&callee) else { continue }; // each was waited for
            let distance = i64::from(*start) - i64::from(at) - 1;
            let distance = i32::try_from(distance).map_err(|_| CutError::TooLong)?;
            let at = at as usize;
            let Some(insn) = Insn::at(&cut.code, at) else { continue }; // each was appended
            let source = if insn.opcode == CALL { calls::FUNCTION } else { wide::FUNCTION };
            Insn { source, immediate: distance, ..insn }.put(&mut cut.code, at);
        }
        Ok(cut)
    }

    /// Appends the function with this index; what it calls is to follow.
    fn append(
        &self,
        index: usize,
        start: u32,
        cut: &mut Cut,
        jumps: &mut Vec<(u32, usize)>,
    ) -> Result<Vec<usize>, CutError> {
        let no_code = |name: &str| CutError::NoCode(name.to_owned());
        let function = self.functions.get(index).ok_or_else(|| no_code("?"))?;
        let code = self.bytes.get(function.code.place.clone()).unwrap_or_default();
        if code.is_empty() || code.len() % SIZE != 0 {
            return Err(no_code(&function.name));
        }
        cut.code.extend(code);
        let mut callees = Vec::new();
        for (at, insn) in Insn::all(code).enumerate() {
            let dangling = || CutError::Dangling { function: function.name.clone(), at };
            let place = start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            match function.code.references.get(&at) {
                Some(Referent::Function(callee)) => {
                    jumps.push((place, *callee));
                    callees.push(*callee);
                }
                Some(Referent::Other) => return Err(dangling()),
                Some(to) => {
                    let is_wide = insn.opcode != WIDE || at + 1 < code.len() / SIZE;
                    if !is_wide {
                        return Err(dangling());
                    }
                    cut.open.push(Open { at: place, to: to.clone() });
                }
                // A call within the program that leads to no function.
                None if insn.calls_function() => return Err(dangling()),
                None => {}
            }
        }
        if let Some(section) = self.ext.sections.get(&function.section) {
            let range = function.range();
            let number = |at: u32| {
                let within = (u64::from(at) - range.start) / SIZE as u64;
                start.saturating_add(u32::try_from(within).unwrap_or(u32::MAX))
            };
            let lines = section.lines_in(range.clone()).iter();
            cut.lines.extend(lines.map(|line| LineInfo { at: number(line.at), ..*line }));
            let relocations = section.relocations_in(range.clone()).iter();
            cut.relocations
                .extend(relocations.map(|one| Relocation { at: number(one.at), ..*one }));
        }
        Ok(callees)
    }

    /// The names of the kernel types that the program depends on, without flavors; `None` if it may
    /// depend on all of them.
    #[must_use]
    pub fn kernel_types(&self, cut: &Cut) -> Option<BTreeSet<String>> {
        core_types::of_kernel(&cut.relocations, &self.btf)
    }

    /// The start of each function of `cut`, and the id of its `FUNC` in BTF. Empty unless it is
    /// known for all of them: the kernel requires it for all functions or none.
    #[must_use]
    pub fn function_info(&self, cut: &Cut) -> Vec<(u32, TypeId)> {
        let info = |piece: &CutFunction| {
            let function = self.functions.get(piece.function)?;
            Some((piece.start, function.btf_id?))
        };
        cut.functions.iter().map(info).collect::<Option<_>>().unwrap_or_default()
    }
}

/// The number of the instruction at this place.
fn number(place: usize) -> u32 {
    u32::try_from(place / SIZE).unwrap_or(u32::MAX)
}
