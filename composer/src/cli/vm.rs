//! `freplace-compose vm`: one command as root in the throw-away micro-VM.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal as _, Write},
    path::PathBuf,
    time::Duration,
};

use owo_colors::OwoColorize as _;

use super::{exit::Exit, report};
use freplace_compose::{
    diag::{Code, Diagnostic},
    vm::{Bring, DEFAULT_SERIES, KernelChoice, Machine, Progress, VmError},
};

/// Runs one command as root in the throw-away micro-VM.
///
/// The command runs under a kernel of its own, in a guest that is gone when the command ends. Neither root nor KVM nor a
/// network is needed. Its output and exit code are passed on; interrupt it once to let it end by itself, twice to stop it.
#[derive(Debug, clap::Args)]
pub(crate) struct VmArgs {
    /// A kernel series such as 6.1 or 6.12 (a Debian cloud kernel, fetched once), or the path of a vmlinuz.
    #[arg(long, value_name = "KERNEL", default_value_t)]
    pub(crate) kernel: KernelChoice,

    /// A file or folder to bring along, by default to the same path; the libraries that executables need come by themselves.
    #[arg(long, value_name = "SRC[:DST]")]
    pub(crate) add: Vec<OsString>,

    /// End the command after this time.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) timeout: Option<u32>,

    /// The guest's memory.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(128..=65536))]
    pub(crate) memory: u32,

    /// Say nothing about the micro-VM itself.
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// The command: from this host, or one of busybox's.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// `--vm[=KERNEL]` of the verbs that can run in the micro-VM.
#[derive(Debug, clap::Args)]
pub(crate) struct VmFlag {
    /// Do it in a throw-away micro-VM: no root needed. KERNEL is a series such as 6.1 or 6.12 (a
    /// Debian cloud kernel, fetched once), or the path of a vmlinuz.
    #[arg(long, value_name = "KERNEL", num_args = 0..=1, require_equals = true, default_missing_value = DEFAULT_SERIES)]
    pub(crate) vm: Option<KernelChoice>,
}

/// Runs the command; its exit code, 128 + n for signal n.
pub(crate) async fn run(args: VmArgs) -> Exit {
    let mut machine = match Machine::new(args.command) {
        Ok(machine) => machine,
        Err(error) => return failed(&error),
    };
    machine.kernel = args.kernel;
    machine.memory_mib = args.memory;
    machine.run_timeout = args.timeout.map(|seconds| Duration::from_secs(seconds.into()));
    machine.bring = args.add.iter().map(bring).collect();
    boot(machine, args.quiet, io::stdout()).await
}

/// Runs this very command line in a micro-VM with `kernel`: the same verb and the same arguments,
/// without `--vm`. `files` come along, and `command`, which the verb will run there. What the verb
/// writes goes to `output`, where it was asked to write to a file.
pub(crate) async fn again(
    kernel: &KernelChoice,
    files: Vec<PathBuf>,
    command: Option<&OsString>,
    output: Option<File>,
) -> Exit {
    let to_file = output.is_some();
    let machine = || {
        let mut machine = Machine::new(Vec::new())?;
        // What stands behind `--` belongs to the command.
        let mut words = std::env::args_os().skip(1);
        let before: Vec<_> = words.by_ref().take_while(|word| word != "--").collect();
        let asked = before.iter().any(|word| word.as_encoded_bytes().starts_with(b"--color"));
        let own = before.into_iter().filter(|word| {
            let bytes = word.as_encoded_bytes();
            bytes != b"--vm" && !bytes.starts_with(b"--vm=")
        });
        let color = !to_file && io::stdout().is_terminal();
        let color = if color { "always" } else { "never" };
        let color = ["--color".into(), color.into()];
        machine.argv.push(machine.init.clone().into());
        machine.argv.extend(color.into_iter().filter(|_| !asked && !no_color()));
        machine.argv.extend(own);
        if to_file {
            // The guest's disk is gone with it: the file is here, and the last --output counts.
            machine.argv.push("--output=-".into());
        }
        if let Some(command) = command {
            machine.argv.push("--".into());
            machine.argv.extend(words);
            machine.commands.push(command.clone());
        }
        machine.kernel = kernel.clone();
        machine.bring = files.into_iter().map(Bring::from).collect();
        if let Ok(size) = rustix::termios::tcgetwinsize(io::stderr()) {
            machine.env.insert("COLUMNS".into(), size.ws_col.to_string().into());
        }
        Ok(machine)
    };
    match (machine(), output) {
        (Ok(machine), None) => boot(machine, false, io::stdout()).await,
        (Ok(machine), Some(file)) => boot(machine, false, file).await,
        (Err(error), _) => failed(&error),
    }
}

fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

async fn boot(machine: Machine, quiet: bool, out: impl Write + Send + 'static) -> Exit {
    let mut say = |progress| {
        if !quiet {
            anstream::eprintln!("{}  {}", "micro-VM".dimmed(), line(&progress));
        }
    };
    match machine.run(&mut say, out, io::stderr()).await {
        Ok(exit) => Exit::Of(u8::try_from(exit.code).unwrap_or(u8::MAX)),
        // The reader of our output has seen enough.
        Err(VmError::Output { source }) if source.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(VmError::Interrupted) => {
            anstream::eprintln!("interrupted: the micro-VM was ended as it was");
            Exit::Cut
        }
        Err(error @ VmError::CommandNotFound { .. }) => {
            failed(&error);
            Exit::Usage
        }
        Err(error) => failed(&error),
    }
}

/// What could not be done, as a diagnostic. What this machine lacks is a matter of the environment;
/// a guest that did not do its work is a failure.
fn failed(error: &VmError) -> Exit {
    let lacking = matches!(
        error,
        VmError::Architecture
            | VmError::ToolMissing { .. }
            | VmError::NoApt { .. }
            | VmError::UnknownSeries { .. }
            | VmError::Fetch { .. }
            | VmError::NoCache
            | VmError::NotAKernel { .. }
    );
    report::one(&Diagnostic::new(
        Code::MicroVm,
        format!("the micro-VM could not do its work: {error}"),
    ));
    if lacking { Exit::Environment } else { Exit::Failed }
}

/// One phase in one line.
pub(crate) fn line(progress: &Progress) -> String {
    match progress {
        Progress::Waiting { cache } => {
            format!("waiting for another process that fills {}", cache.display())
        }
        Progress::Updating => "fetching fresh package lists".to_owned(),
        Progress::Fetching { package, bytes } => {
            format!("fetching {package}  {:.0} MB", *bytes as f64 / 1e6)
        }
        Progress::Booting { release, kvm: true } => format!("booting linux {release}"),
        Progress::Booting { release, kvm: false } => format!("booting linux {release}, emulated"),
        Progress::Booted { release, boot } => {
            format!("linux {release}  booted in {:.1} s", boot.as_secs_f64())
        }
    }
}

/// `SRC[:DST]`, split at the first colon; a file that has a colon in its own name is taken whole.
fn bring(argument: &OsString) -> Bring {
    let whole = PathBuf::from(argument);
    let split = argument.to_str().filter(|_| !whole.exists()).and_then(|text| text.split_once(':'));
    match split {
        Some((source, dest)) => Bring { source: source.into(), dest: dest.into() },
        None => whole.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_separates_source_and_destination() {
        assert_eq!(bring(&"a:/b".into()), Bring { source: "a".into(), dest: "/b".into() });
        assert_eq!(bring(&"a".into()), PathBuf::from("a").into());
    }

    #[test]
    fn a_phase_is_one_calm_line() {
        let fetching =
            Progress::Fetching { package: "linux-image-x".to_owned(), bytes: 34_307_256 };
        assert_eq!(line(&fetching), "fetching linux-image-x  34 MB");
        let booted =
            Progress::Booted { release: "6.12.1".to_owned(), boot: Duration::from_millis(2_940) };
        assert_eq!(line(&booted), "linux 6.12.1  booted in 2.9 s");
    }
}
