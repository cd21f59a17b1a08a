//! What the shapes and lines of a picture stand for: those that are in it.

use super::{
    layout::{MARGIN, SMALL_LETTER},
    markup::columns,
    svg::{class_of, outline, stroke, text},
};
use crate::chain::{Chain, Role};

/// The room of a sample, and around an entry.
const SAMPLE: f64 = 28.0;
const GAP: f64 = 14.0;
const ROW: f64 = 24.0;

/// A sample of a picture's shapes.
enum LegendSample {
    Shape(Role, &'static str),
    Line(&'static str),
}

/// The legend from `top` on, in `width`, and where it ends.
pub(super) fn drawn(chain: &Chain, top: f64, width: f64) -> (String, f64) {
    let nodes = || chain.graph.nodes().map(|(_, node)| node);
    let has = |role: Role| nodes().any(|node| node.role() == role && node.running().is_none());
    let has_line = |class: &str| chain.graph.edges().any(|(_, why, _)| class_of(&why) == class);
    let shapes = [
        (has(Role::Host), LegendSample::Shape(Role::Host, "node host"), "host"),
        (
            nodes().any(|node| node.running().is_some()),
            LegendSample::Shape(Role::Host, "node host other"),
            "host, loaded by others",
        ),
        (has(Role::Stub), LegendSample::Shape(Role::Stub, "node stub"), "stub"),
        (
            has(Role::Replacement),
            LegendSample::Shape(Role::Replacement, "node replacement"),
            "replacement",
        ),
        (has(Role::Tracer), LegendSample::Shape(Role::Tracer, "node tracer"), "tracer"),
    ];
    let lines = [("calls", "calls"), ("replaces", "replaced by"), ("traces", "traced by")];
    let lines = lines.into_iter().chain([("jumps", "tail call")]);
    let lines = lines.map(|(class, name)| (has_line(class), LegendSample::Line(class), name));
    let mut out = "<g class=\"legend\">\n".to_owned();
    let (mut x, mut y) = (MARGIN, top);
    for (_, sample, name) in shapes.into_iter().chain(lines).filter(|(shown, ..)| *shown) {
        let room = SAMPLE + 8.0 + (columns(name) as f64 * SMALL_LETTER).ceil();
        if x > MARGIN && x + room > width - MARGIN {
            (x, y) = (MARGIN, y + ROW);
        }
        match sample {
            LegendSample::Shape(role, class) => {
                out.push_str("<g class=\"");
                out.push_str(class);
                out.push_str("\">\n");
                outline(&mut out, role, (x, y), (SAMPLE, 16.0));
                out.push_str("</g>\n");
            }
            LegendSample::Line(class) => {
                let (from, middle, to) = (x + 3.0, y + 8.0, x + SAMPLE);
                stroke(&mut out, class, &format!("M{from},{middle} H{to}"));
            }
        }
        text(&mut out, "kind", (x + SAMPLE + 8.0, y + 12.0), name);
        x += room + GAP;
    }
    out.push_str("</g>\n");
    (out, y + 16.0)
}
