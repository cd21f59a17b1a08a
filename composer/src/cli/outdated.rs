//! `outdated`: what of chain.lock its sources have otherwise now.

use std::fmt::Write as _;

use super::{
    exit::Exit,
    ink::Ink as _,
    recipe::{ConnectionFlags, Latest, lock},
    report, screen,
};
use freplace_compose::recipe::LockedSource;

/// List the recipes and objects in chain.lock whose sources have something else now.
///
/// Fetches each from its source again, and changes nothing.
///
/// Example: freplace-compose outdated
#[derive(Debug, clap::Args)]
pub(super) struct Outdated {
    #[command(flatten)]
    connection: ConnectionFlags,
}

pub(super) fn run(arguments: &Outdated) -> Exit {
    let lock = match lock() {
        Ok(lock) => lock,
        Err(found) => {
            report::all(&found);
            return Exit::Invalid;
        }
    };
    let connection = arguments.connection.connection();
    let recipes = lock.recipes.iter().map(|entry| {
        (entry, Latest::recipe(entry, &connection).map(|latest| (latest.is_same, latest.new)))
    });
    let objects = lock.objects.iter().map(|entry| {
        (entry, Latest::object(entry, &connection).map(|latest| (latest.is_same, latest.new)))
    });
    let (mut rows, mut exit) = (Vec::new(), Exit::Done);
    for (entry, latest) in recipes.chain(objects) {
        match latest {
            Ok((true, _)) => {}
            Ok((false, new)) => {
                rows.push([entry.name.clone(), state(entry), state(&new), entry.source.clone()]);
            }
            Err(found) => {
                report::all(&found);
                exit = Exit::Failed;
            }
        }
    }
    if rows.is_empty() {
        if exit == Exit::Done {
            screen::say!("Everything in chain.lock is what its sources have.");
        }
        return exit;
    }
    match screen::data(&table(&rows)) {
        Exit::Done => exit,
        failed => failed,
    }
}

/// Version and digest.
fn state(entry: &LockedSource) -> String {
    let version = entry.version.as_ref().map(|version| format!("{version} "));
    format!("{}{}", version.unwrap_or_default(), entry.digest.short())
}

fn table(rows: &[[String; 4]]) -> String {
    let heads = ["NAME", "LOCKED", "NOW", "FROM"];
    let width = |at: usize| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.chain([heads[at].len()]).max().unwrap_or_default()
    };
    let [names, locked, now, _] = [0, 1, 2, 3].map(width);
    let [name_head, locked_head, now_head, from] = heads;
    let mut out =
        format!("{name_head:<names$}  {locked_head:<locked$}  {now_head:<now$}  {from}\n");
    for [name, was, is, source] in rows {
        let _ = writeln!(out, "{:<names$}  {was:<locked$}  {is:<now$}  {source}", name.bold()); // a String takes everything
    }
    out
}
