//! `recipe list`: the recipes of chain.lock and of the cache.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::found::lock;
use crate::cli::{Format, exit::Exit, ink::Ink as _, report, screen, wrap};
use freplace_compose::{
    diag::Diagnostic,
    recipe::{Digest, Lock, Store, StoredRecipe},
};

/// List the recipes in chain.lock of this folder and in the cache.
///
/// Example: freplace-compose recipe list
#[derive(Debug, clap::Args)]
pub(super) struct ListRecipes {
    /// Format of the list.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

pub(super) fn run(arguments: &ListRecipes) -> Exit {
    let read = || -> Result<Vec<ListedRecipe>, Vec<Diagnostic>> {
        let stored = Store::of_user().and_then(|store| store.recipes());
        Ok(rows(&lock()?, &stored.map_err(|found| vec![*found])?))
    };
    match (read(), arguments.format) {
        (Ok(rows), Format::Human) => screen::data(&human(&rows, wrap::columns())),
        (Ok(rows), Format::Json) => {
            screen::json(&rows.iter().map(ListedRecipe::to_json).collect::<Vec<_>>())
        }
        (Err(found), _) => {
            report::all(&found);
            Exit::Failed
        }
    }
}

/// A line of the list.
struct ListedRecipe {
    name: Option<String>,
    version: Option<String>,
    description: Option<String>,
    digest: Digest,
    /// Where chain.lock says that it is from.
    source: Option<String>,
    /// Whether it is in the cache, and whole.
    state: RecipeState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecipeState {
    Cached,
    Damaged,
    Missing,
}

impl RecipeState {
    const fn name(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Damaged => "damaged",
            Self::Missing => "missing",
        }
    }
}

/// Those of the lock first; then those of the cache alone.
fn rows(lock: &Lock, stored: &[StoredRecipe]) -> Vec<ListedRecipe> {
    let of = |digest: &Digest| stored.iter().find(|recipe| recipe.digest == *digest);
    let state = |recipe: Option<&StoredRecipe>| match recipe {
        Some(StoredRecipe { manifest: Ok(_), .. }) => RecipeState::Cached,
        Some(_) => RecipeState::Damaged,
        None => RecipeState::Missing,
    };
    let description =
        |recipe: Option<&StoredRecipe>| Some(recipe?.manifest.as_ref().ok()?.description.clone());
    let locked = lock.recipes.iter().map(|locked| ListedRecipe {
        name: Some(locked.name.clone()),
        version: locked.version.as_ref().map(ToString::to_string),
        description: description(of(&locked.digest)),
        digest: locked.digest,
        source: Some(locked.source.clone()),
        state: state(of(&locked.digest)),
    });
    let is_locked = |digest: &Digest| lock.recipes.iter().any(|locked| locked.digest == *digest);
    let others = stored.iter().filter(|recipe| !is_locked(&recipe.digest)).map(|recipe| {
        let manifest = recipe.manifest.as_ref().ok();
        ListedRecipe {
            name: manifest.map(|manifest| manifest.name.clone()),
            version: manifest.map(|manifest| manifest.version.to_string()),
            description: description(Some(recipe)),
            digest: recipe.digest,
            source: None,
            state: state(Some(recipe)),
        }
    });
    locked.chain(others).collect()
}

impl ListedRecipe {
    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "digest": self.digest.to_string(),
            "source": self.source,
            "state": self.state.name(),
        })
    }
}

fn human(rows: &[ListedRecipe], columns: Option<usize>) -> String {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let cells: Vec<[String; 4]> = rows
        .iter()
        .map(|row| {
            [
                or_dash(&row.name),
                or_dash(&row.version),
                row.digest.short(),
                row.state.name().to_owned(),
            ]
        })
        .collect();
    let heads = ["NAME", "VERSION", "SHA256", "STATE"];
    let width = |at: usize| {
        let cells = cells.iter().map(|cells| cells[at].chars().count());
        cells.chain([heads[at].len()]).max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    let mut out = String::new();
    let at = widths.iter().sum::<usize>() + 2 * widths.len();
    for (head, width) in heads.iter().zip(widths) {
        let _ = write!(out, "{head:<width$}  "); // a String takes everything, here and below
    }
    out += "FROM\n";
    for (row, [name, version, digest, state]) in rows.iter().zip(&cells) {
        let [names, versions, digests, states] = widths;
        let text = match (&row.source, &row.description) {
            (Some(source), _) => source.clone(),
            (None, Some(description)) => format!("not in chain.lock: {description}"),
            (None, None) => "not in chain.lock".to_owned(),
        };
        let text = wrap::wrapped(&text, at, &" ".repeat(at), columns);
        let _ = writeln!(
            out,
            "{:<names$}  {version:<versions$}  {digest:<digests$}  {state:<states$}  {text}",
            name.bold()
        );
    }
    out
}
