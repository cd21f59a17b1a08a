//! The runtime of subcommands that wait for several things at once: signals, events, a micro-VM.
//! The others do not start one.

use std::{fs::File, io};

use tokio::runtime::Builder;

use super::{exit::Exit, report};
use freplace_compose::{
    diag::{Code, Diagnostic},
    run::short_of,
};

/// What comes of `work`.
///
/// # Errors
/// When the system has no room for a runtime; nothing of `work` was done then.
pub(super) fn run<T>(work: impl Future<Output = T>) -> Result<T, Exit> {
    let runtime = room().and_then(|()| Builder::new_current_thread().enable_all().build());
    let runtime = runtime.map_err(|error| {
        let (code, why, help) = short_of(error.raw_os_error()).unwrap_or((
            Code::NoSignals,
            "the system refused a resource that every asynchronous program needs",
            "Nothing was loaded.",
        ));
        let message = format!("freplace-compose cannot start: {why}");
        report::one(&Diagnostic::new(code, message).help(help));
        Exit::Failed
    })?;
    let done = runtime.block_on(work);
    // Who was interrupted twice does not wait for threads that hang.
    runtime.shutdown_background();
    Ok(done)
}

/// Whether there is room for the files that the runtime opens, which takes that for granted.
fn room() -> io::Result<()> {
    let files = (0..8).map(|_| File::open("/dev/null"));
    files.collect::<io::Result<Vec<_>>>().map(drop)
}
