//! Chains that are put together from several files, with parameters: what they are, and what the user is told.

mod common;

use std::{fs, path::Path, sync::Arc};

use common::{run, shown};
use freplace_compose::{
    chain::{self, Chain, ChainInputs, RecipeFinder, SetValue},
    check::{self, Kernels},
    diag::{Code, Diagnostic},
    kernel::fake::Fake,
    plan, run as executor,
};

/// A filter for one interface.
const FILTER: &str = r#"description = "A filter"
requires = { kernel = ">=6.1" }

[params.iface]
type = "string"
help = "The interface to filter"

[params.program]
default = "drop_ports"

[params.slots]
type = "list"
default = ["frames"]

[host.frames]
object = "builtin:xdp"
program = "xdp_host"
attach = { xdp = "${iface}", mode = "generic" }

[stub.filter]
function = "stub_filter"
hosts = "${slots}"

[replacement.drop]
object = "builtin:xdp-replacement"
program = "${program}"
stub = "filter"
"#;

/// A folder that is gone with this value.
struct ComposedFolder(tempfile::TempDir);

impl std::ops::Deref for ComposedFolder {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.0.path()
    }
}

/// Files in a folder of their own.
fn folder(files: &[(&str, &str)]) -> ComposedFolder {
    let folder = ComposedFolder(tempfile::tempdir().expect("a temporary folder"));
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }
    folder
}

/// The chain of `text`, which may include `lib/filter.toml`.
fn read(text: &str, set: &[&str]) -> Result<Chain, Vec<Diagnostic>> {
    let folder = folder(&[("lib/filter.toml", FILTER), ("chain.toml", text)]);
    let set = set.iter().map(|text| SetValue::parse(text).expect("NAME=VALUE")).collect();
    Chain::open_with(&folder.join("chain.toml"), &ChainInputs { set, ..ChainInputs::default() })
}

/// The operations of a chain, without what differs in every run.
fn planned(chain: Chain) -> Vec<String> {
    let checked = check::open(chain, &Kernels::default()).expect("a good chain");
    let plan = plan::build(&checked.resolved, plan::Offers::default());
    let json = serde_json::to_value(&plan.operations).expect("data");
    json.as_array().expect("a list").iter().map(|one| one["action"].to_string()).collect()
}

/// What `validate` shows of `chain.toml` beside `lib/filter.toml` and other files.
fn pin(name: &str, text: &str, others: &[(&str, &str)]) {
    let files = [("lib/filter.toml", FILTER), ("chain.toml", text)];
    let folder = folder(&[&files[..], others].concat());
    let screen = shown(&run(&folder, &["validate", "chain.toml"]));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("composed__{name}"), screen);
    });
}

#[test]
fn an_included_file_is_the_same_chain_with_other_ids() {
    let alone = FILTER.replace("${iface}", "lo").replace("${program}", "drop_echo");
    let alone = alone.replace("\"${slots}\"", "[\"frames\"]");
    let start = alone.find("[host.frames]").expect("it is there");
    let expected = planned(read(&alone[start..], &[]).expect("a good chain"));
    let text = r#"
include = [{ recipe = "lib/filter.toml", as = "d", with = { iface = "lo", program = "drop_echo" } }]
"#;
    let chain = read(text, &[]).expect("a good chain");
    let ids: Vec<_> = chain.graph.nodes().map(|(_, node)| node.id.value.clone()).collect();
    assert_eq!(ids, ["d.frames", "d.filter", "d.drop"]);
    assert_eq!(chain.requires.len(), 1, "what an included file requires, the chain requires");
    assert_eq!(planned(chain), expected);
}

#[test]
fn nodes_of_an_include_are_extended_changed_and_left_out() {
    let text = r#"
[[include]]
recipe = "lib/filter.toml"
as = "d"
with = { iface = "lo" }
override.drop = { program = "drop_echo" }

[[include]]
recipe = "lib/filter.toml"
as = "e"
with = { iface = "${iface}" }
override.drop = false

[params]
iface = { default = "eth0" }

[replacement.mine]
object = "builtin:xdp-replacement"
program = "drop_ports"
stub = "e.filter"

[tracer.dropped]
fexit = "d.drop"
"#;
    let chain = read(text, &["iface=wlan0"]).expect("a good chain");
    let shown: Vec<_> = chain
        .graph
        .nodes()
        .map(|(_, node)| {
            let program = node.program().map(|(_, program)| program.value.to_owned());
            let place = node.attach().map(|attach| attach.value.to_string());
            [Some(node.id.value.clone()), program, place]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let expected = [
        "mine drop_ports",
        "dropped trace_exit",
        "d.frames xdp_host lo",
        "d.filter",
        "d.drop drop_echo",
        "e.frames xdp_host wlan0",
        "e.filter",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_value_keeps_the_type_of_its_parameter() {
    let host = |rest: &str| {
        format!(
            r#"
[params]
every = {{ default = 99 }}
follow = {{ default = false }}
text = {{ default = "a$${{b" }}
{rest}
[host.sample]
object = "builtin:cpu"
program = "on_sample"
attach = {{ perf_event = "cpu-clock", frequency = "${{every}}" }}
printk = "${{follow}}"
"#
        )
    };
    let chain = read(&host(""), &["every=0x10", "follow=true"]).expect("a good chain");
    let (_, node) = chain.graph.nodes().next().expect("a host");
    assert_eq!(node.output.printk, Some(true));
    let attach = format!("{:?}", node.attach().expect("it has one").value);
    assert!(attach.contains("16"), "{attach}");
    for wrong in ["every=x", "follow=1", "every=1.5"] {
        let found = read(&host(""), &[wrong]).expect_err("of another type");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].code.to_string(), "FC0010", "{found:?}");
    }
}

#[test]
fn a_text_for_the_shell_is_no_text_of_the_file() {
    // Quotes, tables and references within a value are its characters.
    let text = r#"
[params]
iface = { default = "lo" }

[host.frames]
object = "builtin:xdp"
program = "xdp_host"
attach = { xdp = "${iface}" }
"#;
    for value in ["\" }\n[host.x]", "${iface}", "$${", "#"] {
        let chain = read(text, &[&format!("iface={value}")]);
        let nodes = chain.map_or(1, |chain| chain.graph.len());
        assert_eq!(nodes, 1, "{value}");
    }
}

#[test]
fn without_parameters_a_dollar_sign_is_a_dollar_sign() {
    let text = r#"
description = "${x} is what it is"

[host.frames]
object = "builtin:xdp"
program = "xdp_host"
attach = { xdp = "lo" }
"#;
    let chain = read(text, &[]).expect("a good chain");
    assert_eq!(chain.description.as_deref(), Some("${x} is what it is"));
}

#[test]
fn twenty_includes_ten_deep_with_a_thousand_nodes_are_one_chain() {
    let node = |number: usize| {
        format!(
            "[host.h{number}]\nobject = \"builtin:xdp\"\nprogram = \"xdp_host\"\nattach = {{ xdp = \"lo\" }}\n"
        )
    };
    let leaf: String = (0..50).map(node).collect();
    let mut files = vec![("leaf.toml".to_owned(), leaf)];
    // A way ten deep, each of whose files includes a leaf beside the next.
    for depth in (0..10).rev() {
        let next = match depth {
            9 => "leaf.toml".to_owned(),
            depth => format!("d{}.toml", depth + 1),
        };
        let text = format!(
            "include = [{{ recipe = \"leaf.toml\", as = \"l\" }}, {{ recipe = \"{next}\", as = \"n\" }}]\n"
        );
        files.push((format!("d{depth}.toml"), text));
    }
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder(&files);
    let chain = Chain::open(&folder.join("d0.toml")).expect("a good chain");
    assert_eq!(chain.graph.len(), 11 * 50);
    let deepest = format!("{}h49", "n.".repeat(10));
    assert!(chain.graph.nodes().any(|(_, node)| node.id.value == deepest), "{deepest}");
}

#[test]
fn includes_that_grow_without_end_are_cut_off() {
    let twice = |next: &str| {
        format!(
            "include = [{{ recipe = \"{next}\", as = \"a\" }}, {{ recipe = \"{next}\", as = \"b\" }}]\n"
        )
    };
    let texts: Vec<_> = (0..30)
        .map(|depth| (format!("d{depth}.toml"), twice(&format!("d{}.toml", depth + 1))))
        .collect();
    let mut files: Vec<_> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("d30.toml", FILTER));
    let folder = folder(&files);
    let found = Chain::open(&folder.join("d0.toml")).expect_err("too many");
    assert!(found.iter().any(|one| one.code.to_string() == "FC0105"), "{:?}", found.first());
}

#[test]
fn a_folder_is_the_chain_in_it() {
    let folder = folder(&[("lib/filter/chain.toml", FILTER)]);
    let set = vec![SetValue::parse("iface=lo").expect("NAME=VALUE")];
    let inputs = ChainInputs { set, ..ChainInputs::default() };
    let chain = Chain::open_with(&folder.join("lib/filter"), &inputs).expect("a good chain");
    assert_eq!(chain.path, folder.join("lib/filter/chain.toml"));
}

#[test]
fn objects_are_looked_for_from_the_file_that_names_them() {
    let own = r#"
[host.own]
object = "packets.bpf.o"
program = "p"
attach = { xdp = "lo" }
"#;
    let folder = folder(&[
        ("deep/er/own.toml", own),
        ("deep/mid.toml", "include = [{ recipe = \"er/own.toml\", as = \"o\" }]"),
        ("chain.toml", "include = [{ recipe = \"deep/mid.toml\", as = \"m\" }]"),
    ]);
    let chain = Chain::open(&folder.join("chain.toml")).expect("a good chain");
    let (_, node) = chain.graph.nodes().next().expect("a host");
    let (object, _) = node.program().expect("it has one");
    assert_eq!(object.value.to_string(), "deep/er/packets.bpf.o");
    assert_eq!(chain.included, [folder.join("deep/er/own.toml"), folder.join("deep/mid.toml")]);
    assert_eq!(Path::new(&node.id.value), Path::new("m.o.own"));
}

#[test]
fn mistakes_in_parameters() {
    pin(
        "parameters",
        r#"
[params]
iface = { type = "strin", default = "lo" }
"port range" = { default = 1 }
ports = { default = 1.5 }
depth = { type = "integer", default = "deep" }
nothing = {}
names = { type = "list" }

[host.frames]
object = "builtin:xdp"
program = "${progam}"
attach = { xdp = "x${names}", mode = "${mode" }
"#,
        &[],
    );
}

#[test]
fn mistakes_in_includes() {
    pin(
        "includes",
        r#"
include = [
  { recipe = "lib/filter.toml", as = "a" },
  { recipe = "lib/filter.toml", as = "b", with = { iface = 7, porgram = "x" } },
  { recipe = "lib/filter.toml", as = "b", with = { iface = "lo" } },
  { recipe = "lib/filter.toml", as = "c.d", with = { iface = "lo" } },
  { recipe = "lib/nothing.toml", as = "e" },
  { recipe = "builtin:xpd" },
  { recipe = "lib/filter.toml", as = "f", with = { iface = "lo" }, override = { dorp = {}, drop = 7, filter = { hosts = ["none"] } } },
  { recipe = "https://example.com/x", as = "g" },
  { as = "h" },
  "lib/filter.toml",
]

[tracer.on_missing]
fexit = "e.drop"

[tracer.misspelt]
fexit = "f.dorp"
"#,
        &[],
    );
}

#[test]
fn mistakes_in_included_files_are_shown_in_them() {
    let one = "include = [{ recipe = \"../chain.toml\", as = \"back\" }]\nhots = {}\n";
    let two = "this is no TOML";
    let three = "host = 7\nbuffer = \"1MiB\"\n[stub.s]\nfunction = \"f\"\nhosts = [\"none\"]\n";
    let four = "buffer = \"2MiB\"\nprintk = 7\nrequires = { kernel = \"new\" }\n";
    pin(
        "included_files",
        r#"
include = [
  { recipe = "lib/one.toml" },
  { recipe = "lib/two.toml" },
  { recipe = "lib/three.toml" },
  { recipe = "lib/four.toml" },
]
"#,
        &[
            ("lib/one.toml", one),
            ("lib/two.toml", two),
            ("lib/three.toml", three),
            ("lib/four.toml", four),
        ],
    );
}

#[test]
fn the_resolved_text_is_the_same_chain() {
    let text = r#"
include = [
  { recipe = "lib/filter.toml", as = "d", with = { iface = "lo" }, override = { drop = { printk = false } } },
  { recipe = "builtin:tcp-map", as = "log" },
]
buffer = "1MiB"

[params]
place = { default = "a \"b\" \\ é" }

[tracer.dropped]
fexit = "d.drop"
where = "ret == XDP_DROP && took > 1us"

[host.own]
object = "builtin:xdp"
program = "xdp_host"
attach = { xdp = "${place}" }
"#;
    let folder = folder(&[("lib/filter.toml", FILTER), ("chain.toml", text)]);
    let inputs = ChainInputs::default();
    let resolved = chain::config(&folder.join("chain.toml"), &inputs).expect("a good chain");
    fs::write(folder.join("flat.toml"), &resolved).expect("writable");
    let flat = Chain::open(&folder.join("flat.toml")).expect("a good chain");
    let whole = Chain::open(&folder.join("chain.toml")).expect("a good chain");
    let ids = |chain: &Chain| -> Vec<String> {
        chain.graph.nodes().map(|(_, node)| node.id.value.clone()).collect()
    };
    assert_eq!(ids(&flat), ids(&whole));
    assert_eq!(flat.buffer, whole.buffer);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("composed__config", resolved.replace(&folder.display().to_string(), "FOLDER"));
    });
}

#[test]
fn maps_of_two_includes_are_two_maps() {
    let text = r#"
include = [
  { recipe = "builtin:tcp-map", as = "a" },
  { recipe = "builtin:tcp-map", as = "b" },
]
"#;
    let folder = folder(&[("chain.toml", text)]);
    let chain = Chain::open(&folder.join("chain.toml")).expect("a good chain");
    let checked = check::open(chain, &Kernels::default()).expect("a good chain");
    let plan = plan::build(&checked.resolved, plan::Offers::default());
    let maps: Vec<_> = plan
        .operations
        .iter()
        .filter_map(|operation| match &operation.action {
            plan::Action::CreateMap { map, .. } => Some(map.name.as_str()),
            _ => None,
        })
        .collect();
    let shared = maps.iter().filter(|name| name.starts_with("fc_")).count();
    let own: Vec<_> = maps.iter().filter(|name| !name.starts_with("fc_")).collect();
    assert!(shared > 0, "{maps:?}");
    assert!(own.iter().any(|name| name.starts_with("a.")), "{maps:?}");
    assert_eq!(own.iter().filter(|name| name.starts_with("a.")).count() * 2, own.len(), "{maps:?}");
    // Each program gets those of its own include, under the names that its object has.
    let mut kernel = Fake::default();
    let up = executor::up(&mut kernel, &plan, checked.resolved.objects(), &mut |_| {
        std::ops::ControlFlow::Continue(())
    });
    assert!(up.is_ok());
}

/// Knows one recipe and one object, by a URL each.
#[derive(Debug)]
struct OneOfEach(std::path::PathBuf);

impl RecipeFinder for OneOfEach {
    fn find(&self, reference: &str, folder: &Path) -> Result<std::path::PathBuf, Vec<Diagnostic>> {
        assert_eq!(folder, self.0, "who asks is told from where");
        match reference {
            "oci://here/filter:1" | "filter" | "filter.fcr" => Ok(self.0.join("lib/filter")),
            other => Err(vec![Diagnostic::new(Code::FileUnreadable, format!("no {other}"))]),
        }
    }

    fn object(&self, reference: &str, _: &Path) -> Result<std::path::PathBuf, Vec<Diagnostic>> {
        match reference {
            "oci://here/object:1" => Ok(self.0.join("packets.bpf.o")),
            other => Err(vec![Diagnostic::new(Code::ObjectUnreadable, format!("no {other}"))]),
        }
    }
}

#[test]
fn recipes_and_objects_of_elsewhere_are_asked_for() {
    let text = |recipe: &str, object: &str| {
        format!(
            r#"
include = [{{ recipe = "{recipe}", as = "f", with = {{ iface = "lo" }} }}]

[host.own]
object = "{object}"
program = "p"
attach = {{ xdp = "lo" }}
"#
        )
    };
    let folder = folder(&[("lib/filter/chain.toml", FILTER)]);
    let read = |recipe: &str, object: &str| {
        fs::write(folder.join("chain.toml"), text(recipe, object)).expect("writable");
        let recipes = Some(Arc::new(OneOfEach(folder.to_path_buf())) as Arc<dyn RecipeFinder>);
        let inputs = ChainInputs { recipes, ..ChainInputs::default() };
        Chain::open_with(&folder.join("chain.toml"), &inputs)
    };
    for reference in ["oci://here/filter:1", "filter", "filter.fcr", "lib/filter"] {
        let chain = read(reference, "oci://here/object:1").expect("a good chain");
        assert_eq!(chain.graph.len(), 4, "{reference}");
        let (_, own) = chain.graph.nodes().next().expect("a host");
        let (object, _) = own.program().expect("it has one");
        assert_eq!(object.value.to_string(), folder.join("packets.bpf.o").display().to_string());
    }
    let found = read("oci://here/other:1", "oci://here/none:1").expect_err("neither is there");
    let shown: Vec<_> =
        found.iter().map(|one| (one.message.as_str(), one.labels[0].span.text())).collect();
    let expected = [
        ("no oci://here/other:1", "\"oci://here/other:1\""),
        ("no oci://here/none:1", "\"oci://here/none:1\""),
    ];
    assert_eq!(shown, expected);
}
