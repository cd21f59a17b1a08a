//! The verbs, as users type them: from a folder into a registry, and out of it elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{place, registry::RealRegistry, scratch, server, server::ServerReply, write_recipe};

/// Somebody with a folder and an empty cache of their own.
struct Person {
    folder: PathBuf,
}

impl Person {
    fn new(scratch: &Path, name: &str) -> Self {
        let folder = scratch.join(name);
        fs::create_dir_all(&folder).expect("it is writable");
        Self { folder }
    }

    /// Exit code, stdout and stderr of `freplace-compose WORDS`.
    fn types(&self, words: &[&str]) -> (Option<i32>, String, String) {
        self.types_with(words, &[])
    }

    fn types_with(
        &self,
        words: &[&str],
        environment: &[(&str, &str)],
    ) -> (Option<i32>, String, String) {
        let mut command = Command::new(place::binary());
        command
            .args(["--color", "never"])
            .args(words)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .env("FREPLACE_COMPOSE_CACHE", self.folder.join("cache"))
            .env("XDG_CONFIG_HOME", self.folder.join("settings"))
            .env("DOCKER_CONFIG", &self.folder)
            .env("COLUMNS", "100")
            .env_remove("REGISTRY_AUTH_FILE")
            .env_remove("XDG_RUNTIME_DIR");
        command.envs(environment.iter().copied());
        let output = command.output().expect("it was built for this test");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// What a verb that succeeds prints on stdout and stderr.
    fn does(&self, words: &[&str]) -> (String, String) {
        let (code, out, err) = self.types(words);
        assert_eq!(code, Some(0), "{words:?}: {out}{err}");
        (out, err)
    }

    /// What a verb that fails says, all of whose words are in one line.
    fn fails(&self, words: &[&str]) -> (Option<i32>, String) {
        let (code, out, err) = self.types(words);
        assert_ne!(code, Some(0), "{words:?}: {out}");
        (code, err.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.folder.join("chain.lock")).unwrap_or_default()
    }

    fn cached(&self) -> usize {
        let Ok(entries) = fs::read_dir(self.folder.join("cache/recipes")) else { return 0 };
        entries.flatten().filter(|entry| entry.path().is_dir()).count()
    }
}

#[test]
fn a_recipe_is_pushed_found_added_and_updated() {
    let scratch = scratch();
    let registry = RealRegistry::start(scratch.path());
    let source = format!("oci://{}/example/look", registry.host);
    let author = Person::new(scratch.path(), "author");
    let packed = write_recipe(&author.folder.join("look"), "1.0.0");
    let (reference, _) = author.does(&["recipe", "push", "look", &source]);
    assert!(reference.starts_with(&format!("{source}:1.0.0@sha256:")), "{reference}");

    let user = Person::new(scratch.path(), "user");
    let (found, _) = user.does(&["recipe", "search", "look", "--registry", &registry.host]);
    assert!(found.contains(&source) && found.contains("1.0.0"), "{found}");

    // Nobody is there to agree.
    let (code, said) = user.fails(&["recipe", "add", &source]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--yes"), "{said}");
    assert_eq!((user.lock().as_str(), user.cached()), ("", 0));
    let (_, said) = user.fails(&["recipe", "add", "--yes", "--require-signature", &source]);
    assert!(said.contains("it is not signed"), "{said}");
    assert_eq!((user.lock().as_str(), user.cached()), ("", 0));

    let (shown, said) = user.does(&["recipe", "add", "--yes", &source]);
    assert!(shown.contains("look 1.0.0") && shown.contains("xdp"), "{shown}");
    assert!(said.contains("Locked look 1.0.0 as `look` in chain.lock."), "{said}");
    let digest = packed.digest().to_string();
    assert!(user.lock().contains(&digest) && user.lock().contains("revision"), "{}", user.lock());
    assert_eq!(user.cached(), 1);
    let (_, said) = user.does(&["outdated"]);
    assert!(said.contains("is what its sources have"), "{said}");

    // A chain includes it by its name, and no server is needed any more.
    let includes = |reference: &str| {
        format!("name = \"mine\"\ninclude = [{{ recipe = \"{reference}\", as = \"d\" }}]\n")
    };
    fs::write(user.folder.join("chain.toml"), includes("look")).expect("it is writable");
    user.does(&["validate", "--locked", "--offline", "chain.toml"]);
    // Or by its source, which has to be locked.
    let other = Person::new(scratch.path(), "other");
    fs::write(other.folder.join("chain.toml"), includes(&source)).expect("it is writable");
    let (_, said) = other.fails(&["validate", "chain.toml"]);
    assert!(said.contains("FC0926") && said.contains("chain.toml:2:"), "{said}");
    other.does(&["lock", "--yes"]);
    other.does(&["validate", "--locked", "chain.toml"]);
    fs::remove_dir_all(other.folder.join("cache")).expect("it is there");
    let (_, said) = other.fails(&["validate", "--offline", "chain.toml"]);
    assert!(said.contains("FC0927"), "{said}");
    other.does(&["validate", "--locked", "chain.toml"]);
    assert_eq!(other.cached(), 1, "fetched again as it was locked");

    // The same name from elsewhere.
    let elsewhere = author.folder.join("look").display().to_string();
    let (_, said) = user.fails(&["recipe", "add", "--yes", &elsewhere]);
    assert!(said.contains("FC0928") && said.contains("--as NAME"), "{said}");
    user.does(&["recipe", "add", "--yes", "--as", "second", &elsewhere]);
    assert!(user.lock().contains("\"second\""), "{}", user.lock());

    write_recipe(&author.folder.join("look"), "1.1.0");
    author.does(&["recipe", "push", "look", &source]);
    let before = user.lock();
    let (listed, _) = user.does(&["outdated"]);
    assert_eq!(listed.matches("1.1.0").count(), 2, "{listed}");
    assert_eq!(user.lock(), before);
    let (code, _) = user.fails(&["update", "look"]);
    assert_eq!(code, Some(2));
    assert_eq!(user.lock(), before);
    user.does(&["update", "--yes", "look"]);
    assert_eq!(user.lock().matches("1.1.0").count(), 1, "{}", user.lock());
    let (_, said) = user.fails(&["update", "lok"]);
    assert!(said.contains("Did you mean `look`?"), "{said}");
}

#[test]
fn logins_are_those_of_docker() {
    let scratch = scratch();
    let host = server::plain(|asked| match asked.header("authorization") {
        Some("Basic bWU6c2VjcmV0") => ServerReply::of(404, ""),
        _ => ServerReply::Answer {
            status: 401,
            headers: vec![("WWW-Authenticate", "Basic realm=\"x\"".to_owned())],
            body: Vec::new(),
        },
    });
    let user = Person::new(scratch.path(), "user");
    let source = format!("oci://{host}/look:1");
    let (_, said) = user.fails(&["recipe", "add", "--yes", &source]);
    assert!(said.contains("FC0922") && said.contains(&format!("docker login {host}")), "{said}");
    let of = |login: &str| {
        let file = format!("{{\"auths\":{{\"{host}\":{login}}}}}");
        fs::write(user.folder.join("config.json"), file).expect("it is writable");
        user.fails(&["recipe", "add", "--yes", &source]).1
    };
    let said = of("{\"auth\":\"bWU6c2VjcmV0\"}");
    assert!(said.contains("FC0923"), "{said}");
    let said = of("{\"username\":\"me\",\"password\":\"wrong\"}");
    assert!(said.contains("FC0922") && said.contains("Correct the name and password"), "{said}");
    fs::write(user.folder.join("config.json"), "{\"credsStore\":\"desktop\"}")
        .expect("it is writable");
    let (_, said) = user.fails(&["recipe", "add", "--yes", &source]);
    assert!(said.contains("docker-credential-desktop, which is not run"), "{said}");
}

#[test]
fn what_cannot_be_added_is_told_at_its_place() {
    let scratch = scratch();
    let user = Person::new(scratch.path(), "user");
    let (_, said) = user.fails(&["recipe", "add", "--yes", "http://example.org/look.fcr"]);
    assert!(said.contains("FC0920") && said.contains("SOURCE:1:1"), "{said}");
    let (_, said) = user.fails(&["recipe", "add", "--yes", "builtin:tcp"]);
    assert!(said.contains("need not be fetched"), "{said}");
    let (_, said) = user.fails(&["recipe", "push", ".", "https://example.org/look"]);
    assert!(said.contains("FC0920"), "{said}");

    // A cache that cannot be written, because a file is where its folder should be.
    write_recipe(&user.folder.join("look"), "1.0.0");
    fs::write(user.folder.join("cache"), "").expect("it is writable");
    let (_, said) = user.fails(&["recipe", "add", "--yes", "look"]);
    assert!(said.contains("FC0904"), "{said}");
    assert_eq!(user.lock(), "");
    let git =
        user.types_with(&["recipe", "add", "--yes", "git+file:///x"], &[("PATH", "/nowhere")]);
    assert!(git.2.contains("no git in PATH"), "{}", git.2);
}
