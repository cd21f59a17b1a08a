//! Programs that run as objects, for chains that have them as hosts.

use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::census;
use crate::{
    diag::{Code, Diagnostic},
    errno::errno_name,
    kernel::{KernelError, sys},
    object::{KernelProgram, Object, TakenFunction, btf::Btf},
    resolve::RunningPrograms,
    running::{Census, Effect, ProgramRef, RefError, RunningProgram, RunningType},
};

/// The programs of the running kernel, which is looked at once, when the first is asked for.
#[derive(Debug, Default)]
pub struct RunningKernel {
    census: OnceCell<Result<Census, KernelError>>,
}

impl RunningKernel {
    /// What was seen at the first look.
    ///
    /// # Errors
    /// A diagnostic without a place, when this user may not look.
    pub fn census(&self) -> Result<&Census, Box<Diagnostic>> {
        self.census.get_or_init(census).as_ref().map_err(|error| Box::new(not_seen(error)))
    }

    /// The same, for who keeps it.
    ///
    /// # Errors
    /// Those of [`Self::census`].
    pub fn into_census(self) -> Result<Census, Box<Diagnostic>> {
        let census = self.census.into_inner().unwrap_or_else(census);
        census.map_err(|error| Box::new(not_seen(&error)))
    }
}

/// Why the programs cannot be listed.
fn not_seen(error: &KernelError) -> Diagnostic {
    let message = format!("cannot list the programs in the kernel: {}", error.message);
    let help = match error.errno.map(errno_name) {
        Some("EPERM") => {
            "Run it as root. Looking at programs of others requires CAP_SYS_ADMIN; in a container the \
             host's administrator grants it."
        }
        _ => "This kernel has no support for eBPF, or the system call is not allowed here.",
    };
    Diagnostic::new(Code::NotPermitted, message).help(help)
}

impl RunningPrograms for RunningKernel {
    fn find(&self, wanted: &ProgramRef) -> Result<Arc<Object>, Box<Diagnostic>> {
        let census = self.census()?;
        let program = wanted.one(census).map_err(|error| Box::new(error.diagnostic(census)))?;
        object(census, program).map(Arc::new).map_err(Box::new)
    }
}

/// The programs that hosts of a chain are now, which is up on others than when it was read.
#[derive(Debug)]
pub struct Successors {
    census: Census,
    programs: HashMap<ProgramRef, u32>,
}

impl Successors {
    /// The program that each name stands for; what those in `own` replace and trace is not taken, since they are
    /// the chain's.
    #[must_use]
    pub fn new(
        mut census: Census,
        programs: HashMap<ProgramRef, u32>,
        own: &BTreeSet<u32>,
    ) -> Self {
        for program in census.programs.iter_mut().filter(|program| own.contains(&program.id)) {
            program.attachments.clear();
        }
        Self { census, programs }
    }
}

impl RunningPrograms for Successors {
    fn find(&self, wanted: &ProgramRef) -> Result<Arc<Object>, Box<Diagnostic>> {
        let program = self.programs.get(wanted).and_then(|id| self.census.program(*id));
        let none = || RefError::NotFound(wanted.to_string()).diagnostic(&self.census);
        let program = program.ok_or_else(|| Box::new(none()))?;
        object(&self.census, program).map(Arc::new).map_err(Box::new)
    }
}

/// `program` as an object.
fn object(census: &Census, program: &RunningProgram) -> Result<Object, Diagnostic> {
    let cannot = |why: &str| {
        let message = format!("`{}` (program {}) {why}", program.name, program.id);
        Diagnostic::new(Code::NotExtensible, message)
    };
    let RunningType::Known(program_type) = program.program_type else {
        return Err(cannot("is of a type that is not known here").help(
            "Use a newer freplace-compose: the kernel has program types that this one lacks.",
        ));
    };
    let Some(btf) = program.btf.filter(|_| !program.functions.is_empty()) else {
        return Err(cannot("has no BTF, so the kernel neither replaces nor traces its functions").help(
            "Have its loader pass BTF, and compile its object with -g. `freplace-compose ps` shows what \
             can be known of it.",
        ));
    };
    let types = sys::btf_of(btf).map_err(|error| cannot(&format!("cannot be read: {error}")))?;
    let types = Btf::parse(types).map_err(|error| cannot(&format!("has damaged BTF: {error}")))?;
    let taken = census.on(program.id).filter_map(|(how, function, by)| {
        Some(TakenFunction {
            function: program.function(function)?.name.clone(),
            replaced: how == Effect::Replaces,
            in_fsession: how == Effect::Session,
            by: described(by),
        })
    });
    let loaded = KernelProgram {
        id: program.id,
        tag: program.tag.clone(),
        program_type,
        taken: taken.collect(),
        attached: program.marks(),
        in_table: program
            .tables
            .iter()
            .find(|entry| entry.kind == "prog_array")
            .map(|entry| format!("{} (map {}) at {}", entry.map.name, entry.map.id, entry.key)),
    };
    let functions: Vec<_> = program.functions.iter().map(|function| function.btf_id).collect();
    Ok(Object::of_loaded(&program.name, loaded, &functions, types))
}

/// A program and who holds it, in words.
fn described(program: &RunningProgram) -> String {
    let holders: Vec<_> = program.holders().into_iter().map(ToString::to_string).collect();
    let mut text = format!("`{}` (program {}", program.name, program.id);
    if let Some(link) = program.attachments.iter().find_map(|attachment| attachment.link) {
        text += &format!(", link {link}");
    }
    text.push(')');
    if !holders.is_empty() {
        text += &format!(", held by {}", holders.join(", "));
    }
    for pin in program.all_pins() {
        text += &format!(", pinned at {}", pin.display());
    }
    text
}
