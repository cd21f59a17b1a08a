//! Archives, manifests, locks and files of trusted keys that somebody made to do harm: each is refused with a
//! diagnostic, and nothing is written.

mod archives;
mod texts;

use std::{fmt::Write as _, fs, process::Command};

use freplace_compose::{
    diag::Diagnostic,
    inert,
    recipe::{Lock, Manifest, Packed, Store, Trust},
};

use super::{contents, packed, recipe, told};

/// What was refused, with the words; what was not is named.
fn verdicts<T>(
    cases: impl IntoIterator<Item = (String, Result<T, Vec<Diagnostic>>)>,
) -> (String, usize) {
    let (mut out, mut number) = (String::new(), 0);
    for (name, verdict) in cases {
        let words = match verdict {
            Ok(_) => "ACCEPTED".to_owned(),
            Err(found) => told(&found),
        };
        let _ = writeln!(out, "{name}\n    {}", inert::lines(&words).replace('\n', "\n    "));
        number += 1;
    }
    assert!(!out.contains("ACCEPTED"), "{out}");
    (out, number)
}

#[test]
fn hostile_archives_are_refused_and_the_cache_stays_as_it_is() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let store = Store::in_folder(cache.path().to_owned());
    store.put(&packed(recipe().path())).expect("it is writable");
    let before = contents(cache.path());
    let cases = archives::cases().into_iter().map(|(name, bytes)| {
        let verdict = Packed::of_bytes("it", bytes)
            .and_then(|packed| store.put(&packed).map_err(|found| vec![*found]));
        (name.to_owned(), verdict)
    });
    let (text, number) = verdicts(cases);
    assert!(number >= 60, "{number}");
    assert_eq!(contents(cache.path()), before);
    insta::assert_snapshot!("archives", text);
}

#[test]
fn hostile_manifests_are_refused() {
    let cases = texts::manifests()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Manifest::parse("recipe.toml".as_ref(), text)));
    insta::assert_snapshot!("manifests", verdicts(cases).0);
}

#[test]
fn hostile_locks_are_refused() {
    let cases = texts::locks()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Lock::parse("chain.lock".as_ref(), text)));
    insta::assert_snapshot!("locks", verdicts(cases).0);
}

#[test]
fn hostile_files_of_trusted_keys_are_refused() {
    let cases = texts::trust()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Trust::parse("trust.toml".as_ref(), text)));
    insta::assert_snapshot!("trust", verdicts(cases).0);
}

#[test]
fn files_that_are_too_large_or_no_files_are_refused_before_they_are_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let huge = folder.path().join("huge.fcr");
    fs::File::create(&huge).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
    let pipe = folder.path().join("pipe.fcr");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("there is mkfifo");
    assert!(made.success());
    let cases = [huge.as_path(), &pipe, folder.path(), "/dev/zero".as_ref()];
    let whys = ["larger than the limit of 64 MiB", "a pipe", "is a directory", "a device"];
    for (path, why) in cases.into_iter().zip(whys) {
        let found = told(&Packed::open(path).expect_err("it is refused"));
        assert!(found.starts_with("FC0001 cannot read ") && found.contains(why), "{found}");
    }
}

/// 600 MB of address space, most of which is the program's own code and stacks.
#[test]
fn the_memory_for_a_hostile_archive_is_bounded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in archives::cases() {
        if !archives::LARGE.contains(&name) {
            continue;
        }
        let file = folder.path().join("it.fcr");
        fs::write(&file, bytes).expect("it is writable");
        let script = "ulimit -v 600000 && exec \"$0\" recipe show it.fcr";
        let output = Command::new("sh")
            .args(["-c", script])
            .arg(super::common::binary())
            .current_dir(folder.path())
            .output()
            .expect("there is a shell");
        assert_eq!(output.status.code(), Some(3), "{name}: {}", super::common::shown(&output));
    }
}
