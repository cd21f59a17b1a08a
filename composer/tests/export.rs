//! `export`: what it writes is judged by those who are to run it.

mod common;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use common::{CHAINS, objects, run, shown, workspace};
use freplace_compose::recipe::{Manifest, Packed};
use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::ConfigMap};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The exposure that `systemd-analyze security` may find, of 100: below 30 is what it calls OK.
const EXPOSURE: &str = "--threshold=25";

fn export(engine: &str, chain: &Path) -> String {
    let chain = chain.to_str().expect("its name is text");
    let output = run(&workspace(), &["export", engine, chain]);
    assert_eq!(output.status.code(), Some(0), "{chain}: {}", shown(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn shipped(name: &str) -> PathBuf {
    workspace().join(format!("chains/{name}.toml"))
}

/// A chain of this text in a folder of its own.
fn chain(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.toml");
    fs::write(&path, text).expect("room for it");
    (folder, path)
}

fn systemd_analyze(words: &[&str], unit: &Path) -> Output {
    let mut command = Command::new("systemd-analyze");
    command
        .args(words)
        .arg(unit)
        .env("LC_ALL", "C")
        .output()
        .expect("`cargo xtask setup` installs it")
}

/// What a setting of a unit is set to.
fn setting<'a>(unit: &'a str, name: &str) -> Option<&'a str> {
    unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

fn words(text: Option<&str>) -> BTreeSet<&str> {
    text.unwrap_or_default().split_whitespace().collect()
}

#[test]
fn systemd_takes_the_unit_of_every_recipe_and_finds_little_exposed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in CHAINS {
        let unit = folder.path().join(format!("{name}.service"));
        fs::write(&unit, export("--systemd", &shipped(name))).expect("room for it");
        let verified = systemd_analyze(&["verify", "--man=no"], &unit);
        assert!(verified.status.success() && verified.stderr.is_empty(), "{}", shown(&verified));
        let security =
            systemd_analyze(&["security", "--offline=yes", "--no-pager", EXPOSURE], &unit);
        assert!(security.status.success(), "{name}: {}", shown(&security));
    }
}

#[test]
fn systemd_takes_a_unit_whatever_the_chain_is_called() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inner = folder.path().join("50% \"off\" $HOME");
    fs::create_dir(&inner).expect("room for it");
    let path = inner.join("a chain.toml");
    let text = common::chain_text("xdp");
    let rest =
        text.lines().filter(|line| !line.starts_with("name") && !line.starts_with("description"));
    let head = "name = \"50% \\\"off\\\"\"\ndescription = \"100%\\nsure\"";
    let text: Vec<_> = [head].into_iter().chain(rest).collect();
    fs::write(&path, text.join("\n")).expect("room for it");
    let unit = folder.path().join("mine.service");
    let text = export("--systemd", &path);
    fs::write(&unit, &text).expect("room for it");
    let verified = systemd_analyze(&["verify", "--man=no"], &unit);
    assert!(verified.status.success() && verified.stderr.is_empty(), "{}", shown(&verified));
    let line = setting(&text, "ExecStart").expect("a command");
    assert!(line.ends_with("50%% \\\"off\\\" $$HOME/a chain.toml\""), "{line}");
}

#[test]
fn a_unit_sees_its_files_wherever_they_are() {
    let (_folder, path) = chain(&common::chain_text("tcp"));
    let unit = export("--systemd", &path);
    let path = path.canonicalize().expect("it is there");
    let is_hidden =
        ["/tmp", "/home", "/root", "/var/tmp"].iter().any(|hidden| path.starts_with(hidden));
    let bound = unit.lines().filter_map(|line| line.strip_prefix("BindReadOnlyPaths="));
    // Quoted where the place has blanks.
    let bound = bound.map(|it| it.trim_matches('"')).any(|it| Path::new(it) == path);
    assert_eq!(bound, is_hidden, "{unit}");
}

/// The documents of a manifest, as another reader of YAML understands them.
fn documents(manifest: &str) -> Vec<Value> {
    let documents = serde_norway::Deserializer::from_str(manifest);
    documents.map(|one| serde::Deserialize::deserialize(one).expect("it is YAML")).collect()
}

/// What Kubernetes understands of a document, which is all of it.
#[track_caller]
fn understood<T: Serialize + DeserializeOwned>(document: &Value) -> T {
    let understood: T = serde_json::from_value(document.clone()).expect("it is one");
    assert_eq!(
        serde_json::to_value(&understood).expect("it is data"),
        *document,
        "a key is unknown"
    );
    understood
}

fn understand(manifest: &str) -> (ConfigMap, DaemonSet) {
    let [config, daemon] = documents(manifest).try_into().expect("two documents");
    (understood(&config), understood(&daemon))
}

#[test]
fn kubernetes_understands_every_word_of_a_manifest() {
    for name in CHAINS {
        let (config, daemon) = understand(&export("--kubernetes", &shipped(name)));
        let pod = daemon.spec.expect("what it runs").template.spec.expect("a pod");
        let [container] = pod.containers.try_into().expect("one container");
        let security = container.security_context.expect("it is limited");
        assert_eq!(
            (security.privileged, security.allow_privilege_escalation),
            (Some(false), Some(false))
        );
        assert_eq!(security.read_only_root_filesystem, Some(true));
        let capabilities = security.capabilities.expect("it is limited");
        assert_eq!(capabilities.drop.as_deref(), Some(&["ALL".to_owned()][..]));
        let added: BTreeSet<_> = capabilities.add.unwrap_or_default().into_iter().collect();
        let unit = export("--systemd", &shipped(name));
        let kept: BTreeSet<_> = words(setting(&unit, "CapabilityBoundingSet"))
            .into_iter()
            .map(|name| name.replace("CAP_", ""))
            .collect();
        assert_eq!(added, kept, "{name}");
        assert!(config.data.is_some_and(|data| data.contains_key("chain.toml")));
        let volumes: BTreeSet<_> = pod.volumes.into_iter().flatten().map(|one| one.name).collect();
        let mounts = container.volume_mounts.into_iter().flatten();
        assert_eq!(mounts.map(|one| one.name).collect::<BTreeSet<_>>(), volumes, "{name}");
    }
}

/// What of the node a container sees, besides the chain.
fn host_paths(manifest: &str) -> Vec<String> {
    let pod = understand(manifest).1.spec.and_then(|spec| spec.template.spec).expect("a pod");
    let volumes = pod.volumes.into_iter().flatten();
    volumes.filter_map(|volume| Some(volume.host_path?.path)).collect()
}

#[test]
fn what_a_chain_needs_of_a_machine_is_asked_for_and_nothing_else() {
    let tcp = export("--kubernetes", &shipped("tcp"));
    assert_eq!(host_paths(&tcp), [""; 0]);
    assert!(!tcp.contains("hostNetwork") && !tcp.contains("hostPID"), "{tcp}");
    let xdp = export("--kubernetes", &shipped("xdp"));
    assert!(xdp.contains("hostNetwork: true"), "{xdp}");
    assert_eq!(host_paths(&export("--kubernetes", &shipped("cgroup"))), ["/sys/fs/cgroup"]);
    assert_eq!(host_paths(&export("--kubernetes", &shipped("readline"))), ["/bin/bash"]);

    let foreign = objects().join("foreign.bpf.o");
    let host = |attach: &str, more: &str| {
        format!(
            "{more}\n[host.h]\nobject = {:?}\nprogram = \"on_connect\"\nattach = {{ {attach} }}\n",
            foreign.display().to_string()
        )
    };
    let (_folder, path) = chain(&host("kprobe = \"tcp_connect\"", "printk = true"));
    let printing = export("--kubernetes", &path);
    assert_eq!(host_paths(&printing), ["/sys/kernel/tracing"]);
    assert!(printing.contains("appArmorProfile"), "it makes an instance: {printing}");
}

#[test]
fn a_program_beside_another_one_needs_more() {
    let text = common::chain_text("egress");
    let beside =
        text.replace("direction = \"egress\"", "direction = \"egress\", after = \"other\"");
    for (text, needed) in [(&text, false), (&beside, true)] {
        let (_folder, path) = chain(text);
        let unit = export("--systemd", &path);
        let kept = words(setting(&unit, "CapabilityBoundingSet"));
        assert_eq!(kept.contains("CAP_SYS_ADMIN"), needed, "{unit}");
    }
}

#[test]
fn the_unit_of_an_interface_waits_for_it() {
    let (_folder, path) = chain(&common::chain_text("egress").replace("\"lo\"", "\"br-lan\""));
    let unit = export("--systemd", &path);
    assert!(unit.contains("\nAfter=sys-subsystem-net-devices-br\\x2dlan.device\n"), "{unit}");
}

/// Writes what a ConfigMap holds into a folder, as a container sees it.
fn unpacked(config: &ConfigMap, folder: &Path) {
    for (name, bytes) in config.binary_data.iter().flatten() {
        fs::write(folder.join(name), &bytes.0).expect("room for it");
    }
    for (name, text) in config.data.iter().flatten() {
        fs::write(folder.join(name), text).expect("room for it");
    }
}

/// A chain with two objects of one name, of which one is outside of its folder.
fn scattered() -> (tempfile::TempDir, PathBuf) {
    let here = tempfile::tempdir().expect("a temporary folder");
    for (folder, object) in [("chain/own", "host.bpf.o"), ("others", "foreign.bpf.o")] {
        fs::create_dir_all(here.path().join(folder)).expect("room for it");
        let copied = fs::copy(objects().join(object), here.path().join(folder).join("same.o"));
        copied.expect("room for it");
    }
    let text = r#"
        host.one = { object = "own/same.o", program = "first", attach = { kprobe = "tcp_connect" } }
        host.two = { object = "../others/same.o", program = "on_connect", attach = { kprobe = "tcp_connect" } }
        stub.s = { function = "stub_one", hosts = ["one"] }
        tracer.t = { fexit = "s" }
    "#;
    let path = here.path().join("chain/pair.toml");
    fs::write(&path, text).expect("room for it");
    (here, path)
}

/// The chain, which was moved to `folder`, is planned there as it was before.
#[track_caller]
fn assert_moved(folder: &Path) {
    let output = run(folder, &["plan", "chain.toml"]);
    let plan = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{plan}");
    assert!(plan.contains("pair  4 nodes"), "it keeps its name: {plan}");
    assert!(plan.contains("first of 2-same.o") && plan.contains("on_connect of same.o"), "{plan}");
}

#[test]
fn a_chain_in_a_config_map_needs_none_of_the_files_that_it_was_made_of() {
    let (here, path) = scattered();
    let (config, _) = understand(&export("--kubernetes", &path));
    drop(here);
    let there = tempfile::tempdir().expect("a temporary folder");
    unpacked(&config, there.path());
    assert_moved(there.path());
}

#[test]
fn a_bundle_is_a_packed_recipe_of_all_that_the_chain_needs() {
    let (here, path) = scattered();
    let there = tempfile::tempdir().expect("a temporary folder");
    let bundle = there.path().join("pair.fcr");
    let words = [path.to_str().expect("text"), "-o", bundle.to_str().expect("text")];
    for _ in 0..2 {
        let output = run(here.path(), &[&["export", "--bundle"][..], &words].concat());
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    }
    drop(here);
    let packed = Packed::open(&bundle).expect("it is a packed recipe");
    let folder = there.path().join("unpacked");
    fs::create_dir(&folder).expect("room for it");
    packed.unpack_into(&folder).expect("room for it");
    assert_moved(&folder);
    let manifest = Manifest::open(&folder.join("recipe.toml")).expect("it is valid");
    assert_eq!((manifest.title().as_str(), manifest.description.as_str()), ("pair 0.0.0", "pair"));
}

#[test]
fn a_bundle_of_a_recipe_says_of_itself_what_the_recipe_does() {
    let (here, path) = scattered();
    let text = "format = 1\nname = \"mine\"\nversion = \"1.2.3\"\ndescription = \"two\"\nlicense = \"MIT\"\n";
    fs::write(path.with_file_name("recipe.toml"), text).expect("room for it");
    let bundle = here.path().join("mine.fcr");
    let words = [path.to_str().expect("text"), "-o", bundle.to_str().expect("text")];
    let output = run(here.path(), &[&["export", "--bundle"][..], &words].concat());
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let packed = Packed::open(&bundle).expect("it is a packed recipe");
    assert_eq!(packed.manifest().title(), "mine 1.2.3");
}

#[test]
fn values_of_parameters_and_included_files_are_exported_too() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let part = common::chain_text("xdp").replace("\"lo\"", "\"${iface}\"");
    let part = format!("params.iface = {{ type = \"string\" }}\n{part}");
    fs::write(here.path().join("part.toml"), part).expect("room for it");
    let whole = "params.at = { type = \"string\", default = \"lo\" }\n\
                 include = [{ recipe = \"part.toml\", as = \"p\", with = { iface = \"${at}\" } }]\n";
    fs::write(here.path().join("whole.toml"), whole).expect("room for it");
    let exported = |engine: &str| {
        let output = run(here.path(), &["export", engine, "whole.toml", "--set", "at=eth7"]);
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    let unit = exported("--systemd");
    let line = setting(&unit, "ExecStart").expect("a command");
    assert!(
        line.contains(" --set at=eth7 ") && line.trim_end_matches('"').ends_with("/whole.toml"),
        "{line}"
    );
    let (config, _) = understand(&exported("--kubernetes"));
    let there = tempfile::tempdir().expect("a temporary folder");
    unpacked(&config, there.path());
    let plan = shown(&run(there.path(), &["plan", "chain.toml"]));
    assert!(plan.contains("whole  ") && plan.contains("eth7"), "{plan}");
}

#[test]
fn the_chain_is_not_written_over() {
    let (folder, path) = chain(&common::chain_text("tcp"));
    let before = fs::read(&path).expect("it is there");
    let path = path.to_str().expect("text");
    let output = run(folder.path(), &["export", "--systemd", path, "-o", path]);
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert_eq!(fs::read(path).expect("it is there"), before);
    let output = run(folder.path(), &["export", "--systemd", path, "-o", "mine.service"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert!(folder.path().join("mine.service").is_file());
}

#[test]
fn a_chain_that_is_too_large_for_a_config_map_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // What is behind the end of an object is of no meaning.
    let mut object = fs::read(objects().join("foreign.bpf.o")).expect("it was made");
    object.resize(1024 * 1024, 0);
    fs::write(folder.path().join("large.o"), object).expect("room for it");
    let text = "host.h = { object = \"large.o\", program = \"on_connect\", attach = { kprobe = \"tcp_connect\" } }";
    fs::write(folder.path().join("mine.toml"), text).expect("room for it");
    let output = run(folder.path(), &["export", "--kubernetes", "mine.toml"]);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(shown(&output).contains("FC0930"), "{}", shown(&output));
}
