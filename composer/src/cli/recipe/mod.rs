//! `recipe VERB`: chains that are shared. A file for each verb.

mod add;
mod build;
mod check;
mod found;
mod latest;
mod list;
mod new;
mod offer;
mod options;
mod pack;
mod push;
mod remove;
mod search;
mod show;

use super::exit::Exit;

pub(in crate::cli) use add::source;
pub(in crate::cli) use found::{lock, unknown};
pub(in crate::cli) use latest::Latest;
pub(in crate::cli) use offer::Offer;
pub(in crate::cli) use options::{ConnectionFlags, LockFlags};

/// Create, pack, publish, add and look at recipes, chains that are shared.
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
    Push(push::PushRecipe),
    Add(add::AddRecipe),
    Show(show::ShowRecipe),
    List(list::ListRecipes),
    Search(search::SearchRecipes),
    Remove(remove::RemoveRecipe),
}

pub(super) fn run(arguments: &RecipeArguments) -> Exit {
    match &arguments.verb {
        RecipeVerb::New(new) => new::run(new),
        RecipeVerb::Build(build) => build::run(build),
        RecipeVerb::Check(check) => check::run(check),
        RecipeVerb::Pack(pack) => pack::run(pack),
        RecipeVerb::Push(push) => push::run(push),
        RecipeVerb::Add(add) => add::run(add),
        RecipeVerb::Show(show) => show::run(show),
        RecipeVerb::List(list) => list::run(list),
        RecipeVerb::Search(search) => search::run(search),
        RecipeVerb::Remove(remove) => remove::run(remove),
    }
}
