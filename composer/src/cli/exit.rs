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

/// What is shown of each by `--help`, and in README.md.
const CODES: [(Exit, u8, &str); 7] = [
    (Exit::Done, 0, "done"),
    (Exit::Failed, 1, "an operation or the command failed and everything was rolled back"),
    (Exit::Usage, 2, "invalid command line"),
    (Exit::Invalid, 3, "invalid chain"),
    (Exit::Environment, 4, "this machine cannot run the chain"),
    (Exit::UndoIncomplete, 5, "rollback incomplete"),
    (Exit::Cut, 130, "interrupted twice, or while the micro-VM was booting"),
];

impl Exit {
    /// The codes and what they mean, as a sentence.
    pub(crate) fn meanings() -> String {
        let codes = CODES.map(|(_, code, meaning)| format!("{code} {meaning}"));
        format!("Exit codes: {}.", codes.join("; "))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        let known = || CODES.iter().find(|(known, ..)| *known == exit).map(|(_, code, _)| *code);
        Self::from(match exit {
            Exit::Of(code) => code,
            _ => known().unwrap_or(1), // a test looks each of them up
        })
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::{CODES, Exit};

    #[test]
    fn every_exit_has_a_code() {
        use Exit::{Cut, Done, Environment, Failed, Invalid, UndoIncomplete, Usage};
        let all = [Done, Failed, Usage, Invalid, Environment, UndoIncomplete, Cut];
        for (exit, code) in all.into_iter().zip([0, 1, 2, 3, 4, 5, 130]) {
            assert_eq!(ExitCode::from(exit), ExitCode::from(code), "{exit:?}");
            assert!(CODES.iter().any(|(known, ..)| *known == exit), "{exit:?}");
        }
        assert_eq!(ExitCode::from(Exit::Of(7)), ExitCode::from(7));
    }
}
