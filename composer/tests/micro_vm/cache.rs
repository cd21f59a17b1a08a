//! The cache of kernels: filled by two at once, damaged, not to be written; and a mirror that lacks
//! suites. The packages come from a mirror of the test's own, whose kernel is the one that the user's
//! cache has of 6.12.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    common::{program, run, shown, workspace},
    wait_until,
};

/// A series that no suite has.
const SERIES: &str = "6.99";

/// A mirror with one suite, a machine's apt that knows nothing else, and a cache.
struct Mirror {
    folder: tempfile::TempDir,
}

/// Where the program keeps its kernels when no test says otherwise.
fn users_cache() -> PathBuf {
    let variable = |name| env::var_os(name).map(PathBuf::from);
    variable("FREPLACE_COMPOSE_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("freplace-compose")))
        .or_else(|| Some(variable("HOME")?.join(".cache/freplace-compose")))
        .expect("the test has a home")
}

fn shell(folder: &Path, script: &str) {
    let ran = Command::new("sh").args(["-ec", script]).current_dir(folder).output();
    let ran = ran.expect("there is a shell");
    assert!(ran.status.success(), "{script}: {}", String::from_utf8_lossy(&ran.stderr));
}

impl Mirror {
    fn new() -> Self {
        // So that the user's cache has both files.
        let filled = run(&workspace(), &["vm", "--quiet", "--kernel", "6.12", "--", "true"]);
        assert_eq!(filled.status.code(), Some(0), "{}", shown(&filled));
        let this = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let path = this.folder.path();
        let pool = path.join("mirror/pool");
        fs::create_dir_all(&pool).expect("room");
        fs::create_dir_all(path.join("state/lists/partial")).expect("room");
        let cache = users_cache();
        let (kernel, busybox) = (cache.join("kernel-6.12/vmlinuz"), cache.join("busybox/busybox"));
        let image = format!("linux-image-{SERIES}.1-cloud-amd64");
        for (name, version, from, to) in [
            (image.as_str(), "6.99.1-1", kernel, "boot/vmlinuz-6.99.1-cloud-amd64"),
            ("busybox-static", "1:1.0-1", busybox, "bin/busybox"),
        ] {
            let root = path.join(name);
            let file = root.join(to);
            for folder in [root.join("DEBIAN"), file.parent().expect("it has one").to_owned()] {
                fs::create_dir_all(folder).expect("room");
            }
            fs::copy(from, file).expect("it is in the user's cache");
            let control = format!(
                "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: test <t@example.org>\nDescription: for a test\n"
            );
            fs::write(root.join("DEBIAN/control"), &control).expect("room");
            let archive = pool.join(format!("{name}.deb"));
            // Uncompressed, since the content is compressed and the machine may be slow.
            shell(
                path,
                &format!(
                    "dpkg-deb -Znone --root-owner-group --build {name} mirror/pool/{name}.deb"
                ),
            );
            let size = archive.metadata().expect("it was made").len();
            let entry = format!("{control}Filename: pool/{name}.deb\nSize: {size}\n");
            fs::write(path.join(format!("{name}.entry")), entry).expect("room");
        }
        let index = "mirror/dists/bookworm/main/binary-amd64";
        shell(
            path,
            &format!(
                "mkdir -p {index}
                 for entry in *.entry; do
                     cat $entry; sum=$(sha256sum mirror/pool/${{entry%.entry}}.deb)
                     echo \"SHA256: ${{sum%% *}}\"; echo
                 done > {index}/Packages
                 cd mirror/dists/bookworm
                 set -- $(sha256sum main/binary-amd64/Packages) $(stat -c %s main/binary-amd64/Packages)
                 printf 'Suite: bookworm\\nCodename: bookworm\\nArchitectures: amd64\\nComponents: main\\nSHA256:\\n %s %s %s\\n' $1 $3 $2 > Release"
            ),
        );
        this.sources("bookworm main\n");
        this
    }

    fn mirror(&self) -> String {
        format!("file:{}/mirror", self.folder.path().display())
    }

    /// Has the machine's apt know these suites of the mirror.
    fn sources(&self, suites: &str) {
        let path = self.folder.path();
        let lines: Vec<_> = suites
            .lines()
            .map(|suite| format!("deb [trusted=yes] {} {suite}\n", self.mirror()))
            .collect();
        fs::write(path.join("sources.list"), lines.concat()).expect("room");
        let conf = format!(
            "Dir::Etc::sourcelist \"{0}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\nDir::State \"{0}/state\";\n",
            path.display()
        );
        fs::write(path.join("apt.conf"), conf).expect("room");
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn command(&self, cache: &Path, kernel: &str, words: &[&str]) -> Command {
        let first = ["--color", "never", "vm", "--kernel", kernel];
        let mut command = program(&workspace(), &[&first[..], &["--"], words].concat());
        command.env("APT_CONFIG", self.folder.path().join("apt.conf"));
        command.env("FREPLACE_COMPOSE_CACHE", cache);
        command
    }

    fn run(&self, cache: &Path, kernel: &str) -> (Output, String) {
        let output = self.command(cache, kernel, &["echo", "it ran"]).output();
        let output = output.expect("it was built for this test");
        // miette wraps lines.
        let text = shown(&output).replace("\n  │ ", " ");
        (output, text)
    }

    fn in_cache(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache()).expect("it was made").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[test]
#[ignore = "boots micro-VMs; `cargo xtask test` does"]
fn two_fill_an_empty_cache_at_once_and_damage_is_found_and_mended() {
    let world = Mirror::new();
    let start = || {
        let mut command = world.command(&world.cache(), SERIES, &["echo", "it ran"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("it was built for this test")
    };
    let both = [start(), start()].map(|child| child.wait_with_output().expect("it is ours"));
    for output in &both {
        assert_eq!(output.status.code(), Some(0), "{}", shown(output));
        assert_eq!(output.stdout, b"it ran\n");
    }
    let fetched = |output: &&Output| {
        String::from_utf8_lossy(&output.stderr).contains("fetching linux-image-6.99.1")
    };
    assert_eq!(both.iter().filter(fetched).count(), 1, "one fetches it for both");
    let whole = ["apt", "busybox", "kernel-6.99", "lock"];
    assert_eq!(world.in_cache(), whole);

    let (kernel, busybox) = (world.cache().join("kernel-6.99/vmlinuz"), "busybox/busybox");
    let mut bytes = fs::read(&kernel).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&kernel, &bytes).expect("it is ours");
    fs::write(world.cache().join(busybox), "").expect("it is ours");
    let (output, text) = world.run(&world.cache(), SERIES);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for words in ["kernel-6.99/vmlinuz does not match its checksum", "busybox is empty"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(world.in_cache(), whole);

    // Damaged once more, and nobody to fetch another from.
    fs::write(&kernel, &bytes).expect("it is ours");
    fs::remove_dir_all(world.folder.path().join("mirror")).expect("it is ours");
    let (output, text) = world.run(&world.cache(), SERIES);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("FC0604") && text.contains("cannot be fetched again"), "{text}");
    assert!(text.contains("kernel-6.99/vmlinuz"), "{text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn a_cache_that_cannot_be_written_is_done_without() {
    let world = Mirror::new();
    // Nobody makes a folder there, root neither.
    let (output, text) = world.run(Path::new("/proc/self/no-cache"), SERIES);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(output.stdout, b"it ran\n");
    assert!(text.contains("cannot write cache /proc/self/no-cache"), "{text}");
}

#[test]
#[ignore = "asks apt; `cargo xtask test` does"]
fn a_mirror_without_a_suite_is_named_with_the_suite() {
    let world = Mirror::new();
    fs::create_dir_all(
        world.folder.path().join("mirror/dists/bookworm-security/main/binary-amd64"),
    )
    .expect("room");
    world.sources("bookworm main\nbookworm-security main\n");
    let (output, text) = world.run(&world.cache(), "9.99");
    assert_eq!(output.status.code(), Some(4), "{text}");
    // miette wraps lines, within a path too.
    let flat = text.split_whitespace().collect::<String>();
    let unasked = format!("cannot query trixie-backports of {}: ", world.mirror()).replace(' ', "");
    assert!(text.contains("FC0602") && flat.contains(&unasked), "{text}");
    assert!(!text.contains("deb.debian.org"), "the machine's own mirror is asked alone: {text}");
}

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn the_cache_is_listed_and_emptied() {
    let world = Mirror::new();
    let (output, text) = world.run(&world.cache(), SERIES);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let vm = |words: &[&str]| {
        let mut command = program(&workspace(), &[&["--color", "never", "vm"], words].concat());
        command.env("APT_CONFIG", world.folder.path().join("apt.conf"));
        command.env("FREPLACE_COMPOSE_CACHE", world.cache());
        command.output().expect("it was built for this test")
    };
    let listed = vm(&["--list", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let kernels = list["kernels"].as_array().expect("a list");
    let found = kernels.iter().find(|kernel| kernel["series"] == SERIES).expect("it is there");
    assert_eq!(found["newest"]["package"], "linux-image-6.99.1-cloud-amd64");
    assert_eq!(found["newest"]["suite"], serde_json::Value::Null, "the machine's own");
    assert_eq!(found["cached"]["damaged"], false);
    fs::write(world.cache().join("mine"), "a file of the user's").expect("room");
    let pruned = String::from_utf8_lossy(&vm(&["--prune"]).stdout).into_owned();
    assert!(pruned.contains("kernel 6.99") && pruned.contains("MB freed"), "{pruned}");
    assert_eq!(world.in_cache(), ["lock", "mine"]);
}

#[test]
#[ignore = "boots micro-VMs; `cargo xtask test` does"]
fn what_a_killed_one_left_is_removed_by_the_next() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let start = |script: &str| {
        let words = ["vm", "--quiet", "--kernel", "6.1", "--", "sh", "-c", script];
        let mut command = program(&workspace(), &words);
        command.env("TMPDIR", folder.path());
        command.spawn().expect("it was built for this test")
    };
    let left = || fs::read_dir(folder.path()).expect("it is there").flatten().count();
    let mut killed = start("sleep 600");
    wait_until("its temporary folder", || left() > 0);
    kill_process(Pid::from_child(&killed), Signal::KILL).expect("it is there");
    killed.wait().expect("it is ours");
    assert_eq!(left(), 1, "nobody cleans up behind it");
    assert!(start("true").wait().expect("it is ours").success());
    assert_eq!(left(), 0);
}
