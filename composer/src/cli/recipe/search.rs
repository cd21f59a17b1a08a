//! `recipe search [WORD]`: recipes of the gallery, of the cache and of a registry.

use std::fmt::Write as _;

use super::options::ConnectionFlags;
use crate::cli::{chains, exit::Exit, ink::Ink as _, report, screen, wrap};
use freplace_compose::{
    diag::Diagnostic,
    recipe::{Store, source::oci},
};

/// Search the gallery, the cache, and a registry for recipes.
///
/// The gallery is in this program: `freplace-compose up builtin:NAME`. A registry lists what it has if it is one of your own;
/// the large public ones do not.
///
/// Example: freplace-compose recipe search tcp
#[derive(Debug, clap::Args)]
pub(super) struct SearchRecipes {
    /// Word in the name or the description.
    #[arg(value_name = "WORD", default_value = "")]
    word: String,
    /// Registry to search as well, such as 127.0.0.1:5000; by names only.
    #[arg(long, value_name = "HOST")]
    registry: Option<String>,
    #[command(flatten)]
    connection: ConnectionFlags,
}

pub(super) fn run(arguments: &SearchRecipes) -> Exit {
    match rows(arguments) {
        Ok(rows) if rows.is_empty() => {
            screen::say!("no recipe has `{}` in its name or description", arguments.word);
            Exit::Failed
        }
        Ok(rows) => screen::data(&table(&rows, wrap::columns())),
        Err(found) => {
            report::all(&found);
            Exit::Failed
        }
    }
}

/// What to write for a recipe to use it, and what it is for.
type Row = (String, String);

fn rows(arguments: &SearchRecipes) -> Result<Vec<Row>, Vec<Diagnostic>> {
    let word = arguments.word.to_lowercase();
    let mut rows = chains::descriptions()?;
    let stored =
        Store::of_user().and_then(|store| store.recipes()).map_err(|found| vec![*found])?;
    for manifest in stored.into_iter().filter_map(|stored| stored.manifest.ok()) {
        let description = format!("{} {}", manifest.version, manifest.description);
        rows.push((manifest.name, description));
    }
    rows.retain(|(name, text)| name.contains(&word) || text.to_lowercase().contains(&word));
    if let Some(host) = &arguments.registry {
        let found = oci::search(host, &word, &arguments.connection.connection());
        let found = found.map_err(|error| error.diagnostics(None))?;
        rows.extend(found.into_iter().map(|one| (one.source, one.newest.unwrap_or_default())));
    }
    Ok(rows)
}

fn table(rows: &[Row], columns: Option<usize>) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for (name, text) in rows {
        let text = wrap::wrapped(text, width + 2, &" ".repeat(width + 2), columns);
        let _ = writeln!(out, "{:<width$}  {text}", name.bold()); // a String takes everything
    }
    out
}
