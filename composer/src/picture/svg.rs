//! The SVG of a chain: boxes whose shapes tell the kinds of nodes, lines whose strokes tell why.
//!
//! It brings its own background and colours for light and dark screens, names no font that must be there,
//! and has a title on each node and line for screen readers and pointers.

use std::fmt::Write as _;

use super::{
    detail,
    layout::{
        ChainLayout, FIRST_LINE, JUMPS, MARGIN, NEXT_LINE, NodeBox, PADDING, SECOND_LINE,
        SMALL_LETTER,
    },
    legend,
    markup::{columns, escaped, shortened},
    word,
};
use crate::chain::{Chain, Dependency, Node, Role};

const STYLE: &str = include_str!("style.css");

/// The chain as an SVG file.
#[must_use]
pub fn svg(chain: &Chain) -> String {
    drawn(chain, &[], true)
}

/// The chain as an `svg` element without a heading, with a note in the box of each node that has one.
pub(crate) fn svg_with_notes(chain: &Chain, notes: &[String]) -> String {
    drawn(chain, notes, false)
}

fn drawn(chain: &Chain, notes: &[String], heading: bool) -> String {
    let top = MARGIN + if heading { 40.0 } else { 0.0 };
    let layout = ChainLayout::of(chain, notes, top);
    let title = shortened(&chain.name, 60);
    let least = 2.0 * MARGIN + if heading { 9.0 * columns(&title) as f64 } else { 0.0 };
    let width = (layout.width + MARGIN).max(least).max(360.0);
    let (legend, height) = legend::drawn(chain, layout.height + 26.0, width);
    let height = height + MARGIN;
    // A String takes everything, here and below.
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chain\" role=\"img\" \
         viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <title>Chain {}</title>\n<style>\n{STYLE}</style>\n{MARKERS}",
        escaped(&chain.name)
    );
    let _ = writeln!(out, "<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>");
    if heading {
        text(&mut out, "name", (MARGIN, MARGIN + 12.0), &title);
    }
    for (from, dependency, to) in chain.graph.edges() {
        let ids = [from, to].map(|index| chain.graph.node(index).id.value.as_str());
        let boxes = [from, to].map(|index| &layout.boxes[index.index()]);
        edge(&mut out, &dependency, ids, boxes);
    }
    for (index, node) in chain.graph.nodes() {
        let note = notes.get(index.index()).map_or("", String::as_str);
        node_box(&mut out, node, &layout.boxes[index.index()], note);
    }
    out.push_str(&legend);
    out.push_str("</svg>\n");
    out
}

/// The ends of lines.
const MARKERS: &str = "<defs>\
    <marker id=\"fc-arrow\" class=\"end\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" \
    markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
    <path d=\"M0,0.5 L8,4 L0,7.5 z\"/></marker>\
    <marker id=\"fc-double\" class=\"end\" viewBox=\"0 0 14 10\" refX=\"13\" refY=\"5\" \
    markerWidth=\"14\" markerHeight=\"10\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
    <path d=\"M0,0.5 L7,5 L0,9.5 z M6,0.5 L13,5 L6,9.5 z\"/></marker>\
    <marker id=\"fc-dot\" class=\"end\" viewBox=\"0 0 8 8\" refX=\"4\" refY=\"4\" \
    markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\">\
    <circle cx=\"4\" cy=\"4\" r=\"3\"/></marker>\
    </defs>\n";

/// A line of text.
pub(super) fn text(out: &mut String, class: &str, (x, y): (f64, f64), text: &str) {
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(text));
}

/// A line as its stroke tells why: a path from left to right. A dot is at what is traced.
pub(super) fn stroke(out: &mut String, class: &str, path: &str) {
    let ends = match class {
        "traces" => "marker-start=\"url(#fc-dot)\"",
        "replaces" => "marker-end=\"url(#fc-double)\"",
        _ => "marker-end=\"url(#fc-arrow)\"",
    };
    let _ = writeln!(out, "<path class=\"line {class}\" d=\"{path}\" {ends}/>");
}

pub(super) fn class_of(dependency: &Dependency) -> &'static str {
    match dependency {
        Dependency::StubOf => "calls",
        Dependency::Replaces => "replaces",
        Dependency::Traces => "traces",
        Dependency::JumpsTo { .. } => "jumps",
    }
}

/// A line between two nodes. What needs stands right of what is needed, except for tail calls.
fn edge(out: &mut String, dependency: &Dependency, ids: [&str; 2], [from, to]: [&NodeBox; 2]) {
    let [id, other] = ids.map(escaped);
    let _ = writeln!(out, "<g><title>{id} {} {other}</title>", escaped(&word(dependency)));
    let path = if matches!(dependency, Dependency::JumpsTo { .. }) {
        // Round the left sides, a little apart from lines that end in the middle.
        let (x, y, to_x, to_y) = (from.x, from.middle() + 8.0, to.x, to.middle() - 8.0);
        let left = x.min(to_x) - JUMPS;
        format!("M{x},{y} C{left},{y} {left},{to_y} {to_x},{to_y}")
    } else {
        // A dot stands beside what is traced.
        let dot = if matches!(dependency, Dependency::Traces) { 4.0 } else { 0.0 };
        let (x, y, to_x, to_y) = (to.x + to.width + dot, to.middle(), from.x, from.middle());
        let middle = (x + to_x) / 2.0;
        format!("M{x},{y} C{middle},{y} {middle},{to_y} {to_x},{to_y}")
    };
    stroke(out, class_of(dependency), &path);
    out.push_str("</g>\n");
}

/// The outline of a node, whose shape tells its kind.
pub(super) fn outline(out: &mut String, role: Role, at: (f64, f64), size: (f64, f64)) {
    let ((x, y), (width, height)) = (at, size);
    let rectangle = |out: &mut String, radius: f64| {
        let _ = writeln!(
            out,
            "<rect class=\"shape\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             rx=\"{radius}\"/>"
        );
    };
    match role {
        Role::Host => {
            rectangle(out, 0.0);
            let bar = (width / 20.0).clamp(3.0, 6.0);
            let _ = writeln!(
                out,
                "<rect class=\"bar\" x=\"{x}\" y=\"{y}\" width=\"{bar}\" height=\"{height}\"/>"
            );
        }
        Role::Stub => {
            let (right, bottom, cut) = (x + width, y + height, (height / 3.0).min(12.0));
            let (inner, below) = (right - cut, y + cut);
            let _ = writeln!(
                out,
                "<path class=\"shape\" d=\"M{x},{y} H{inner} L{right},{below} V{bottom} H{x} z\"/>\n\
                 <path class=\"fold\" d=\"M{inner},{y} V{below} H{right}\"/>"
            );
        }
        Role::Replacement => {
            rectangle(out, 0.0);
            let side = (width / 12.0).clamp(3.0, 7.0);
            let (left, right, bottom) = (x + side, x + width - side, y + height);
            let _ = writeln!(
                out,
                "<path class=\"fold\" d=\"M{left},{y} V{bottom} M{right},{y} V{bottom}\"/>"
            );
        }
        Role::Tracer => rectangle(out, (height / 2.0).min(24.0)),
    }
}

/// The class of a node. A host that somebody else loaded has a broken outline.
fn class_of_node(node: &Node) -> &'static str {
    match node.role() {
        Role::Host if node.running().is_some() => "node host other",
        Role::Host => "node host",
        Role::Stub => "node stub",
        Role::Replacement => "node replacement",
        Role::Tracer => "node tracer",
    }
}

fn node_box(out: &mut String, node: &Node, place: &NodeBox, note: &str) {
    let about = format!("{} {} {}", node.id.value, node.label(), detail(node));
    let _ = writeln!(
        out,
        "<g class=\"{}\"><title>{}</title>",
        class_of_node(node),
        escaped(about.trim_end())
    );
    outline(out, node.role(), (place.x, place.y), (place.width, place.height));
    let x = place.x + PADDING;
    text(out, "id", (x, place.y + FIRST_LINE), &place.id);
    let mut y = place.y + SECOND_LINE;
    text(out, "kind", (x, y), node.label());
    if !note.is_empty() {
        // From its beginning, so that a narrower font leaves the gap at the end.
        let right = place.x + place.width - PADDING - columns(note) as f64 * SMALL_LETTER;
        text(out, "note", ((right * 10.0).round() / 10.0, y), note);
    }
    for line in &place.lines {
        y += NEXT_LINE;
        text(out, "detail", (x, y), line);
    }
    out.push_str("</g>\n");
}
