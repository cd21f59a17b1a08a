//! Fuzz targets: bytes in, and a panic if something is wrong.
//!
//! A fuzzer is not required. The targets below are plain functions; `fuzz_targets` passes them to
//! libFuzzer under cargo-fuzz, and `tests/corpus.rs` runs the corpus and a fixed number of
//! [`Mutations`] of it in every test run.

mod chain;
mod event;
mod mutate;
mod object;
mod oci;
mod packet;
mod recipe;

use std::{env, fs, io, sync::Arc};

use freplace_compose::{
    chain::{Chain, ObjectRef},
    object::Object,
    resolve::ObjectStore,
};

pub use chain::chain;
pub use event::event;
pub use mutate::Mutations;
pub use object::object;
pub use oci::oci;
pub use packet::packet;
pub use recipe::{packed, recipe};

/// Goes through the files named on the command line, as a fuzzer that found one of them would.
///
/// # Errors
/// When a file cannot be read.
pub fn replay(target: fn(&[u8])) -> io::Result<()> {
    for path in env::args_os().skip(1) {
        target(&fs::read(path)?);
    }
    Ok(())
}

/// The chains that come with the composer.
fn shipped() -> Vec<Chain> {
    let files = [
        include_str!("../../chains/tcp.toml"),
        include_str!("../../chains/tcp-map.toml"),
        include_str!("../../chains/trace.toml"),
        include_str!("../../chains/xdp.toml"),
    ];
    let chains = files.map(|text| Chain::parse("shipped.toml".as_ref(), text.to_owned()));
    chains.into_iter().map(|chain| chain.expect("it is shipped")).collect()
}

/// The objects that come with it.
fn builtins() -> Vec<(ObjectRef, Arc<Object>)> {
    let names = freplace_compose_ebpf_programs::names();
    let objects = names.map(|name| {
        let bytes = freplace_compose_ebpf_programs::object(name).expect("it is built in");
        let object = Object::parse(bytes).expect("a good object");
        (ObjectRef::Builtin(name.to_owned()), Arc::new(object))
    });
    objects.collect()
}

/// The library of them.
fn library() -> ObjectStore {
    builtins().into_iter().collect()
}
