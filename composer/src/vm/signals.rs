//! The signals that end a run: SIGINT and SIGTERM to this process, from construction on.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::VmError;

/// The next one is a condition to wait for. Once made, the process no longer dies of them.
pub(super) struct ForwardedSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl ForwardedSignals {
    pub(super) fn new() -> Result<Self, VmError> {
        let listen = |kind| signal(kind).map_err(VmError::host("listen for signals"));
        let (interrupt, terminate) =
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    /// The number of the next signal; one that came before is not lost.
    pub(super) async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
        }
    }
}
