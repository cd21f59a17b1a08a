//! Failures of a micro-VM as diagnostics, with a code for each kind.

use super::super::{exit::Exit, report};
use freplace_compose::{
    diag::{Code, Diagnostic, Severity},
    files::plain,
    vm::VmError,
};

/// Draws it. What this machine lacks is a matter of the environment; a guest that did not do its
/// work is a failure.
pub(super) fn failed(error: &VmError) -> Exit {
    let (diagnostic, exit) = explained(error);
    report::one(&diagnostic);
    exit
}

fn explained(error: &VmError) -> (Diagnostic, Exit) {
    let other = || Diagnostic::new(Code::MicroVm, format!("micro-VM failure: {error}"));
    let own = |code| Diagnostic::new(code, error.to_string());
    match error {
        VmError::Output { source } => {
            let message = format!("cannot write the output: {}", plain(source));
            let help = "Free space or choose another output. The micro-VM was stopped, and \
                        nothing of the chain is left.";
            (Diagnostic::new(Code::WriteFailed, message).help(help), Exit::Failed)
        }
        VmError::UnknownSeries { unasked, .. } => {
            let help = "Use one of these series, or the path of a kernel image: \
                        `--vm=/boot/vmlinuz-…`. `freplace-compose vm --list` lists the series.";
            let found = own(Code::NoSuchKernel);
            let found = unasked.iter().fold(found, |found, one| found.note(one.to_string()));
            (found.help(help), Exit::Environment)
        }
        VmError::NoApt { series } => {
            let help = format!(
                "Use the path of a kernel image instead of {series}: `--vm=/boot/vmlinuz-…`, of \
                 any distribution, with BTF (CONFIG_DEBUG_INFO_BTF=y)."
            );
            (own(Code::NoSuchKernel).help(help), Exit::Environment)
        }
        VmError::NoImage { .. } => (own(Code::NoSuchKernel), Exit::Environment),
        VmError::NotAKernel { .. } => (own(Code::NotAKernel), Exit::Environment),
        VmError::Fetch { .. } | VmError::Damaged { .. } => {
            let help = "Use a kernel image on this machine, which requires no network: \
                        `--vm=/boot/vmlinuz-…`.";
            (own(Code::CannotFetch).help(help), Exit::Environment)
        }
        VmError::Architecture | VmError::ToolMissing { .. } | VmError::NoCache => {
            (other(), Exit::Environment)
        }
        VmError::CommandNotFound { .. } | VmError::Shim { .. } => {
            let help = "Use the path of an executable of this machine, or a busybox applet.";
            let help = match error {
                VmError::Shim { .. } => {
                    "Use the path of the program itself, which your version manager prints, for \
                     example `pyenv which NAME`."
                }
                _ => help,
            };
            (own(Code::NotForGuest).help(help), Exit::Usage)
        }
        VmError::Destination { .. } => (own(Code::NotForGuest), Exit::Usage),
        VmError::TooBig { .. } => {
            (own(Code::NotForGuest).help("Increase the memory: `--memory 4096`."), Exit::Usage)
        }
        VmError::MissingLibrary { .. } | VmError::MissingInterpreter { .. } => {
            (own(Code::NotForGuest), Exit::Environment)
        }
        VmError::NoModule { .. } => (own(Code::NoModule), Exit::Usage),
        VmError::NoModules { .. } => {
            let help = "Use a series instead of the image, such as `--vm=6.12`, whose modules are \
                        fetched. For your own kernel, run `make modules_install`.";
            (own(Code::NoModule).help(help), Exit::Environment)
        }
        _ => (other(), Exit::Failed),
    }
}

/// Says that a process in the guest was killed, which its exit code alone does not tell.
pub(super) fn out_of_memory(process: &str, mib: u32) {
    let message =
        format!("memory of the micro-VM ({mib} MiB) exhausted: its kernel killed `{process}`");
    let help = format!("Increase the memory: `--memory {}`.", u64::from(mib) * 2);
    let mut found = Diagnostic::new(Code::GuestMemory, message).help(help);
    found.severity = Severity::Warning;
    report::one(&found);
}
