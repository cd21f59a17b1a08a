//! Whether a function of an object can be replaced and traced, or why not and what to write.

use super::has_trusted_entry;
use crate::{
    hook::HostKind,
    object::{
        Function, Object, Program, ProgramKind, ProgramType,
        flow::{PrototypeFault, PrototypeRules, unfit},
    },
    profile::Profile,
};

/// Why something cannot be done with a function.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Obstacle {
    /// In a short phrase.
    pub why: String,
    /// What to write in the source instead; none where nothing helps.
    pub write: Option<String>,
}

impl Obstacle {
    fn new(why: impl Into<String>, write: impl Into<Option<String>>) -> Self {
        Self { why: why.into(), write: write.into() }
    }
}

/// What a kernel whose profile this is accepts of the prototypes of global functions.
pub(crate) fn prototype_rules(profile: &Profile) -> PrototypeRules {
    let features = &profile.features;
    PrototypeRules {
        tags: features.argument_tags,
        void: features.void_functions,
        memory: features.memory_arguments,
    }
}

/// The programs that are loaded with the function `index`, itself included where it is one.
pub fn loaded_with(object: &Object, index: usize) -> impl Iterator<Item = &Program> {
    object.programs.iter().filter(move |program| object.reachable(program).contains(&index))
}

/// What keeps the function `index` of `object` from being replaced in each of its programs, if
/// something does; `kernels` are those that have to accept it.
#[must_use]
pub fn not_replaceable(object: &Object, index: usize, kernels: &[Profile]) -> Option<Obstacle> {
    let function = object.functions.get(index)?;
    let entry = object.programs.iter().find(|program| program.function == index);
    if let Some(found) = not_loaded(object, index, function) {
        return Some(found);
    }
    let kinds: Vec<_> = loaded_with(object, index).map(|program| program.kind).collect();
    let fixed = kinds.iter().find(|kind| {
        HostKind::of_program(**kind).is_some_and(|kind| kind.not_replaceable.is_some())
            || matches!(kind, ProgramKind::Freplace)
    });
    if let Some(kind) = fixed {
        let why = format!("the kernel replaces no functions of {} programs", kind.name());
        return Some(Obstacle::new(why, None));
    }
    match entry {
        Some(program) if has_trusted_entry(object, program) => None,
        Some(program) => Some(match program.kind.context_struct() {
            Some(wanted) => Obstacle::new(
                "its argument is not the context",
                format!("int {}(struct {wanted} *ctx)", program.name),
            ),
            None => Obstacle::new(
                format!("entry function: {} has no named context", program.kind.name()),
                "a global function that it calls".to_owned(),
            ),
        }),
        None if !function.is_global => Some(Obstacle::new(
            "static: verified with its callers",
            "__attribute__((noinline)) instead of static".to_owned(),
        )),
        None => kinds.iter().find_map(|kind| prototype(object, function, *kind, kernels)),
    }
}

/// What keeps the function `index` of `object` from being traced in each of its programs, if something
/// does; `kernels` are those that have to accept it.
#[must_use]
pub fn not_traceable(object: &Object, index: usize, kernels: &[Profile]) -> Option<Obstacle> {
    if let Some(found) = not_loaded(object, index, object.functions.get(index)?) {
        return Some(found);
    }
    let is_tracing = |program: &Program| program.kind.program_type() == Some(ProgramType::Tracing);
    if !loaded_with(object, index).any(is_tracing) {
        return None;
    }
    let refusing = kernels.iter().filter(|profile| !profile.features.nested_tracing);
    let refusing: Vec<_> = refusing.map(|profile| profile.kernel.to_string()).collect();
    let why = || format!("a tracing program: rejected by Linux {}", refusing.join(", "));
    (!refusing.is_empty()).then(|| Obstacle::new(why(), None))
}

/// Whether a tracer sees the arguments of the function `index` by their types.
#[must_use]
pub fn is_typed(object: &Object, index: usize) -> bool {
    let mut programs = loaded_with(object, index);
    programs.next().is_some_and(|program| {
        let is_replacement = program.kind == ProgramKind::Freplace;
        let seen = super::VisibleArguments::of(object, program, index, is_replacement);
        matches!(seen, Some(super::VisibleArguments::Typed(_)))
    })
}

/// A function that the kernel does not get, or cannot find.
fn not_loaded(object: &Object, index: usize, function: &Function) -> Option<Obstacle> {
    if loaded_with(object, index).next().is_none() {
        let write = "fc_stub(result, arguments...) in it".to_owned();
        return Some(Obstacle::new("not called by any program, so not loaded", write));
    }
    (function.btf_id.is_none() || function.prototype.is_none())
        .then(|| Obstacle::new("not in BTF; compile with -g", None))
}

/// A prototype that some of `kernels` do not accept of a global function.
fn prototype(
    object: &Object,
    function: &Function,
    kind: ProgramKind,
    kernels: &[Profile],
) -> Option<Obstacle> {
    let fault = |profile: &Profile| unfit(object, function, kind, prototype_rules(profile));
    let refusing: Vec<_> = kernels.iter().filter(|profile| fault(profile).is_some()).collect();
    let fault = refusing.first().and_then(|profile| fault(profile))?;
    let (why, write) = match fault {
        PrototypeFault::Result => ("does not return a number".to_owned(), "int as its result"),
        PrototypeFault::Count(count) => {
            (format!("has {count} parameters"), "at most 5, some of them in a struct")
        }
        PrototypeFault::Pointee { number, .. } => (
            format!("argument {} points to a type of unknown size", number + 1),
            "the struct's definition, or a __u64",
        ),
        PrototypeFault::Parameter { number, kind: "PTR" } => (
            format!("argument {} points to memory", number + 1),
            "the value, or its address as a __u64",
        ),
        PrototypeFault::Parameter { number, .. } => {
            (format!("argument {} is no number or pointer", number + 1), "a pointer to it")
        }
    };
    let why = match refusing.len() == kernels.len() {
        true => why,
        false => {
            let names = refusing.iter().map(|profile| profile.kernel.to_string());
            format!("{why}: rejected by Linux {}", names.collect::<Vec<_>>().join(", "))
        }
    };
    Some(Obstacle::new(why, write.to_owned()))
}
