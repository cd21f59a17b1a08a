//! OCI registries: recipes in them, and objects in the images of other projects.
//!
//! A recipe is an artifact with the packed recipe as its only layer, so the digest of the layer is the
//! digest of the recipe. The protocol is spoken by hand: three kinds of requests and two kinds of JSON
//! are all that is needed of it (docs/adr/recipes.md).
//!
//! <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md>

mod auth;
mod credentials;
mod image;
pub mod manifest;
mod object;
mod pull;
mod push;
mod registry;
mod search;

pub use object::{FetchedObject, fetch_object};
pub(super) use pull::pull;
pub use push::{Pushed, push};
pub use search::{RegistryEntry, search};

/// The type of the artifact.
pub const RECIPE: &str = "application/vnd.freplace-compose.recipe.v1";
/// The type of its configuration: recipe.toml.
pub const RECIPE_CONFIG: &str = "application/vnd.freplace-compose.recipe.config.v1+toml";
/// The type of its layer: the packed recipe.
pub const RECIPE_LAYER: &str = "application/vnd.freplace-compose.recipe.v1.tar";
/// The type of the layer with its signature, where there is one.
pub const RECIPE_SIGNATURE: &str = "application/vnd.freplace-compose.recipe.signature.v1+minisign";

/// What OCI and Go call the architecture of this machine.
#[must_use]
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}
