//! docker compose for chains of eBPF programs.

pub mod vm;
