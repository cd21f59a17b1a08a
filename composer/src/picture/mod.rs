//! The chain as a picture: where each node is drawn, and the SVG of it.
//!
//! Independent of objects, kernels and sessions: a chain in, text out. What a session has to say of a
//! node stands in its box as a note.

mod layout;
mod legend;
mod markup;
mod svg;
#[cfg(test)]
pub(crate) mod tests;
mod words;

pub(crate) use markup::{escaped, shortened};
pub use svg::svg;
pub(crate) use svg::svg_with_notes;
pub use words::{detail, word};
