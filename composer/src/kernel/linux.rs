//! The running kernel.

use std::{
    collections::{BTreeMap, HashMap},
    os::fd::{AsFd as _, BorrowedFd},
    path::Path,
};

use aya::maps::MapData;
use rustix::time::{ClockId, clock_gettime};

use super::{
    AttachRequest, Clock, Counts, Events, Kernel, KernelError, KernelReader, LinkHandle,
    LoadRequest, MapHandle, MapReader, Origin, PerfEvents, ProgramHandle, Put, TraceHandle,
    TraceLines,
    attach::{self, SpecTable, USDT_SPECS},
    environment,
    loader::{self, LoadJob, Loaded, Loader},
    map, on_demand,
    perf::Buffers,
    sys,
    tracefs::Instance,
};
use crate::{
    hook::{AttachBtf, Mechanism, OnDemand, ProgramOutput},
    object::{MapDef, Object, PERF_EVENT_ARRAY},
    plan::Offers,
    running::Runs,
};

/// The running kernel, and all that this process holds in it. Dropping it lets go of everything.
#[derive(Debug, Default)]
pub struct Linux {
    next: u32,
    loader: Loader,
    /// Whether programs are loaded with counters of their lines.
    counts_lines: bool,
    // In the order of dropping: links, then programs, then maps.
    links: BTreeMap<LinkHandle, attach::Link>,
    programs: BTreeMap<ProgramHandle, Loaded>,
    maps: BTreeMap<MapHandle, MapData>,
    /// The tables of programs at USDT probes, and how many of their entries are used.
    specs: BTreeMap<ProgramHandle, MapHandle>,
    used_specs: BTreeMap<MapHandle, u32>,
    /// Of perf event arrays that no reader has taken yet.
    buffers: BTreeMap<MapHandle, Buffers>,
    traces: BTreeMap<TraceHandle, Instance>,
    /// What the kernel offers, once that was asked.
    offers: Option<Offers>,
    /// Pins that were made. They outlive this, unless they are removed.
    pins: BTreeMap<MapHandle, map::Pin>,
}

impl Linux {
    /// Nothing is asked of the kernel yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets go of a chain's objects, and keeps what was read of the kernel: to be called between chains,
    /// whose objects live no longer than they do.
    pub fn next_chain(&mut self) {
        self.loader.forget_objects();
    }

    /// Lets go of what is only needed while a chain comes up: the kernel's types, parsed objects.
    pub fn finish_loading(&mut self) {
        self.loader.finish();
    }

    /// Loads programs with counters of the lines that ran, from now on: the instructions that are loaded are not
    /// those of the object alone.
    pub fn count_lines(&mut self) {
        self.counts_lines = true;
    }

    /// Holds a map that the kernel has already.
    pub(super) fn hold(&mut self, map: MapData) -> MapHandle {
        let handle = MapHandle(self.number());
        self.maps.insert(handle, map);
        handle
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    pub(super) fn map(&self, handle: MapHandle) -> Result<&MapData, KernelError> {
        self.maps.get(&handle).ok_or_else(|| gone("map"))
    }

    pub(super) fn program(&self, handle: ProgramHandle) -> Result<&Loaded, KernelError> {
        self.programs.get(&handle).ok_or_else(|| gone("program"))
    }
}

fn gone(what: &str) -> KernelError {
    KernelError::here("look up", format!("unknown {what}"))
}

fn key_size(map: &MapData) -> Result<u32, KernelError> {
    let info = sys::map_info(map.fd().as_fd());
    Ok(info.map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))?.key_size)
}

impl Kernel for Linux {
    fn offers(&mut self) -> Offers {
        *self.offers.get_or_insert_with(environment::offers)
    }

    fn open_trace(&mut self) -> Result<TraceHandle, KernelError> {
        let instance = Instance::open()?;
        let handle = TraceHandle(self.number());
        self.traces.insert(handle, instance);
        Ok(handle)
    }

    fn close_trace(&mut self, trace: TraceHandle) -> Result<(), KernelError> {
        self.traces.remove(&trace).ok_or_else(|| gone("trace"))?.close()
    }

    fn create_map(
        &mut self,
        object: &Object,
        map: &MapDef,
        pin: Option<&Path>,
    ) -> Result<(MapHandle, Origin), KernelError> {
        const CALL: &str = "BPF_MAP_CREATE";
        let taken = match pin {
            Some(path) => map::pinned(path, map)?,
            None => None,
        };
        let origin = if taken.is_some() { Origin::Taken } else { Origin::Made };
        let fd = match taken {
            Some(taken) => taken,
            None => loader::create_map(&mut self.loader, object, map)?,
        };
        let made = MapData::from_fd(fd).map_err(|error| KernelError::here(CALL, error))?;
        let handle = MapHandle(self.number());
        if map.map_type == PERF_EVENT_ARRAY {
            self.buffers.insert(handle, Buffers::open(&made)?);
        }
        // Last, so that whatever fails leaves no pin.
        if let (Some(path), Origin::Made) = (pin, origin) {
            self.pins.insert(handle, map::pin(made.fd().as_fd(), path)?);
        }
        self.maps.insert(handle, made);
        Ok((handle, origin))
    }

    fn put(&mut self, table: MapHandle, entry: u32, value: Put) -> Result<(), KernelError> {
        let table = self.map(table)?;
        let key_size = key_size(table)?;
        let value = match value {
            Put::Map(map) => self.map(map)?.fd().as_fd(),
            Put::Program(program) => self.program(program)?.program.as_fd(),
        };
        map::put(table.fd().as_fd(), key_size, entry, value)
    }

    fn take(&mut self, table: MapHandle, entry: u32) -> Result<(), KernelError> {
        let table = self.map(table)?;
        map::take(table.fd().as_fd(), key_size(table)?, entry)
    }

    fn load(&mut self, request: &LoadRequest<'_>) -> Result<(ProgramHandle, u32), KernelError> {
        // By field, so that the loader can be borrowed beside them.
        let Self { loader, programs, maps: held, counts_lines, .. } = self;
        let target = match request.target {
            Some((program, function)) => {
                Some((programs.get(&program).ok_or_else(|| gone("program"))?, function))
            }
            None => None,
        };
        let mut maps: HashMap<&str, BorrowedFd<'_>> = HashMap::new();
        for (name, handle) in request.maps.iter().rev() {
            maps.insert(name, held.get(handle).ok_or_else(|| gone("map"))?.fd().as_fd());
        }
        let job = LoadJob {
            object: request.object,
            program: request.program,
            load_as: request.load_as,
            expected_attach_type: request.expected_attach_type,
            attach_btf: request.attach_btf,
            traits: request.traits,
            target,
            maps: &maps,
            globals: request.globals,
            set: request.set,
            trace: request.trace,
            trace_entry: request.trace_entry,
            counts_lines: *counts_lines && request.trace.is_none(),
        };
        let loaded = loader::load(loader, &job)?;
        let id = loaded.id;
        let handle = ProgramHandle(self.number());
        self.programs.insert(handle, loaded);
        let specs = request.maps.iter().find(|(name, _)| *name == USDT_SPECS);
        self.specs.extend(specs.map(|(_, map)| (handle, *map)));
        Ok((handle, id))
    }

    fn adopt(&mut self, id: u32, tag: &str) -> Result<ProgramHandle, KernelError> {
        let loaded = loader::adopt(id, tag)?;
        let handle = ProgramHandle(self.number());
        self.programs.insert(handle, loaded);
        Ok(handle)
    }

    fn locate(
        &mut self,
        mechanism: Mechanism<'_>,
        attach_btf: Option<&AttachBtf>,
    ) -> Result<(), KernelError> {
        if let Some(wanted) = attach_btf {
            self.loader.attach_btf_id(wanted)?;
        }
        attach::locate(mechanism)
    }

    fn attach(&mut self, request: &AttachRequest<'_>) -> Result<LinkHandle, KernelError> {
        let link = match request {
            AttachRequest::Host { program, mechanism, cookie, map } => {
                let Self { programs, maps, specs, used_specs, .. } = self;
                let loaded = programs.get(program).ok_or_else(|| gone("program"))?;
                let specs = match specs.get(program) {
                    Some(map) => Some(SpecTable {
                        map: maps.get(map).ok_or_else(|| gone("map"))?.fd().as_fd(),
                        next: used_specs.entry(*map).or_default(),
                    }),
                    None => None,
                };
                let map = match map {
                    Some(map) => Some(maps.get(map).ok_or_else(|| gone("map"))?.fd().as_fd()),
                    None => None,
                };
                let beside = attach::Beside { cookie: *cookie, specs, map };
                attach::host(loaded.program.as_fd(), *mechanism, beside)
            }
            AttachRequest::Replacement { program, target, function } => {
                let target = self.program(*target)?;
                attach::replacement(self.program(*program)?.program.as_fd(), target, function)
            }
            AttachRequest::Tracer { program } => attach::tracer(self.program(*program)?),
        }?;
        let handle = LinkHandle(self.number());
        self.links.insert(handle, link);
        Ok(handle)
    }

    fn run(
        &mut self,
        program: ProgramHandle,
        how: OnDemand,
        map: Option<MapHandle>,
    ) -> Result<ProgramOutput, KernelError> {
        let map = match map {
            Some(map) => Some(self.map(map)?.fd().as_fd()),
            None => None,
        };
        on_demand::run(self.program(program)?.program.as_fd(), how, map)
    }

    fn detach(&mut self, link: LinkHandle) -> Result<(), KernelError> {
        self.links.remove(&link).ok_or_else(|| gone("link"))?.close()
    }

    fn unload(&mut self, program: ProgramHandle) -> Result<(), KernelError> {
        self.specs.remove(&program);
        self.programs.remove(&program).map(drop).ok_or_else(|| gone("program"))
    }

    fn unpin(&mut self, map: MapHandle) -> Result<(), KernelError> {
        self.pins.remove(&map).map_or_else(|| Err(gone("pin")), map::Pin::remove)
    }

    fn remove_map(&mut self, map: MapHandle) -> Result<(), KernelError> {
        self.buffers.remove(&map);
        self.maps.remove(&map).map(drop).ok_or_else(|| gone("map"))
    }
}

impl KernelReader for Linux {
    type Records = MapReader;
    type Lines = TraceLines;
    type Counters = Counts;

    fn records(&mut self, map: MapHandle) -> Result<MapReader, KernelError> {
        match self.buffers.remove(&map) {
            Some(buffers) => Ok(MapReader::Perf(PerfEvents::new(buffers)?)),
            None => Ok(MapReader::Ring(Events::open(self.map(map)?)?)),
        }
    }

    fn lines(&mut self, trace: TraceHandle) -> Result<TraceLines, KernelError> {
        self.traces.get_mut(&trace).ok_or_else(|| gone("trace"))?.lines()
    }

    fn counters(&self, map: MapHandle) -> Result<Counts, KernelError> {
        Counts::open(self.map(map)?)
    }

    fn clock(&self) -> Clock {
        Box::new(|| {
            let now = clock_gettime(ClockId::Monotonic);
            let (seconds, rest) = (now.tv_sec.cast_unsigned(), now.tv_nsec.cast_unsigned());
            seconds.saturating_mul(1_000_000_000).saturating_add(rest)
        })
    }

    fn settle(&self) {
        sys::settle();
    }

    fn recursions(&self, program: ProgramHandle) -> Result<u64, KernelError> {
        let info = sys::program_info(self.program(program)?.program.as_fd());
        let info = info.map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))?;
        Ok(info.recursion_misses)
    }

    fn runs(&self, program: ProgramHandle) -> Result<Runs, KernelError> {
        let info = sys::program_info(self.program(program)?.program.as_fd());
        let info = info.map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))?;
        Ok(Runs { count: info.run_cnt, nanoseconds: info.run_time_ns })
    }

    fn missed(&self, link: LinkHandle) -> Result<Option<u64>, KernelError> {
        self.links.get(&link).ok_or_else(|| gone("link"))?.missed()
    }

    fn lost_interface(&self, link: LinkHandle) -> Result<bool, KernelError> {
        self.links.get(&link).ok_or_else(|| gone("link"))?.lost_interface()
    }
}
