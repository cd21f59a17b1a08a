//! A simulated kernel for tests of the executor and of sessions.
//!
//! It implements the rules that ordering and undo depend on, each verified by a test on a real
//! kernel: a target has to be loaded; a function is traced or replaced but not both; tracers nest
//! one level, as in Linux 6.12; using a handle after release, or releasing it twice, is an error.
//! It can be set to fail at any call, and reports what is left.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::mpsc::Receiver,
    time::Duration,
};

mod reading;

pub use reading::{FakeBuffer, FakeCounters, FakeLines, Programs};

use super::{
    AttachRequest, Kernel, KernelError, LinkHandle, LoadRequest, MapHandle, Origin, ProgramHandle,
    Put, TraceHandle,
};
use crate::{
    hook::{AttachBtf, Mechanism, OnDemand, ProgramOutput},
    object::{MapDef, Object},
    plan::Offers,
};

/// `EBUSY`.
const BUSY: i32 = 16;
/// `EINVAL`.
const INVALID: i32 = 22;

/// The fake.
#[derive(Debug, Default)]
pub struct Fake {
    calls: usize,
    fail_at: Option<usize>,
    fail_undo_at: Option<usize>,
    undo_calls: usize,
    next: u32,
    maps: BTreeMap<MapHandle, String>,
    programs: BTreeMap<ProgramHandle, FakeProgram>,
    links: BTreeMap<LinkHandle, FakeLink>,
    traces: BTreeSet<TraceHandle>,
    /// Pins that were made.
    pins: BTreeMap<MapHandle, PathBuf>,
    /// Programs in tables.
    entries: BTreeSet<(MapHandle, u32)>,
    /// Where maps are pinned already.
    pub pinned: BTreeSet<PathBuf>,
    /// Each call that was made, in words.
    pub journal: Vec<String>,
    /// What it offers beyond what every kernel does.
    pub offers: Offers,
    /// What the programs do that were loaded.
    pub programs_do: Programs,
    /// The first call that undoes something waits for this, for ten seconds at most.
    pub hold_undo: Option<Receiver<()>>,
}

/// A function of a program.
type FakeTarget = (ProgramHandle, String);

#[derive(Debug)]
struct FakeProgram {
    name: String,
    /// What it was loaded for, which is what a tracer is attached to.
    target: Option<FakeTarget>,
    /// How many tracers it is on top of; none when it is no tracer.
    depth: Option<usize>,
}

#[derive(Debug, PartialEq, Eq)]
struct FakeLink {
    program: ProgramHandle,
    replaces: Option<FakeTarget>,
    traces: Option<FakeTarget>,
}

impl Fake {
    /// A kernel whose call number `call`, counted from 0 over making, loading and attaching, fails.
    #[must_use]
    pub fn failing_at(call: usize) -> Self {
        Self { fail_at: Some(call), ..Self::default() }
    }

    /// Makes the undo call number `call` fail as well.
    #[must_use]
    pub fn failing_undo_at(mut self, call: usize) -> Self {
        self.fail_undo_at = Some(call);
        self
    }

    /// What has been made and not given back, in words.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        let links = self.links.values().map(|link| format!("link of {}", self.name(link.program)));
        let programs = self.programs.values().map(|one| format!("program {}", one.name));
        let maps = self.maps.values().map(|name| format!("map {name}"));
        let traces = self.traces.iter().map(|_| "trace".to_owned());
        let pins = self.pins.values().map(|path| format!("pin {}", path.display()));
        let entries = self.entries.iter().map(|(_, entry)| format!("entry {entry}"));
        links.chain(programs).chain(maps).chain(traces).chain(pins).chain(entries).collect()
    }

    fn name(&self, program: ProgramHandle) -> &str {
        self.programs.get(&program).map_or("?", |found| &found.name)
    }

    fn call(&mut self, what: String) -> Result<u32, KernelError> {
        let number = self.calls;
        self.calls += 1;
        if self.fail_at == Some(number) {
            self.journal.push(format!("{what} fails"));
            return Err(refuse("told to fail", INVALID));
        }
        self.journal.push(what);
        self.next += 1;
        Ok(self.next)
    }

    fn undo(&mut self, what: String) -> Result<(), KernelError> {
        if let Some(hold) = self.hold_undo.take() {
            // Whoever holds it may be gone by then; whoever forgets it is no reason to wait for
            // ever.
            let _ = hold.recv_timeout(Duration::from_secs(10));
        }
        let number = self.undo_calls;
        self.undo_calls += 1;
        self.journal.push(what);
        if self.fail_undo_at == Some(number) {
            return Err(refuse("told to fail", 5));
        }
        Ok(())
    }

    fn loaded(&self, program: ProgramHandle) -> Result<(), KernelError> {
        match self.programs.contains_key(&program) {
            true => Ok(()),
            false => Err(refuse("no such program", 9)),
        }
    }
}

fn refuse(message: &str, errno: i32) -> KernelError {
    KernelError { errno: Some(errno), ..KernelError::here("fake", message) }
}

impl Kernel for Fake {
    fn offers(&mut self) -> Offers {
        self.offers
    }

    fn open_trace(&mut self) -> Result<TraceHandle, KernelError> {
        let handle = TraceHandle(self.call("open trace".to_owned())?);
        self.traces.insert(handle);
        Ok(handle)
    }

    fn close_trace(&mut self, trace: TraceHandle) -> Result<(), KernelError> {
        if !self.traces.contains(&trace) {
            return Err(refuse("no such trace", 9));
        }
        self.undo("close trace".to_owned())?;
        self.traces.remove(&trace);
        Ok(())
    }

    fn create_map(
        &mut self,
        _: &Object,
        map: &MapDef,
        pin: Option<&Path>,
    ) -> Result<(MapHandle, Origin), KernelError> {
        let handle = MapHandle(self.call(format!("create map {}", map.name))?);
        self.maps.insert(handle, map.name.clone());
        if pin.is_some_and(|path| self.pinned.contains(path)) {
            return Ok((handle, Origin::Taken));
        }
        if let Some(path) = pin {
            self.pins.insert(handle, path.to_owned());
        }
        Ok((handle, Origin::Made))
    }

    fn put(&mut self, table: MapHandle, entry: u32, value: Put) -> Result<(), KernelError> {
        let Some(name) = self.maps.get(&table) else { return Err(refuse("no such map", 9)) };
        let name = name.clone();
        match value {
            Put::Map(map) if !self.maps.contains_key(&map) => {
                return Err(refuse("no such map", 9));
            }
            Put::Map(_) => {}
            Put::Program(program) => self.loaded(program)?,
        }
        self.call(format!("put {entry} of {name}"))?;
        if matches!(value, Put::Program(_)) {
            self.entries.insert((table, entry));
        }
        Ok(())
    }

    fn take(&mut self, table: MapHandle, entry: u32) -> Result<(), KernelError> {
        if !self.entries.contains(&(table, entry)) {
            return Err(refuse("nothing there", 2));
        }
        self.undo(format!("take {entry}"))?;
        self.entries.remove(&(table, entry));
        Ok(())
    }

    fn unpin(&mut self, map: MapHandle) -> Result<(), KernelError> {
        if !self.pins.contains_key(&map) {
            return Err(refuse("no such pin", 9));
        }
        self.undo("unpin".to_owned())?;
        self.pins.remove(&map);
        Ok(())
    }

    fn load(&mut self, request: &LoadRequest<'_>) -> Result<(ProgramHandle, u32), KernelError> {
        let mut below = None;
        if let Some((target, _)) = request.target {
            self.loaded(target)?;
            below = self.programs.get(&target).and_then(|target| target.depth);
        }
        let depth = request.load_as.is_tracer().then(|| below.map_or(0, |depth| depth + 1));
        if depth > Some(1) {
            return Err(refuse("tracers nest one level", INVALID));
        }
        if request.maps.iter().any(|(_, map)| !self.maps.contains_key(map)) {
            return Err(refuse("no such map", 9));
        }
        let id = self.call(format!("load {}", request.program))?;
        let target = request.target.map(|(program, function)| (program, function.to_owned()));
        let program = FakeProgram { name: request.program.to_owned(), target, depth };
        self.programs.insert(ProgramHandle(id), program);
        Ok((ProgramHandle(id), id))
    }

    fn adopt(&mut self, id: u32, tag: &str) -> Result<ProgramHandle, KernelError> {
        let handle = ProgramHandle(self.call(format!("adopt {id} {tag}"))?);
        let program = FakeProgram { name: id.to_string(), target: None, depth: None };
        self.programs.insert(handle, program);
        Ok(handle)
    }

    fn locate(&mut self, _: Mechanism<'_>, _: Option<&AttachBtf>) -> Result<(), KernelError> {
        Ok(())
    }

    fn attach(&mut self, request: &AttachRequest<'_>) -> Result<LinkHandle, KernelError> {
        let (program, replaces, traces) = match request {
            AttachRequest::Host { map: Some(map), .. } if !self.maps.contains_key(map) => {
                return Err(refuse("no such map", 9));
            }
            AttachRequest::Host { program, .. } => (*program, None, None),
            AttachRequest::Tracer { program } => {
                let target = self.programs.get(program).and_then(|found| found.target.clone());
                (*program, None, target)
            }
            AttachRequest::Replacement { program, target, function } => {
                self.loaded(*target)?;
                (*program, Some((*target, (*function).to_owned())), None)
            }
        };
        self.loaded(program)?;
        // Replaced once, or traced by any number.
        let taken = |link: &FakeLink| {
            let place = replaces.as_ref().or(traces.as_ref());
            let is_there = |held: &Option<FakeTarget>| held.is_some() && held.as_ref() == place;
            is_there(&link.replaces) || (replaces.is_some() && is_there(&link.traces))
        };
        if self.links.values().any(taken) {
            return Err(refuse("the function is taken", BUSY));
        }
        let handle = LinkHandle(self.call(format!("attach {}", self.name(program)))?);
        self.links.insert(handle, FakeLink { program, replaces, traces });
        Ok(handle)
    }

    fn run(
        &mut self,
        program: ProgramHandle,
        how: OnDemand,
        map: Option<MapHandle>,
    ) -> Result<ProgramOutput, KernelError> {
        self.loaded(program)?;
        if map.is_some_and(|map| !self.maps.contains_key(&map)) {
            return Err(refuse("no such map", 9));
        }
        self.call(format!("run {}", self.name(program)))?;
        Ok(match how {
            OnDemand::Iterator => ProgramOutput::Text("one\ntwo\n".to_owned()),
            OnDemand::Call => ProgramOutput::Answer(0),
        })
    }

    fn detach(&mut self, link: LinkHandle) -> Result<(), KernelError> {
        let Some(found) = self.links.get(&link) else { return Err(refuse("no such link", 9)) };
        self.undo(format!("detach {}", self.name(found.program)))?;
        self.links.remove(&link);
        Ok(())
    }

    fn unload(&mut self, program: ProgramHandle) -> Result<(), KernelError> {
        self.loaded(program)?;
        if self.links.values().any(|link| link.program == program) {
            return Err(refuse("still attached", BUSY));
        }
        self.undo(format!("unload {}", self.name(program)))?;
        self.programs.remove(&program);
        Ok(())
    }

    fn remove_map(&mut self, map: MapHandle) -> Result<(), KernelError> {
        let Some(name) = self.maps.get(&map) else { return Err(refuse("no such map", 9)) };
        self.undo(format!("remove map {name}"))?;
        self.maps.remove(&map);
        Ok(())
    }
}
