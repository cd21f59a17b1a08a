//! Recipes: chains that are shared.
//!
//! A recipe is a folder with `recipe.toml` (who made it, its version: [`Manifest`]), `chain.toml`, and the
//! objects that the chain names. Packed, it is one file ([`Packed`]): a tar in which nothing is left to choice, so
//! that the same files give the same bytes, and one [`Digest`] names them wherever they are: as a file, in a
//! registry, in the cache ([`Store`]), in `chain.lock` ([`Lock`]) and under a signature.
//!
//! A value of [`Packed`] is whole and harmless to unpack: whatever was not written as [`Packed::of_folder`]
//! writes it was refused when it was read. Nothing of a recipe is ever executed here.
//!
//! This module must not know the screen, and not how chains are brought up.

mod digest;
mod file;
mod lock;
mod manifest;
mod packed;
mod store;

pub use digest::{Digest, NotADigest};
pub use lock::{Lock, LockedSource};
pub use manifest::{BuildStep, Manifest, SeenKernel, SeenVerdict};
pub use packed::Packed;
pub use store::{Store, StoredRecipe};

/// The file with the description of a recipe.
pub const MANIFEST: &str = "recipe.toml";
pub use crate::chain::{CHAIN_FILE as CHAIN, PACKED_EXTENSION as EXTENSION};
/// The file with the digests that a chain uses, beside the chain.
pub const LOCK: &str = "chain.lock";
/// What is appended to the name of a file for the name of its signature.
pub const SIGNATURE: &str = "minisig";
