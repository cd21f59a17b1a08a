//! What aya-obj does with an object before the kernel sees it: takes it apart, and relocates it.
//!
//! aya-obj indexes into damaged files without looking, so everything it does is done here, behind
//! one guard: what it trips over is an error of that object, not the end of this process.

use std::{
    cell::Cell,
    collections::HashSet,
    os::fd::RawFd,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use aya_obj::{Map, Object, btf::Btf, btf::BtfFeatures};

use super::KernelError;

pub(super) const PARSE: &str = "read object";
const RELOCATE: &str = "relocate";

/// Takes `bytes` apart; also returns its BTF as a kernel with `features` takes it.
pub(super) fn parse(
    bytes: &[u8],
    features: &BtfFeatures,
) -> Result<(Object, Vec<u8>), KernelError> {
    guarded(PARSE, || {
        let mut parsed = Object::parse(bytes).map_err(|error| KernelError::here(PARSE, error))?;
        let btf = parsed
            .fixup_and_sanitize_btf(features)
            .map_err(|error| KernelError::here(PARSE, error))?
            .ok_or_else(|| KernelError::here(PARSE, "the object has no BTF"))?
            .to_bytes();
        Ok((parsed, btf))
    })
}

/// Makes what `parsed` says of kernel types true of `types`.
pub(super) fn relocate(parsed: &mut Object, types: &Btf) -> Result<(), KernelError> {
    guarded(RELOCATE, || {
        parsed.relocate_btf(types).map_err(|error| KernelError::here(RELOCATE, error))
    })
}

/// Leaves only `program` in `parsed`, with `globals` set.
pub(super) fn select(
    parsed: &mut Object,
    program: &str,
    globals: &[(&str, Vec<u8>)],
) -> Result<(), KernelError> {
    parsed.programs.retain(|name, _| name == program);
    let globals = globals.iter().map(|(name, value)| (*name, (value.as_slice(), false))).collect();
    guarded(PARSE, || {
        parsed.patch_map_data(globals).map_err(|error| KernelError::here(PARSE, error))
    })
}

/// Puts the descriptors of `maps` and the functions that are called into the programs.
pub(super) fn link(parsed: &mut Object, maps: Vec<(&str, RawFd, &Map)>) -> Result<(), KernelError> {
    guarded(RELOCATE, || {
        let text: HashSet<usize> = parsed.functions.keys().map(|(section, _)| *section).collect();
        let relocate = parsed.relocate_maps(maps.into_iter(), &text);
        relocate.map_err(|error| KernelError::here(RELOCATE, error))?;
        let relocate = parsed.relocate_calls(&text);
        relocate.map_err(|error| KernelError::here(RELOCATE, error))?;
        Ok(())
    })
}

thread_local! {
    /// Whether this thread is behind the guard, where a panic is not worth a message.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`, a panic in which becomes an error.
fn guarded<T>(
    call: &'static str,
    work: impl FnOnce() -> Result<T, KernelError>,
) -> Result<T, KernelError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                usual(panic);
            }
        }));
    });
    GUARDED.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(false);
    done.unwrap_or_else(|_| Err(KernelError::here(call, "the object is damaged")))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use aya_obj::btf::BtfFeatures;
    use proptest::{prelude::*, test_runner::Config};

    use super::{guarded, link, parse, relocate, select};
    use crate::kernel::{
        KernelError,
        damage::{builtins, damaged},
    };

    /// All the way that an object takes, for each of its programs; its own types are the kernel's.
    fn assemble(bytes: &[u8]) -> Result<(), KernelError> {
        let (parsed, types) = parse(bytes, &BtfFeatures::default())?;
        let endianness = Default::default();
        let types = guarded("read types", || {
            aya_obj::btf::Btf::parse(&types, endianness)
                .map_err(|error| KernelError::here("read types", error))
        })?;
        let programs: Vec<_> = parsed.programs.keys().cloned().collect();
        for program in programs {
            let (mut parsed, _) = parse(bytes, &BtfFeatures::default())?;
            relocate(&mut parsed, &types)?;
            select(&mut parsed, &program, &[("fc_node", 1_u32.to_ne_bytes().to_vec())])?;
            let maps = std::mem::take(&mut parsed.maps);
            let maps = maps.iter().map(|(name, map)| (name.as_str(), 3, map)).collect();
            link(&mut parsed, maps)?;
        }
        Ok(())
    }

    #[test]
    fn the_built_in_objects_are_assembled() {
        for (_, object) in builtins() {
            assert_eq!(assemble(object), Ok(()));
        }
    }

    #[test]
    fn a_panic_is_an_error_of_the_object() {
        let found = guarded::<()>("read object", || panic!("index out of bounds"));
        assert_eq!(found, Err(KernelError::here("read object", "the object is damaged")));
    }

    proptest! {
        #![proptest_config(Config { cases: 512, failure_persistence: None, ..Config::default() })]

        #[test]
        fn a_damaged_object_is_an_error_and_no_panic((_, bytes) in damaged()) {
            // It must come back: with what, the file decides.
            let _ = assemble(&bytes);
        }
    }

    #[test]
    fn the_guard_is_lifted_afterwards() {
        let _ = guarded::<()>("read object", || panic!("quietly"));
        assert!(!super::GUARDED.with(Cell::get));
    }
}
