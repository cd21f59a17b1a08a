//! docker compose for chains of eBPF programs.

pub mod chain;
pub mod check;
pub mod diag;
pub mod errno;
pub mod event;
pub mod kernel;
pub mod object;
pub mod plan;
pub mod run;
pub mod vm;
