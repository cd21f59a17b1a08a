//! docker compose for chains of eBPF programs: the library behind the `freplace-compose` binary.
//!
//! One straight way, a module for each part of it:
//!
//! [`chain`] (a file → a graph) and [`object`] (an ELF file → programs, functions, types) →
//! [`check`] (the rules) → [`plan`] (what will be done) → [`kernel`] (who does it) by [`run`] (in
//! order, and back) → [`event`] (what the programs have to say), read in a [`session`]. [`diag`] is how every part says
//! what is wrong, [`draw`] how that is shown, [`vm`] a machine to do it all in when this one may not, and [`traffic`] something for a chain to see.
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
pub mod files;
mod hex;
pub mod hook;
pub mod inert;
pub mod kernel;
pub mod object;
mod order;
pub mod plan;
pub mod profile;
pub mod resolve;
pub mod run;
pub mod session;
pub mod trace;
pub mod traffic;
pub mod version;
pub mod vm;
