//! Tests in micro-VMs: this program runs there with the same files, and prints its results as records.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use super::{FinishedTests, TestArguments, coverage, told};
use crate::cli::{
    exit::Exit,
    inputs::as_variables,
    screen,
    vm::{self, ReexecInVm},
};
use freplace_compose::{
    inert,
    testing::{CheckedTests, TestRecord},
    vm::KernelChoice,
};

/// Runs the tests in a micro-VM for each kernel, some at a time.
pub(super) fn in_vms(
    files: &[CheckedTests],
    arguments: &Arc<TestArguments>,
) -> Result<FinishedTests, Exit> {
    // The same for each kernel.
    let (mut brought, mut needed) = (Vec::new(), Vec::new());
    for CheckedTests { file, chain, .. } in files {
        brought.extend(file.inputs());
        brought.extend(vm::files(chain));
        needed.extend(vm::modules(chain));
    }
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.jobs.map_or(cpus, usize::from).min(arguments.vm.len());
    let next = Mutex::new(arguments.vm.iter().enumerate());
    let outcomes = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((number, kernel)) = taken else { break };
                    let outcome = in_vm(kernel, files, (&brought, &needed), arguments);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(number, outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut all = FinishedTests::default();
    for outcome in outcomes.into_values() {
        let FinishedTests { records, coverage } = outcome?;
        all.records.extend(records);
        all.coverage.merge(coverage);
    }
    Ok(all)
}

/// Runs the tests in a micro-VM with `kernel`.
fn in_vm(
    kernel: &KernelChoice,
    files: &[CheckedTests],
    (brought, needed): (&Vec<PathBuf>, &Vec<String>),
    arguments: &Arc<TestArguments>,
) -> Result<FinishedTests, Exit> {
    let mut words: Vec<OsString> = vec!["test".into(), "--records".into()];
    if let Some(text) = &arguments.filter {
        words.push(format!("--filter={text}").into());
    }
    if arguments.coverage.is_some() {
        words.push("--coverage=-".into());
    }
    words.push("--".into());
    words.extend(files.iter().map(|tests| tests.file.path.clone().into()));
    let sink = RecordSink {
        line: Vec::new(),
        finished: Arc::default(),
        arguments: Arc::clone(arguments),
        series: match kernel {
            KernelChoice::Series(series) => Some(series.clone()),
            KernelChoice::Image(_) => None,
        },
    };
    let finished = Arc::clone(&sink.finished);
    let again = ReexecInVm {
        files: brought.clone(),
        modules: needed.clone(),
        luggage: arguments.luggage.clone(),
        env: as_variables(&arguments.flags.inputs([])),
        ..ReexecInVm::new(kernel)
    };
    let ended = again.with(words, arguments.is_colored(), sink)?;
    let finished = std::mem::take(&mut *finished.lock().unwrap_or_else(PoisonError::into_inner));
    match ended.code {
        0 | 1 => Ok(finished),
        code => Err(Exit::Of(code)),
    }
}

/// Takes the records that the guest prints, a line each, and the line with the coverage.
struct RecordSink {
    line: Vec<u8>,
    finished: Arc<Mutex<FinishedTests>>,
    arguments: Arc<TestArguments>,
    /// What the user calls the kernel.
    series: Option<String>,
}

impl io::Write for RecordSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(coverage) = coverage::of_line(&line) {
                finished.coverage.merge(coverage);
                continue;
            }
            let Ok(mut record) = serde_json::from_slice::<TestRecord>(&line) else {
                screen::say!("{}", inert::line(String::from_utf8_lossy(&line).trim_end()));
                continue;
            };
            if let Some(series) = &self.series {
                record.kernel.clone_from(series);
            }
            told(&record, &self.arguments, self.arguments.vm.len() > 1);
            finished.records.push(record);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
