//! What the kernel's helpers leave in r0.

use super::{
    Giver,
    number::{Number, Origin},
    set::Set,
    state::Value,
};
use crate::object::helpers::{Gives, Helper};

/// What `helper` returns, from the instruction that `origin` stands for, where it is given `first`
/// in r1. Of one that is not known nothing is claimed.
pub(super) fn result(helper: Option<&Helper>, origin: Origin, first: Value) -> Value {
    match helper.map_or(Gives::Unclear, |helper| helper.gives) {
        Gives::Value => {
            let null = matches!(first, Value::Map { finds_all: false });
            Value::Nullable { origin, giver: Giver::LookUp, null }
        }
        Gives::Room => Value::Nullable { origin, giver: Giver::Reserve, null: true },
        Gives::Cpu => Value::known(0),
        Gives::Number => Value::fresh(origin, 8),
        // -1 and 0: there are more errors than one, and one is enough.
        Gives::Status => {
            Value::Number(Number::Any(origin, Set::Range { start: u64::MAX, span: 1 }))
        }
        Gives::Nothing => Value::Unset,
        Gives::Unclear => Value::Unknown,
    }
}
