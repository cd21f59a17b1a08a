//! `chains [NAME]`: the recipes that are part of this program.

use std::{fmt::Write as _, path::PathBuf};

use serde_json::{Value, json};

use super::{Format, exit::Exit, ink::Ink as _, report, screen, wrap};
use freplace_compose::{
    chain::{Chain, NodeKind, ObjectRef, recipe, recipe_name, recipes},
    check::{self, Kernels},
    diag::{Diagnostic, Severity},
    profile,
    resolve::{PartlyResolved, installation},
    version::Version,
};

/// List the recipes, chains that are ready to use.
///
/// Wherever a chain file is expected, builtin:NAME is the recipe. With NAME, prints its text, from
/// which to start a chain of your own.
///
/// Example: freplace-compose chains xdp > mine.toml
#[derive(Debug, clap::Args)]
pub(super) struct Chains {
    /// Recipe to print.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Format of the list.
    #[arg(long, value_name = "FORMAT", default_value = "human", conflicts_with = "name")]
    format: Format,
}

pub(super) fn run(arguments: &Chains) -> Exit {
    if let Some(name) = &arguments.name {
        let name = recipe_name(name.as_ref()).unwrap_or(name);
        return match recipe(name) {
            Ok(text) => screen::data(own(text)),
            Err(found) => invalid(&[*found]),
        };
    }
    let described: Result<Vec<_>, _> = recipes().map(Listed::describe).collect();
    match (described, arguments.format) {
        (Ok(recipes), Format::Human) => screen::data(&human(&recipes, wrap::columns())),
        (Ok(recipes), Format::Json) => {
            screen::json(&recipes.iter().map(Listed::to_json).collect::<Vec<_>>())
        }
        (Err(found), _) => invalid(&found),
    }
}

fn invalid(found: &[Diagnostic]) -> Exit {
    report::all(found);
    Exit::Invalid
}

/// A recipe's text for a file elsewhere: without the line that refers an editor to a schema beside it.
fn own(text: &str) -> &str {
    match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#:schema") => rest,
        _ => text,
    }
}

/// What the list shows of a recipe.
struct Listed {
    name: &'static str,
    /// The kinds of its hosts, each once.
    hooks: Vec<&'static str>,
    description: String,
    /// The oldest kernel series that accepts it, where its objects are there.
    kernel: Option<Version>,
    /// Objects of other packages that are not on this machine.
    missing: Vec<PathBuf>,
}

impl Listed {
    fn describe(name: &'static str) -> Result<Self, Vec<Diagnostic>> {
        let chain = Chain::open(format!("builtin:{name}").as_ref())?;
        let mut hooks = Vec::new();
        let mut missing = Vec::new();
        for (_, node) in chain.graph.nodes() {
            if let NodeKind::Host(_) = node.kind
                && !hooks.contains(&node.label())
            {
                hooks.push(node.label());
            }
            if let Some(ObjectRef::File(path)) = node.program().map(|(object, _)| object.value)
                && !path.exists()
                && !missing.contains(path)
            {
                missing.push(path.clone());
            }
        }
        let description = chain.description.clone().unwrap_or_default();
        let kernel = if missing.is_empty() { oldest(chain) } else { None };
        Ok(Self { name, hooks, description, kernel, missing })
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "chain": format!("builtin:{}", self.name),
            "hooks": self.hooks,
            "description": self.description,
            "kernel": self.kernel.map(|kernel| kernel.to_string()),
            "missing": self.missing,
        })
    }
}

/// The oldest kernel series that accepts the chain: the one that it requires, or else the oldest that
/// is known to.
fn oldest(chain: Chain) -> Option<Version> {
    let required = chain.requires.iter().filter_map(|requires| requires.value.oldest()).max();
    let names = PartlyResolved::open(chain);
    let accepts = |profile: &profile::Profile| {
        let kernels = Kernels { profiles: vec![profile.clone()], asked: true };
        let found = check::check(&names, &kernels);
        found.iter().all(|found| found.severity != Severity::Error)
    };
    let profiles = profile::shipped();
    let at = profiles.iter().position(accepts)?;
    let refusing = profiles[..at].iter().map(|profile| profile.kernel).max();
    let required = required.filter(|required| refusing < Some(*required));
    Some(profiles[at].kernel.min(required.unwrap_or(profiles[at].kernel)))
}

fn human(recipes: &[Listed], columns: Option<usize>) -> String {
    let hooks = |recipe: &Listed| recipe.hooks.join(", ");
    let kernel =
        |recipe: &Listed| recipe.kernel.map_or_else(|| "-".to_owned(), |kernel| kernel.to_string());
    let width = |cell: &dyn Fn(&Listed) -> String, head: &str| {
        let cells = recipes.iter().map(|recipe| cell(recipe).chars().count());
        cells.chain([head.len()]).max().unwrap_or(0)
    };
    let name = width(&|recipe| recipe.name.to_owned(), "NAME");
    let (hook, since) = (width(&hooks, "HOOK"), width(&kernel, "SINCE"));
    let mut out =
        format!("{:<name$}  {:<hook$}  {:<since$}  DESCRIPTION\n", "NAME", "HOOK", "SINCE");
    let at = name + hook + since + 6;
    for recipe in recipes {
        let mut text = recipe.description.clone();
        if let [first, ..] = recipe.missing.as_slice() {
            let _ = write!(text, "; requires {}", first.display());
            if let Some(how) = installation(first) {
                let _ = write!(text, ". {how}");
            }
        }
        let text = wrap::wrapped(&text, at, &" ".repeat(at), columns);
        let (kinds, kernel) = (hooks(recipe), kernel(recipe));
        // A String takes everything.
        let _ = writeln!(
            out,
            "{:<name$}  {:<hook$}  {kernel:<since$}  {text}",
            recipe.name.bold(),
            kinds.dimmed()
        );
    }
    out
}
