//! `recipe push [RECIPE] oci://…`: a recipe into a registry.

use super::{add::source, found, options::ConnectionFlags};
use crate::cli::{exit::Exit, report, screen};
use freplace_compose::{
    diag::{Code, Diagnostic},
    recipe::source::{RecipeSource, oci},
};

/// Put a recipe into an OCI registry.
///
/// Without a tag, the version of the recipe is the tag. A signature beside the recipe is pushed with it. Name and password are
/// read from the files that `docker login` and `podman login` write.
///
/// Example: freplace-compose recipe push drop-udp oci://ghcr.io/example/drop-udp
#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)]
pub(super) struct PushRecipe {
    /// Folder, packed recipe, or name of a recipe in chain.lock or in the cache.
    #[arg(value_name = "RECIPE", default_value = ".")]
    recipe: String,
    /// Where it goes: oci://HOST/NAME or oci://HOST/NAME:TAG.
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Architecture that its objects are for, as registries call it (amd64, arm64); those for others stay under the same
    /// tag. By default it is for all.
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    #[command(flatten)]
    connection: ConnectionFlags,
}

pub(super) fn run(arguments: &PushRecipe) -> Exit {
    match push(arguments) {
        Ok(line) => screen::data(&line),
        Err(found) => {
            report::all(&found);
            Exit::Failed
        }
    }
}

fn push(arguments: &PushRecipe) -> Result<String, Vec<Diagnostic>> {
    let RecipeSource::Oci(reference) = source(&arguments.reference)? else {
        let message = format!("cannot push to {}", arguments.reference);
        let found = Diagnostic::new(Code::BadSource, message);
        return Err(vec![found.help(
            "Push to a registry: oci://HOST/NAME. For other places, `recipe pack` writes a file that you can copy there.",
        )]);
    };
    let recipe = found::recipe(&arguments.recipe)?;
    let pushed = oci::push(
        &recipe.packed,
        recipe.signature.as_deref(),
        &reference,
        arguments.arch.as_deref(),
        &arguments.connection.connection(),
    );
    let pushed = pushed.map_err(|error| error.diagnostics(None))?;
    Ok(format!("{}\n", pushed.reference))
}
