//! Damaged objects for tests: the built-in ones with bytes changed, removed or moved.

use object::{Object as _, ObjectSection as _};
use proptest::{prelude::*, sample::Index};

/// The built-in objects with their names.
pub(crate) fn builtins() -> Vec<(&'static str, &'static [u8])> {
    let names = freplace_compose_ebpf_programs::names();
    names.filter_map(|name| Some((name, freplace_compose_ebpf_programs::object(name)?))).collect()
}

/// A built-in object's name, and what is left of it.
pub(crate) fn damaged() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let places: Vec<_> =
        builtins().into_iter().map(|(name, bytes)| (name, bytes, telling(bytes))).collect();
    let change = (any::<Index>(), any::<u8>());
    let splice = (any::<Index>(), any::<Index>(), 0_usize..64);
    (
        prop::sample::select(places),
        prop::collection::vec(change, 0..8),
        prop::option::weighted(0.2, splice),
        prop::option::weighted(0.2, any::<Index>()),
    )
        .prop_map(|((name, bytes, places), changes, splice, keep)| {
            let mut bytes = bytes.to_vec();
            for (at, value) in changes {
                bytes[places[at.index(places.len())]] = value;
            }
            if let Some((from, to, length)) = splice {
                let (from, to) = (places[from.index(places.len())], to.index(bytes.len()));
                let length = length.min(bytes.len() - from.max(to));
                bytes.copy_within(from..from + length, to);
            }
            if let Some(keep) = keep {
                bytes.truncate(keep.index(bytes.len()));
            }
            (name, bytes)
        })
}

/// Offsets of the bytes that somebody reads: headers, and all sections but those for debuggers.
fn telling(bytes: &[u8]) -> Vec<usize> {
    let file = object::File::parse(bytes).expect("the build made it");
    let sections = file.sections().filter(|section| {
        section.name().is_ok_and(|name| !name.contains(".debug")) && section.file_range().is_some()
    });
    let ranges = sections.filter_map(|section| section.file_range());
    let mut found: Vec<usize> = ranges
        // A few of each, so that the long ones do not hide the short ones.
        .flat_map(|(start, size)| {
            let step = (size / 256).max(1);
            let start = start + size % step;
            (start..start + size - size % step).step_by(step as usize)
        })
        .map(|at| at as usize)
        .collect();
    found.extend(0..64);
    // The table of sections is at the end of what clang writes, 64 bytes for each.
    let table = 64 * (file.sections().count() + 1);
    found.extend(bytes.len() - table..bytes.len());
    found
}
