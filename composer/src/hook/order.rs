//! The place of a program among others at one hook: the keys `order`, `before` and `after`.

use super::{Attach, KeySpec, Position, Values};

const ORDER: &str = "order";
const BEFORE: &str = "before";
const AFTER: &str = "after";

/// `order`: in front of all others, or behind them.
pub(super) const ORDER_KEY: KeySpec = KeySpec {
    key: ORDER,
    what: "a position",
    doc: "The place among the programs that are attached already.",
    values: Values::Words(&["last", "first"]),
    excludes: &[BEFORE, AFTER],
};

/// `before`: in front of one of the others.
pub(super) const BEFORE_KEY: KeySpec = KeySpec {
    key: BEFORE,
    what: "a program",
    doc: "The program that runs next: its id, or its name.",
    values: Values::Text,
    excludes: &[ORDER, AFTER],
};

/// `after`: behind one of the others.
pub(super) const AFTER_KEY: KeySpec = KeySpec {
    key: AFTER,
    what: "a program",
    doc: "The program that runs just before: its id, or its name.",
    values: Values::Text,
    excludes: &[ORDER, BEFORE],
};

/// The position that the keys of `attach` ask for.
pub(super) fn position(attach: &Attach) -> Position<'_> {
    match (attach.text(BEFORE), attach.text(AFTER), attach.word(ORDER)) {
        (Some(program), _, _) => Position::Before(program),
        (None, Some(program), _) => Position::After(program),
        (None, None, Some("first")) => Position::First,
        (None, None, _) => Position::Last,
    }
}
