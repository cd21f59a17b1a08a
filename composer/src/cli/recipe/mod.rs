//! `recipe VERB`: chains that are shared. A file for each verb.

mod build;
mod check;
mod found;
mod list;
mod new;
mod pack;
mod remove;
mod show;

use super::exit::Exit;

/// Create, pack and look at recipes, chains that are shared.
///
/// A recipe is a folder with recipe.toml, chain.toml and the objects of the chain. docs/recipes.md describes it.
#[derive(Debug, clap::Args)]
pub(super) struct RecipeArguments {
    #[command(subcommand)]
    verb: RecipeVerb,
}

#[derive(Debug, clap::Subcommand)]
enum RecipeVerb {
    New(new::NewRecipe),
    Build(build::BuildRecipe),
    Check(check::CheckRecipe),
    Pack(pack::PackRecipe),
    Show(show::ShowRecipe),
    List(list::ListRecipes),
    Remove(remove::RemoveRecipe),
}

pub(super) fn run(arguments: &RecipeArguments) -> Exit {
    match &arguments.verb {
        RecipeVerb::New(new) => new::run(new),
        RecipeVerb::Build(build) => build::run(build),
        RecipeVerb::Check(check) => check::run(check),
        RecipeVerb::Pack(pack) => pack::run(pack),
        RecipeVerb::Show(show) => show::run(show),
        RecipeVerb::List(list) => list::run(list),
        RecipeVerb::Remove(remove) => remove::run(remove),
    }
}
