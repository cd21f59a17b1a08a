//! What the names of a chain stand for: objects, programs, maps, variables, fields.
//!
//! Each name is looked up here, once; the rules and the plan go by what was found.

pub(crate) mod globals;
mod maps;
mod records;
mod store;
mod traced;

pub use globals::SetGlobal;
pub(crate) use maps::{Changes, is_only_jumped_to, uses};
pub use maps::{PinnedAt, is_shared};
pub use records::{fits, walk};
pub use store::{ObjectStore, open_object};
pub(crate) use traced::traced_function;
