//! `schema [NAME]`: the JSON schemas of what this program reads and writes.

use clap::ValueEnum;

use super::{exit::Exit, inspect, screen};
use freplace_compose::{chain, event, machine_code, recipe, running, testing};

/// Print a JSON schema: of chain files, for editors, or of what a verb writes.
///
/// Example: freplace-compose schema > chain.schema.json
#[derive(Debug, clap::Args)]
pub(super) struct Schema {
    /// What the schema describes.
    #[arg(value_name = "NAME", default_value = "chain")]
    name: SchemaName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaName {
    /// Chain files.
    Chain,
    /// A line of `up --format json`.
    Events,
    /// `chains --format json`.
    Recipes,
    /// `inspect --format json`.
    Object,
    /// `ps --format json`.
    Ps,
    /// `flow --format json`.
    Flow,
    /// Files of tests.
    Tests,
    /// `recipe show --format json`.
    Recipe,
    /// `recipe list --format json`.
    RecipeList,
}

pub(super) fn run(arguments: &Schema) -> Exit {
    screen::json(&match arguments.name {
        SchemaName::Chain => chain::schema(),
        SchemaName::Events => event::schema(),
        SchemaName::Recipes => chain::recipes_schema(),
        SchemaName::Object => inspect::schema(),
        SchemaName::Ps => running::schema(),
        SchemaName::Flow => machine_code::schema(),
        SchemaName::Tests => testing::schema(),
        SchemaName::Recipe => recipe::schema(),
        SchemaName::RecipeList => recipe::list_schema(),
    })
}
