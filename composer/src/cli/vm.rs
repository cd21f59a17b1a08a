//! `freplace-compose vm`: one command as root in the throw-away micro-VM.

use std::{ffi::OsString, io, path::PathBuf, time::Duration};

use freplace_compose::vm::{Bring, KernelChoice, Machine, Progress, VmError};

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

/// Runs the command; its exit code, 128 + n for signal n.
///
/// # Errors
/// See [`VmError`]: whenever there is no exit code of the command.
pub(crate) async fn run(args: VmArgs) -> Result<i32, VmError> {
    let mut machine = Machine::new(args.command)?;
    machine.kernel = args.kernel;
    machine.memory_mib = args.memory;
    machine.run_timeout = args.timeout.map(|seconds| Duration::from_secs(seconds.into()));
    machine.bring = args.add.iter().map(bring).collect();
    let mut say = |progress| {
        if !args.quiet {
            eprintln!("micro-VM  {}", line(&progress));
        }
    };
    match machine.run(&mut say, io::stdout(), io::stderr()).await {
        Ok(exit) => Ok(exit.code),
        // The reader of our output has seen enough: the code a shell gives for SIGPIPE.
        Err(VmError::Output { source }) if source.kind() == io::ErrorKind::BrokenPipe => {
            Ok(128 + 13)
        }
        Err(error) => Err(error),
    }
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
