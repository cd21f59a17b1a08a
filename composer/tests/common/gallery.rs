//! The page of the gallery, made of the recipes themselves: their nodes, the prototypes of their stubs,
//! and the replacements that there are to choose from.

use std::fmt::Write as _;

use freplace_compose::{
    chain::{Chain, Node, NodeKind, Stub, recipe, recipes},
    resolve::{PartlyResolved, Resolved},
};
use serde_json::Value;

const HEAD: &str = "\
# Gallery

<!-- Made from chains/: see composer/tests/generated.rs. -->

Recipes are chains that are ready to use, one or more for each family of hooks. They are part of the program:

```console
$ freplace-compose chains                       # lists them
$ sudo freplace-compose up builtin:cgroup       # runs one, until Ctrl-C
$ freplace-compose chains cgroup > mine.toml    # a chain of your own, to begin with
```

Every recipe has a stub worth replacing and two replacements for it. The line `program = \"meter\" # or
\"limit\"` names both: write the other one in your chain. What a replacement goes by are global variables,
which you set beside it: `globals = { bytes_per_second = 50000 }`. The programs are in
[ebpf-programs/bpf](../ebpf-programs/bpf), compact enough to copy; `freplace-compose inspect
builtin:cgroup-replacement` lists what one holds.

Every recipe has a built-in tracer, but for `tcp`, `tcp-map` and `xdp`: their tracers are programs in C, as
examples for your own. Without `object` and `program` they are built-in ones, too.
";

const TESTS: &str = "
## Tests

Every recipe has [tests](../chains/tests), which are examples for your own: packets by their fields, mocks of stubs,
the other one of the replacements in the place of the first, and what is expected of verdicts, events and maps.

```console
$ freplace-compose test --vm=6.12 chains/tests/cgroup.toml
```
";

/// The page. `list` is what `chains --format json` writes.
pub(crate) fn page(list: &[Value]) -> String {
    let mut text = HEAD.to_owned();
    text += "\n| recipe | hook | since | |\n|---|---|---|---|\n";
    for name in recipes() {
        let listed = listed(list, name);
        let hooks: Vec<_> = listed["hooks"].as_array().into_iter().flatten().collect();
        let hooks: Vec<_> = hooks.iter().filter_map(|hook| hook.as_str()).collect();
        let (hooks, since) = (hooks.join(", "), since(name, listed));
        let what = listed["description"].as_str().expect("it has one");
        let _ = writeln!(text, "| [{name}](#{name}) | {hooks} | {since} | {what} |");
    }
    text += "\n`since` is the oldest kernel that accepts the recipe: the one that it requires, or of those that are tested.\n";
    recipes().for_each(|name| section(&mut text, name));
    text += TESTS;
    text
}

fn listed<'a>(list: &'a [Value], name: &str) -> &'a Value {
    list.iter().find(|listed| listed["name"] == name).expect("it is listed")
}

/// Whether a recipe has objects of other packages, which may not be here.
fn uses_packages(text: &str) -> bool {
    text.contains("object = \"/")
}

/// The oldest kernel, where it can be told on every machine.
fn since(name: &str, listed: &Value) -> String {
    let text = recipe(name).expect("it is there");
    if uses_packages(text) {
        return String::new();
    }
    listed["kernel"].as_str().expect("its objects are here").to_owned()
}

fn section(text: &mut String, name: &str) {
    let chain = Chain::open(format!("builtin:{name}").as_ref()).expect("it is well written");
    let description = chain.description.clone().expect("it has one");
    let _ = write!(text, "\n## {name}\n\n{description}.\n\n");
    let nodes: Vec<Node> = chain.graph.nodes().map(|(_, node)| node.clone()).collect();
    let source = recipe(name).expect("it is there");
    let names = PartlyResolved::open(chain).whole().ok().filter(|_| !uses_packages(source));
    let replacements = Choice::all(source);
    let choice = |node: &Node| replacements.iter().find(|choice| choice.node == node.id.value);
    for node in &nodes {
        let (id, role) = (&node.id.value, node.role());
        let what = match &node.kind {
            NodeKind::Host(host) => {
                let attach = host.attach.as_ref().expect("a recipe's host is at a hook");
                format!("`{}`", attach.span.text())
            }
            NodeKind::Stub(stub) => match names.as_ref().and_then(|names| prototype(names, stub)) {
                Some(prototype) => format!("`{prototype}`"),
                None => format!("`{}`", stub.function.value),
            },
            NodeKind::Replacement(replacement) => match choice(node) {
                Some(choice) => {
                    choice.check(&nodes, replacement.stub.value.as_str(), names.as_ref());
                    format!(
                        "`{}` or `{}`, for `{}`",
                        choice.programs[0], choice.programs[1], replacement.stub.value
                    )
                }
                None => {
                    format!("`{}`, for `{}`", replacement.program.value, replacement.stub.value)
                }
            },
            NodeKind::Tracer(tracer) => {
                let built_in = if tracer.built_in().is_some() { ", built-in" } else { "" };
                format!("`{}` of `{}`{built_in}", node.label(), tracer.target.value)
            }
        };
        let _ = writeln!(text, "- {role} `{id}`: {what}");
    }
    let mut told: Vec<&str> = Vec::new();
    for said in replacements.iter().flat_map(|choice| &choice.said) {
        if !told.contains(&said.as_str()) {
            told.push(said);
        }
    }
    assert!(told.len() >= 2, "{name} has two replacements to choose from");
    let _ = write!(
        text,
        "\nTo choose from:\n\n{}\n\n```console\n$ sudo freplace-compose up builtin:{name}\n```\n",
        told.join("\n")
    );
}

/// The prototype of a stub, of the object of its first host.
fn prototype(names: &Resolved, stub: &Stub) -> Option<String> {
    let is_host = |node: &Node| stub.hosts.iter().any(|host| host.value == node.id.value);
    let (_, _, program) = names.programs().find(|(_, node, _)| is_host(node))?;
    let (_, function) = program.object().function(&stub.function.value)?;
    program.object().prototype(function)
}

/// A replacement with two programs to choose from: `program = "one" # or "other"`.
struct Choice {
    node: String,
    programs: [String; 2],
    /// What the comment above it says of each.
    said: Vec<String>,
}

impl Choice {
    fn all(text: &str) -> Vec<Self> {
        let (mut found, mut node, mut said) = (Vec::new(), "", Vec::<String>::new());
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                match said.last_mut() {
                    _ if comment.starts_with('`') => said.push(format!("- {comment}")),
                    Some(last) => *last += &format!("\n  {comment}"),
                    None => {}
                }
            } else if let Some(header) = line.strip_prefix("[replacement.") {
                node = header.trim_end_matches(']');
            } else if let Some(programs) = line.strip_prefix("program = ") {
                if let Some((one, other)) = programs.split_once(" # or ") {
                    let programs = [one, other].map(|name| name.trim_matches('"').to_owned());
                    found.push(Self { node: node.to_owned(), programs, said: said.clone() });
                }
            } else if line.is_empty() {
                said.clear();
            }
        }
        for choice in &mut found {
            // Where two replacements have the same choice, the first one's comment is for both.
            if choice.said.is_empty() {
                continue;
            }
            for program in &choice.programs {
                let begin = format!("- `{program}` ");
                assert!(choice.said.iter().any(|said| said.starts_with(&begin)), "{program}");
            }
        }
        found
    }

    /// Both programs have the stub's prototype.
    fn check(&self, nodes: &[Node], stub: &str, names: Option<&Resolved>) {
        let Some(names) = names else { return };
        let stub = nodes.iter().find_map(|node| match &node.kind {
            NodeKind::Stub(found) if node.id.value == stub => Some(found),
            _ => None,
        });
        let stub = stub.expect("it is resolved");
        let wanted = prototype(names, stub).expect("it has types");
        let mut programs = names.programs().filter(|(_, node, _)| node.id.value == self.node);
        let (_, _, chosen) = programs.next().expect("it is resolved");
        for name in &self.programs {
            let program = chosen.object().program(name).unwrap_or_else(|| panic!("no {name}"));
            let function = &chosen.object().functions[program.function];
            let found = chosen.object().prototype(function).expect("it has types");
            assert_eq!(found.replace(name, &stub.function.value), wanted);
        }
    }
}
