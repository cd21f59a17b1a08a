//! Tests in micro-VMs: this program runs there with the same files, and prints its results as records.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use super::{TestArguments, told};
use crate::cli::{
    exit::Exit,
    inputs::as_variables,
    screen,
    vm::{self, ReexecInVm},
};
use freplace_compose::{
    check::{self, Kernels},
    inert,
    testing::{TestFile, TestRecord},
    vm::KernelChoice,
};

/// Runs the tests in a micro-VM for each kernel, some at a time.
pub(super) fn in_vms(
    files: &Arc<Vec<TestFile>>,
    arguments: &Arc<TestArguments>,
) -> Result<Vec<TestRecord>, Exit> {
    // The same for each kernel.
    let (mut brought, mut needed) = (Vec::new(), Vec::new());
    for file in files.iter() {
        brought.extend(file.inputs());
        // It was valid when the files were checked.
        if let Ok(checked) = check::open(file.chain.clone(), &Kernels::default()) {
            brought.extend(vm::files(&checked.resolved));
            needed.extend(vm::modules(&checked.resolved));
        }
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
    let records: Result<Vec<_>, Exit> = outcomes.into_values().collect();
    Ok(records?.into_iter().flatten().collect())
}

/// Runs the tests in a micro-VM with `kernel`.
fn in_vm(
    kernel: &KernelChoice,
    files: &[TestFile],
    (brought, needed): (&Vec<PathBuf>, &Vec<String>),
    arguments: &Arc<TestArguments>,
) -> Result<Vec<TestRecord>, Exit> {
    let mut words: Vec<OsString> = vec!["test".into(), "--records".into()];
    if let Some(text) = &arguments.filter {
        words.push(format!("--filter={text}").into());
    }
    words.push("--".into());
    words.extend(files.iter().map(|file| file.path.clone().into()));
    let sink = RecordSink {
        line: Vec::new(),
        records: Arc::default(),
        arguments: Arc::clone(arguments),
        series: match kernel {
            KernelChoice::Series(series) => Some(series.clone()),
            KernelChoice::Image(_) => None,
        },
    };
    let records = Arc::clone(&sink.records);
    let again = ReexecInVm {
        files: brought.clone(),
        modules: needed.clone(),
        luggage: arguments.luggage.clone(),
        env: as_variables(&arguments.flags.inputs([])),
        ..ReexecInVm::new(kernel)
    };
    let ended = again.with(words, arguments.is_colored(), sink)?;
    let records = std::mem::take(&mut *records.lock().unwrap_or_else(PoisonError::into_inner));
    match ended.code {
        0 | 1 => Ok(records),
        code => Err(Exit::Of(code)),
    }
}

/// Takes the records that the guest prints, a line each.
struct RecordSink {
    line: Vec<u8>,
    records: Arc<Mutex<Vec<TestRecord>>>,
    arguments: Arc<TestArguments>,
    /// What the user calls the kernel.
    series: Option<String>,
}

impl io::Write for RecordSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            let Ok(mut record) = serde_json::from_slice::<TestRecord>(&line) else {
                screen::say!("{}", inert::line(String::from_utf8_lossy(&line).trim_end()));
                continue;
            };
            if let Some(series) = &self.series {
                record.kernel.clone_from(series);
            }
            told(&record, &self.arguments, self.arguments.vm.len() > 1);
            self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
