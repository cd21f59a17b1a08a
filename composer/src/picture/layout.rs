//! Where each node is drawn: in columns from left to right, as calls go. A node stands right of all that
//! it needs, and as near as possible to the height of those around it.

use std::collections::HashSet;

use petgraph::graph::NodeIndex;

use super::{
    detail,
    markup::{columns, shortened, wrapped},
};
use crate::chain::{Chain, Dependency};

/// Pixels of a letter of the id, and of a letter of the other lines: a little more than fonts of fixed
/// width have (0.6 of their size), so that text fits whichever is there.
pub(super) const LETTER: f64 = 8.0;
pub(super) const SMALL_LETTER: f64 = 6.8;
/// Between the border of a box and its text.
pub(super) const PADDING: f64 = 18.0;
/// Around everything.
pub(super) const MARGIN: f64 = 24.0;
/// Baselines within a box: of the id, of the line below it, and the distance of those that follow.
pub(super) const FIRST_LINE: f64 = 22.0;
pub(super) const SECOND_LINE: f64 = 39.0;
pub(super) const NEXT_LINE: f64 = 15.0;

const COLUMN_GAP: f64 = 64.0;
const ROW_GAP: f64 = 18.0;
/// Room left of a column for arrows between its nodes.
pub(super) const JUMPS: f64 = 44.0;
/// The longest id and line that are drawn whole, in columns, and the most lines below the first two.
const ID_COLUMNS: usize = 40;
const LINE_COLUMNS: usize = 34;
const LINES: usize = 4;
/// How often heights are adjusted to their neighbours'. A column is settled in one; a change passes through
/// one column each time.
const SWEEPS: usize = 24;

/// A node with its place.
#[derive(Debug)]
pub(super) struct NodeBox {
    /// The id, as it is drawn.
    pub(super) id: String,
    /// What it is about, in lines as they are drawn.
    pub(super) lines: Vec<String>,
    /// The column it stands in.
    column: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// All of them, by their indices in the graph, and the size of the whole without a margin at its end.
#[derive(Debug)]
pub(super) struct ChainLayout {
    pub(super) boxes: Vec<NodeBox>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl NodeBox {
    pub(super) fn middle(&self) -> f64 {
        self.y + self.height / 2.0
    }
}

impl ChainLayout {
    /// The layout of `chain` below `top`, with a note for each node that has one.
    pub(super) fn of(chain: &Chain, notes: &[String], top: f64) -> Self {
        let mut boxes: Vec<_> = chain
            .graph
            .node_indices()
            .map(|index| measured(chain, index, notes.get(index.index())))
            .collect();
        let neighbours = Neighbours::of(chain);
        for index in chain.graph.order() {
            let behind =
                neighbours.before[index.index()].iter().map(|need| boxes[*need].column + 1);
            boxes[index.index()].column = behind.max().unwrap_or(0);
        }
        let columns = ordered(&boxes, &neighbours);
        let mut x = MARGIN;
        let jumping: HashSet<usize> =
            chain.graph.jumps().iter().map(|jump| jump.from.index()).collect();
        for column in &columns {
            if column.iter().any(|index| jumping.contains(index)) {
                x += JUMPS;
            }
            let widest = column.iter().map(|index| boxes[*index].width).fold(0.0, f64::max);
            for index in column {
                (boxes[*index].x, boxes[*index].width) = (x, widest);
            }
            x += widest + COLUMN_GAP;
        }
        stack(&mut boxes, &columns);
        for sweep in 0..SWEEPS {
            let mut settle = |column: &Vec<usize>| settle(&mut boxes, column, &neighbours);
            match sweep % 2 {
                0 => columns.iter().for_each(&mut settle),
                _ => columns.iter().rev().for_each(&mut settle),
            }
        }
        let highest = boxes.iter().map(|node| node.y).fold(f64::INFINITY, f64::min);
        for node in &mut boxes {
            node.y = (node.y - highest + top).round();
        }
        let bottom = boxes.iter().map(|node| node.y + node.height).fold(top, f64::max);
        let right = boxes.iter().map(|node| node.x + node.width).fold(MARGIN, f64::max);
        Self { boxes, width: right, height: bottom }
    }
}

/// Who stands left and right of whom, by edges.
struct Neighbours {
    before: Vec<Vec<usize>>,
    behind: Vec<Vec<usize>>,
}

impl Neighbours {
    fn of(chain: &Chain) -> Self {
        let mut before = vec![Vec::new(); chain.graph.len()];
        let mut behind = before.clone();
        for (from, dependency, to) in chain.graph.edges() {
            if !matches!(dependency, Dependency::JumpsTo { .. }) {
                before[from.index()].push(to.index());
                behind[to.index()].push(from.index());
            }
        }
        Self { before, behind }
    }
}

/// A box with its size, and no place yet.
fn measured(chain: &Chain, index: NodeIndex, note: Option<&String>) -> NodeBox {
    let node = chain.graph.node(index);
    let id = shortened(&node.id.value, ID_COLUMNS);
    let lines: Vec<_> = detail(node)
        .split("  ")
        .flat_map(|part| wrapped(part, LINE_COLUMNS, LINES))
        .take(LINES)
        .collect();
    let note = note.map_or(0, |note| columns(note) + 3);
    let second = columns(node.label()) + note;
    let longest = lines.iter().map(|line| columns(line)).fold(second, usize::max);
    let text = (columns(&id) as f64 * LETTER).max(longest as f64 * SMALL_LETTER);
    NodeBox {
        id,
        column: 0,
        x: 0.0,
        y: 0.0,
        width: (text + 2.0 * PADDING).ceil(),
        height: SECOND_LINE + NEXT_LINE * lines.len() as f64 + 13.0,
        lines,
    }
}

/// The nodes of each column, by the order of those left of them, so that few lines cross.
fn ordered(boxes: &[NodeBox], neighbours: &Neighbours) -> Vec<Vec<usize>> {
    let count = boxes.iter().map(|node| node.column + 1).max().unwrap_or(0);
    let mut columns = vec![Vec::new(); count];
    for (index, node) in boxes.iter().enumerate() {
        columns[node.column].push(index);
    }
    let mut place = vec![0.0; boxes.len()];
    for column in &mut columns {
        let wanted =
            |index: &usize| mean(neighbours.before[*index].iter().map(|need| place[*need]));
        let mut keyed: Vec<_> =
            column.iter().map(|index| (wanted(index).unwrap_or(0.0), *index)).collect();
        keyed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        *column = keyed.into_iter().map(|(_, index)| index).collect();
        for (number, index) in column.iter().enumerate() {
            // From 0 to 1, so that columns of different lengths compare.
            place[*index] = (number as f64 + 0.5) / column.len() as f64;
        }
    }
    columns
}

/// Puts the nodes of each column below each other.
fn stack(boxes: &mut [NodeBox], columns: &[Vec<usize>]) {
    for column in columns {
        let mut y = 0.0;
        for index in column {
            boxes[*index].y = y;
            y += boxes[*index].height + ROW_GAP;
        }
    }
}

/// Moves the nodes of a column to the mean height of their neighbours, as near as their order and
/// the gaps between them allow: the least squares of all lines, by merging nodes that are in each
/// other's way.
fn settle(boxes: &mut [NodeBox], column: &[usize], neighbours: &Neighbours) {
    // A height, the number of lines that want it, and the number of nodes.
    let mut runs: Vec<(f64, f64, usize)> = Vec::new();
    let mut offsets = Vec::with_capacity(column.len());
    let mut offset = 0.0;
    for index in column {
        let around = || neighbours.before[*index].iter().chain(&neighbours.behind[*index]);
        let own = &boxes[*index];
        let wanted = mean(around().map(|other| boxes[*other].middle())).unwrap_or(own.middle());
        offsets.push(offset);
        let lines = around().count().max(1) as f64;
        let mut run = (wanted - own.height / 2.0 - offset, lines, 1);
        offset += own.height + ROW_GAP;
        while let Some((top, lines, nodes)) = runs.pop_if(|(top, ..)| *top >= run.0) {
            let all = lines + run.1;
            run = ((top * lines + run.0 * run.1) / all, all, nodes + run.2);
        }
        runs.push(run);
    }
    let tops = runs.iter().flat_map(|(top, _, nodes)| std::iter::repeat_n(*top, *nodes));
    for ((index, offset), top) in column.iter().zip(offsets).zip(tops) {
        boxes[*index].y = top + offset;
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
