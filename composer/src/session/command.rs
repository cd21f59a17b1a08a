//! A command that runs while a chain is up, and is ended with the session.

use std::{io, process::ExitStatus, time::Duration};

use super::{InterruptSource, Interrupts};

/// How long a command may take to end after it was asked to.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// A command that was started.
pub trait Command {
    /// Waits for its end. May be dropped and called anew.
    fn ended(&mut self) -> impl Future<Output = io::Result<ExitStatus>>;

    /// Asks it to end, and what it started.
    fn terminate(&mut self);

    /// Ends it, if it is still there, and what it started and left behind.
    fn kill(&mut self) -> impl Future<Output = ()>;
}

/// Waits for the end of `command`; for ever when there is none.
pub(super) async fn ended(command: &mut Option<impl Command>) -> io::Result<ExitStatus> {
    match command {
        Some(command) => command.ended().await,
        None => std::future::pending().await,
    }
}

/// Ends a command that is still running: asks it to, then makes it. A second signal makes it end at
/// once.
pub(super) async fn stop<S: InterruptSource>(
    command: Option<impl Command>,
    interrupts: &mut Interrupts<S>,
) {
    let Some(mut command) = command else { return };
    command.terminate();
    tokio::select! {
        _ = command.ended() => {}
        () = tokio::time::sleep(GRACE) => {}
        () = interrupts.second() => {}
    }
    command.kill().await;
}
