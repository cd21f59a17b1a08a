//! Recipes and objects from every kind of source, on loopback: what works, and what is refused.
//!
//! The registry is Debian's, the repository a real one on disk, the https server one of the tests with an
//! authority of its own. Where git, openssl or the registry is missing, the tests fail.

#[allow(dead_code, missing_docs, unreachable_pub, reason = "other tests use all of it")]
#[path = "common/place.rs"]
mod place;
#[allow(missing_docs, unreachable_pub, reason = "a part of this test")]
#[path = "recipe_sources/registry.rs"]
mod registry;
#[allow(missing_docs, unreachable_pub, reason = "a part of this test")]
#[path = "recipe_sources/repository.rs"]
mod repository;
#[allow(missing_docs, unreachable_pub, reason = "a part of this test")]
#[path = "recipe_sources/server.rs"]
mod server;
#[path = "recipe_sources/verbs.rs"]
mod verbs;

use std::{
    fs,
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use freplace_compose::{
    diag::{Code, Diagnostic},
    recipe::{
        Digest, Lock, LockOptions, LockResolver, LockedSource, Packed, Store,
        source::{RecipeSource, ServerSettings, fetch, oci},
    },
};
use tempfile::TempDir;

use registry::RealRegistry;
use repository::Repository;
use server::{Authority, ServerReply};

/// A recipe that needs nothing but what is built in.
fn write_recipe(folder: &Path, version: &str) -> Packed {
    fs::create_dir_all(folder).expect("it is writable");
    let manifest = format!(
        "format = 1\nname = \"look\"\nversion = \"{version}\"\ndescription = \"Looks at packets.\"\nlicense = \"MIT\"\n"
    );
    fs::write(folder.join("recipe.toml"), manifest).expect("it is writable");
    let chain = "[host.ingress]\nobject = \"builtin:xdp\"\nprogram = \"xdp_host\"\nattach = { xdp = \"lo\" }\n";
    fs::write(folder.join("chain.toml"), chain).expect("it is writable");
    Packed::of_folder(folder).expect("a good recipe")
}

fn scratch() -> TempDir {
    tempfile::tempdir_in(place::scratch()).expect("it is writable")
}

fn source(text: &str) -> RecipeSource {
    text.parse().expect(text)
}

/// The codes of diagnostics, and all their text.
fn told(found: &[Diagnostic]) -> (Vec<Code>, String) {
    let codes = found.iter().map(|found| found.code).collect();
    let text = found.iter().map(|one| {
        format!(
            "{}\n{}\n{}\n",
            one.message,
            one.notes.join("\n"),
            one.help.as_deref().unwrap_or("")
        )
    });
    (codes, text.collect())
}

/// Something published, and how it is changed behind everybody's back.
struct Published<'a> {
    name: &'static str,
    source: String,
    tamper: Box<dyn FnOnce(&mut LockedSource) + 'a>,
}

#[test]
fn every_source_gives_the_recipe_and_nothing_else() {
    let scratch = scratch();
    let folder = scratch.path();
    let good = write_recipe(&folder.join("look"), "1.0.0");
    let other = write_recipe(&folder.join("other"), "6.6.6");

    let file = folder.join("look-1.0.0.fcr");
    fs::write(&file, good.bytes()).expect("it is writable");

    let authority = Authority::new(folder);
    let served = Arc::new(Mutex::new(good.bytes().to_vec()));
    let serves = Arc::clone(&served);
    let web = server::secure(&authority, move |asked| match asked.path.as_str() {
        "/old/look.fcr" => ServerReply::to("/look-1.0.0.fcr"),
        "/look-1.0.0.fcr" => ServerReply::of(200, serves.lock().expect("no panic").clone()),
        _ => ServerReply::of(404, ""),
    });

    let repository = Repository::new(&folder.join("repository"));
    write_recipe(&repository.folder.join("recipes/look"), "1.0.0");
    repository.commit("the recipe");
    repository.git(&["tag", "v1"]);
    write_recipe(&repository.folder.join("recipes/look"), "6.6.6");
    let later = repository.commit("another one");

    let registry = RealRegistry::start(folder);
    let connection =
        ServerSettings { ca: Some(authority.certificate()), ..ServerSettings::default() };
    let RecipeSource::Oci(place) = source(&format!("oci://{}/example/look", registry.host)) else {
        panic!("it is one");
    };
    let pushed = oci::push(&good, None, &place, None, &connection).expect("it is pushed");
    assert_eq!(pushed.reference.tag(), Some("1.0.0"));

    let published = [
        Published {
            name: "folder",
            source: folder.join("look").display().to_string(),
            tamper: Box::new(|_| drop(write_recipe(&folder.join("look"), "6.6.6"))),
        },
        Published {
            name: "file",
            source: file.display().to_string(),
            tamper: Box::new(|_| fs::write(&file, other.bytes()).expect("it is writable")),
        },
        Published {
            name: "https",
            source: format!("https://{web}/old/look.fcr"),
            tamper: Box::new(|_| *served.lock().expect("no panic") = other.bytes().to_vec()),
        },
        Published {
            name: "git",
            source: format!("{}?rev=v1&folder=recipes/look", repository.source()),
            tamper: Box::new(|locked| locked.revision = Some(later.clone())),
        },
        Published {
            name: "oci",
            source: format!("oci://{}/example/look", registry.host),
            tamper: Box::new(|_| {
                let blob = RealRegistry::blob(folder, &good.digest().hex());
                fs::write(blob, other.bytes()).expect("it is writable");
            }),
        },
    ];
    for Published { name, source: text, tamper } in published {
        let fetched = fetch(&source(&text), folder, &connection).expect(name);
        assert_eq!(fetched.packed.digest(), good.digest(), "{name}");
        let mut locked = LockedSource {
            name: "look".to_owned(),
            source: text,
            version: Some(fetched.packed.manifest().version.clone()),
            digest: fetched.packed.digest(),
            revision: fetched.revision,
            key: None,
        };
        let user = folder.join("user").join(name);
        let resolved = resolve(&user, "cache", &locked, &connection).expect(name);
        assert!(resolved.join("chain.toml").is_file(), "{name}");
        let again = resolve(&user, "cache", &locked, &ServerSettings::default());
        assert_eq!(again.as_ref(), Ok(&resolved), "{name}: from the cache");

        tamper(&mut locked);
        let (codes, text) = told(&resolve(&user, "empty", &locked, &connection).expect_err(name));
        let refused = [Code::SourceDiffers];
        assert_eq!(codes, refused, "{name}: {text}");
        let kept = fs::read_dir(user.join("empty/recipes")).map_or(0, Iterator::count);
        assert_eq!(kept, 0, "{name}: nothing of it is kept");
    }
}

/// The folder of the recipe that is locked, as a user in `folder` gets it.
fn resolve(
    folder: &Path,
    cache: &str,
    locked: &LockedSource,
    connection: &ServerSettings,
) -> Result<std::path::PathBuf, Vec<Diagnostic>> {
    fs::create_dir_all(folder).expect("it is writable");
    let mut lock = Lock::default();
    lock.put_recipe(locked.clone());
    fs::write(folder.join("chain.lock"), lock.to_toml()).expect("it is writable");
    let store = Store::in_folder(folder.join(cache));
    let options = LockOptions { connection: connection.clone(), ..LockOptions::default() };
    LockResolver::open(folder, store, options)?.recipe("look")
}

#[test]
fn one_tag_has_a_recipe_for_each_architecture() {
    let scratch = scratch();
    let folder = scratch.path();
    let registry = RealRegistry::start(folder);
    let (ours, theirs) =
        (write_recipe(&folder.join("a"), "1.0.0"), write_recipe(&folder.join("b"), "1.0.1"));
    let RecipeSource::Oci(place) = source(&format!("oci://{}/look:1", registry.host)) else {
        panic!("it is one");
    };
    let connection = ServerSettings::default();
    let push = |recipe: &Packed, architecture| {
        oci::push(recipe, None, &place, Some(architecture), &connection).expect("it is pushed")
    };
    push(&theirs, "sparc");
    let only_theirs = fetch(&RecipeSource::Oci(place.clone()), folder, &connection);
    let (codes, text) = told(&only_theirs.expect_err("not for us").diagnostics(None));
    assert_eq!(codes, [Code::SourceUnusable]);
    assert!(text.contains("only for sparc"), "{text}");
    push(&theirs, oci::architecture());
    let pushed = push(&ours, oci::architecture());
    assert_eq!(pushed.architectures.len(), 2);
    let fetched = fetch(&RecipeSource::Oci(place.clone()), folder, &connection).expect("for us");
    assert_eq!(fetched.packed.digest(), ours.digest());
    let again = push(&ours, oci::architecture());
    assert_eq!(again, pushed, "the same bytes");
}

#[test]
fn objects_in_images_of_other_projects_are_used() {
    let object = {
        let mut bytes = b"\x7fELF".to_vec();
        bytes.resize(2000, 7);
        bytes
    };
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(object.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "filter.bpf.o", object.as_slice()).expect("memory");
    let tar = tar.into_inner().expect("memory");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &tar).expect("memory");
    let layer = gzip.finish().expect("memory");

    let bpfman = image(
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        &layer,
    );
    let gadget = image(
        "application/vnd.gadget.config.v1+yaml",
        "application/vnd.gadget.ebpf.program.v1+binary",
        &object,
    );
    let architecture = oci::architecture();
    let index = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[{{\
         \"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"{}\",\"size\":{},\
         \"platform\":{{\"architecture\":\"{architecture}\",\"os\":\"linux\"}}}}]}}",
        Digest::of(gadget.as_bytes()),
        gadget.len()
    );
    let wrong = layer.iter().map(|byte| !byte).collect::<Vec<_>>();
    let (index_digest, of_object) = (Digest::of(index.as_bytes()), object.clone());
    let of_layer = layer.clone();
    let host = server::plain(move |asked| match asked.path.rsplit_once('/') {
        Some(("/v2/example/filter/manifests", _)) => ServerReply::of(200, bpfman.clone()),
        Some(("/v2/example/tampered/manifests", _)) => ServerReply::of(200, bpfman.clone()),
        Some(("/v2/example/gadget/manifests", "1")) => ServerReply::of(200, index.clone()),
        Some(("/v2/example/gadget/manifests", _)) => ServerReply::of(200, gadget.clone()),
        Some(("/v2/example/filter/blobs", _)) => ServerReply::of(200, of_layer.clone()),
        Some(("/v2/example/tampered/blobs", _)) => ServerReply::of(200, wrong.clone()),
        Some(("/v2/example/gadget/blobs", _)) => ServerReply::of(200, of_object.clone()),
        _ => ServerReply::of(404, ""),
    });
    let get = |name: &str| {
        let RecipeSource::Oci(image) = source(&format!("oci://{host}/example/{name}:1")) else {
            panic!("it is one");
        };
        oci::fetch_object(&image, &ServerSettings::default())
    };
    for name in ["filter", "gadget"] {
        let fetched = get(name).expect(name);
        assert_eq!((fetched.digest, &fetched.bytes), (Digest::of(&object), &object), "{name}");
    }
    assert_eq!(get("gadget").expect("a gadget").image.digest(), Some(index_digest));
    let (codes, text) = told(&get("tampered").expect_err("tampered").diagnostics(None));
    assert_eq!(codes, [Code::SourceDiffers], "{text}");

    // An object that is locked is used from the cache, and never another one in its place.
    let scratch = scratch();
    let text = format!("oci://{host}/example/filter:1");
    let mut lock = Lock::default();
    let mut entry = LockedSource {
        name: text.clone(),
        source: text.clone(),
        version: None,
        digest: Digest::of(&object),
        revision: None,
        key: None,
    };
    let resolve = |lock: &Lock, offline| {
        fs::write(scratch.path().join("chain.lock"), lock.to_toml()).expect("it is writable");
        let options = LockOptions { offline, ..LockOptions::default() };
        let store = Store::in_folder(scratch.path().join("cache"));
        LockResolver::open(scratch.path(), store, options).expect("a lock").object(&text)
    };
    lock.put_object(entry.clone());
    let (codes, _) = told(&resolve(&lock, true).expect_err("not there yet"));
    assert_eq!(codes, [Code::NotCached]);
    let file = resolve(&lock, false).expect("from the registry");
    assert_eq!(fs::read(&file).expect("it is kept"), object);
    assert_eq!(resolve(&lock, true), Ok(file));
    entry.digest = Digest::of(b"other");
    lock.put_object(entry);
    let (codes, _) = told(&resolve(&lock, false).expect_err("another object"));
    assert_eq!(codes, [Code::SourceDiffers]);
    let (codes, _) = told(&resolve(&Lock::default(), false).expect_err("not locked"));
    assert_eq!(codes, [Code::NotLocked]);
}

/// The manifest of an image with one layer.
fn image(config: &str, layer: &str, bytes: &[u8]) -> String {
    format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\
         \"config\":{{\"mediaType\":\"{config}\",\"digest\":\"{}\",\"size\":2}},\
         \"layers\":[{{\"mediaType\":\"{layer}\",\"digest\":\"{}\",\"size\":{}}}]}}",
        Digest::of(b"{}"),
        Digest::of(bytes),
        bytes.len()
    )
}

/// A port that nobody listens on.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").to_string()
}

#[test]
fn servers_that_do_not_do_as_they_should_are_told_apart() {
    let scratch = scratch();
    let authority = Authority::new(scratch.path());
    let trusted = ServerSettings { ca: Some(authority.certificate()), ..ServerSettings::default() };
    let strange = ServerSettings { timeout: Duration::from_millis(300), ..trusted.clone() };
    let secure = server::secure(&authority, |asked| {
        let large = "HTTP/1.1 200 x\r\ncontent-length: 99999999999\r\n\r\n";
        let short = "HTTP/1.1 200 x\r\ncontent-length: 1000\r\n\r\nfew";
        match asked.path.as_str() {
            "/silent" => ServerReply::Silence,
            "/login" => ServerReply::of(401, ""),
            "/error" => ServerReply::of(500, "\n out of order\n"),
            "/elsewhere" => ServerReply::to("http://example.org/x.fcr"),
            "/file" => ServerReply::to("file:///etc/passwd"),
            "/round" => ServerReply::to("/round"),
            "/nowhere" => ServerReply::to(""),
            "/large" => ServerReply::Raw(large.into()),
            "/short" => ServerReply::Raw(short.into()),
            "/nonsense" => ServerReply::Raw(b"nonsense\r\n\r\n".to_vec()),
            "/html" => ServerReply::of(200, "<html>"),
            _ => ServerReply::of(404, ""),
        }
    });
    let plain = server::plain(|_| ServerReply::of(200, ""));
    let port = secure.rsplit(':').next().unwrap_or_default();
    for (url, connection, code, words) in [
        (
            format!("https://{secure}/silent"),
            &strange,
            Code::SourceUnreachable,
            "did not answer within 0.3 s",
        ),
        (format!("https://{secure}/login"), &trusted, Code::SourceLogin, "requires a login"),
        (format!("https://{secure}/error"), &trusted, Code::SourceUnreachable, "500: out of order"),
        (
            format!("https://{secure}/elsewhere"),
            &trusted,
            Code::SourceUnreachable,
            "it leaves the scheme",
        ),
        (format!("https://{secure}/file"), &trusted, Code::SourceUnreachable, "not followed"),
        (
            format!("https://{secure}/round"),
            &trusted,
            Code::SourceUnreachable,
            "too many redirects",
        ),
        (
            format!("https://{secure}/nowhere"),
            &trusted,
            Code::SourceUnreachable,
            "does not say where to",
        ),
        (format!("https://{secure}/large"), &trusted, Code::SourceUnusable, "is larger than"),
        (format!("https://{secure}/short"), &trusted, Code::SourceUnreachable, ""),
        (format!("https://{secure}/nonsense"), &trusted, Code::SourceUnreachable, ""),
        (format!("https://{secure}/html"), &trusted, Code::NotARecipe, ""),
        (
            format!("https://{secure}/absent.fcr"),
            &trusted,
            Code::SourceAbsent,
            "no file absent.fcr",
        ),
        (
            format!("https://{secure}/x"),
            &ServerSettings::default(),
            Code::SourceUnreachable,
            "--ca FILE",
        ),
        (format!("https://127.0.0.2:{port}/x"), &trusted, Code::SourceUnreachable, ""),
        (format!("https://{plain}/x"), &trusted, Code::SourceUnreachable, ""),
        (
            format!("https://{}/x", nobody()),
            &trusted,
            Code::SourceUnreachable,
            "connection refused",
        ),
    ] {
        let error = fetch(&source(&url), scratch.path(), connection).expect_err(&url);
        let (codes, text) = told(&error.diagnostics(None));
        assert_eq!(codes, [code], "{url}: {text}");
        assert!(text.contains(words), "{url}: {text}");
    }
    let absent = ServerSettings { ca: Some("absent.pem".into()), ..ServerSettings::default() };
    let error = fetch(&source(&format!("https://{secure}/x")), scratch.path(), &absent);
    let (_, text) = told(&error.expect_err("no such file").diagnostics(None));
    assert!(text.contains("absent.pem: no such file"), "{text}");
}

#[test]
fn registries_that_do_not_do_as_they_should_are_told_apart() {
    let scratch = scratch();
    let good = write_recipe(&scratch.path().join("look"), "1.0.0");
    let (kind, layer) = (oci::RECIPE, good.bytes().to_vec());
    let manifest = image(oci::RECIPE_CONFIG, oci::RECIPE_LAYER, &layer)
        .replace("\"config\"", &format!("\"artifactType\":\"{kind}\",\"config\""));
    let other = Digest::of(b"other");
    let nested = format!(
        "{{\"schemaVersion\":2,\"manifests\":[{{\"mediaType\":\"x\",\"digest\":\"{}\",\"size\":1}}]}}",
        Digest::of(b"{\"schemaVersion\":2,\"manifests\":[]}")
    );
    let here = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&here);
    let host = server::plain(move |asked| {
        let own = own.lock().expect("no panic").clone();
        let wants = |challenge: String| ServerReply::Answer {
            status: 401,
            headers: vec![("WWW-Authenticate", challenge)],
            body: Vec::new(),
        };
        let parts: Vec<_> = asked.path.split('/').collect();
        match parts[..] {
            ["", "v2", "login", ..] => wants("Basic realm=\"x\"".to_owned()),
            ["", "v2", "odd", ..] => wants("Digest realm=\"x\"".to_owned()),
            ["", "v2", "open", ..] => wants(format!("Bearer realm=\"http://{own}/token\"")),
            ["", "v2", "far", ..] => wants("Bearer realm=\"ftp://example.org/token\"".to_owned()),
            ["", "v2", "bearer", ..] if asked.header("authorization") == Some("Bearer t0ken") => {
                ServerReply::of(404, "")
            }
            ["", "v2", "bearer", ..] => {
                wants(format!("Bearer realm=\"http://{own}/good\",service=\"a b\""))
            }
            ["", "good?service=a%20b&scope=repository%3Abearer%3Apull"] => {
                ServerReply::of(200, "{\"token\":\"t0ken\"}")
            }
            ["", path] if path.starts_with("token?") => {
                ServerReply::of(200, "{\"token\":\"a\\nb\"}")
            }
            ["", "v2", "denied", ..] => ServerReply::of(403, ""),
            ["", "v2", "silent", ..] => ServerReply::Silence,
            ["", "v2", "broken", ..] => {
                ServerReply::of(503, "{\"errors\":[{\"message\":\"no disk\"}]}")
            }
            ["", "v2", "html", ..] => ServerReply::of(200, "<html>"),
            ["", "v2", "elsewhere", ..] => ServerReply::to("http://example.org/"),
            ["", "v2", "lies", "manifests", _] => ServerReply::Answer {
                status: 200,
                headers: vec![("Docker-Content-Digest", other.to_string())],
                body: manifest.clone().into_bytes(),
            },
            ["", "v2", "nested", "manifests", "1"] => ServerReply::of(200, nested.clone()),
            ["", "v2", "nested", "manifests", _] => {
                ServerReply::of(200, "{\"schemaVersion\":2,\"manifests\":[]}")
            }
            ["", "v2", "image", "manifests", _] => {
                ServerReply::of(200, image("a/b", "c/d", b"layer"))
            }
            ["", "v2", "cut" | "long", "manifests", _] => ServerReply::of(200, manifest.clone()),
            ["", "v2", "cut", "blobs", _] => ServerReply::of(200, layer[1..].to_vec()),
            ["", "v2", "long", "blobs", _] => {
                ServerReply::of(200, [layer.as_slice(), b"more"].concat())
            }
            _ => ServerReply::of(404, ""),
        }
    });
    here.lock().expect("no panic").clone_from(&host);
    let usual = ServerSettings::default();
    let hasty = ServerSettings { timeout: Duration::from_millis(300), ..usual.clone() };
    let pinned = format!("lies@{}", Digest::of(b"pinned"));
    for (name, connection, code, words) in [
        ("login:1", &usual, Code::SourceLogin, "docker login"),
        ("odd:1", &usual, Code::SourceLogin, "It does not say how"),
        ("open:1", &usual, Code::SourceLogin, "It gives no token."),
        ("far:1", &usual, Code::SourceLogin, "which is no https URL"),
        ("bearer:1", &usual, Code::SourceAbsent, "no bearer:1"),
        ("denied:1", &usual, Code::SourceLogin, "requires a login"),
        ("silent:1", &hasty, Code::SourceUnreachable, "did not answer"),
        ("broken:1", &usual, Code::SourceUnreachable, "503: no disk"),
        ("html:1", &usual, Code::SourceUnusable, "neither a manifest nor an index"),
        ("elsewhere:1", &usual, Code::SourceUnreachable, "no other host is trusted"),
        ("lies:1", &usual, Code::SourceDiffers, "instead of"),
        (&pinned, &usual, Code::SourceDiffers, "instead of"),
        ("nested:1", &usual, Code::SourceUnusable, "an index in an index"),
        ("image:1", &usual, Code::SourceUnusable, "is not a recipe but of the type `a/b`"),
        ("cut:1", &usual, Code::SourceDiffers, "instead of"),
        ("long:1", &usual, Code::SourceUnusable, "is larger than"),
        ("absent:1", &usual, Code::SourceAbsent, "no absent:1"),
        ("absent", &usual, Code::SourceAbsent, "no repository absent"),
    ] {
        let text = format!("oci://{host}/{name}");
        let error = fetch(&source(&text), scratch.path(), connection).expect_err(&text);
        let (codes, text) = told(&error.diagnostics(None));
        assert_eq!(codes, [code], "{name}: {text}");
        assert!(text.contains(words), "{name}: {text}");
    }
    let down = fetch(&source(&format!("oci://{}/x:1", nobody())), scratch.path(), &usual);
    let (codes, text) = told(&down.expect_err("nobody is there").diagnostics(None));
    assert_eq!(codes, [Code::SourceUnreachable], "{text}");
    assert!(text.contains("Start the server"), "{text}");
}

#[test]
fn repositories_with_something_else_than_files_are_refused() {
    let scratch = scratch();
    let repository = Repository::new(&scratch.path().join("repository"));
    let folder = &repository.folder;
    for name in ["good", "link", "lfs", "newer", "module"] {
        write_recipe(&folder.join(name), "1.0.0");
    }
    write_recipe(&folder.join("filtered"), "1.0.0");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link/notes")).expect("it is writable");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    fs::write(folder.join("lfs/one.bpf.o"), pointer).expect("it is writable");
    let newer = fs::read_to_string(folder.join("newer/recipe.toml")).expect("it was written");
    fs::write(folder.join("newer/recipe.toml"), newer.replace("format = 1", "format = 2"))
        .expect("it is writable");
    fs::create_dir(folder.join("none")).expect("it is writable");
    fs::write(folder.join("none/readme"), "").expect("it is writable");
    let first = repository.commit("first");
    // A submodule, without anything behind it.
    let entry = format!("160000,{first},module/inner");
    repository.git(&["update-index", "--add", "--cacheinfo", &entry]);
    let ran = scratch.path().join("ran");
    let filter = format!("filter.evil.smudge=touch {}", ran.display());
    fs::write(folder.join("filtered/.gitattributes"), "* filter=evil\n").expect("it is writable");
    repository.git(&["-c", &filter, "add", "filtered"]);
    repository.git(&["commit", "--quiet", "--message", "second"]);
    let hook = folder.join(".git/hooks/post-checkout");
    fs::create_dir_all(folder.join(".git/hooks")).expect("it is writable");
    fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", ran.display())).expect("it is writable");
    let of = |options: &str| {
        let text = format!("{}?{options}", repository.source());
        fetch(&source(&text), scratch.path(), &ServerSettings::default())
    };
    for (options, code, words) in [
        ("folder=link", Code::SourceUnusable, "`notes` in"),
        ("folder=lfs", Code::SourceUnusable, "is kept by Git LFS"),
        ("folder=module", Code::SourceUnusable, "is a submodule"),
        ("folder=newer", Code::NewerFormat, ""),
        ("folder=none", Code::SourceUnusable, "no recipe.toml"),
        ("folder=absent", Code::SourceAbsent, "folder `absent`"),
        ("rev=v9&folder=good", Code::SourceAbsent, "revision `v9`"),
        ("rev=0123456789012345678901234567890123456789", Code::SourceAbsent, "revision"),
    ] {
        let (codes, text) = told(&of(options).expect_err(options).diagnostics(None));
        assert_eq!(codes, [code], "{options}: {text}");
        assert!(text.contains(words), "{options}: {text}");
    }
    let fetched = of("rev=main&folder=good").expect("a recipe");
    assert_eq!(fetched.revision, Some(repository.git(&["rev-parse", "main"])));
    let before = of(&format!("rev={first}&folder=good")).expect("the commit before");
    assert_eq!(before.revision, Some(first));
    of("folder=filtered").expect("a recipe");
    assert!(!ran.exists(), "nothing of a repository is run");
    let absent = format!("git+file://{}/absent", scratch.path().display());
    let error = fetch(&source(&absent), scratch.path(), &ServerSettings::default());
    let (codes, text) = told(&error.expect_err("no repository").diagnostics(None));
    assert_eq!(codes, [Code::SourceAbsent], "{text}");
    let down = format!("git+https://{}/x.git", nobody());
    let error = fetch(&source(&down), scratch.path(), &ServerSettings::default());
    let (codes, text) = told(&error.expect_err("nobody is there").diagnostics(None));
    assert_eq!(codes, [Code::SourceUnreachable], "{text}");
}

#[test]
fn a_lock_is_obeyed() {
    let scratch = scratch();
    let folder = scratch.path();
    let good = write_recipe(&folder.join("look"), "1.0.0");
    let store = || Store::in_folder(folder.join("cache"));
    let resolver = |locked, offline| {
        let options = LockOptions { locked, offline, ..LockOptions::default() };
        LockResolver::open(folder, store(), options).expect("a lock or none")
    };
    // Without a lock a folder is what it is; with --locked it is not.
    assert_eq!(resolver(false, false).recipe("look"), Ok(folder.join("look")));
    let code = |found: Result<std::path::PathBuf, Vec<Diagnostic>>| {
        told(&found.expect_err("it is refused")).0
    };
    assert_eq!(code(resolver(true, false).recipe("look")), [Code::NotLocked]);
    assert_eq!(code(resolver(false, false).recipe("oci://127.0.0.1:1/x")), [Code::NotLocked]);
    assert_eq!(code(resolver(false, false).recipe("absent")), [Code::NotLocked]);

    let mut lock = Lock::default();
    lock.put_recipe(LockedSource {
        name: "look".to_owned(),
        source: "look".to_owned(),
        version: Some(good.manifest().version.clone()),
        digest: good.digest(),
        revision: None,
        key: None,
    });
    fs::write(folder.join("chain.lock"), lock.to_toml()).expect("it is writable");
    assert_eq!(code(resolver(true, true).recipe("look")), [Code::NotCached]);
    let kept = resolver(true, false).recipe("look").expect("it is as it was locked");
    assert_ne!(kept, folder.join("look"));
    write_recipe(&folder.join("look"), "2.0.0");
    assert_eq!(resolver(false, true).recipe("look"), Ok(kept.clone()), "what was locked");
    assert_eq!(code(resolver(true, false).recipe("look")), [Code::NotLocked]);
    fs::write(kept.join("chain.toml"), "").expect("it is writable");
    assert_eq!(code(resolver(false, true).recipe("look")), [Code::CacheUnusable]);
}
