//! Every file of the corpus, and a fixed number of mutations of each, the same in every run.
//!
//! What is found here is kept: a failing input is written to `target/tmp`, and belongs into
//! `fuzz/corpus` once it is mended.

use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use freplace_compose_fuzz::{Mutations, chain, event, object, oci, packed, packet, recipe};

/// The files of `folders`, in order.
fn files(folders: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(root.join(folder)).expect("a folder of the corpus");
        let mut paths: Vec<_> =
            entries.map(|entry| entry.expect("it is readable").path()).collect();
        paths.retain(|path| path.is_file() && path.extension().is_none_or(|end| end != "snap"));
        paths.sort();
        assert!(!paths.is_empty(), "{folder}");
        found.extend(paths.into_iter().map(|path| {
            let bytes = fs::read(&path).expect("it is readable");
            (path, bytes)
        }));
    }
    found
}

/// Feeds `target` with the files of `folders`, and with `mutations` in all.
fn run(name: &str, target: fn(&[u8]), folders: &[&str], mutations: usize) {
    let files = files(folders);
    let others: Vec<_> = files.iter().map(|(_, bytes)| bytes.clone()).collect();
    let each = mutations / files.len();
    for (number, (path, bytes)) in files.iter().enumerate() {
        let mutated = Mutations::new(bytes, &others, number as u64).take(each);
        for (turn, bytes) in std::iter::once(bytes.clone()).chain(mutated).enumerate() {
            if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| target(&bytes))) {
                let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
                let kept = folder.join(format!("{name}-{number}-{turn}"));
                fs::write(&kept, &bytes).expect("a place for it");
                eprintln!("mutation {turn} of {}, kept as {}", path.display(), kept.display());
                panic::resume_unwind(panic);
            }
        }
    }
}

#[test]
fn chain_files_are_read_or_refused() {
    let folders = ["chains", "composer/tests/fixtures", "fuzz/corpus/chain"];
    run("chain", chain, &folders, 6000);
}

#[test]
fn objects_are_read_or_refused() {
    run("object", object, &["fuzz/corpus/object"], 6000);
}

#[test]
fn events_are_shown_or_refused() {
    run("event", event, &["fuzz/corpus/event"], 6000);
}

#[test]
fn packets_are_read_and_built_again() {
    run("packet", packet, &["fuzz/corpus/packet"], 2500);
}

#[test]
fn packed_recipes_are_read_or_refused() {
    run("packed", packed, &["fuzz/corpus/packed"], 6000);
}

#[test]
fn descriptions_and_locks_of_recipes_are_read_or_refused() {
    run("recipe", recipe, &["fuzz/corpus/recipe"], 6000);
}

#[test]
fn documents_of_registries_are_read_or_refused() {
    run("oci", oci, &["fuzz/corpus/oci"], 4000);
}
