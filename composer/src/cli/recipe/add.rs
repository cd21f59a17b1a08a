//! `recipe add SOURCE`: a recipe from elsewhere for the chains of this folder.

use std::path::Path;

use super::{found::lock, offer::Offer, options::ConnectionFlags};
use crate::cli::{exit::Exit, report, screen};
use freplace_compose::{
    diag::{Code, Diagnostic, Source, Span},
    recipe::{
        self, LOCK, Lock,
        source::{RecipeSource, SourceSyntax, fetch},
    },
};

/// Lock a recipe from elsewhere for the chains of this folder.
///
/// Fetches the recipe and shows what it attaches to, what it can change and who signed it. When you agree, it is kept in
/// the cache and written into chain.lock with its digest; nothing of it is run. Chains of this folder can then include
/// it by its name.
///
/// SOURCE is a folder, a packed recipe, https://…, git+https://…?rev=REVISION&folder=FOLDER, or oci://HOST/NAME:TAG.
///
/// Example: freplace-compose recipe add oci://ghcr.io/example/drop-udp:1.0.0
#[derive(Debug, clap::Args)]
pub(super) struct AddRecipe {
    /// Where the recipe comes from.
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Name of the recipe in chain.lock [default: its own].
    #[arg(long = "as", value_name = "NAME", value_parser = recipe::name)]
    name: Option<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Refuse a recipe that is not signed by a trusted key.
    #[arg(long)]
    require_signature: bool,
    #[command(flatten)]
    connection: ConnectionFlags,
}

pub(super) fn run(arguments: &AddRecipe) -> Exit {
    let offered = offer(arguments);
    let (offer, mut lock, name) = match offered {
        Ok(offered) => offered,
        Err(found) => {
            report::all(&found);
            return Exit::Failed;
        }
    };
    if let Err(exit) = offer.agreed(arguments.yes) {
        return exit;
    }
    let locked = offer.keep(&name).and_then(|locked| {
        lock.put_recipe(locked);
        lock.write(Path::new(LOCK)).map_err(|found| vec![*found])
    });
    match locked {
        Ok(()) => {
            screen::say!("Locked {} as `{name}` in {LOCK}.", offer.title());
            Exit::Done
        }
        Err(found) => {
            report::all(&found);
            Exit::Failed
        }
    }
}

fn offer(arguments: &AddRecipe) -> Result<(Offer, Lock, String), Vec<Diagnostic>> {
    let source = source(&arguments.source)?;
    let connection = arguments.connection.connection();
    let lock = lock()?;
    let fetched =
        fetch(&source, Path::new(""), &connection).map_err(|error| error.diagnostics(None))?;
    let offer = Offer::new(source.clone(), fetched, arguments.require_signature, &connection)?;
    let name = arguments.name.clone().unwrap_or_else(|| offer.name().to_owned());
    match lock.recipe(&name) {
        Some(other) if other.source != source.to_string() => {
            let message = format!("there is a recipe `{name}` in {LOCK}");
            Err(vec![
                Diagnostic::new(Code::RecipeNameTaken, message)
                    .note(format!("locked: {}\nnew:    {source}", other.source))
                    .help(format!(
                        "Give this one another name with `--as NAME`, or remove the other: freplace-compose recipe \
                         remove {name}"
                    )),
            ])
        }
        _ => Ok((offer, lock, name)),
    }
}

/// The source that was typed.
pub(in crate::cli) fn source(text: &str) -> Result<RecipeSource, Vec<Diagnostic>> {
    text.parse().map_err(|error: SourceSyntax| {
        let typed = Source::first("SOURCE", text);
        vec![error.diagnostic(&Span::new(&typed, 0..text.len()))]
    })
}
