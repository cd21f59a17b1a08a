//! `validate FILE…`: all diagnostics of all files; with `--vm`, those of the real verifier as well.

mod ask_kernel;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::ask_kernel::Question;
use super::{
    Format,
    exit::Exit,
    ink::Ink as _,
    inputs::InputFlags,
    kernels::KernelFlag,
    logs::LogFlags,
    refused, report, screen,
    vm::{VmFiles, files},
};
use freplace_compose::{
    chain::ChainInputs,
    check::{self, Checked, Kernels},
    diag::{Code, Diagnostic, Severity},
    inert,
    kernel::RunningKernel,
    profile::Profile,
    resolve::{NotLooked, Resolved, RunningPrograms},
    testing::{self, TestFile},
    vm::KernelChoice,
};

/// Check chains without root and without a kernel.
///
/// All errors of all files are reported in one run, and nothing is loaded. With --vm, chains that
/// pass are also loaded and attached in a disposable micro-VM.
///
/// Example: freplace-compose validate --kernel 6.1,6.12 chains/*.toml
#[derive(Debug, clap::Args)]
pub(super) struct Validate {
    /// Chain files to check, folders of recipes, or builtin:NAME for recipes.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Format of the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    #[command(flatten)]
    flags: InputFlags,
    #[command(flatten)]
    kernels: KernelFlag,
    /// Also load and attach the valid chains in a disposable micro-VM and report verifier errors.
    /// Uses KERNEL (a series, or the path of a vmlinuz) if given, otherwise every kernel from
    /// --kernel.
    #[arg(long, value_name = "KERNEL", num_args = 0..=1, require_equals = true)]
    vm: Option<Option<KernelChoice>>,
    #[command(flatten)]
    logs: LogFlags,
    #[command(flatten)]
    luggage: VmFiles,
    /// Ask the running kernel: what --vm does in the guest, where the rules were judged already.
    #[arg(long, hide = true)]
    ask_kernel: bool,
}

pub(super) fn run(arguments: &Validate) -> Exit {
    let inputs = arguments.flags.inputs(arguments.files.iter().map(PathBuf::as_path));
    if arguments.ask_kernel {
        return ask_kernel::here(&arguments.files, &inputs, arguments.format, &arguments.logs);
    }
    if arguments.vm.is_none() && arguments.logs.any() {
        screen::say!("error: `--verifier-log` and `-v` require `--vm`");
        return Exit::Usage;
    }
    if let (None, Some(option)) = (&arguments.vm, arguments.luggage.first()) {
        screen::say!("error: `{option}` requires `--vm`");
        return Exit::Usage;
    }
    let kernels = match arguments.kernels.kernels() {
        Ok(kernels) => kernels,
        Err(exit) => return exit,
    };
    let here = RunningKernel::default();
    let running: &dyn RunningPrograms =
        if arguments.kernels.has_running() { &here } else { &NotLooked };
    let judged = Judged::of(&arguments.files, &inputs, &kernels, running, arguments.format);
    match boots(arguments, &kernels) {
        None => judged.tell(arguments.format),
        Some(boots) => ask(judged, &boots, arguments, &inputs),
    }
}

/// The kernels to ask, when any are to be asked.
fn boots(arguments: &Validate, kernels: &Kernels) -> Option<Vec<KernelChoice>> {
    let named = arguments.vm.clone()?;
    let series = |profile: &Profile| KernelChoice::Series(profile.kernel.to_string());
    Some(match named {
        Some(named) => vec![named],
        None if kernels.asked => kernels.profiles.iter().map(series).collect(),
        None => vec![KernelChoice::default()],
    })
}

/// What the rules say of the files.
struct Judged<'a> {
    /// Each with its chain, where that is valid.
    files: Vec<(&'a Path, Option<Resolved>)>,
    /// One for each file.
    results: Vec<Value>,
    /// How it ends for what is wrong with them.
    exit: Exit,
}

impl<'a> Judged<'a> {
    /// Judges `files`, with the diagnostics on the screen where people read them.
    fn of(
        files: &'a [PathBuf],
        inputs: &ChainInputs,
        kernels: &Kernels,
        running: &dyn RunningPrograms,
        format: Format,
    ) -> Self {
        let mut judged = Self { files: Vec::new(), results: Vec::new(), exit: Exit::Done };
        for path in files {
            let (read, found) = match check::read(path, inputs, kernels, running) {
                Ok(Checked { resolved, mut warnings }) => {
                    // Its tests are of the file, too.
                    let tests = TestFile::open(&resolved.chain().path, inputs).and_then(|file| {
                        file.map_or(Ok(()), |file| testing::check(file).map(drop))
                    });
                    warnings.extend(tests.err().into_iter().flatten());
                    (Some(resolved), warnings)
                }
                Err(found) => (None, found),
            };
            let is_valid = is_valid(&found);
            if !is_valid && judged.exit != Exit::Invalid {
                judged.exit = refused(&found);
            }
            judged.files.push((path, read.filter(|_| is_valid)));
            judged.results.push(match format {
                Format::Human => {
                    report::all(&found);
                    Value::Null
                }
                Format::Json => result(path, &found),
            });
        }
        judged
    }

    /// Says what is good.
    fn tell(self, format: Format) -> Exit {
        let widest = width(self.files.iter().map(|(path, _)| *path));
        let lines = self.files.iter().filter_map(|(path, read)| {
            let nodes = read.as_ref()?.chain().graph.len();
            Some(line(path, widest, nodes) + "\n")
        });
        let written = match format {
            Format::Human => screen::data(&lines.collect::<String>()),
            Format::Json => screen::json(&self.results),
        };
        if format == Format::Human && self.files.iter().any(|(_, read)| read.is_some()) {
            let line = "checked without a kernel; `validate --vm` also runs the verifier";
            screen::say!("{}", line.dimmed());
        }
        if self.exit == Exit::Done { written } else { self.exit }
    }
}

/// Asks each of `boots` for what the rules let pass.
fn ask(
    mut judged: Judged<'_>,
    boots: &[KernelChoice],
    arguments: &Validate,
    inputs: &ChainInputs,
) -> Exit {
    let good = judged.files.iter().filter_map(|(path, read)| Some((*path, read.as_ref()?)));
    let good: Vec<_> = good.collect();
    let read = good.iter().flat_map(|(_, resolved)| files(resolved));
    let read: Vec<_> = read.chain(arguments.files.iter().cloned()).collect();
    if let Some(Err(exit)) = arguments.logs.file().map(|file| screen::spare(file, &read)) {
        return exit;
    }
    let mut logs = match arguments.logs.open() {
        Ok(logs) => logs,
        Err(exit) => return exit,
    };
    let mut written = Exit::Done;
    for kernel in boots.iter().filter(|_| !good.is_empty()) {
        let question = Question {
            kernel,
            chains: &good,
            luggage: &arguments.luggage,
            inputs,
            format: arguments.format,
        };
        let answer = match question.ask(&arguments.logs, &mut logs) {
            Ok(answer) => answer,
            Err(exit) => return exit,
        };
        if !answer.valid {
            judged.exit = Exit::Invalid;
        }
        match arguments.format {
            Format::Human => written = screen::passed_on(&answer.text),
            Format::Json => merge(&mut judged.results, answer.results),
        }
    }
    if arguments.format == Format::Json {
        written = screen::json(&judged.results);
    }
    if judged.exit == Exit::Done { written } else { judged.exit }
}

/// Puts a kernel's answers beside the rules' judgement of the same files.
fn merge(results: &mut [Value], answers: Vec<Value>) {
    for answer in answers {
        let same = |result: &&mut Value| result["file"] == answer["file"];
        let Some(result) = results.iter_mut().find(same) else { continue };
        let valid = result["valid"] == true && answer["valid"] == true;
        result["valid"] = valid.into();
        let Value::Object(mut answer) = answer else { continue };
        answer.remove("file");
        match result["kernels"].as_array_mut() {
            Some(kernels) => kernels.push(answer.into()),
            None => result["kernels"] = json!([answer]),
        }
    }
}

/// Whether nothing in `found` is an error.
pub(super) fn is_valid(found: &[Diagnostic]) -> bool {
    found.iter().all(|found| found.severity != Severity::Error)
}

/// A file's result.
pub(super) fn result(path: &Path, found: &[Diagnostic]) -> Value {
    let (diagnostics, more) = report::to_json(found);
    let not_looked = |found: &Diagnostic| found.code == Code::NotLooked;
    let errors = found.iter().filter(|found| found.severity == Severity::Error);
    let errors: Vec<_> = errors.collect();
    // Neither valid nor invalid is what nobody looked at.
    let unknown = !errors.is_empty() && errors.into_iter().all(not_looked);
    json!({
        "file": path.display().to_string(),
        "valid": (!unknown).then(|| is_valid(found)),
        "diagnostics": diagnostics,
        "more": more,
    })
}

/// The columns that the longest of `paths` takes.
pub(super) fn width<'a>(paths: impl Iterator<Item = &'a Path>) -> usize {
    paths.map(|path| path.display().to_string().chars().count()).max().unwrap_or(0)
}

/// What is said of a valid file.
pub(super) fn line(path: &Path, width: usize, nodes: usize) -> String {
    let nodes = screen::count(nodes as u64, "node");
    let path = path.display().to_string();
    format!("{:<width$}  {}  {nodes}", inert::line(&path), "valid".green())
}
