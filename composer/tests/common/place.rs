//! Where a test finds the repository and the program, and where it may write.
//!
//! Cargo says so when a test is built. A built test can be run elsewhere all the same, by another
//! user or with the repository in another folder: three variables say so then, as the step
//! `elsewhere` of `cargo xtask test` does.

use std::{
    env,
    path::{Path, PathBuf},
};

fn told(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from)
}

/// The folder of the workspace, where `chains/` is.
pub fn workspace() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    told("FREPLACE_COMPOSE_ROOT").unwrap_or_else(built)
}

/// The program.
pub fn binary() -> PathBuf {
    told("FREPLACE_COMPOSE_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_freplace-compose").into())
}

/// A folder for files that are made once and kept.
pub fn scratch() -> PathBuf {
    told("FREPLACE_COMPOSE_TMP").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into())
}
