//! docker compose for chains of eBPF programs: the library behind the `freplace-compose` binary.
//!
//! A pipeline, with a module for each stage:
//!
//! [`chain`] (a file → a graph) and [`object`] (an ELF file → programs, functions, types) →
//! [`resolve`] (what the names of the chain refer to) → [`check`] (the rules) → [`plan`] (the
//! operations) → [`run`] (executes them on a [`kernel`], and undoes them) → [`event`] (what programs
//! write), read in a [`session`]. [`diag`] has the errors of every stage, [`draw`] turns them into
//! text, [`vm`] is a machine for chains that cannot run on this one, and [`traffic`] generates traffic
//! for them. [`recipe`] has chains that are shared: packed, kept in the user's cache, pinned by digest, and
//! [`export`] hands chains to other engines.
//!
//! ```
//! use freplace_compose::{chain::Chain, check::{self, Kernels}, plan};
//!
//! # fn main() -> Result<(), Vec<freplace_compose::diag::Diagnostic>> {
//! let text = r#"
//!     [host.ingress]
//!     object  = "builtin:xdp"
//!     program = "xdp_host"
//!     attach  = { xdp = "lo" }
//! "#;
//! let chain = Chain::parse("ingress.toml".as_ref(), text.to_owned())?;
//! let checked = check::open(chain, &Kernels::default())?;
//! let plan = plan::build(&checked.resolved);
//! assert_eq!(plan.nodes.len(), 1);
//! # Ok(())
//! # }
//! ```

pub mod chain;
pub mod check;
pub mod diag;
pub mod draw;
pub mod errno;
pub mod event;
pub mod export;
pub mod files;
pub mod function;
mod hex;
pub mod hook;
pub mod inert;
mod json_schema;
pub mod kernel;
pub mod machine_code;
mod netlink;
pub mod object;
mod order;
pub mod packet;
mod pattern;
pub mod picture;
pub mod plan;
pub mod profile;
pub mod recipe;
pub mod resolve;
pub mod run;
pub mod running;
pub mod session;
pub mod syscalls;
pub mod testing;
pub mod trace;
pub mod traffic;
mod user_folders;
pub mod version;
pub mod vm;
