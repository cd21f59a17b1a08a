//! Recipes on kernels: tried on one, and included in a chain that comes up there.

use std::{fs, process::Stdio};

use serde_json::Value;

use crate::common::{program, run, shown};

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
