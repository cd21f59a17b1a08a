//! Why a micro-VM did not do its work, as a diagnostic with a code for each kind of reason.

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
    let other =
        || Diagnostic::new(Code::MicroVm, format!("the micro-VM could not do its work: {error}"));
    let own = |code| Diagnostic::new(code, error.to_string());
    match error {
        VmError::Output { source } => {
            let message = format!("the output cannot be written: {}", plain(source));
            let help = "The micro-VM was ended with it; nothing is left of the chain.";
            (Diagnostic::new(Code::WriteFailed, message).help(help), Exit::Failed)
        }
        VmError::UnknownSeries { unasked, .. } => {
            let help = "Name one of these series, or the path of a kernel image: `--vm=/boot/vmlinuz-…`. \
                        `freplace-compose vm --list` lists them.";
            let found = own(Code::NoSuchKernel);
            let found = unasked.iter().fold(found, |found, one| found.note(one.to_string()));
            (found.help(help), Exit::Environment)
        }
        VmError::NoApt { series } => {
            let help = format!(
                "Give the path of a kernel image in place of {series}: `--vm=/boot/vmlinuz-…`, of any \
                 distribution, with BTF in it (CONFIG_DEBUG_INFO_BTF=y)."
            );
            (own(Code::NoSuchKernel).help(help), Exit::Environment)
        }
        VmError::NoImage { .. } => (own(Code::NoSuchKernel), Exit::Environment),
        VmError::NotAKernel { .. } => (own(Code::NotAKernel), Exit::Environment),
        VmError::Fetch { .. } | VmError::Damaged { .. } => {
            let help = "A kernel image on this machine needs no network: `--vm=/boot/vmlinuz-…`.";
            (own(Code::CannotFetch).help(help), Exit::Environment)
        }
        VmError::Architecture | VmError::ToolMissing { .. } | VmError::NoCache => {
            (other(), Exit::Environment)
        }
        VmError::CommandNotFound { .. } | VmError::Shim { .. } => {
            let help =
                "Give the path of an executable of this machine, or one of busybox's commands.";
            let help = match error {
                VmError::Shim { .. } => {
                    "Give the path of the program itself, which your version manager tells, for example \
                     `pyenv which NAME`."
                }
                _ => help,
            };
            (own(Code::NotForGuest).help(help), Exit::Usage)
        }
        VmError::Destination { .. } => (own(Code::NotForGuest), Exit::Usage),
        VmError::TooBig { .. } => {
            (own(Code::NotForGuest).help("Give it more memory: `--memory 4096`."), Exit::Usage)
        }
        VmError::MissingLibrary { .. } | VmError::MissingInterpreter { .. } => {
            (own(Code::NotForGuest), Exit::Environment)
        }
        VmError::NoModule { .. } => (own(Code::NoModule), Exit::Usage),
        VmError::NoModules { .. } => {
            let help = "Name a series in place of the image, such as `--vm=6.12`: then its modules are \
                        fetched. For a kernel of your own, run `make modules_install`.";
            (own(Code::NoModule).help(help), Exit::Environment)
        }
        _ => (other(), Exit::Failed),
    }
}

/// Says that a process in the guest was killed, which its exit code alone does not tell.
pub(super) fn out_of_memory(process: &str, mib: u32) {
    let message =
        format!("the memory of the micro-VM, {mib} MiB, ran out: its kernel killed `{process}`");
    let help = format!("Give it more: `--memory {}`.", u64::from(mib) * 2);
    let mut found = Diagnostic::new(Code::GuestMemory, message).help(help);
    found.severity = Severity::Warning;
    report::one(&found);
}
