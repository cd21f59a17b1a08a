//! `freplace-compose vm`: runs one command as root in the disposable micro-VM.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Format, exit::Exit, runtime, screen};
use freplace_compose::{
    chain::{Chain, ObjectRef, recipe_name},
    resolve::Resolved,
    vm::{DEFAULT_SERIES, HostFile, KernelChoice, Machine, VmError},
};

mod failure;
mod inventory;
mod luggage;
mod teller;

use failure::failed;
pub(super) use luggage::{VmFiles, not_in_guest};
use teller::ProgressPrinter;

/// Run a command as root in a disposable micro-VM.
///
/// The command runs under its own kernel, in a guest that ends with the command. Root, KVM and a
/// network are not required. Output and exit code are passed on. The first interrupt is forwarded
/// to the command, the second ends the micro-VM.
///
/// Example: freplace-compose vm --kernel 6.1 -- uname -r
#[derive(Debug, clap::Args)]
pub(crate) struct VmArgs {
    /// Kernel series such as 6.1 or 7.3 (a Debian cloud kernel, fetched once), or the path of a
    /// vmlinuz.
    #[arg(long, value_name = "KERNEL", default_value_t)]
    pub(crate) kernel: KernelChoice,

    #[command(flatten)]
    pub(crate) luggage: VmFiles,

    /// End the command after this time.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) timeout: Option<u32>,

    /// Print nothing about the micro-VM itself.
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// List the kernels that can be fetched and those in the cache, and exit.
    #[arg(long, conflicts_with_all = ["prune", "command"])]
    list: bool,

    /// Empty the cache of kernels, and exit.
    #[arg(long, conflicts_with = "command")]
    prune: bool,

    /// Format of the list.
    #[arg(long, value_name = "FORMAT", default_value = "human", requires = "list")]
    format: Format,

    /// Command to run: an executable of this machine, or a busybox applet.
    #[arg(last = true, required_unless_present_any = ["list", "prune"], value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// `--vm[=KERNEL]` of the verbs that can run in the micro-VM.
#[derive(Debug, clap::Args)]
pub(crate) struct VmFlag {
    /// Run in a disposable micro-VM; root is not required. KERNEL is a series such as 6.1 or 7.3 (a
    /// Debian cloud kernel, fetched once; `vm --list` lists them), or the path of a vmlinuz.
    #[arg(long, value_name = "KERNEL", num_args = 0..=1, require_equals = true, default_missing_value = DEFAULT_SERIES)]
    pub(crate) vm: Option<KernelChoice>,
}

/// The files that a chain in a micro-VM needs: itself, what it includes, its objects, and the programs of this machine that its hosts
/// are attached to.
pub(crate) fn files(resolved: &Resolved) -> Vec<PathBuf> {
    let Chain { path, included, .. } = resolved.chain();
    let objects = resolved.objects().iter().filter_map(|(name, _)| match name {
        ObjectRef::File(path) => Some(resolved.chain().folder.join(path)),
        ObjectRef::Builtin(_) | ObjectRef::Running(_) | ObjectRef::Generated(_) => None,
    });
    let attached = resolved.nodes().filter_map(|(_, node, _)| node.attach());
    let binaries = attached.filter_map(|attach| {
        let binary = attach.value.mechanism().binary().map(PathBuf::from)?;
        (binary.is_absolute() && binary.is_file()).then_some(binary)
    });
    let chain = recipe_name(path).is_none().then(|| path.to_owned());
    chain.into_iter().chain(included.iter().cloned()).chain(objects).chain(binaries).collect()
}

/// The modules of the kernel that the hosts of a chain are attached with.
pub(crate) fn modules(resolved: &Resolved) -> Vec<String> {
    let attached = resolved.nodes().filter_map(|(_, node, _)| node.attach());
    attached.flat_map(|attach| attach.value.kind.modules).map(|name| (*name).to_owned()).collect()
}

/// Runs the command; its exit code, 128 + n for signal n.
pub(crate) fn run(args: VmArgs) -> Exit {
    if args.list {
        return inventory::list(args.format, args.quiet);
    }
    if args.prune {
        return inventory::prune(args.quiet);
    }
    let mut machine = match Machine::new(args.command) {
        Ok(machine) => machine,
        Err(error) => return failed(&error),
    };
    machine.kernel = args.kernel;
    args.luggage.put_into(&mut machine);
    machine.run_timeout = args.timeout.map(|seconds| Duration::from_secs(seconds.into()));
    match boot(machine, args.quiet, io::stdout()) {
        Ok(ended) => Exit::Of(ended.code),
        Err(exit) => exit,
    }
}

/// How a command in the micro-VM ended.
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: u8,
    /// The file that it was to keep.
    pub(crate) kept: String,
}

/// This program, to be run in a micro-VM.
pub(crate) struct ReexecInVm<'a> {
    /// The kernel to boot.
    pub(crate) kernel: &'a KernelChoice,
    /// Files that come along.
    pub(crate) files: Vec<PathBuf>,
    /// Modules that come along where the kernel has them.
    pub(crate) modules: Vec<String>,
    /// What else comes along.
    pub(crate) luggage: VmFiles,
    /// A command that the verb will run there.
    pub(crate) command: Option<&'a OsString>,
    /// A file that the verb writes, which is then brought back.
    pub(crate) keep: Option<&'a Path>,
    /// Where the verb's output goes when it was asked to write to a file.
    pub(crate) output: Option<File>,
    /// Variables of the environment.
    pub(crate) env: Vec<(String, OsString)>,
}

impl<'a> ReexecInVm<'a> {
    /// With nothing but this program.
    pub(crate) fn new(kernel: &'a KernelChoice) -> Self {
        let (files, modules, luggage) = (Vec::new(), Vec::new(), VmFiles::default());
        let env = Vec::new();
        Self { kernel, files, modules, luggage, command: None, keep: None, output: None, env }
    }

    /// Runs this very command line: the same verb and the same arguments, without `--vm`.
    pub(crate) fn run(mut self) -> Exit {
        let output = self.output.take();
        // What stands behind `--` belongs to the command.
        let mut words = std::env::args_os().skip(1);
        let mut own = luggage::for_guest(words.by_ref().take_while(|word| word != "--"));
        if output.is_some() {
            // The guest's disk is gone with it: the file is here, and the last --output counts.
            own.push("--output=-".into());
        }
        if self.command.is_some() {
            own.push("--".into());
            own.extend(words);
        }
        let keep = self.keep.map(Path::to_owned);
        let ended = match output {
            Some(file) => self.with(own, false, file),
            None => self.with(own, io::stdout().is_terminal(), io::stdout()),
        };
        match ended {
            Ok(ended) => {
                let kept = keep.map(|path| (std::fs::write(&path, &ended.kept), path));
                if let Some((Err(error), path)) = kept {
                    return super::logs::cannot_write(&path, &error);
                }
                Exit::Of(ended.code)
            }
            Err(exit) => exit,
        }
    }

    /// Runs this program with `words` as its arguments, its output going to `out`, with colours if
    /// nothing else was asked for.
    pub(crate) fn with(
        self,
        words: Vec<OsString>,
        color: bool,
        out: impl io::Write + Send + 'static,
    ) -> Result<Ended, Exit> {
        let machine = self.machine(words, color).map_err(|error| failed(&error))?;
        boot(machine, false, out)
    }

    fn machine(self, words: Vec<OsString>, color: bool) -> Result<Machine, VmError> {
        let mut machine = Machine::new(Vec::new())?;
        let asked = std::env::args_os()
            .take_while(|word| word != "--")
            .any(|word| word.as_encoded_bytes().starts_with(b"--color"));
        let color = if color { "always" } else { "never" };
        let color = ["--color".into(), color.into()];
        machine.argv.push(machine.init.clone().into());
        machine.argv.extend(color.into_iter().filter(|_| !asked && !no_color()));
        if self.command.is_some() {
            let command = words.iter().position(|word| word == "--");
            let command = command.map_or(&[][..], |at| &words[at + 1..]);
            machine.env.extend(luggage::left_behind(command));
        }
        machine.env.extend(self.env.into_iter().map(|(name, value)| (name.into(), value)));
        machine.argv.extend(words);
        machine.commands.extend(self.command.cloned());
        machine.kernel = self.kernel.clone();
        machine.bring = self.files.into_iter().map(HostFile::from).collect();
        machine.modules_if_any = self.modules;
        self.luggage.put_into(&mut machine);
        machine.keep = self.keep.map(Path::to_owned);
        if let Ok(size) = rustix::termios::tcgetwinsize(io::stderr()) {
            machine.env.insert("COLUMNS".into(), size.ws_col.to_string().into());
        }
        Ok(machine)
    }
}

/// The kernel in `--vm 6.1`, which clap would take for a file.
pub(crate) fn apart(words: impl Iterator<Item = OsString>) -> Option<String> {
    let words: Vec<_> = words.take_while(|word| word != "--").collect();
    let behind = words.windows(2).find(|pair| pair[0] == "--vm")?[1].to_str()?;
    let kernel = behind.parse().ok()?;
    matches!(kernel, KernelChoice::Series(_)).then(|| behind.to_owned())
}

fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

fn boot(
    machine: Machine,
    quiet: bool,
    out: impl io::Write + Send + 'static,
) -> Result<Ended, Exit> {
    let memory = machine.memory_mib;
    let mut teller = ProgressPrinter::new(quiet);
    let ended =
        runtime::run(machine.run(&mut |progress| teller.tell(&progress), out, io::stderr()));
    drop(teller);
    Err(match ended? {
        Ok(exit) => {
            if let Some(process) = &exit.out_of_memory {
                failure::out_of_memory(process, memory);
            }
            let code = u8::try_from(exit.code).unwrap_or(u8::MAX);
            return Ok(Ended { code, kept: exit.kept });
        }
        // The reader of our output has seen enough.
        Err(VmError::Output { source }) if source.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(VmError::Interrupted) => {
            screen::say!("interrupted: the micro-VM was stopped immediately");
            Exit::Cut
        }
        Err(error) => failed(&error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_in_a_word_of_its_own_is_found() {
        let found = |line: &str| apart(line.split(' ').map(OsString::from));
        assert_eq!(found("x up --vm 6.1 chain.toml").as_deref(), Some("6.1"));
        for line in ["x up --vm=6.1 chain.toml", "x up --vm chain.toml", "x up a -- b --vm 6.1"] {
            assert_eq!(found(line), None, "{line}");
        }
        assert_eq!(found("x up chain.toml --vm"), None);
    }
}
