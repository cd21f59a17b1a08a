//! The command line.
pub(crate) mod vm;
