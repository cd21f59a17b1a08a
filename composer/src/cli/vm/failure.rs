//! Why a micro-VM did not do its work, as a diagnostic with a code for each kind of reason.

use super::super::{exit::Exit, report};
use freplace_compose::{
    chain::plain,
    diag::{Code, Diagnostic},
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
        _ => (other(), Exit::Failed),
    }
}
