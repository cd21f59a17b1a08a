//! The recipes of the gallery: each comes up as it is built in, and with the other one of its
//! replacements; what its events say is what was done; and nothing is left of it.

mod connections;
mod packets;
mod processes;

use std::{net::Ipv4Addr, path::Path};

use freplace_compose::chain;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Folder, Live, Snapshot,
    events::{assert_schema, events},
};

/// The text of a recipe with `program` as its replacement, and `globals` for the variables of that.
/// The recipe says which other one there is: `program = "one" # or "other"`.
#[track_caller]
fn choice(recipe: &str, program: &str, globals: &str) -> String {
    let text = chain::recipe(recipe).expect("a recipe");
    let name = format!("\"{program}\"");
    let is_choice = |line: &str| {
        let choices = line.strip_prefix("program = ").and_then(|line| line.split_once(" # or "));
        choices.is_some_and(|(one, other)| one == name || other == name)
    };
    assert!(text.lines().any(is_choice), "{recipe} has no {program}");
    let chosen = format!("program = {name}\nglobals = {{ {globals} }}\n");
    let line = |line| if is_choice(line) { chosen.clone() } else { format!("{line}\n") };
    text.lines().map(line).collect()
}

/// Brings up `chain` while `traffic` runs; its events, when nothing is left of it.
#[track_caller]
fn seen_at(chain: &Path, traffic: impl FnOnce(&Live)) -> Vec<Value> {
    let before = Snapshot::take();
    let live = Live::json(chain);
    traffic(&live);
    let finished = live.end(Signal::INT);
    finished.assert_done();
    assert_schema(&finished);
    before.assert_nothing_new();
    events(&finished)
}

/// The events of a recipe as it is built in.
#[track_caller]
fn built_in(recipe: &str, traffic: impl FnOnce(&Live)) -> Vec<Value> {
    seen_at(format!("builtin:{recipe}").as_ref(), traffic)
}

/// The events of a chain that is made of a recipe.
#[track_caller]
fn seen(chain: &str, traffic: impl FnOnce(&Live)) -> Vec<Value> {
    seen_at(&Folder::new(chain).chain(), traffic)
}

fn number(event: &Value, key: &str) -> u64 {
    event["data"][key].as_u64().unwrap_or_else(|| panic!("no number {key}: {event}"))
}

/// No host is there: the address is for examples.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
