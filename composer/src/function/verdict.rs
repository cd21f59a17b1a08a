//! Whether a function of an object can be replaced and traced, or why not and what to write.

use super::{VisibleArguments, has_trusted_entry};
use crate::{
    hook::HostKind,
    object::{
        Function, Object, Program, ProgramKind, ProgramType,
        flow::{PrototypeFault, PrototypeRules, unfit},
    },
    profile::Profile,
};

/// Why something cannot be done with a function.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// The entry of a program whose prototype the kernel does not go by.
#[derive(Debug)]
pub(crate) struct UntrustedEntry<'a> {
    program: &'a Program,
}

impl UntrustedEntry<'_> {
    /// The prototype that it would trust; none where the kernel has no named context for the program.
    pub(crate) fn trusted(&self) -> Option<String> {
        let wanted = self.program.kind.context_struct()?;
        Some(format!("int {}(struct {wanted} *ctx)", self.program.name))
    }
}

/// A function of an object, with the programs that are loaded with it.
#[derive(Debug)]
pub struct LoadedFunction<'a> {
    object: &'a Object,
    function: &'a Function,
    /// Its index in the object.
    index: usize,
    /// Itself included where it is one.
    programs: Vec<&'a Program>,
}

impl<'a> LoadedFunction<'a> {
    /// The function of `object` with this index, one of its own.
    #[must_use]
    pub fn of(object: &'a Object, index: usize) -> Self {
        Self::with(object, index, object.programs.iter())
    }

    /// The same where no other programs than these are loaded.
    pub(crate) fn with(
        object: &'a Object,
        index: usize,
        loaded: impl Iterator<Item = &'a Program>,
    ) -> Self {
        let holds = |program: &&Program| object.reachable(program).contains(&index);
        let programs = loaded.filter(holds).collect();
        Self { object, function: &object.functions[index], index, programs }
    }

    /// Whether the kernel gets it: it is a program, or one calls it.
    pub(crate) fn is_loaded(&self) -> bool {
        !self.programs.is_empty()
    }

    /// Whether the verifier checks it only together with its callers, so that nothing can replace it.
    pub(crate) fn is_static(&self) -> bool {
        !self.function.is_global
    }

    /// The program that it is the entry of, if the kernel does not trust its prototype.
    pub(crate) fn untrusted_entry(&self) -> Option<UntrustedEntry<'a>> {
        let program = *self.programs.iter().find(|program| program.function == self.index)?;
        (!has_trusted_entry(self.object, program)).then_some(UntrustedEntry { program })
    }

    /// The programs that it is loaded with, itself included where it is one.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &'a Program> {
        self.programs.iter().copied()
    }

    /// The programs that call it, directly or indirectly.
    pub fn callers(&self) -> impl Iterator<Item = &'a Program> {
        self.programs().filter(|program| program.function != self.index)
    }

    /// What keeps it from being replaced in each of its programs, if something does; `kernels` are
    /// those that have to accept it.
    #[must_use]
    pub fn not_replaceable(&self, kernels: &[Profile]) -> Option<Obstacle> {
        let Self { object, function, .. } = *self;
        if let Some(found) = self.not_loaded() {
            return Some(found);
        }
        let kinds = || self.programs.iter().map(|program| program.kind);
        let fixed = kinds().find(|kind| {
            HostKind::of_program(*kind).is_some_and(|kind| kind.not_replaceable.is_some())
                || matches!(kind, ProgramKind::Freplace | ProgramKind::StructOps)
        });
        if let Some(kind) = fixed {
            let why = format!("the kernel replaces no functions of {} programs", kind.name());
            return Some(Obstacle::new(why, None));
        }
        if let Some(entry) = self.untrusted_entry() {
            return Some(match entry.trusted() {
                Some(trusted) => Obstacle::new("its argument is not the context", trusted),
                None => Obstacle::new(
                    format!("entry function: {} has no named context", entry.program.kind.name()),
                    "a global function that it calls".to_owned(),
                ),
            });
        }
        if self.programs.iter().any(|program| program.function == self.index) {
            return None;
        }
        if self.is_static() {
            return Some(Obstacle::new(
                "static: verified with its callers",
                "__attribute__((noinline)) instead of static".to_owned(),
            ));
        }
        kinds().find_map(|kind| prototype(object, function, kind, kernels))
    }

    /// What keeps it from being traced in each of its programs, if something does; `kernels` are those
    /// that have to accept it.
    #[must_use]
    pub fn not_traceable(&self, kernels: &[Profile]) -> Option<Obstacle> {
        if let Some(found) = self.not_loaded() {
            return Some(found);
        }
        let mut types = self.programs.iter().map(|program| program.kind.program_type());
        if !types.any(|of| of == Some(ProgramType::Tracing)) {
            return None;
        }
        let refusing = kernels.iter().filter(|profile| !profile.features.nested_tracing);
        let refusing: Vec<_> = refusing.map(|profile| profile.kernel.to_string()).collect();
        let why = || format!("a tracing program: rejected by Linux {}", refusing.join(", "));
        (!refusing.is_empty()).then(|| Obstacle::new(why(), None))
    }

    /// Whether a tracer sees its arguments by their types.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.programs.first().is_some_and(|program| {
            let is_replacement = program.kind == ProgramKind::Freplace;
            let seen = VisibleArguments::of(self.object, program, self.index, is_replacement);
            matches!(seen, Some(VisibleArguments::Typed(_)))
        })
    }

    /// Whether the kernel does not get it, or cannot find it.
    fn not_loaded(&self) -> Option<Obstacle> {
        if !self.is_loaded() {
            let write = "fc_stub(result, arguments...) in it".to_owned();
            return Some(Obstacle::new("not called by any program, so not loaded", write));
        }
        (self.function.btf_id.is_none() || self.function.prototype.is_none())
            .then(|| Obstacle::new("not in BTF; compile with -g", None))
    }
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
