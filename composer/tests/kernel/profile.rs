//! What is known of a kernel is what that kernel does: a shipped profile is what `profile` measures.

use std::{fs, os::unix::process::CommandExt as _, path::Path};

use freplace_compose::profile;

use crate::support::{
    Snapshot,
    process::{binary, output},
    recipe,
};

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_shipped_profile_is_what_this_kernel_offers() {
    let before = Snapshot::take();
    let finished = output(binary().arg("profile"));
    finished.assert_done();
    before.assert_nothing_new();
    let measured = profile::parse(&finished.stdout).expect("it is a profile");
    let mut shipped = profile::shipped();
    shipped.retain(|profile| profile.kernel == measured.kernel);
    assert_eq!(
        shipped,
        [measured],
        "composer/profiles is what `profile` printed:\n{}",
        finished.stdout
    );
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_chain_is_judged_by_what_was_measured() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("my.toml");
    fs::write(&file, output(binary().arg("profile")).stdout).expect("room in /tmp");
    let validate =
        |kernel| output(binary().args(["validate", "--kernel"]).arg(kernel).arg(recipe("tcp")));
    validate(file.as_path()).assert_done();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_is_saved_knows_what_there_is_to_attach_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let saved = folder.path().join("this kernel");
    output(binary().args(["profile", "--save"]).arg(&saved)).assert_done();
    let text = fs::read_to_string(recipe("tcp")).expect("it is shipped");
    let wrong = folder.path().join("wrong.toml");
    fs::write(&wrong, text.replace("\"tcp_connect\"", "\"tcp_conect\"")).expect("room in /tmp");
    let kernel = saved.join("profile.toml");
    let validate =
        |file: &Path| output(binary().args(["validate", "--kernel"]).arg(&kernel).arg(file));
    validate(&recipe("tcp")).assert_done();
    let finished = validate(&wrong);
    finished.assert_failed(3, "FC0317");
    assert!(finished.stderr.contains("Did you mean `tcp_connect`?"), "{}", finished.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_folder_that_cannot_be_made_is_named() {
    let finished = output(binary().args(["profile", "--save", "/proc/no/such/folder"]));
    finished.assert_failed(1, "FC0508");
    assert!(finished.stderr.contains("/proc/no/such/folder"), "{}", finished.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn without_the_right_to_use_ebpf_nothing_is_measured() {
    const NOBODY: u32 = 65534;
    let finished = output(binary().arg("profile").uid(NOBODY).gid(NOBODY));
    finished.assert_failed(4, "FC0401");
    assert_eq!(finished.stdout, "");
    assert!(finished.stderr.contains("cannot be measured"), "{}", finished.stderr);
}
