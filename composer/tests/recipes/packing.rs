//! `recipe new`, `build`, `pack`, `show`, `list` and `remove`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use super::{CHAIN, MANIFEST, at_home, contents, files, packed, recipe, write};
use crate::{
    common::{self, shown},
    tars::tar_of,
};
use freplace_compose::recipe::{Digest, Lock, LockedSource, Manifest, Packed, Store};

/// A recipe with a program in C of its own.
const BUILT: &str = "\n[[build]]\nsource = \"src/host.bpf.c\"\nobject = \"host.bpf.o\"\ndefines = [\"VERDICT=2\"]\n";
const HOST: &str = "\
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <freplace_compose.h>
#include \"verdict.h\"

SEC(\"xdp\")
int host(struct xdp_md *ctx)
{
\tif (bpf_xdp_adjust_head(ctx, 0))
\t\treturn bpf_redirect(1, 0);
\treturn verdict(ctx);
}

char LICENSE[] SEC(\"license\") = \"GPL\";
";
const VERDICT: &str = "static __noinline int verdict(struct xdp_md *ctx) { return VERDICT; }\n";
const OWN_CHAIN: &str =
    "[host.ingress]\nobject = \"host.bpf.o\"\nprogram = \"host\"\nattach = { xdp = \"lo\" }\n";

fn built_recipe(folder: &Path) {
    write(
        folder,
        &[
            ("recipe.toml", format!("{MANIFEST}{BUILT}").as_bytes()),
            ("chain.toml", OWN_CHAIN.as_bytes()),
            ("src/host.bpf.c", HOST.as_bytes()),
            ("src/verdict.h", VERDICT.as_bytes()),
            ("README.md", b"# drop-udp\n"),
            (".gitignore", b"*.o\n"),
        ],
    );
}

/// Runs the program in `folder`, with a home in `home`; it has to succeed. Gives what it wrote to stdout.
fn done(home: &Path, folder: &Path, arguments: &[&str]) -> String {
    let output = at_home(home, folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", shown(&output));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_new_recipe_is_valid_and_packs_as_it_is() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (home, folder) = (home.path(), home.path().join("work"));
    fs::create_dir(&folder).expect("a new folder");
    let commands = done(home, &folder, &["recipe", "new", "drop-udp"]);
    assert_eq!(
        commands,
        "freplace-compose validate drop-udp/chain.toml\nfreplace-compose test --vm drop-udp/tests\n\
         freplace-compose recipe pack drop-udp\n"
    );
    done(home, &folder, &["validate", "drop-udp/chain.toml"]);
    let tests = done(home, &folder, &["test", "--list", "drop-udp/tests"]);
    assert_eq!(tests.lines().count(), 3, "{tests}");
    let sum = done(home, &folder, &["recipe", "pack", "drop-udp"]);
    let file = fs::read(folder.join("drop-udp-0.1.0.fcr")).expect("it was written");
    assert_eq!(sum, format!("{}  drop-udp-0.1.0.fcr\n", Digest::of(&file).hex()));
    let again = at_home(home, &folder, &["recipe", "new", "drop-udp"]);
    assert_eq!(again.status.code(), Some(2), "{}", shown(&again));
    for wrong in ["Drop", "../a", "a_b", ""] {
        let output = at_home(home, &folder, &["recipe", "new", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}: {}", shown(&output));
    }
}

#[test]
fn a_new_recipe_with_a_host_is_built_by_what_is_printed() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let commands = done(home.path(), home.path(), &["recipe", "new", "my-host", "--host", "tcx"]);
    for command in commands.lines() {
        let words: Vec<_> = command.split(' ').skip(1).collect();
        done(home.path(), home.path(), &words);
    }
    assert!(home.path().join("my-host-0.1.0.fcr").exists());
    let listed = done(home.path(), home.path(), &["test", "--list", "my-host/tests"]);
    assert!(!listed.is_empty());
}

#[test]
fn the_examples_of_the_page_are_valid() {
    let page = common::workspace().join("docs/recipes.md");
    let page = fs::read_to_string(page).expect("it is part of the repository");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let [manifest, .., lock] = blocks.collect::<Vec<_>>()[..] else { panic!("two examples") };
    let manifest =
        Manifest::parse("recipe.toml".as_ref(), manifest.to_owned()).expect("it is valid");
    assert_eq!(manifest.file_name(), "drop-udp-1.2.0.fcr");
    let lock = Lock::parse("chain.lock".as_ref(), lock.to_owned()).expect("it is valid");
    assert!(lock.recipe("drop-udp").is_some());
}

/// Two checkouts: other folders, times, modes, orders of creation, and another locale, time zone and umask for each.
#[test]
fn two_checkouts_give_the_same_file() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let surroundings = [
        ("one", "022", "C", "UTC", "202001010000"),
        ("another=checkout with blanks", "077", "tr_TR.UTF-8", "Asia/Kathmandu", "203001010000"),
    ];
    let mut sums = Vec::new();
    for (name, umask, locale, zone, time) in surroundings {
        let folder = home.path().join(name);
        if sums.is_empty() {
            write(&folder, &[("z.txt", b"last"), ("a.txt", b"first")]);
        }
        built_recipe(&folder);
        write(&folder, &[("a.txt", b"first"), ("z.txt", b"last")]);
        let script = format!(
            "umask {umask}; find . -exec touch -t {time} {{}} +; \"$0\" recipe build . && \"$0\" recipe pack . -o it.fcr"
        );
        if umask == "022" {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.join("README.md"), mode).expect("it is ours");
        }
        let output = Command::new("sh")
            .args(["-c", &script])
            .arg(common::binary())
            .current_dir(&folder)
            .env("LC_ALL", locale)
            .env("TZ", zone)
            .stdin(Stdio::null())
            .output()
            .expect("there is a shell");
        assert!(output.status.success(), "{}", shown(&output));
        sums.push(String::from_utf8(output.stdout).expect("text"));
    }
    assert_eq!(sums[0], sums[1]);
    let packed = home.path().join("one/it.fcr");
    let object = Packed::open(&packed).expect("it is valid");
    let (_, object) = object.files().find(|(path, _)| *path == "host.bpf.o").expect("it was built");
    let place = home.path().to_str().expect("UTF-8").as_bytes();
    assert!(!object.windows(place.len()).any(|window| window == place), "no folder is in it");
}

#[test]
fn gnu_tar_writes_the_same_file_and_unpacks_it() {
    let folder = recipe();
    write(folder.path(), &[("tests/one.toml", b""), ("big.bin", &[7; 1500])]);
    let packed = packed(folder.path());
    let paths: Vec<_> = packed.files().map(|(path, _)| path.to_owned()).collect();
    let tar = |arguments: &[&str]| {
        let output = Command::new("tar").current_dir(folder.path()).args(arguments).output();
        let output = output.expect("there is tar");
        assert!(output.status.success(), "{}", shown(&output));
        output.stdout
    };
    let mut arguments = vec!["--format=ustar", "-b1", "--owner=0", "--group=0", "--numeric-owner"];
    arguments.extend(["--mtime=@0", "--mode=0644", "-c"]);
    arguments.extend(paths.iter().map(String::as_str));
    assert!(tar(&arguments) == packed.bytes(), "the same bytes");
    fs::write(folder.path().join("it.fcr"), packed.bytes()).expect("it is writable");
    let listed = String::from_utf8(tar(&["-tf", "it.fcr"])).expect("text");
    assert_eq!(listed.lines().collect::<Vec<_>>(), paths);
}

#[test]
fn clang_reports_what_is_wrong_and_the_object_stays() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = home.path();
    built_recipe(folder);
    let pack = at_home(folder, folder, &["recipe", "pack"]);
    assert_eq!(pack.status.code(), Some(3));
    let text = shown(&pack);
    assert!(text.contains("FC0903") && text.contains("freplace-compose recipe build"), "{text}");
    done(folder, folder, &["recipe", "build"]);
    let object = fs::read(folder.join("host.bpf.o")).expect("it was built");
    write(folder, &[("src/verdict.h", b"int verdict(;\n")]);
    let build = at_home(folder, folder, &["recipe", "build"]);
    assert_eq!(build.status.code(), Some(1));
    let text = shown(&build);
    assert!(text.contains("FC0906") && text.contains("verdict.h:1"), "{text}");
    assert_eq!(fs::read(folder.join("host.bpf.o")).expect("it is there"), object);
    let left =
        contents(folder).into_iter().filter(|(path, _)| path.to_string_lossy().contains(".build"));
    assert_eq!(left.count(), 0);
    let mut command = common::program(folder, &["recipe", "build"]);
    let output = command.env("CLANG", "/no/such/clang").output().expect("it was built");
    assert!(shown(&output).contains("cannot run /no/such/clang"), "{}", shown(&output));
}

#[test]
fn what_a_recipe_would_do_is_shown() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = home.path().join("drop-udp");
    built_recipe(&folder);
    done(home.path(), &folder, &["recipe", "build"]);
    let tested = packed(&folder).tested_digest();
    let seen = format!(
        "\n[[seen]]\nkernel = \"6.12.57+deb13-cloud-amd64\"\nverdict = \"passed\"\ndigest = \"{tested}\"\n\
         date = \"2026-11-29\"\n\n[[seen]]\nkernel = \"6.1.0-41-cloud-amd64\"\nverdict = \"refused\"\n\
         digest = \"{}\"\ndate = \"2026-11-28\"\n",
        Digest::of(b"another")
    );
    write(&folder, &[("recipe.toml", format!("{MANIFEST}{BUILT}{seen}").as_bytes())]);
    let digest = packed(&folder).digest().to_string();
    let text = done(home.path(), home.path(), &["recipe", "show", "./drop-udp"]);
    // The object depends on the version of clang.
    let size =
        text.lines().find(|line| line.starts_with("contains")).expect("it is there").to_owned();
    insta::assert_snapshot!(
        "show",
        text.replace(&digest, "sha256:DIGEST").replace(&size, "contains  SIZE")
    );
    let json =
        done(home.path(), home.path(), &["recipe", "show", "./drop-udp", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["digest"], digest);
    assert_eq!(value["seen"][0]["current"], true);
    assert_eq!(value["programs"][0]["changes"][0]["what"], "packets");
    assert_eq!(value["files"].as_array().map(Vec::len), Some(6));
}

#[test]
fn recipes_of_the_lock_and_of_the_cache_are_listed_and_removed() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (home, folder) = (home.path(), home.path().join("work"));
    fs::create_dir(&folder).expect("a new folder");
    let store = Store::in_folder(home.join("cache"));
    let one = packed(recipe().path());
    store.put(&one).expect("it is writable");
    let newer = tempfile::tempdir().expect("a temporary folder");
    write(newer.path(), &files());
    write(newer.path(), &[("recipe.toml", MANIFEST.replace("1.2.0", "1.10.0").as_bytes())]);
    store.put(&packed(newer.path())).expect("it is writable");
    let mut lock = Lock::default();
    for (name, digest) in [("drop-udp", one.digest()), ("gone", Digest::of(b"gone"))] {
        lock.put_recipe(LockedSource {
            name: name.to_owned(),
            source: format!("https://example.org/{name}.fcr"),
            version: Some("1.2.0".parse().expect("a version")),
            digest,
            revision: None,
            key: None,
        });
    }
    lock.write(&folder.join("chain.lock")).expect("it is writable");
    insta::assert_snapshot!("list", done(home, &folder, &["recipe", "list"]));
    let json = done(home, &folder, &["recipe", "list", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&json).expect("JSON").len(), 3);
    let shown_text = done(home, &folder, &["recipe", "show", "drop-udp"]);
    assert!(shown_text.starts_with("drop-udp 1.2.0\n"), "the locked one: {shown_text}");
    let newest = done(home, home, &["recipe", "show", "drop-udp"]);
    assert!(newest.starts_with("drop-udp 1.10.0\n"), "the newest one: {newest}");
    for (arguments, words) in [
        (["recipe", "show", "gone"], "`gone` is in chain.lock, and not in the cache"),
        (["recipe", "show", "drop-upd"], "Did you mean `drop-udp`?"),
        (["recipe", "remove", "other"], "unknown recipe `other`"),
    ] {
        let output = at_home(home, &folder, &arguments);
        assert!(shown(&output).contains(words), "{}", shown(&output));
    }
    done(home, &folder, &["recipe", "remove", "gone"]);
    assert_eq!(Lock::open(&folder.join("chain.lock")).expect("it is valid").recipes.len(), 1);
    done(home, &folder, &["recipe", "remove", "--cached", "drop-udp"]);
    assert_eq!(store.recipes().expect("it is readable").len(), 0);
}

/// A cache that is full, read-only, or no folder; each time it is as before.
#[test]
fn a_cache_that_cannot_be_written_stays_as_it_was() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let store = Store::in_folder(home.path().join("cache"));
    let one = packed(recipe().path());
    store.put(&one).expect("it is writable");
    let before = contents(home.path());
    let other = tempfile::tempdir().expect("a temporary folder");
    write(other.path(), &files());
    write(other.path(), &[("README.md", b"another")]);
    let other = packed(other.path());
    let recipes = home.path().join("cache/recipes");
    let mode =
        |mode| fs::set_permissions(&recipes, fs::Permissions::from_mode(mode)).expect("ours");
    if !rustix::process::geteuid().is_root() {
        mode(0o555);
        let found = store.put(&other).expect_err("it is read-only");
        assert!(found.message.contains("permission denied"), "{}", found.message);
        assert_eq!(store.put(&one).ok(), store.get(&one.digest()).expect("it is whole"));
        mode(0o755);
    }
    assert_eq!(contents(home.path()), before);
    let file = home.path().join("file");
    fs::write(&file, "").expect("it is writable");
    let found = Store::in_folder(file.clone()).put(&other).expect_err("it is a file");
    assert!(found.message.contains("not a directory"), "{}", found.message);
    assert_eq!(
        CHAIN.len(),
        before
            .iter()
            .map(|(path, bytes)| { if path.ends_with("chain.toml") { bytes.len() } else { 0 } })
            .sum::<usize>()
    );
}

/// The variable with the folder of a cache that [`a_process_that_fills_a_cache`] puts a recipe into.
const CACHE_TO_FILL: &str = "FREPLACE_COMPOSE_CACHE_TO_FILL";

/// The other process of the next test; a test like any other without the variable.
#[test]
fn a_process_that_fills_a_cache() {
    let Some(cache) = std::env::var_os(CACHE_TO_FILL) else { return };
    // Put together in memory: a folder would be too large as well.
    let large = vec![7; 400_000];
    let mut files = files();
    files.insert(0, ("a.bin", &large));
    let packed = Packed::of_bytes("it", tar_of(&files)).expect("it is valid");
    let found = Store::in_folder(cache.into()).put(&packed).expect_err("it is full");
    assert!(found.message.contains("file too large"), "{}", found.message);
}

/// A disk that is full, as far as a process can be told that without one: no file may be larger than 64 KiB. And a
/// process that is killed in the middle of an entry.
#[test]
fn a_cache_that_gets_full_has_no_part_of_an_entry() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let cache = home.path().join("cache");
    let store = Store::in_folder(cache.clone());
    store.put(&packed(recipe().path())).expect("it is writable");
    let before = contents(&cache);
    let this = std::env::current_exe().expect("it runs");
    let fill = |prepare: &str| {
        let script = format!(
            "{prepare} ulimit -c 0; ulimit -f 128; exec \"$0\" --exact packing::a_process_that_fills_a_cache"
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .arg(&this)
            .env(CACHE_TO_FILL, &cache)
            .stdin(Stdio::null())
            .output();
        output.expect("there is a shell")
    };
    let full = fill("trap '' XFSZ;");
    assert!(full.status.success(), "{}", shown(&full));
    assert_eq!(contents(&cache), before);
    let killed = fill("");
    assert_eq!(killed.status.code(), None, "{}", shown(&killed));
    assert_eq!(store.recipes().expect("it is readable").len(), 1);
    let other = tempfile::tempdir().expect("a temporary folder");
    write(other.path(), &files());
    write(other.path(), &[("README.md", b"another")]);
    store.put(&packed(other.path())).expect("it is writable");
    let recipes = fs::read_dir(cache.join("recipes")).expect("it is there");
    assert_eq!(recipes.count(), 3, "two recipes and the lock");
}
