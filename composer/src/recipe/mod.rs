//! Recipes: chains that are shared.
//!
//! A recipe is a folder with `recipe.toml` (who made it, its version: [`Manifest`]), `chain.toml`, and the
//! objects that the chain names. Packed, it is one file ([`Packed`]): a tar in which nothing is left to choice, so
//! that the same files give the same bytes, and one [`Digest`] names them wherever they are: as a file, in a
//! registry, in the cache ([`Store`]), in `chain.lock` ([`Lock`]) and under a signature ([`verify`]). [`Summary`] is
//! what it would do, for those who decide whether it may.
//!
//! A value of [`Packed`] is whole and harmless to unpack: whatever was not written as [`Packed::of_folder`]
//! writes it was refused when it was read. Nothing of a recipe is ever executed here.
//!
//! This module must not know the screen, and not how chains are brought up.

mod digest;
mod file;
mod finder;
mod lock;
mod manifest;
mod packed;
mod resolver;
mod schema;
mod signature;
pub mod source;
mod store;
mod summary;
mod trust;

pub use digest::{Digest, NotADigest};
pub use finder::LockedRecipes;
pub use lock::{Lock, LockedSource};
pub use manifest::{BuildStep, Manifest, SeenKernel, SeenVerdict, name};
pub use packed::Packed;
pub use resolver::{LockOptions, LockResolver, fetch_locked};
pub use schema::{list_schema, schema};
pub use signature::{NotAKey, Signer, SigningKey, verify};
pub use store::{Store, StoredRecipe};
pub use summary::{ProgramSummary, Summary};
pub use trust::{Trust, TrustedKey};

/// The most bytes of a packed recipe.
pub const PACKED: u64 = packed::MOST;
/// The file with the description of a recipe.
pub const MANIFEST: &str = "recipe.toml";
pub use crate::chain::{CHAIN_FILE as CHAIN, PACKED_EXTENSION as EXTENSION};
/// The file with the digests that a chain uses, beside the chain.
pub const LOCK: &str = "chain.lock";
/// What is appended to the name of a file for the name of its signature.
pub const SIGNATURE: &str = "minisig";
