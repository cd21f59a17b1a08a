//! The results of kernel helpers in r0.

use super::{
    NullSource,
    number::{Number, NumberId},
    set::Set,
    state::RegState,
};
use crate::object::helpers::{Gives, Helper};

/// What `helper` returns, from the instruction that `origin` stands for, where it is given `first`
/// in r1. Of one that is not known nothing is claimed.
pub(super) fn result(helper: Option<&Helper>, origin: NumberId, first: RegState) -> RegState {
    match helper.map_or(Gives::Unclear, |helper| helper.gives) {
        Gives::Value => {
            let null = matches!(first, RegState::Map { finds_all: false });
            RegState::Nullable { origin, giver: NullSource::LookUp, null }
        }
        Gives::Room => RegState::Nullable { origin, giver: NullSource::Reserve, null: true },
        Gives::Cpu => RegState::known(0),
        Gives::Number => RegState::fresh(origin, 8),
        // -1 and 0: there are more errors than one, and one is enough.
        Gives::Status => {
            RegState::Number(Number::Any(origin, Set::Range { start: u64::MAX, span: 1 }))
        }
        Gives::Nothing => RegState::Unset,
        Gives::Unclear => RegState::Unknown,
    }
}
