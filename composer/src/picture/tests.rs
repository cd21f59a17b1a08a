//! What a picture shows, and that it is well-formed whatever names are in it.

use super::{
    escaped,
    layout::{ChainLayout, LETTER, PADDING, SMALL_LETTER},
    markup::columns,
    shortened, svg, svg_with_notes, word,
};
use crate::chain::Chain;

/// An element as it is written, with the text before its first child.
#[derive(Debug)]
pub(crate) struct XmlElement {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
}

impl XmlElement {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The elements of a text, in their order, which fails where it is not well-formed.
#[track_caller]
pub(crate) fn elements(text: &str) -> Vec<XmlElement> {
    let mut found: Vec<XmlElement> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut pieces = text.strip_prefix("<!DOCTYPE html>").unwrap_or(text).split('<');
    assert_eq!(pieces.next().map(str::trim), Some(""), "it begins with an element");
    for piece in pieces {
        let (tag, rest) = piece.split_once('>').expect("a tag ends");
        // Style sheets have selectors; everything else is escaped.
        let in_style = tag == "style";
        assert!(in_style || !rest.contains('>'), "{piece}");
        let plain = unescaped(rest);
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop().expect("something is open");
            assert_eq!(found[last].name, name);
            continue;
        }
        let (tag, alone) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, mut rest) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
        assert!(name.chars().all(|letter| letter.is_ascii_alphanumeric()), "{name}");
        let mut attributes = Vec::new();
        while let Some((key, behind)) = rest.trim_start().split_once("=\"") {
            let (value, behind) = behind.split_once('"').expect("a quoted value ends");
            attributes.push((key.to_owned(), unescaped(value)));
            rest = behind;
        }
        assert_eq!(rest.trim(), "", "attributes have quoted values");
        if !alone {
            open.push(found.len());
        }
        found.push(XmlElement { name: name.to_owned(), attributes, text: plain });
    }
    assert_eq!(open, [0; 0], "everything is closed");
    found
}

#[track_caller]
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once(';').expect("an entity ends");
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("unknown entity {other}"),
        });
        out.push_str(rest);
    }
    out
}

fn chain(text: &str) -> Chain {
    Chain::parse("made-up.toml".as_ref(), text.to_owned()).expect("a chain")
}

/// Every kind of node and line.
const ALL: &str = r#"
    name = "all <kinds> & \"lines\""
    [host.entry]
    object = "o"
    program = "p"
    attach = { xdp = "lo" }
    tail = { jumps = { 1 = "next" } }
    [host.next]
    object = "o"
    program = "q"
    [host.theirs]
    running = { name = "lb" }
    [stub.filter]
    function = "stub_filter_with_a_name_that_is_so_long_that_it_does_not_fit_into_one_line_of_a_box"
    hosts = ["entry", "theirs"]
    [replacement.mine]
    object = "o"
    program = "r"
    stub = "filter"
    [tracer.seen]
    trace = "mine"
    where = "ret != 2"
    [tracer.at_entry]
    fentry = "entry"
"#;

#[test]
fn every_node_and_every_line_has_a_title() {
    for text in [
        ALL,
        include_str!("../../../chains/tcp.toml"),
        include_str!("../../../chains/dispatcher.toml"),
    ] {
        let chain = chain(text);
        let elements = elements(&svg(&chain));
        let titles: Vec<_> =
            elements.iter().filter(|it| it.name == "title").map(|it| it.text.trim()).collect();
        for (_, node) in chain.graph.nodes() {
            let begin = format!("{} {}", node.id.value, node.label());
            assert!(titles.iter().any(|title| title.starts_with(&begin)), "{begin} in {titles:?}");
            let drawn =
                elements.iter().any(|it| it.text.trim() == node.id.value && it.name == "text");
            assert!(drawn, "{}", node.id.value);
        }
        for (from, why, to) in chain.graph.edges() {
            let [from, to] = [from, to].map(|index| &chain.graph.node(index).id.value);
            let title = format!("{from} {} {to}", word(&why));
            assert!(titles.contains(&title.as_str()), "{title} in {titles:?}");
        }
    }
}

#[test]
fn text_fits_its_box_and_boxes_keep_apart() {
    let chain = chain(ALL);
    let notes: Vec<_> = chain.graph.nodes().map(|_| "1,234,567 events".to_owned()).collect();
    let layout = ChainLayout::of(&chain, &notes, 0.0);
    for ((index, node), place) in chain.graph.nodes().zip(&layout.boxes) {
        let room = place.width - 2.0 * PADDING;
        assert!(columns(&place.id) as f64 * LETTER <= room, "{place:?}");
        let second = columns(node.label()) + 3 + columns(&notes[index.index()]);
        let lines = place.lines.iter().map(|line| columns(line)).chain([second]);
        assert!(lines.max().unwrap_or(0) as f64 * SMALL_LETTER <= room, "{place:?}");
        assert!(place.lines.len() <= 4 && place.x + place.width <= layout.width);
    }
    for (number, one) in layout.boxes.iter().enumerate() {
        for other in &layout.boxes[number + 1..] {
            let apart = one.x + one.width < other.x
                || other.x + other.width < one.x
                || one.y + one.height < other.y
                || other.y + other.height < one.y;
            assert!(apart, "{one:?} and {other:?}");
        }
    }
}

#[test]
fn a_picture_that_is_part_of_a_page_has_notes_and_no_heading() {
    let chain = chain(include_str!("../../../chains/tcp.toml"));
    let notes = ["12 events <b>".to_owned()];
    let elements = elements(&svg_with_notes(&chain, &notes));
    let class = |class: &str| {
        let found = elements.iter().filter(|it| it.attribute("class") == Some(class));
        found.map(|it| it.text.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(class("note"), ["12 events <b>"]);
    assert_eq!(class("name"), [""; 0]);
}

#[test]
fn nothing_that_a_browser_would_obey_or_hide_is_left_in_text() {
    assert_eq!(
        escaped("<a href='x'>&\"\u{202e}\u{0}\u{ffff}"),
        "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\u{202e}\\u{0}\u{fffd}"
    );
}

#[test]
fn what_is_shortened_says_so_and_fits() {
    assert_eq!(shortened("short", 5), "short");
    assert_eq!(shortened("too long", 6), "too …");
    assert_eq!(shortened("東京東京", 6), "東京…");
    for most in 2..20 {
        assert!(columns(&shortened("a\u{1b} text of some 東京 length", most)) <= most);
    }
}
