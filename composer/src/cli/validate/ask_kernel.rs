//! `validate --vm`: the verifier's verdict on chains that the rules accept.
//!
//! The host boots a micro-VM that runs `validate --ask-kernel` on the same files. The guest loads
//! and attaches each chain, undoes it, and reports rejections at the lines of the file, as `up`
//! does.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use super::{is_valid, line, result, width};
use crate::cli::{
    Format, doctor,
    exit::Exit,
    inputs::as_variables,
    logs::{LogFlags, Logs},
    report, screen,
    vm::{ReexecInVm, VmFiles, files, modules},
};
use freplace_compose::{
    chain::{Chain, ChainInputs},
    diag::{Code, Diagnostic, Severity},
    kernel::{Kernel as _, Linux, machine, process},
    plan::{self, Plan},
    resolve::Resolved,
    run,
    vm::KernelChoice,
};

/// A question to one kernel.
pub(super) struct Question<'a> {
    /// The kernel.
    pub(super) kernel: &'a KernelChoice,
    /// Chains that the rules let pass, with their files.
    pub(super) chains: &'a [(&'a Path, &'a Resolved)],
    /// What comes along besides them.
    pub(super) luggage: &'a VmFiles,
    /// What the chains take.
    pub(super) inputs: &'a ChainInputs,
    /// How the answer is wanted.
    pub(super) format: Format,
}

/// What it answered.
pub(super) struct KernelVerdict {
    /// Whether it takes every chain.
    pub(super) valid: bool,
    /// For people: a line for each chain that it takes.
    pub(super) text: String,
    /// For programs: one for each chain.
    pub(super) results: Vec<Value>,
}

impl Question<'_> {
    /// Asks in a micro-VM; diagnostics for people are on the screen then.
    pub(super) fn ask(self, flags: &LogFlags, logs: &mut Logs) -> Result<KernelVerdict, Exit> {
        let format = match self.format {
            Format::Human => "human",
            Format::Json => "json",
        };
        let mut words: Vec<OsString> =
            ["validate", "--ask-kernel", "--format", format].map(OsString::from).into();
        words.extend(flags.words());
        words.push("--".into());
        words.extend(self.chains.iter().map(|(path, _)| path.into()));
        let brought = self.chains.iter().flat_map(|(_, resolved)| files(resolved));
        let out = SharedBuffer::default();
        let again = ReexecInVm {
            files: brought.collect(),
            modules: self.chains.iter().flat_map(|(_, resolved)| modules(resolved)).collect(),
            luggage: self.luggage.clone(),
            keep: flags.file(),
            env: as_variables(self.inputs),
            ..ReexecInVm::new(self.kernel)
        };
        let ended = again.with(words, io::stdout().is_terminal(), out.clone())?;
        logs.append(&ended.kept);
        let text = out.text();
        let valid = match ended.code {
            0 => true,
            3 => false,
            code => return Err(Exit::Of(code)),
        };
        let results = match self.format {
            Format::Human => Vec::new(),
            Format::Json => serde_json::from_str(&text).map_err(|error| {
                screen::say!("bug: invalid response of the guest: {error}");
                Exit::Failed
            })?,
        };
        Ok(KernelVerdict { valid, text, results })
    }
}

/// What the guest writes, kept for later.
#[derive(Clone, Default)]
struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl SharedBuffer {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl io::Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Asks the running kernel for the chains in `files`.
pub(super) fn here(
    files: &[PathBuf],
    inputs: &ChainInputs,
    format: Format,
    flags: &LogFlags,
) -> Exit {
    let _ = process::raise_open_files();
    let mut logs = match flags.open() {
        Ok(logs) => logs,
        Err(exit) => return exit,
    };
    let (mut valid, mut results, mut good) = (true, Vec::new(), String::new());
    let mut kernel = Linux::new();
    let widest = width(files.iter().map(PathBuf::as_path));
    for path in files {
        let resolved = match Chain::open_with(path, inputs).and_then(Resolved::open) {
            Ok(resolved) => resolved,
            Err(found) => {
                report::all(&found);
                return Exit::Invalid;
            }
        };
        let plan = plan::build(&resolved, kernel.offers());
        if let Some(missing) = doctor::missing(&plan) {
            report::one(&missing);
            return Exit::Environment;
        }
        let found = match refusals(&mut kernel, &resolved, &plan, flags, &mut logs) {
            Ok(found) => found,
            Err(left) => {
                report::one(&left);
                return Exit::UndoIncomplete;
            }
        };
        valid &= is_valid(&found);
        match format {
            Format::Human => report::all(&found),
            Format::Json => {
                let mut result = result(path, &found);
                result["kernel"] = json!(machine::release());
                results.push(result);
            }
        }
        if is_valid(&found) {
            let nodes = line(path, widest, plan.nodes.len());
            good += &format!("{nodes}  accepted by the verifier of Linux {}\n", machine::release());
        }
    }
    let written = match format {
        Format::Human => screen::data(&good),
        Format::Json => screen::json(&results),
    };
    if valid { written } else { Exit::Invalid }
}

/// What the running kernel, `kernel`, refuses of a chain; an error when something of it could not be undone.
fn refusals(
    kernel: &mut Linux,
    resolved: &Resolved,
    plan: &Plan,
    flags: &LogFlags,
    logs: &mut Logs,
) -> Result<Vec<Diagnostic>, Box<Diagnostic>> {
    let asked = run::ask(kernel, plan, resolved.objects());
    kernel.next_chain();
    let (targets, _) = machine::targets();
    let mut found = Vec::new();
    for (failure, plan) in &asked.refused {
        logs.keep(failure, plan, resolved.chain());
        let told = run::explain(failure, plan, &targets, flags.verbose);
        found.push(if told.code == Code::NoTarget { not_tried(told) } else { told });
    }
    match asked.left {
        Some((left, plan)) => Err(Box::new(run::explain_left(&left, &plan))),
        None => Ok(found),
    }
}

/// A place that a bare machine lacks, a real one may have: an interface, a module's function.
fn not_tried(mut told: Diagnostic) -> Diagnostic {
    told.severity = Severity::Warning;
    told.note(
        "accepted by the verifier; attachment not checked, since the micro-VM has neither\nthe \
         interfaces nor the modules of your machine; --module NAME loads a module",
    )
}
