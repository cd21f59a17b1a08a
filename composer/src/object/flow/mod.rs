//! Facts read from the instructions of a program, which the verifier is certain to find.
//!
//! The verifier follows every path that it cannot prove dead. Some of these paths can be predicted:
//! those where each branch depends on a number from outside (an argument, a field of the context, a
//! clock) and may therefore go either way. A fact found on such a path is *certain*: the verifier
//! follows it too. A fact behind a branch on a constant that only the composer sets, or on a value
//! that is not tracked here, is not certain, unless both sides of the branch have it in common.
//!
//! Pure, total and bounded: any bytes are accepted as instructions, the analysis stops after a
//! fixed number of steps, and it reports nothing that it did not reach. So it may miss facts, but
//! never reports a wrong one.

mod arithmetic;
mod branch;
mod call;
pub mod constants;
mod helpers;
mod instruction;
mod live;
mod memory;
mod number;
mod parameters;
mod set;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use live::LiveRegisters;
pub use parameters::{ParameterType, PrototypeFault, PrototypeRules, unfit};

use super::{Object, Program, ProgramKind, Referent, btf::TypeId};
use walk::Walker;

/// A fact about one instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fact {
    /// The function the instruction is in.
    pub function: usize,
    /// The number of the instruction in it.
    pub at: usize,
    /// The kind of a fact.
    pub what: FactKind,
}

/// What is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// It calls the global function with this index.
    Calls(usize),
    /// It calls the helper of this number; in findings, see [`Findings::helpers`].
    CallsHelper(u32),
    /// It calls a global function with an invalid argument.
    Passes {
        /// The function's index.
        callee: usize,
        /// Which argument, from 0.
        number: u8,
        /// The type of the parameter.
        wanted: ParameterType,
        /// The value in the register.
        held: ArgumentValue,
    },
    /// A pointer that the caller passed is used before it was compared with NULL.
    Untested {
        /// Which argument, from 0.
        number: u8,
        /// The register it is in.
        register: u8,
        /// Whether a number is added to it; otherwise the memory that it points to is accessed.
        computed: bool,
    },
    /// An access beyond the end of the memory that the caller passed.
    Beyond {
        /// Which argument, from 0.
        number: u8,
        /// The register the pointer is in.
        register: u8,
        /// How many bytes the argument's type has.
        size: u32,
        /// Where the access begins.
        offset: i64,
        /// How many bytes it takes.
        width: u8,
    },
    /// The result of a helper is used without a test for NULL.
    Unchecked {
        /// The source of the pointer.
        giver: NullSource,
        /// The register the pointer is in.
        register: u8,
        /// How it is used.
        used: PointerUse,
    },
    /// It reads its context.
    ReadsContext {
        /// Where the access begins.
        offset: i64,
        /// How many bytes it takes.
        width: u8,
    },
    /// A tracer reads through a pointer that its target was passed.
    ReadsThrough {
        /// Which argument, from 0.
        number: u8,
        /// Where the access begins.
        offset: i64,
        /// How many bytes it takes.
        width: u8,
        /// The type that CO-RE finds the place by, where it does.
        of: Option<TypeId>,
    },
    /// It depends on a kernel type: CO-RE sets the constant if the type exists.
    Relocated,
    /// It ends, and returns this.
    Returns(ReturnValue),
}

/// A helper that returns memory or NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NullSource {
    /// `bpf_ringbuf_reserve`, which returns NULL if the buffer is full.
    Reserve,
    /// `bpf_map_lookup_elem`, which returns NULL if the key does not exist.
    LookUp,
    /// One of them; it is NULL on this way.
    Null,
}

/// How memory is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PointerUse {
    /// It is read or written.
    Accessed,
    /// Something is added to the pointer.
    Computed,
    /// It is passed to the helper with this number.
    Handed(u32),
}

/// The value in the register of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArgumentValue {
    /// Nothing that was ever set.
    Nothing,
    /// A number.
    Number,
    /// The context.
    Context,
    /// The context plus this number of bytes.
    Moved(i64),
    /// Memory of read-only data.
    Constant,
    /// Memory on the stack, of this number of bytes.
    Short(u32),
    /// Some other pointer.
    Pointer,
}

/// The return value of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReturnValue {
    /// This number.
    Number(u64),
    /// One of several numbers.
    Several,
    /// A pointer.
    Pointer,
    /// Nothing that is known here.
    Unclear,
}

/// The results of the analysis of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Facts that the verifier is certain to find.
    pub certain: BTreeSet<Fact>,
    /// Facts that depend on constants set by the composer or the author.
    pub possible: BTreeSet<Fact>,
    /// The minimum stack size of each function in bytes, by its index.
    pub stacks: BTreeMap<usize, u32>,
    /// Further facts if the verifier checks every loaded global function, including those without a
    /// call.
    pub uncalled: BTreeSet<Fact>,
    /// The same of stacks.
    pub uncalled_stacks: BTreeMap<usize, u32>,
    /// The numbers of the helpers that it certainly calls. Code behind a condition that is not
    /// tracked may be dead code for the verifier.
    pub helpers: BTreeSet<u32>,
}

/// Analyses `program` as the kernel loads it in a chain: as a program of `kind` whose entry gets
/// the context or, if `by_prototype`, the arguments of its prototype, as that of a replacement.
#[must_use]
pub fn read(object: &Object, program: &Program, kind: ProgramKind, by_prototype: bool) -> Findings {
    let returns = |fact: &Fact| matches!(fact.what, FactKind::Returns(_));
    let mut found = Findings::default();
    let mut seen = BTreeSet::from([program.function]);
    let mut open = vec![(program.function, by_prototype)];
    while let Some((function, by_prototype)) = open.pop() {
        let findings = Walker::new(object, kind).walk(function, by_prototype);
        // A global function is verified by itself; newer kernels do it only when it is called.
        for fact in &findings.certain {
            if let FactKind::Calls(callee) = fact.what
                && seen.insert(callee)
            {
                open.push((callee, true));
            }
        }
        let keep = |fact: &Fact| function == program.function || !returns(fact);
        found.certain.extend(findings.certain.into_iter().filter(keep));
        found.possible.extend(findings.possible.into_iter().filter(keep));
        extend(&mut found.stacks, findings.stacks);
    }
    let is_global = |index: &usize| object.functions[*index].is_global;
    for function in object.reachable(program).into_iter().filter(is_global) {
        if seen.insert(function) {
            let findings = Walker::new(object, kind).walk(function, true);
            let facts = findings.certain.into_iter().filter(|fact| !returns(fact));
            found.uncalled.extend(facts);
            extend(&mut found.uncalled_stacks, findings.stacks);
        }
    }
    found.possible.retain(|fact| !found.certain.contains(fact));
    // Of calls no rule asks where they are.
    let helper = |fact: &Fact| match fact.what {
        FactKind::CallsHelper(id) => Some(id),
        _ => None,
    };
    found.helpers = found.certain.iter().filter_map(helper).collect();
    for facts in [&mut found.certain, &mut found.possible, &mut found.uncalled] {
        facts.retain(|fact| helper(fact).is_none());
    }
    found
}

fn extend(stacks: &mut BTreeMap<usize, u32>, more: BTreeMap<usize, u32>) {
    for (function, bytes) in more {
        let most = stacks.entry(function).or_default();
        *most = bytes.max(*most);
    }
}

impl Findings {
    /// Up to which byte a host reads its context, as far as that is certain: the least that the
    /// kernel's `max_ctx_offset` will be. None when it reads none of it.
    ///
    /// `check_ctx_access`,
    /// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>. At a raw tracepoint
    /// with fewer arguments than that the kernel refuses to attach the program, and likewise at a
    /// tracepoint with a shorter record.
    #[must_use]
    pub fn context_reach(&self) -> Option<u32> {
        let ends = self.certain.iter().filter_map(|fact| match fact.what {
            FactKind::ReadsContext { offset, width } => {
                u32::try_from(offset.checked_add(i64::from(width))?).ok()
            }
            _ => None,
        });
        ends.max()
    }
}

/// The functions of the object that the function with index `function` calls, each time it does.
#[must_use]
pub fn callees(object: &Object, function: usize) -> Vec<usize> {
    let Some(code) = object.functions.get(function).map(|function| &function.code) else {
        return Vec::new();
    };
    let Some(bytes) = object.bytes.get(code.place.clone()) else { return Vec::new() };
    let calls = code.references.iter().filter_map(|(at, to)| match to {
        Referent::Function(callee)
            if instruction::decode(bytes, *at) == Some(instruction::Instruction::Call) =>
        {
            Some(*callee)
        }
        _ => None,
    });
    calls.collect()
}

/// Whether an instruction of the function with index `function` reads its argument `number`,
/// counted from 0. Of one that the source does not use clang passes nothing.
#[must_use]
pub fn uses_argument(object: &Object, function: usize, number: u8) -> bool {
    let code = object.functions.get(function).map(|function| function.code.place.clone());
    let code = code.and_then(|place| object.bytes.get(place));
    code.is_none_or(|code| LiveRegisters::of(code).has(0, usize::from(number) + 1))
}
