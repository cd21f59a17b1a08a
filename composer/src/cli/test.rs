//! `test [FILE]...`: tests of the programs of chains.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    doctor, exit::Exit, ink::Ink as _, inputs::InputFlags, report, runtime, screen, up::Signals,
    vm::VmFiles,
};
use freplace_compose::{
    diag::{Code, Diagnostic},
    draw::Drawing,
    inert,
    kernel::{Linux, machine, process},
    session::Interrupts,
    testing::{
        self, CheckedTests, Coverage, ProgramTest, Tally, TestFile, TestRecord, TestResult,
        TestSurroundings, TestVerdict,
    },
    vm::KernelChoice,
};

mod coverage;
mod exec;
mod files_of_tests;
mod update;
mod vms;

use exec::exec;
use files_of_tests::find;
use vms::in_vms;

/// Test the programs of chains, as they ship.
///
/// Tests are `[[test]]` tables in a chain file, or in a file of tests with `chain = "FILE"`. Functions can be
/// mocked, calls and events are counted, and the program is run by BPF_PROG_TEST_RUN, traffic or a command.
/// Requires root, or --vm.
///
/// Example: freplace-compose test --vm=6.1,6.12 tests/
///
/// Exit codes: 0 all tests passed; 1 a test failed; 2 invalid command line; 3 invalid tests; 4 this machine
/// cannot run them.
#[derive(Debug, clap::Args)]
pub(super) struct TestArguments {
    /// Files with tests, or folders that are searched for them.
    #[arg(value_name = "FILE", default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    flags: InputFlags,
    /// Run in a disposable micro-VM for each KERNEL, a series such as 6.1 or the path of a vmlinuz; root is not
    /// required.
    #[arg(long, value_name = "KERNEL", num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = freplace_compose::vm::DEFAULT_SERIES)]
    vm: Vec<KernelChoice>,
    /// Run only tests whose name contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Kernels to run at the same time [default: as many as this machine has CPUs].
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Format of the results.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: TestFormat,
    /// Write what came in the place of what was expected, for review.
    #[arg(long)]
    update: bool,
    /// Write to FILE which lines of source ran, as lcov does. Programs are loaded with counters for this, so what
    /// runs is not what ships.
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    coverage: Option<PathBuf>,
    /// List the tests without running them.
    #[arg(long, conflicts_with = "update")]
    list: bool,
    #[command(flatten)]
    luggage: VmFiles,
    /// Print results as records only: what --vm does in the guest, where the files were checked already.
    #[arg(long, hide = true)]
    records: bool,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum TestFormat {
    /// Text for people.
    Human,
    /// NDJSON: a record for each test.
    Json,
    /// JUnit XML.
    Junit,
    /// The Test Anything Protocol.
    Tap,
}

impl TestArguments {
    /// Whether what is not as expected is drawn with colours.
    fn is_colored(&self) -> bool {
        self.format == TestFormat::Human && screen::colors_of(&io::stdout())
    }

    fn wants(&self, test: &ProgramTest) -> bool {
        self.filter.as_ref().is_none_or(|text| test.name.contains(text))
    }
}

pub(super) fn run(arguments: TestArguments) -> Exit {
    let arguments = &Arc::new(arguments);
    let _ = process::raise_open_files();
    if let (true, Some(option)) = (arguments.vm.is_empty(), arguments.luggage.first()) {
        screen::say!("error: `{option}` requires `--vm`");
        return Exit::Usage;
    }
    let OpenedTests { files, valid } = match open(arguments) {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let files = Arc::new(files);
    if arguments.list {
        return list(&files, arguments);
    }
    let count: usize = files
        .iter()
        .map(|tests| tests.file.tests.iter().filter(|test| arguments.wants(test)).count())
        .sum();
    if count == 0 {
        if !valid {
            return Exit::Invalid;
        }
        let message = match (&arguments.filter, files.is_empty()) {
            (Some(text), false) => format!("no test has `{}` in its name", text.escape_debug()),
            _ => "no tests found".to_owned(),
        };
        let help =
            "Write [[test]] tables; `freplace-compose new test CHAIN` writes the first ones.";
        report::one(&Diagnostic::new(Code::BadTest, message).help(help));
        return Exit::Usage;
    }
    // A guest prints what the host writes.
    if let Some(path) = arguments.coverage.as_ref().filter(|_| !arguments.records) {
        let inputs: Vec<PathBuf> = files.iter().flat_map(|tests| tests.file.inputs()).collect();
        if let Err(exit) = screen::spare(path, &inputs) {
            return exit;
        }
    }
    let started = Instant::now();
    let ended = match arguments.vm.is_empty() {
        true => here(&files, arguments),
        false => in_vms(&files, arguments),
    };
    let FinishedTests { records, coverage } = match ended {
        Ok(finished) => finished,
        Err(exit) => return exit,
    };
    if arguments.records {
        if arguments.coverage.is_some() {
            screen::data(&coverage::to_line(coverage));
        }
        return exit_of(&records, valid);
    }
    let written = match arguments.format {
        TestFormat::Human => summary(&records, started.elapsed()),
        TestFormat::Json => Exit::Done,
        TestFormat::Junit => screen::data(&testing::junit(&records)),
        TestFormat::Tap => screen::data(&testing::tap(&records)),
    };
    if arguments.update
        && let Err(found) = update::apply(&files, &records)
    {
        report::all(&found);
        return Exit::Failed;
    }
    if let Some(path) = &arguments.coverage
        && let Err(found) = coverage::write(path, &coverage)
    {
        report::one(&found);
        return Exit::Failed;
    }
    match exit_of(&records, valid) {
        Exit::Done => written,
        other => other,
    }
}

/// What came of all tests.
#[derive(Debug, Default)]
struct FinishedTests {
    records: Vec<TestRecord>,
    /// The lines that ran, where that was asked for.
    coverage: Coverage,
}

fn exit_of(records: &[TestRecord], valid: bool) -> Exit {
    match (Tally::of(records).failed, valid) {
        (_, false) => Exit::Invalid,
        (0, true) => Exit::Done,
        _ => Exit::Failed,
    }
}

/// The files with tests that can be run.
#[derive(Default)]
struct OpenedTests {
    files: Vec<CheckedTests>,
    /// Whether those are all that were named.
    valid: bool,
}

fn open(arguments: &TestArguments) -> Result<OpenedTests, Exit> {
    let paths = find(&arguments.paths).map_err(|found| {
        report::one(&found);
        Exit::Usage
    })?;
    let inputs = arguments.flags.inputs(paths.iter().map(PathBuf::as_path));
    let mut opened = OpenedTests { valid: true, ..OpenedTests::default() };
    for path in paths {
        let file = TestFile::open(&path, &inputs);
        match file.and_then(|file| file.map(testing::check).transpose()) {
            Ok(checked) => opened.files.extend(checked),
            Err(found) => {
                report::all(&found);
                opened.valid = false;
            }
        }
    }
    Ok(opened)
}

fn list(files: &[CheckedTests], arguments: &TestArguments) -> Exit {
    let mut text = String::new();
    for CheckedTests { file, .. } in files {
        for test in file.tests.iter().filter(|test| arguments.wants(test)) {
            text += &format!(
                "{}  {}\n",
                inert::line(&file.path.display().to_string()),
                inert::line(&test.name)
            );
        }
    }
    screen::data(&text)
}

/// Prints a result as it comes.
fn told(record: &TestRecord, arguments: &TestArguments, several: bool) {
    if arguments.records || arguments.format == TestFormat::Json {
        let line = serde_json::to_string(record).unwrap_or_default(); // text and numbers
        screen::data(&(line + "\n"));
        return;
    }
    if arguments.format != TestFormat::Human {
        return;
    }
    let seconds = format!("{}.{:03} s", record.ms / 1000, record.ms % 1000);
    let name = inert::line(&record.name);
    let kernel = if several { format!("  {}", record.kernel) } else { String::new() };
    let runs = record.run_ns.map(|ns| format!("  {ns} ns")).unwrap_or_default();
    let verdict = match record.verdict.as_str() {
        "passed" => "pass".green().to_string(),
        "skipped" => "skip".dimmed().to_string(),
        _ => "FAIL".red().to_string(),
    };
    let about = format!("{kernel}{runs}");
    screen::data(&format!("{verdict}  {seconds:>9}  {name}{}\n", about.dimmed()));
    for text in &record.text {
        match record.verdict.as_str() {
            "failed" => screen::passed_on(text),
            _ => screen::data(&format!("                 {}\n", inert::line(text).dimmed())),
        };
    }
}

fn summary(records: &[TestRecord], took: Duration) -> Exit {
    let tally = Tally::of(records);
    let mut kernels: Vec<&str> = records.iter().map(|one| one.kernel.as_str()).collect();
    kernels.sort_unstable();
    kernels.dedup();
    let on = match kernels.as_slice() {
        [one] => format!("Linux {one}"),
        several => format!("{} kernels", several.len()),
    };
    let mut parts = vec![format!("{} passed", tally.passed)];
    if tally.failed > 0 {
        parts.push(format!("{} failed", tally.failed).red().to_string());
    }
    if tally.skipped > 0 {
        parts.push(format!("{} skipped", tally.skipped));
    }
    let took = took.as_secs_f64();
    let tests = if tally.all() == 1 { "test" } else { "tests" };
    let mut text =
        format!("\n{} {tests} on {on}: {}  {took:.1} s\n", tally.all(), parts.join(", "));
    for one in records.iter().filter(|one| one.verdict == "failed") {
        let (file, name) = (inert::line(&one.file), inert::line(&one.name));
        text += &format!("  {}  {file}: {name}  {}\n", "FAIL".red(), one.kernel.dimmed());
    }
    screen::data(&text)
}

/// Runs the tests on this machine's kernel.
fn here(
    files: &Arc<Vec<CheckedTests>>,
    arguments: &Arc<TestArguments>,
) -> Result<FinishedTests, Exit> {
    if !rustix::process::geteuid().is_root() {
        let message = "tests load programs, which requires root";
        let help = "Use --vm to run in a micro-VM, which does not require root.";
        report::one(&Diagnostic::new(Code::NotPermitted, message).help(help));
        return Err(Exit::Environment);
    }
    if let Some(missing) = files.iter().flat_map(|tests| &tests.plans).find_map(doctor::missing) {
        report::one(&missing);
        return Err(Exit::Environment);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (files, arguments, seen) = (Arc::clone(files), Arc::clone(arguments), Arc::clone(&stop));
    let ended = runtime::run(async move {
        let mut interrupts = Interrupts::new(Signals::listen()?);
        let work = tokio::task::spawn_blocking(move || all(&files, &arguments, &seen));
        // A thread fails by a panic alone.
        interrupts.stops(work, &stop).await.ok_or(Exit::Cut)?.map_err(|_| Exit::Failed)
    });
    ended?
}

/// Runs the tests of all files one by one, until `stop` is set.
fn all(files: &[CheckedTests], arguments: &TestArguments, stop: &AtomicBool) -> FinishedTests {
    let kernel = machine::version().map_or_else(machine::release, |version| version.to_string());
    let mut linux = Linux::new();
    if arguments.coverage.is_some() {
        linux.count_lines();
    }
    let mut finished = FinishedTests::default();
    for tests in files {
        let outcome = testing::run(
            &mut linux,
            tests,
            &|test| arguments.wants(test),
            TestSurroundings { is_over: &|| stop.load(Ordering::Relaxed), exec: &exec },
            &mut |result| {
                finished.coverage.add_test(&result.lines);
                let record = record_of(&tests.file, &kernel, result, arguments.is_colored());
                told(&record, arguments, false);
                finished.records.push(record);
            },
        );
        // They were checked; a file may have changed since.
        if let Err(found) = outcome {
            report::all(&found);
        }
        linux.next_chain();
    }
    finished
}

/// A result as a record; drawn without colours where people do not read it.
fn record_of(file: &TestFile, kernel: &str, result: TestResult, colored: bool) -> TestRecord {
    let drawn = |text: String| match colored {
        true => text,
        false => screen::without_colors(&text),
    };
    let verdict = result.verdict.to_string();
    let mut text = match result.verdict {
        TestVerdict::Passed => Vec::new(),
        TestVerdict::Skipped(why) => vec![why],
        TestVerdict::Failed(found) => {
            let mut drawing = Drawing::new(report::width());
            found.iter().map(|one| drawn(drawing.text(one))).collect()
        }
    };
    text.extend(result.remarks);
    TestRecord {
        name: result.name,
        file: file.path.display().to_string(),
        kernel: kernel.to_owned(),
        verdict,
        ms: u64::try_from(result.took.as_millis()).unwrap_or(u64::MAX),
        run_ns: result.run_ns,
        text,
        corrections: result.corrections,
    }
}
