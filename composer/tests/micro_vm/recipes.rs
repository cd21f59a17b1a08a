//! A recipe on its whole way: from its author into a registry, from there into a cache, and locked into a chain that
//! runs in the guest, which has neither.

use std::fs;

use super::{
    common::{chain_text, program, scratch, shown},
    registry::RealRegistry,
};

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn a_recipe_of_a_registry_runs_as_it_was_locked() {
    let scratch = tempfile::tempdir_in(scratch()).expect("it is writable");
    let registry = RealRegistry::start(scratch.path());
    let [author, user] = ["author", "user"].map(|name| scratch.path().join(name));
    fs::create_dir_all(author.join("drop-ping")).expect("it is writable");
    fs::create_dir_all(&user).expect("it is writable");
    let manifest = "format = 1\nname = \"drop-ping\"\nversion = \"1.0.0\"\ndescription = \"Drops ping.\"\nlicense = \"MIT\"\n";
    fs::write(author.join("drop-ping/recipe.toml"), manifest).expect("it is writable");
    fs::write(author.join("drop-ping/chain.toml"), chain_text("xdp")).expect("it is writable");
    let types = |words: &[&str]| {
        let mut command = program(&user, &[&["--color", "never"], words].concat());
        // Kernels are in the cache of the user who runs the tests, recipes in one of their own.
        if words.first() != Some(&"up") {
            command.env("FREPLACE_COMPOSE_CACHE", user.join("cache"));
        }
        shown(&command.output().expect("it was built for this test"))
    };
    let source = format!("oci://{}/drop-ping", registry.host);
    let recipe = author.join("drop-ping").display().to_string();
    for words in [&["recipe", "push", &recipe, &source][..], &["recipe", "add", "--yes", &source]] {
        let text = types(words);
        assert!(text.starts_with("exit code 0\n"), "{text}");
    }
    let chain = "name = \"mine\"\ninclude = [{ recipe = \"drop-ping\", as = \"d\" }]\n";
    fs::write(user.join("chain.toml"), chain).expect("it is writable");
    let words = [
        "up",
        "--locked",
        "--vm=6.1",
        "chain.toml",
        "--",
        "ping",
        "-c",
        "1",
        "-W",
        "1",
        "127.0.0.1",
    ];
    let text = types(&words);
    for id in ["d.ingress", "d.drop_echo", "d.before", "d.after"] {
        assert!(text.contains(&format!("  {id} ")), "{id}: {text}");
    }
    assert!(text.contains("100% packet loss") && text.contains("= XDP_DROP"), "{text}");
}
