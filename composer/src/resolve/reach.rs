//! Whether calls come to a function of a node's program, with the constants that the node sets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use freplace_compose_common::{HAS_TASK_GLOBAL, NODE_GLOBAL};
use petgraph::graph::NodeIndex;

use super::{NodeProgram, globals::name_of};
use crate::{
    chain::ObjectRef,
    object::{
        Object, Program,
        flow::constants::{ConstantRead, Reach, reach},
    },
};

/// Larger sections are not looked at.
const LARGEST: u64 = 1 << 20;

/// A function that no call comes to.
pub(crate) struct Dead {
    /// The constants that cause this: the name and value of each, and a value with which, if the
    /// others are set too, a call may reach the function.
    pub(crate) constants: Vec<(String, u64, Option<u64>)>,
    /// Whether the function is global.
    pub(crate) is_global: bool,
}

impl Dead {
    /// The constants with their values: `` `limit` = 0, `debug` = 0 ``.
    pub(crate) fn because(&self) -> String {
        let one = |(name, value, _): &(String, u64, _)| format!("`{name}` = {value}");
        self.constants.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Where programs come to, each walked once: by their object and name and, where a node sets
/// constants, by that node.
#[derive(Default)]
pub(crate) struct Walks<'a>(HashMap<(&'a ObjectRef, &'a str, Option<NodeIndex>), Option<Reach>>);

/// What keeps the function `index` of `of` from being called, where that is a constant. `setter` is the
/// node, if that sets some.
pub(super) fn dead<'a>(
    of: &'a NodeProgram,
    setter: Option<NodeIndex>,
    index: usize,
    walks: &mut Walks<'a>,
) -> Option<Dead> {
    let (object, program) = (of.object(), of.program());
    let definition = &object.functions[index];
    if index == program.function {
        return None;
    }
    // Of several programs it is loaded with, the one that holds it.
    let program = if object.reachable(program).contains(&index) {
        program
    } else {
        of.leaves().find(|leaf| object.reachable(leaf).contains(&index))?
    };
    let walked = |values: &BTreeMap<String, Vec<u8>>, open: &BTreeSet<ConstantRead>| {
        reach(object, program, values, open)
    };
    let is_reached = |reach: &Reach| reach.functions.contains(&index);
    let first = walks
        .0
        .entry((&of.reference().value, program.name.as_str(), setter))
        .or_insert_with(|| walked(&values(of), &reserved(object)));
    let first = first.as_ref()?;
    if is_reached(first) {
        return None;
    }
    let mut now = Reach { functions: first.functions.clone(), decided: first.decided.clone() };
    let values = values(of);
    let own = reserved(object);
    let mut open = own.clone();
    // What decided is left open, until a call comes there.
    while !is_reached(&now) {
        let before = open.len();
        open.extend(now.decided);
        if open.len() == before {
            return None; // it is no constant that keeps it
        }
        now = walked(&values, &open)?;
    }
    let named = |open: &BTreeSet<ConstantRead>| -> Vec<ConstantRead> {
        open.iter().filter(|read| !own.contains(*read)).cloned().collect()
    };
    for read in named(&open) {
        open.remove(&read);
        if !walked(&values, &open).is_some_and(|reach| is_reached(&reach)) {
            open.insert(read);
        }
    }
    let culprits = named(&open);
    let constants = suggest(object, program, index, values, open, &culprits);
    Some(Dead { constants, is_global: definition.is_global })
}

/// A value for each of `culprits`, with which together a call comes to `function`.
fn suggest(
    object: &Object,
    program: &Program,
    function: usize,
    mut values: BTreeMap<String, Vec<u8>>,
    mut open: BTreeSet<ConstantRead>,
    culprits: &[ConstantRead],
) -> Vec<(String, u64, Option<u64>)> {
    let mut found = Vec::new();
    for read in culprits {
        let value = get(&values, read);
        open.remove(read);
        let all = u64::MAX >> (64 - 8 * u32::from(read.size));
        let candidates = (1..=16).chain((5..64).map(|bit| 1 << bit)).chain([all, 0]);
        let mut candidates = candidates.filter(|candidate| *candidate <= all);
        let good = candidates.find(|candidate| {
            put(&mut values, read, *candidate);
            let reach = reach(object, program, &values, &open);
            reach.is_some_and(|reach| reach.functions.contains(&function))
        });
        if good.is_none() {
            open.insert(read.clone());
        }
        found.push((name_of(object, &read.section, read.offset), value, good));
    }
    found
}

/// What the frozen sections of a program's object hold when it is loaded.
fn values(of: &NodeProgram) -> BTreeMap<String, Vec<u8>> {
    let object = of.object();
    let mut values = BTreeMap::new();
    for section in object.data.iter().filter(|one| one.is_frozen() && one.size <= LARGEST) {
        let bytes = section.place.clone().and_then(|place| object.bytes.get(place));
        let zeros = || vec![0; usize::try_from(section.size).unwrap_or_default()];
        values.insert(section.name.clone(), bytes.map_or_else(zeros, <[u8]>::to_vec));
    }
    for set in of.globals() {
        let from = usize::try_from(set.offset).unwrap_or(usize::MAX);
        let place = from..from.saturating_add(set.bytes.len());
        if let Some(place) = values.get_mut(&set.section).and_then(|bytes| bytes.get_mut(place)) {
            place.copy_from_slice(&set.bytes);
        }
    }
    values
}

/// The constants that the composer sets by itself.
fn reserved(object: &Object) -> BTreeSet<ConstantRead> {
    let globals = [NODE_GLOBAL, HAS_TASK_GLOBAL].into_iter();
    let globals = globals.flat_map(|name| object.globals_called(name));
    globals
        .map(|global| ConstantRead {
            section: global.section.clone(),
            offset: global.offset,
            size: 4,
        })
        .collect()
}

fn place(bytes: &[u8], read: &ConstantRead) -> Option<std::ops::Range<usize>> {
    let from = usize::try_from(read.offset).ok()?;
    let to = from.checked_add(read.size.into())?;
    (to <= bytes.len()).then_some(from..to)
}

fn get(values: &BTreeMap<String, Vec<u8>>, read: &ConstantRead) -> u64 {
    let bytes = values.get(&read.section).and_then(|bytes| bytes.get(place(bytes, read)?));
    let bytes = bytes.unwrap_or_default();
    let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    match cfg!(target_endian = "big") {
        true => bytes.iter().fold(0, fold),
        false => bytes.iter().rev().fold(0, fold),
    }
}

fn put(values: &mut BTreeMap<String, Vec<u8>>, read: &ConstantRead, value: u64) {
    let Some(bytes) = values.get_mut(&read.section) else { return };
    let Some(place) = place(bytes, read) else { return };
    let size = place.len();
    match cfg!(target_endian = "big") {
        true => bytes[place].copy_from_slice(&value.to_be_bytes()[8 - size..]),
        false => bytes[place].copy_from_slice(&value.to_le_bytes()[..size]),
    }
}
