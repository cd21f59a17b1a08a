//! Whole chains on a real kernel: what is loaded and attached, what its events say, and that
//! nothing is left, whatever way it ends.
//!
//! Every test needs root, a kernel that allows freplace, and that kernel for itself: they look at
//! all programs, maps, links and BTF there are. `cargo xtask test` runs them in a micro-VM, one
//! boot for each kernel, with `--ignored --test-threads=1` and two variables:
//! `FREPLACE_COMPOSE_BIN`, the binary, and `FREPLACE_COMPOSE_ROOT`, the folder that `chains/` is in.

#![recursion_limit = "256"] // for one long json!

mod anchors;
mod built_in;
mod cookies;
mod data;
mod denials;
mod dispatcher;
#[path = "../common/schema.rs"]
mod draft;
mod ending;
mod environment;
mod export;
mod failure;
mod flood;
mod flow;
mod foreign;
mod gallery;
mod holders;
mod hooks;
mod hosts;
mod limits;
mod machine_code;
mod mutants;
mod networks;
mod objects;
mod on_demand;
mod printk;
mod profile;
mod prototypes;
mod redirect_maps;
mod running;
mod selftests;
mod skips;
mod socket_maps;
mod support;
mod targets;
mod tcp;
mod testing;
mod tracers;
mod typed_hosts;
mod types;
mod usdt;
mod verdicts;
mod versions;
mod views;
mod xdp;
