//! Recipes on kernels: tried on one and included in a chain; and one on its whole way, from its author into a registry,
//! from there into a cache, and locked into a chain that runs in the guest, which has neither.

use std::{fs, process::Stdio};

use serde_json::Value;

use super::{
    common::{chain_text, program, run, scratch, shown},
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

#[test]
#[ignore = "boots a micro-VM; `cargo xtask test` does"]
fn a_new_recipe_is_tried_on_a_kernel_and_included_in_a_chain() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = run(folder.path(), &["recipe", "new", "drop-echo"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let output = run(folder.path(), &["recipe", "check", "--vm=6.12", "drop-echo"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let output = run(folder.path(), &["recipe", "show", "--format", "json", "drop-echo"]);
    let recipe: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let seen = &recipe["seen"][0];
    assert!(seen["kernel"].as_str().is_some_and(|kernel| kernel.starts_with("6.12.")), "{seen}");
    assert_eq!((&seen["verdict"], &seen["current"]), (&"passed".into(), &true.into()), "{seen}");

    // What it attaches to is left to a variable of this machine, and what is traced to an option.
    let text = r#"
include = [{ recipe = "drop-echo", as = "d", override = { ingress = { attach = { xdp = "${iface}", mode = "generic" } } } }]
params = { iface = { type = "string" }, traced = { type = "string" } }

[tracer.mine]
fexit = "${traced}"
"#;
    fs::write(folder.path().join("mine.toml"), text).expect("writable");
    let words = ["up", "--vm=6.12", "--format", "json", "--set", "traced=d.drop_echo", "mine.toml"];
    let command = ["--", "sh", "-c", "ping -c 1 -W 1 127.0.0.1 >/dev/null; true"];
    let output = program(folder.path(), &[&words[..], &command].concat())
        .env("FREPLACE_COMPOSE_PARAM_IFACE", "lo")
        .stdin(Stdio::null())
        .output()
        .expect("it was built for this test");
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let lines = String::from_utf8(output.stdout).expect("text");
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let nodes: Vec<_> =
        events.filter_map(|event| event["node"].as_str().map(str::to_owned)).collect();
    assert!(nodes.contains(&"mine".to_owned()), "{lines}");
    assert!(nodes.contains(&"d.verdict".to_owned()), "{lines}");
}
