//! `update [NAME]`: what the sources of chain.lock have now is locked.

use std::path::Path;

use super::{
    exit::Exit,
    recipe::{ConnectionFlags, Latest, Offer, lock, unknown},
    report, screen,
};
use freplace_compose::{
    diag::{Code, Diagnostic},
    recipe::{LOCK, Lock, LockedSource, Store, source::ServerSettings},
};

/// Lock what the sources of recipes and objects have now.
///
/// Fetches each from its source again: the newest commit of a branch, or the newest version in a registry if the source has
/// no tag. What changed is shown as by `recipe add`, and locked when you agree. A recipe that was signed when it was locked
/// has to be signed by the same key.
///
/// Example: freplace-compose update drop-udp
#[derive(Debug, clap::Args)]
pub(super) struct Update {
    /// Recipes and objects in chain.lock [default: all].
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    connection: ConnectionFlags,
}

pub(super) fn run(arguments: &Update) -> Exit {
    let mut lock = match lock().and_then(|lock| known(&arguments.names, lock)) {
        Ok(lock) => lock,
        Err(found) => {
            report::all(&found);
            return Exit::Invalid;
        }
    };
    let before = lock.clone();
    let exit = update(arguments, &mut lock);
    if lock == before {
        return exit;
    }
    // What was agreed to is kept, whatever went wrong with others.
    match lock.write(Path::new(LOCK)) {
        Ok(()) => exit,
        Err(found) => {
            report::one(&found);
            Exit::Failed
        }
    }
}

/// The lock, if it has all of `names`.
fn known(names: &[String], lock: Lock) -> Result<Lock, Vec<Diagnostic>> {
    let all = || lock.recipes.iter().chain(&lock.objects).map(|entry| entry.name.as_str());
    let wrong = names.iter().filter(|name| !all().any(|known| known == name.as_str()));
    let wrong: Vec<_> = wrong.map(|name| unknown(name, all())).collect();
    if wrong.is_empty() { Ok(lock) } else { Err(wrong) }
}

fn update(arguments: &Update, lock: &mut Lock) -> Exit {
    let connection = arguments.connection.connection();
    let is_meant =
        |entry: &&LockedSource| arguments.names.is_empty() || arguments.names.contains(&entry.name);
    let mut exit = Exit::Done;
    let recipes: Vec<_> = lock.recipes.iter().filter(is_meant).cloned().collect();
    let objects: Vec<_> = lock.objects.iter().filter(is_meant).cloned().collect();
    for entry in recipes {
        match recipe(&entry, arguments.yes, &connection) {
            Ok(Ok(new)) => lock.put_recipe(new),
            Ok(Err(Exit::Done)) => {}
            Ok(Err(refused)) => exit = refused,
            Err(found) => {
                report::all(&found);
                exit = Exit::Failed;
            }
        }
    }
    for entry in objects {
        match object(&entry, &connection) {
            Ok(new) => lock.put_object(new),
            Err(found) => {
                report::all(&found);
                exit = Exit::Failed;
            }
        }
    }
    exit
}

/// What is to be locked in the place of `entry`; an exit where the user does not agree.
fn recipe(
    entry: &LockedSource,
    yes: bool,
    connection: &ServerSettings,
) -> Result<Result<LockedSource, Exit>, Vec<Diagnostic>> {
    let latest = Latest::recipe(entry, connection)?;
    if latest.is_same {
        screen::say!("{} is up to date.", entry.name);
        return Ok(Ok(LockedSource { key: entry.key.clone(), ..latest.new }));
    }
    let Latest { source, fetched, .. } = latest;
    let offer = Offer::new(source, fetched, entry.key.is_some(), connection)?;
    if entry.key.is_some() && entry.key != offer.key() {
        let message =
            format!("{} is signed by another key than `{}` was", offer.title(), entry.name);
        return Err(vec![
            Diagnostic::new(Code::SignatureRefused, message)
                .help("Ask its author. If the key changed, remove the recipe and add it again."),
        ]);
    }
    if let Err(exit) = offer.agreed(yes) {
        return Ok(Err(exit));
    }
    screen::say!("Locked {} as `{}` in {LOCK}.", offer.title(), entry.name);
    offer.keep(&entry.name).map(Ok)
}

/// What is to be locked in the place of `entry`. An object is not shown: what runs it is a chain of the user.
fn object(
    entry: &LockedSource,
    connection: &ServerSettings,
) -> Result<LockedSource, Vec<Diagnostic>> {
    let latest = Latest::object(entry, connection)?;
    if latest.is_same {
        screen::say!("{} is up to date.", entry.name);
    } else {
        let store = Store::of_user().map_err(|found| vec![*found])?;
        store.put_object(&latest.fetched.bytes).map_err(|found| vec![*found])?;
        screen::say!("Locked {} as `{}` in {LOCK}.", latest.new.digest, entry.name);
    }
    Ok(latest.new)
}
