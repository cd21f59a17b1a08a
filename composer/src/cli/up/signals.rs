//! The signals that end an `up`: SIGINT, SIGTERM and SIGHUP.

use std::task::{Context, Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{exit::Exit, report};
use freplace_compose::{
    diag::{Code, Diagnostic},
    files::plain,
    session::InterruptSource,
};

/// The signals that end an `up`.
pub(in crate::cli) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// None where whoever started us had it ignored, as nohup does: it stays ignored.
    hangup: Option<Signal>,
}

impl Signals {
    /// Listens for them; where that is not possible, it is told.
    pub(in crate::cli) fn listen() -> Result<Self, Exit> {
        Self::new().map_err(|error| {
            let message = format!("cannot receive signals: {}", plain(&error));
            let help = "Check the limit on open files, `ulimit -n`. Nothing was loaded.";
            report::one(&Diagnostic::new(Code::NoSignals, message).help(help));
            Exit::Failed
        })
    }

    fn new() -> std::io::Result<Self> {
        let hangup = SignalKind::hangup();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if is_ignored(hangup) { None } else { Some(signal(hangup)?) },
        })
    }
}

impl InterruptSource for Signals {
    fn poll_interrupt(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self { interrupt, terminate, hangup } = self;
        let mut all = [Some(interrupt), Some(terminate), hangup.as_mut()].into_iter().flatten();
        // One at a time: each counts.
        match all.any(|signal| signal.poll_recv(context).is_ready()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// Whether this process ignores `kind`. See `SigIgn` in proc_pid_status(5): a mask in hexadecimal.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let bit = u32::try_from(kind.as_raw_value() - 1).unwrap_or(0);
    mask.checked_shr(bit).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::{SignalKind, is_ignored};

    #[test]
    fn what_the_runtime_ignores_is_seen_and_what_nobody_ignores_is_not() {
        // Rust's own start has SIGPIPE ignored.
        assert!(is_ignored(SignalKind::pipe()));
        assert!(!is_ignored(SignalKind::user_defined2()));
    }
}
