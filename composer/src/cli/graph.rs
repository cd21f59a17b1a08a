//! `graph FILE`: the chain as a tree, a picture, dot, mermaid or JSON.

use std::{collections::HashSet, fmt::Write as _};

use clap::ValueEnum;
use petgraph::graph::NodeIndex;
use serde_json::json;

use super::{exit::Exit, ink::Ink as _, inputs::ChainFile, report, screen, wrap};
use freplace_compose::{
    chain::{Chain, Node, NodeKind, Role},
    event::Paint,
    inert,
    picture::{detail, svg, word},
};

/// Draw a chain as a tree, picture or graph.
///
/// Objects are not read, so a chain can be drawn before its objects are built.
///
/// Example: freplace-compose graph --format mermaid chains/tcp.toml
#[derive(Debug, clap::Args)]
pub(super) struct GraphArguments {
    #[command(flatten)]
    chain: ChainFile,
    /// Format of the drawing.
    #[arg(long, value_name = "FORMAT", default_value = "tree")]
    format: GraphFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum GraphFormat {
    /// Text: each host with its stubs, replacements and tracers below it.
    Tree,
    /// A picture, for browsers and documents.
    Svg,
    /// Graphviz.
    Dot,
    /// Mermaid, for Markdown.
    Mermaid,
    /// Nodes and edges as JSON.
    Json,
}

pub(super) fn run(arguments: &GraphArguments) -> Exit {
    let ChainFile { file, .. } = &arguments.chain;
    let chain = match Chain::open_with(file, &arguments.chain.inputs()) {
        Ok(chain) => chain,
        Err(found) => {
            report::all(&found);
            return Exit::Invalid;
        }
    };
    match arguments.format {
        GraphFormat::Tree => screen::data(&tree(&chain)),
        GraphFormat::Svg => screen::data(&svg(&chain)),
        GraphFormat::Dot => screen::data(&dot(&chain)),
        GraphFormat::Mermaid => screen::data(&mermaid(&chain)),
        GraphFormat::Json => screen::json(&to_json(&chain)),
    }
}

/// The function of another node's program that it is about, where the file names one.
fn function(node: &Node) -> Option<&str> {
    match &node.kind {
        NodeKind::Stub(stub) => Some(&stub.function.value),
        NodeKind::Tracer(tracer) => tracer.function.as_ref().map(|name| name.value.as_str()),
        NodeKind::Host(_) | NodeKind::Replacement(_) => None,
    }
}

fn tree(chain: &Chain) -> String {
    let mut out = format!("{}\n", inert::line(&chain.name).bold());
    let roots: Vec<_> = chain
        .graph
        .nodes()
        .filter(|(_, node)| node.role() == Role::Host)
        .map(|(index, _)| index)
        .collect();
    let mut seen = HashSet::new();
    branches(chain, &roots, 0, "", wrap::columns(), &mut seen, &mut out);
    out
}

/// How deep the tree is drawn. No kernel takes a chain half as deep, and a file may hold any.
const DEEPEST: usize = 32;

fn branches(
    chain: &Chain,
    nodes: &[NodeIndex],
    depth: usize,
    indent: &str,
    columns: Option<usize>,
    seen: &mut HashSet<NodeIndex>,
    out: &mut String,
) {
    for (number, index) in nodes.iter().enumerate() {
        let last = number + 1 == nodes.len();
        let node = chain.graph.node(*index);
        let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let below_nodes = chain.graph.needed_by(*index);
        // What hangs below a stub of two hosts is drawn once.
        let again = !seen.insert(*index) && !below_nodes.is_empty();
        let id = node.id.value.color(Paint::color_of(index.index()));
        let head = format!("{indent}{branch}{id}  {}  ", node.label().dimmed());
        let letters = |text: &str| text.chars().count();
        let at = letters(indent) + 3 + letters(&node.id.value) + 2 + letters(node.label()) + 2;
        let goes_on = if again || below_nodes.is_empty() { "" } else { "│" };
        let hang = format!("{indent}{below}{goes_on}");
        let hang = format!("{hang}{}", " ".repeat(at.saturating_sub(letters(&hang))));
        let detail = wrap::wrapped(&inert::line(&detail(node)), at, &hang, columns);
        let line = format!("{}{detail}", inert::line(&head));
        let mark = if again { "  (as above)" } else { "" };
        // A String takes everything, here and below.
        let _ = writeln!(out, "{}{}", line.trim_end(), mark.dimmed());
        if !again && depth < DEEPEST {
            branches(
                chain,
                &below_nodes,
                depth + 1,
                &format!("{indent}{below}"),
                columns,
                seen,
                out,
            );
        } else if !again && !below_nodes.is_empty() {
            let _ = writeln!(out, "{indent}{below}└─ {}", "...".dimmed());
        }
    }
}

fn dot(chain: &Chain) -> String {
    let mut out = format!("digraph {:?} {{\n  rankdir = BT\n  node [shape = box]\n", chain.name);
    for (_, node) in chain.graph.nodes() {
        let id = &node.id.value;
        let shape = match node.role() {
            Role::Host => "box",
            Role::Stub => "note",
            Role::Replacement => "component",
            Role::Tracer => "ellipse",
        };
        let text = format!("{id}\n{} {}", node.label(), detail(node));
        let _ = writeln!(out, "  {id:?} [shape = {shape}, label = {:?}]", text.trim_end());
    }
    for (from, dependency, to) in chain.graph.edges() {
        let (from, to) = (chain.graph.node(from), chain.graph.node(to));
        let (from, to) = (&from.id.value, &to.id.value);
        let _ = writeln!(out, "  {from:?} -> {to:?} [label = {:?}]", word(&dependency));
    }
    out.push_str("}\n");
    out
}

/// Text as Mermaid takes it between quotes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("#quot;"),
            '&' => out.push_str("#amp;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            visible if inert::is_visible(visible) => out.push(visible),
            other => out.extend(other.escape_default()),
        }
    }
    out
}

fn mermaid(chain: &Chain) -> String {
    let mut out = "flowchart BT\n".to_owned();
    for (index, node) in chain.graph.nodes() {
        let about = format!("{} {}", node.label(), detail(node));
        let text = format!("{}<br/>{}", node.id.value, escaped(about.trim_end()));
        let (open, close) = match node.role() {
            Role::Host => ("[", "]"),
            Role::Stub => ("[/", "/]"),
            Role::Replacement => ("[[", "]]"),
            Role::Tracer => ("([", "])"),
        };
        let _ = writeln!(out, "  n{}{open}\"{text}\"{close}", index.index());
    }
    for (from, dependency, to) in chain.graph.edges() {
        let _ = writeln!(out, "  n{} -->|{}| n{}", from.index(), word(&dependency), to.index());
    }
    out
}

fn to_json(chain: &Chain) -> serde_json::Value {
    let id = |index: NodeIndex| chain.graph.node(index).id.value.as_str();
    let node = |(_, node): (NodeIndex, &Node)| {
        let request = node.built_in();
        json!({
            "id": node.id.value,
            "role": node.role(),
            "kind": node.label(),
            "detail": detail(node),
            "function": function(node),
            "capture": request.and_then(|request| request.capture.as_ref()).map(|paths| {
                paths.iter().map(|path| &path.text.value).collect::<Vec<_>>()
            }),
            "where": request.and_then(|request| Some(&request.filter.as_ref()?.0.value)),
            "object": node.program().map(|(object, _)| object.value.to_string()),
            "program": node.program().map(|(_, program)| program.value),
        })
    };
    let edge = |(from, dependency, to)| json!({ "from": id(from), "to": id(to), "dependency": word(&dependency) });
    json!({
        "chain": chain.name,
        "description": chain.description,
        "nodes": chain.graph.nodes().map(node).collect::<Vec<_>>(),
        "edges": chain.graph.edges().map(edge).collect::<Vec<_>>(),
    })
}
