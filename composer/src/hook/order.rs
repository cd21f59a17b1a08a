//! The place of a program among others at one hook: the keys `order`, `before` and `after`.

use super::{Attach, KeySpec, Need, Position, Setting, Values};

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
    need: |_| None,
};

/// `before`: in front of one of the others.
pub(super) const BEFORE_KEY: KeySpec = KeySpec {
    key: BEFORE,
    what: "a program",
    doc: "The program that runs next: its id, or its name.",
    values: Values::Text,
    excludes: &[ORDER, AFTER],
    need: |_| None,
};

/// `after`: behind one of the others.
pub(super) const AFTER_KEY: KeySpec = KeySpec {
    key: AFTER,
    what: "a program",
    doc: "The program that runs just before: its id, or its name.",
    values: Values::Text,
    excludes: &[ORDER, BEFORE],
    need: |_| None,
};

/// The same at a cgroup, where not every kernel has an order: programs go behind the others.
pub(super) const CGROUP_ORDER_KEY: KeySpec = KeySpec {
    need: |order| (*order == Setting::Word("first")).then_some(&CGROUP_ORDER),
    ..ORDER_KEY
};
pub(super) const CGROUP_BEFORE_KEY: KeySpec =
    KeySpec { need: |_| Some(&CGROUP_ORDER), ..BEFORE_KEY };
pub(super) const CGROUP_AFTER_KEY: KeySpec = KeySpec { need: |_| Some(&CGROUP_ORDER), ..AFTER_KEY };

static CGROUP_ORDER: Need = Need {
    what: "an order of the programs at a cgroup",
    label: "is attached at a place among the programs of a cgroup",
    help: "Use Linux 6.17 or later, a recent 6.12, or attach the programs in the order in which they \
           are to run.",
    lacks: |profile| !profile.features.cgroup_order,
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
