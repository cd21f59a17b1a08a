//! `schema`: the chain file's JSON schema, for editors.

use super::{exit::Exit, screen};

pub(super) fn run() -> Exit {
    screen::json(&freplace_compose::chain::schema())
}
