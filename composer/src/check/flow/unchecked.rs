//! Results of helpers that are used without a test for NULL.
//!
//! The verifier keeps such a pointer as `..._or_null` until it is tested: `check_mem_access` and
//! `check_reg_type`, <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.

use freplace_compose_common::EVENTS_MAP;

use super::{CheckedProgram, Context, Rejection};
use crate::{
    diag::{Code, Diagnostic},
    object::{
        flow::{Fact, FactKind, NullSource, PointerUse},
        helper,
    },
    version::Version,
};

/// The kernel that calls room in a ring buffer `ringbuf_mem`, which was `alloc_mem` before.
const RENAMED: Version = Version::new(6, 2);

pub(super) fn find(
    context: &Context<'_>,
    subject: &CheckedProgram<'_>,
    facts: &[Fact],
) -> Option<Rejection> {
    let object = subject.object;
    let (function, giver, register, used) = facts.iter().find_map(|fact| match fact.what {
        FactKind::Unchecked { giver, register, used } => {
            Some((object.functions.get(fact.function)?, giver, register, used))
        }
        _ => None,
    })?;
    let mut profiles = context.kernels.profiles.iter();
    let room = match profiles.all(|profile| profile.kernel < RENAMED) {
        true => "alloc_mem",
        false => "ringbuf_mem",
    };
    let reserves = match object.maps.iter().any(|map| map.name == EVENTS_MAP) {
        true => "fc_reserve()",
        false => "bpf_ringbuf_reserve()",
    };
    let (what, held, help) = match giver {
        NullSource::Reserve => (
            format!("the result of {reserves}"),
            format!("{room}_or_null"),
            format!("{reserves} returns NULL if the buffer is full"),
        ),
        NullSource::LookUp => (
            "the result of bpf_map_lookup_elem()".to_owned(),
            "map_value_or_null".to_owned(),
            "bpf_map_lookup_elem() returns NULL if the key does not exist".to_owned(),
        ),
        NullSource::Null => (
            "NULL".to_owned(),
            "scalar".to_owned(),
            format!("the result of {reserves} or bpf_map_lookup_elem() may be NULL"),
        ),
    };
    let untested = if giver == NullSource::Null { "" } else { " without a test for NULL" };
    let (message, words) = match used {
        PointerUse::Accessed => {
            (format!("uses {what}{untested}"), format!("R{register} invalid mem access '{held}'"))
        }
        PointerUse::Computed => (
            format!("uses {what}{untested}"),
            format!("R{register} pointer arithmetic on {held} prohibited, null-check it first"),
        ),
        PointerUse::Handed(id) => {
            let name = helper(id).map_or("a helper", |helper| helper.name);
            (
                format!("passes {what} to {name}(){untested}"),
                format!("R{register} type={held} expected="),
            )
        }
    };
    let within = match function.name == subject.program.name {
        true => String::new(),
        false => format!(" in `{}`", function.name),
    };
    let found = Diagnostic::new(Code::HelperNull, format!("{} {message}{within}", subject.title()))
        .label(subject.of.asked(), "used by this program")
        .says("EACCES", words)
        .help(format!(
            "Test the result before use, for example with `if (!event) return 0;`: \
                       {help}."
        ));
    Some(Rejection::everywhere(found))
}
