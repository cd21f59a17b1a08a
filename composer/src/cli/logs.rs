//! Verifier logs: how much of a log is shown, and the file with the complete logs.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{exit::Exit, report, screen};
use freplace_compose::{
    chain::Chain,
    diag::{Code, Diagnostic},
    files::plain,
    kernel::machine,
    plan::{Action, Plan},
    run::Failure,
};

/// What to do with the verifier's logs, for verbs that load programs.
#[derive(Debug, Default, clap::Args)]
pub(super) struct LogFlags {
    /// Show the complete verifier log when a program is rejected.
    #[arg(long, short)]
    pub(super) verbose: bool,
    /// Write the complete verifier log to FILE when a program is rejected. The file is empty if
    /// none is rejected.
    #[arg(long, value_name = "FILE")]
    verifier_log: Option<PathBuf>,
}

impl LogFlags {
    /// Whether anything is asked of the logs.
    pub(super) fn any(&self) -> bool {
        self.verbose || self.verifier_log.is_some()
    }

    /// The same on a command line.
    pub(super) fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        if self.verbose {
            words.push("--verbose".into());
        }
        if let Some(path) = &self.verifier_log {
            words.extend(["--verifier-log".into(), path.into()]);
        }
        words
    }

    /// The file to keep logs in.
    pub(super) fn file(&self) -> Option<&Path> {
        self.verifier_log.as_deref()
    }

    /// Makes the file, empty, so that nothing is loaded before it is known to be writable.
    pub(super) fn open(&self) -> Result<Logs, Exit> {
        let Some(path) = &self.verifier_log else { return Ok(Logs { file: None }) };
        let file = screen::create(path, HELP).map_err(|found| {
            report::one(&found);
            Exit::Failed
        })?;
        Ok(Logs { file: Some((path.clone(), file)) })
    }
}

/// The file, where one was asked for.
pub(super) struct Logs {
    file: Option<(PathBuf, File)>,
}

impl Logs {
    /// Adds what a guest has written.
    pub(super) fn append(&mut self, text: &str) {
        let Some((path, file)) = &mut self.file else { return };
        if let Err(error) = file.write_all(text.as_bytes()) {
            cannot_write(path, &error);
        }
    }

    /// Writes the log of `failure`, when it has one, under a line that names its program.
    pub(super) fn keep(&mut self, failure: &Failure, plan: &Plan, chain: &Chain) {
        let Some((path, file)) = &mut self.file else { return };
        let Some(log) = &failure.error.log else { return };
        let operation = &plan[failure.operation];
        let node = operation.node.and_then(|node| plan.nodes.get(node));
        let (Some(node), Action::Load { program, .. }) = (node, &operation.action) else { return };
        let (id, name, kernel) = (&node.id, &chain.source.name, machine::release());
        let written = writeln!(
            file,
            "==> {name}: `{program}` of `{id}`, Linux {kernel} <==\n{}\n",
            log.trim_end()
        );
        if let Err(error) = written {
            cannot_write(path, &error);
        }
    }
}

const HELP: &str = "Name a file for --verifier-log in an existing folder that you can write to.";

/// Says that the file cannot be written.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Exit {
    let (path, why) = (path.display(), plain(error));
    report::one(
        &Diagnostic::new(Code::OutputFile, format!("cannot write log {path}: {why}")).help(HELP),
    );
    Exit::Failed
}
