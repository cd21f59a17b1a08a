//! Programs with counters: which lines of their source ran.
//!
//! No kernel tells which instructions of a program ran, so each basic block gets an instruction that sets a byte of
//! a map (`object/blocks.rs`). What else says where instructions are moves along: the starts of functions and the
//! lines of source. A program that cannot have counters, or that the kernel refuses with them, goes without.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
    sync::Arc,
};

use super::{KernelError, prepare::Prepared, sys};
use crate::object::{BasicBlock, CountedCode, Object, basic_blocks};

/// A line of source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourcePlace {
    /// The path of its file, as the compiler had it.
    pub file: Arc<str>,
    /// Its number, from 1.
    pub line: u32,
}

/// Whether a line ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRun {
    /// The line.
    pub place: SourcePlace,
    /// Whether any instruction of it ran.
    pub ran: bool,
}

/// Whether a function ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionRun {
    /// Its name.
    pub name: String,
    /// Its first line.
    pub place: SourcePlace,
    /// Whether it was entered.
    pub ran: bool,
}

/// Which lines of a program ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinesRun {
    /// Its lines.
    pub lines: Vec<LineRun>,
    /// Its functions, as far as they are not inlined.
    pub functions: Vec<FunctionRun>,
    /// What is not counted of it, and why.
    pub uncounted: Option<String>,
}

/// The counters of a loaded program.
#[derive(Debug)]
pub(super) struct LineCounters {
    /// An array of one value, a byte for each counter.
    map: OwnedFd,
    size: usize,
    sources: CountedSources,
}

/// What the counters of a program are of, by their numbers.
#[derive(Debug, PartialEq, Eq)]
struct CountedSources {
    lines: BTreeMap<SourcePlace, Vec<usize>>,
    functions: Vec<(String, SourcePlace, usize)>,
    /// Blocks that have no counter.
    without: usize,
}

impl LineCounters {
    /// What ran since this was last called.
    pub(super) fn take(&self) -> Result<LinesRun, KernelError> {
        let mut bytes = vec![0; self.size];
        let map = self.map.as_fd();
        sys::map_lookup(map, 0, &mut bytes)
            .map_err(|error| KernelError::os("BPF_MAP_LOOKUP_ELEM", &error))?;
        sys::map_update(map, 0, &vec![0; self.size])
            .map_err(|error| KernelError::os("BPF_MAP_UPDATE_ELEM", &error))?;
        Ok(self.sources.run(&bytes))
    }
}

/// Loads the program of `attributes` with counters; why it cannot be.
pub(super) fn load(
    attributes: &sys::ProgramAttributes<'_>,
    prepared: &Prepared,
    object: &Object,
) -> Result<(OwnedFd, LineCounters), String> {
    if prepared.line_info.is_empty() {
        return Err("its object does not have the lines of all functions".to_owned());
    }
    let starts: Vec<u32> = prepared.cut.functions.iter().map(|piece| piece.start).collect();
    let blocks = basic_blocks(attributes.code, &starts);
    let size = blocks.iter().filter(|block| block.is_counted()).count().max(1);
    let map = counters(size).map_err(|error| format!("no map for its counters: {error}"))?;
    let counted = CountedCode::new(attributes.code, &blocks, map.as_raw_fd());
    let counted = counted.ok_or("with counters, a jump would be longer than it can be")?;
    let moved = |records: &[u8], size: usize| -> Vec<u8> { moved(records, size, &counted) };
    let attributes = sys::ProgramAttributes {
        code: &counted.code,
        function_info: &moved(attributes.function_info, attributes.function_info_size),
        line_info: &moved(attributes.line_info, attributes.line_info_size),
        ..*attributes
    };
    let program = sys::program_load(&attributes, None);
    let program =
        program.map_err(|error| format!("the kernel refuses it with counters: {error}"))?;
    let sources = CountedSources::of(&blocks, prepared, object);
    Ok((program, LineCounters { map, size, sources }))
}

/// A map of one value with `size` bytes.
fn counters(size: usize) -> std::io::Result<OwnedFd> {
    sys::map_create(&mut sys::MapCreate {
        map_type: 2, // BPF_MAP_TYPE_ARRAY
        key_size: 4,
        value_size: u32::try_from(size).unwrap_or(u32::MAX),
        max_entries: 1,
        name: sys::name("fc_coverage"),
        ..sys::MapCreate::default()
    })
}

/// Records that begin with the number of an instruction, with the new one.
fn moved(records: &[u8], size: usize, counted: &CountedCode) -> Vec<u8> {
    let mut records = records.to_vec();
    for record in records.chunks_exact_mut(size.max(1)) {
        if let Some(number) = record.first_chunk_mut() {
            *number = counted.start(u32::from_ne_bytes(*number)).to_ne_bytes();
        }
    }
    records
}

impl CountedSources {
    fn of(blocks: &[BasicBlock], prepared: &Prepared, object: &Object) -> Self {
        let mut files: BTreeMap<u32, Arc<str>> = BTreeMap::new();
        let mut place = |number: usize| {
            let line = prepared.cut.lines.get(number)?;
            let file = files.entry(line.file);
            let file =
                file.or_insert_with(|| object.btf.text(line.file).unwrap_or_default().into());
            // What a compiler adds has neither.
            let is_known = line.number() > 0 && !file.is_empty();
            is_known.then(|| SourcePlace { file: Arc::clone(file), line: line.number() })
        };
        let before = |at: u32| prepared.cut.lines.partition_point(|line| line.at < at);
        let mut lines: BTreeMap<SourcePlace, Vec<usize>> = BTreeMap::new();
        let mut entries = BTreeMap::new();
        let counted = blocks.iter().filter(|block| block.is_counted());
        for (counter, block) in counted.enumerate() {
            entries.insert(block.range.start, counter);
            // The line that goes on from before, and those that begin in it.
            let first = before(block.range.start + 1).saturating_sub(1);
            for number in first..before(block.range.end) {
                if let Some(place) = place(number) {
                    lines.entry(place).or_default().push(counter);
                }
            }
        }
        let functions = prepared.cut.functions.iter().filter_map(|piece| {
            let function = object.functions.get(piece.function)?;
            let counter = *entries.get(&piece.start)?;
            Some((function.name.clone(), place(before(piece.start))?, counter))
        });
        let functions = functions.collect();
        let without = blocks.iter().filter(|block| !block.is_counted()).count();
        Self { lines, functions, without }
    }

    /// What these counters tell.
    fn run(&self, bytes: &[u8]) -> LinesRun {
        let ran = |counter: &usize| bytes.get(*counter).is_some_and(|byte| *byte != 0);
        let lines = self.lines.iter().map(|(place, counters)| LineRun {
            place: place.clone(),
            ran: counters.iter().any(ran),
        });
        let functions = self.functions.iter().map(|(name, place, counter)| FunctionRun {
            name: name.clone(),
            place: place.clone(),
            ran: ran(counter),
        });
        let without = self.without;
        let uncounted = (without > 0)
            .then(|| format!("{without} of its basic blocks have no free register for a counter"));
        LinesRun { lines: lines.collect(), functions: functions.collect(), uncounted }
    }
}
