//! Exit codes. They are stable: scripts may rely on them.

use std::process::ExitCode;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done; also an `up` that was ended by a signal.
    Done,
    /// 1: an operation failed and was undone.
    Failed,
    /// 2: the command line was wrong.
    Usage,
    /// 3: the chain is invalid; nothing was loaded.
    Invalid,
    /// 4: this machine cannot run it; nothing was loaded.
    Environment,
    /// 5: something could not be undone; it was named.
    UndoIncomplete,
    /// 130: a second interrupt cut the undoing short.
    Cut,
    /// The code of a command that was run in the micro-VM.
    Of(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Invalid => 3,
            Exit::Environment => 4,
            Exit::UndoIncomplete => 5,
            Exit::Cut => 130,
            Exit::Of(code) => code,
        })
    }
}
