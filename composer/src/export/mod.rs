//! A chain for other engines to run: as a systemd unit, as a Kubernetes manifest, or as one file to hand over.
//!
//! What a chain needs of a machine is derived once ([`Needs`]), from its plan, and each engine says it in its own
//! words; whatever is not needed is taken away. This module makes texts, and knows neither files nor the screen.

mod bundle;
mod kubernetes;
mod needs;
mod portable;
mod systemd;

pub use bundle::bundle;
pub use kubernetes::{MOST_BYTES, manifest};
pub use needs::{Needs, TracefsUse};
pub use portable::Portable;
pub use systemd::{UnitPaths, unit};
