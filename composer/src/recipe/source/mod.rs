//! Where recipes come from: the text that names a source, and what is fetched from it.
//!
//! Everything that is fetched becomes a [`Packed`](super::Packed) recipe, so it has a digest, whatever
//! it came through; nothing of it is run. What a source is exactly (the commit behind a branch, the
//! manifest behind a tag) comes with it, for chain.lock. It must not know chains, kernels or the screen.

mod address;
mod error;
mod fetch;
mod git;
mod http;
pub mod oci;
mod parse;

pub use address::{GitSource, OciReference, RecipeSource, WebAddress};
pub use error::{FetchError, FetchErrorKind};
pub use fetch::{Fetched, fetch};
pub use http::ServerSettings;
pub use parse::SourceSyntax;
