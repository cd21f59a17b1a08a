//! The way that a call takes: from a program's entry through its functions, what replaces them, and the
//! trampolines of tracers.

use std::collections::BTreeSet;

use super::{
    CodeFunction, CodeLine, CodeMap, CodePlace, PatchSite, Transfer, TransferKind, decode, entry,
};

/// Where a call comes to, and where it goes from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route<'a> {
    /// The address.
    pub address: u64,
    /// What is there.
    pub visit: RouteVisit<'a>,
    /// The steps from it, in the order of the code.
    pub steps: Vec<RouteStep<'a>>,
}

/// What a call comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteVisit<'a> {
    /// A function, with the bytes at its beginning that the kernel patches.
    Function(&'a CodeFunction, Option<PatchSite>),
    /// A trampoline, with its name; `read` tells whether its code could be read.
    Trampoline {
        /// Its name.
        name: &'a str,
        /// Whether its code could be read.
        read: bool,
    },
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteStep<'a> {
    /// The instruction.
    pub by: Transfer,
    /// The line of the source that it is of.
    pub line: Option<&'a CodeLine>,
    /// Where it leads to.
    pub to: CodePlace<'a>,
    /// The way on from there; none where that was shown already, or leads out of the programs.
    pub on: Option<Route<'a>>,
}

impl<'a> Route<'a> {
    /// The way of a call of `program`; none when its code could not be read.
    #[must_use]
    pub fn of(map: &'a CodeMap, program: u32) -> Option<Self> {
        let (address, function) = map.entry_of(program)?;
        Some(Self::through(map, address, function, &mut BTreeSet::new()))
    }

    fn through(
        map: &'a CodeMap,
        address: u64,
        function: &'a CodeFunction,
        seen: &mut BTreeSet<u64>,
    ) -> Self {
        seen.insert(address);
        let entry = entry(&function.code, address);
        let mut steps = Vec::new();
        let skipped = entry.as_ref().map_or(0, |entry| entry.at + PatchSite::LENGTH - address);
        if let Some((kind, to)) = entry.as_ref().and_then(|entry| entry.to) {
            let at = entry.as_ref().map_or(address, |entry| entry.at);
            let bytes = entry.as_ref().map_or(Vec::new(), |entry| entry.bytes.to_vec());
            steps.push(Self::step(map, Transfer { at, bytes, kind, to }, None, seen));
            // What jumps away comes to nothing of its own.
            if kind == TransferKind::Jump && matches!(map.place(to), CodePlace::Function(..)) {
                return Self { address, visit: RouteVisit::Function(function, entry), steps };
            }
        }
        let rest = usize::try_from(skipped).ok().and_then(|from| function.code.get(from..));
        for by in decode(rest.unwrap_or_default(), address + skipped, false) {
            // Helpers and the way out are no part of it.
            if let CodePlace::Function(..) = map.place(by.to) {
                let line = function.lines.range(..=by.at).next_back().map(|(_, line)| line);
                steps.push(Self::step(map, by, line, seen));
            }
        }
        Self { address, visit: RouteVisit::Function(function, entry), steps }
    }

    fn step(
        map: &'a CodeMap,
        by: Transfer,
        line: Option<&'a CodeLine>,
        seen: &mut BTreeSet<u64>,
    ) -> RouteStep<'a> {
        let to = map.place(by.to);
        let on = match &to {
            CodePlace::Function(address, function) if !seen.contains(address) => {
                Some(Self::through(map, *address, function, seen))
            }
            CodePlace::Trampoline(address, name) if !seen.contains(address) => {
                Some(Self::trampoline(map, *address, name, seen))
            }
            _ => None,
        };
        RouteStep { by, line, to, on }
    }

    fn trampoline(map: &'a CodeMap, address: u64, name: &'a str, seen: &mut BTreeSet<u64>) -> Self {
        seen.insert(address);
        let code = map.trampolines.get(&address);
        let mut steps = Vec::new();
        for by in code.map(|code| decode(code, address, true)).unwrap_or_default() {
            // A return thunk is the way out, and nothing behind it belongs here.
            if by.kind == TransferKind::Jump {
                break;
            }
            if let CodePlace::Function(..) | CodePlace::Behind(..) = map.place(by.to) {
                steps.push(Self::step(map, by, None, seen));
            }
        }
        Self { address, visit: RouteVisit::Trampoline { name, read: code.is_some() }, steps }
    }

    /// Every function that it comes to.
    pub fn functions(&self) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        let mut open = vec![self];
        while let Some(route) = open.pop() {
            if matches!(route.visit, RouteVisit::Function(..)) {
                found.insert(route.address);
            }
            open.extend(route.steps.iter().filter_map(|step| step.on.as_ref()));
        }
        found
    }
}
