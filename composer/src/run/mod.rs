//! The executor: does a plan step by step, keeps a record of each, and undoes them in reverse.
//!
//! It decides nothing: the order is the plan's, the doing the kernel's. Whatever step fails, what
//! was done before is undone before the failure is reported.

mod ask;
mod explain;
mod maps;
mod rule;
mod short;
mod verifier_log;
mod verifier_report;

pub use ask::{Asked, ask};
pub use explain::{explain, explain_left};
pub use short::short_of;

use std::ops::ControlFlow;

use crate::{
    check::Library,
    kernel::{
        AttachRequest, Kernel, KernelError, LinkHandle, LoadRequest, MapHandle, Origin,
        ProgramHandle, Put, TraceHandle,
    },
    plan::{Action, Filling, Plan},
};
use freplace_compose_common::{HAS_TASK_GLOBAL, NODE_GLOBAL};

/// What was done: enough to undo it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Record {
    Trace(TraceHandle),
    Map(MapHandle),
    /// A pin that was made, and whether it is meant to stay.
    Pin {
        map: MapHandle,
        keep: bool,
    },
    /// A program in a table for tail calls.
    Entry(MapHandle, u32),
    Program(ProgramHandle),
    Link(LinkHandle),
}

/// A step that was done, for those who watch.
#[derive(Debug, Clone, Copy)]
pub struct Done<'a> {
    /// The plan it is part of.
    pub plan: &'a Plan,
    /// Which of its operations.
    pub operation: usize,
    /// The kernel's id of the program, when one was loaded.
    pub program_id: Option<u32>,
    /// Whether a map was not made: it was pinned already.
    pub taken: bool,
}

/// A plan that did not come up. Everything done before was undone, but for what `left` says.
#[derive(Debug)]
pub struct Failure {
    /// The operation that failed, an index in [`Plan::operations`].
    pub operation: usize,
    /// Why.
    pub error: Box<KernelError>,
    /// What could not be undone.
    pub left: Vec<Left>,
}

/// Something that could not be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The operation that made it, an index in [`Plan::operations`].
    pub operation: usize,
    /// Why it is still there.
    pub error: KernelError,
}

/// A chain that is up.
#[derive(Debug)]
pub struct Running {
    records: Vec<(usize, Record)>,
    maps: Vec<Map>,
}

/// A map that was made.
#[derive(Debug)]
struct Map {
    /// The node that it is private to.
    node: Option<usize>,
    name: String,
    handle: MapHandle,
}

/// Whoever watches a plan being done, and has it go on.
pub fn unwatched(_: Done<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Does `plan` with `kernel`, telling `watch` each step that was done. When `watch` breaks, no
/// further step is done, and what is returned is the part that was.
///
/// # Errors
/// [`Failure`], when a step failed; all steps before it are undone then.
pub fn up<K: Kernel>(
    kernel: &mut K,
    plan: &Plan,
    library: &Library,
    watch: &mut dyn FnMut(Done<'_>) -> ControlFlow<()>,
) -> Result<Running, Failure> {
    let mut running = Running { records: Vec::new(), maps: Vec::new() };
    let mut programs = Vec::new();
    for operation in 0..plan.operations.len() {
        match step(kernel, plan, operation, library, &mut running.maps, &mut programs) {
            Ok(Step { records, program_id, taken }) => {
                running.records.extend(records.into_iter().map(|record| (operation, record)));
                if watch(Done { plan, operation, program_id, taken }).is_break() {
                    break;
                }
            }
            Err(error) => {
                let left = running.abandon(kernel);
                return Err(Failure { operation, error: Box::new(error), left });
            }
        }
    }
    Ok(running)
}

impl Running {
    /// The map that the chain shares under `name`.
    #[must_use]
    pub fn map(&self, name: &str) -> Option<MapHandle> {
        self.map_of(None, name)
    }

    /// The map that node number `node` has under `name` for itself.
    #[must_use]
    pub fn own_map(&self, node: usize, name: &str) -> Option<MapHandle> {
        self.map_of(Some(node), name)
    }

    /// Where lines of `bpf_printk` arrive, when the chain asked for them.
    #[must_use]
    pub fn trace(&self) -> Option<TraceHandle> {
        self.records.iter().find_map(|(_, record)| match record {
            Record::Trace(trace) => Some(*trace),
            _ => None,
        })
    }

    /// The programs, each with the operation that loaded it.
    pub fn programs(&self) -> impl Iterator<Item = (usize, ProgramHandle)> {
        self.records.iter().filter_map(|(operation, record)| match record {
            Record::Program(program) => Some((*operation, *program)),
            _ => None,
        })
    }

    /// The attachments, each with the operation that made it.
    pub fn links(&self) -> impl Iterator<Item = (usize, LinkHandle)> {
        self.records.iter().filter_map(|(operation, record)| match record {
            Record::Link(link) => Some((*operation, *link)),
            _ => None,
        })
    }

    fn map_of(&self, node: Option<usize>, name: &str) -> Option<MapHandle> {
        self.maps.iter().find(|map| map.node == node && map.name == name).map(|map| map.handle)
    }

    /// Undoes the attachments, which were made last, and keeps programs and maps: from here on no
    /// new event comes. Returns what is left.
    pub fn detach<K: Kernel>(&mut self, kernel: &mut K) -> Vec<Left> {
        let is_link = |(_, record): &(usize, Record)| matches!(record, Record::Link(_));
        let first = self.records.iter().position(is_link).unwrap_or(self.records.len());
        undo(self.records.split_off(first), kernel)
    }

    /// The operations whose pins stay when the chain goes down: those that were made, and that the
    /// chain does not say otherwise of.
    #[must_use]
    pub fn kept(&self) -> Vec<usize> {
        let kept = |(operation, record): &(usize, Record)| {
            matches!(record, Record::Pin { keep: true, .. }).then_some(*operation)
        };
        self.records.iter().filter_map(kept).collect()
    }

    /// Undoes everything in reverse but pins that are meant to stay, going on after what fails;
    /// returns what is left.
    pub fn down<K: Kernel>(mut self, kernel: &mut K) -> Vec<Left> {
        self.records.retain(|(_, record)| !matches!(record, Record::Pin { keep: true, .. }));
        undo(self.records, kernel)
    }

    /// Undoes everything, as if nothing had ever been done: pins that were made too.
    pub fn abandon<K: Kernel>(self, kernel: &mut K) -> Vec<Left> {
        undo(self.records, kernel)
    }
}

fn undo<K: Kernel>(records: Vec<(usize, Record)>, kernel: &mut K) -> Vec<Left> {
    let mut left = Vec::new();
    for (operation, record) in records.into_iter().rev() {
        let undone = match record {
            Record::Trace(trace) => kernel.close_trace(trace),
            Record::Map(map) => kernel.remove_map(map),
            Record::Pin { map, .. } => kernel.unpin(map),
            Record::Entry(table, entry) => kernel.take(table, entry),
            Record::Program(program) => kernel.unload(program),
            Record::Link(link) => kernel.detach(link),
        };
        if let Err(error) = undone {
            left.push(Left { operation, error });
        }
    }
    left
}

/// What one operation did.
#[derive(Debug, Default)]
struct Step {
    records: Vec<Record>,
    program_id: Option<u32>,
    taken: bool,
}

impl Step {
    fn of(record: Record) -> Self {
        Self { records: vec![record], ..Self::default() }
    }
}

fn step<K: Kernel>(
    kernel: &mut K,
    plan: &Plan,
    operation: usize,
    library: &Library,
    maps: &mut Vec<Map>,
    programs: &mut Vec<ProgramHandle>,
) -> Result<Step, KernelError> {
    let missing = |what: &str| KernelError::here("plan", format!("{what} is not in the plan"));
    let slot = |slot: usize| programs.get(slot).copied().ok_or_else(|| missing("the program"));
    let node = plan.operations[operation].node;
    match &plan.operations[operation].action {
        Action::Listen => Ok(Step::of(Record::Trace(kernel.open_trace()?))),
        Action::CreateMap { object, map, pin } => {
            let object = library.get(object).ok_or_else(|| missing("the object"))?;
            let path = pin.as_ref().map(|pin| pin.path.as_path());
            let (handle, origin) = kernel.create_map(object, map, path)?;
            maps.push(Map { node, name: map.name.clone(), handle });
            let mut records = vec![Record::Map(handle)];
            let taken = origin == Origin::Taken;
            if let Some(pin) = pin.as_ref().filter(|_| !taken) {
                records.push(Record::Pin { map: handle, keep: pin.keep });
            }
            Ok(Step { records, taken, program_id: None })
        }
        Action::Fill { table, entry, with } => {
            let named = |name: &str| {
                let found = maps.iter().find(|map| map.node.is_none() && map.name == name);
                found.map(|map| map.handle).ok_or_else(|| missing("the map"))
            };
            let handle = named(table)?;
            let (value, records) = match with {
                Filling::Map { inner } => (Put::Map(named(inner)?), Vec::new()),
                Filling::Program { slot: number } => {
                    (Put::Program(slot(*number)?), vec![Record::Entry(handle, *entry)])
                }
            };
            kernel.put(handle, *entry, value)?;
            Ok(Step { records, ..Step::default() })
        }
        Action::Load {
            object,
            program,
            load_as,
            traits,
            target,
            has_task,
            globals,
            trace,
            slot: number,
        } => {
            let object = library.get(object).ok_or_else(|| missing("the object"))?;
            let target = match target {
                Some(target) => Some((slot(target.slot)?, target.function.as_str())),
                None => None,
            };
            // Its own in front of those of the chain: the first of a name counts.
            let own = maps.iter().filter(|map| map.node.is_some() && map.node == node);
            let shared = maps.iter().filter(|map| map.node.is_none());
            let named = |map: &Map| (map.name.clone(), map.handle);
            let maps: Vec<_> = own.chain(shared).map(named).collect();
            let node = u32::try_from(node.unwrap_or_default()).map_err(|_| missing("the node"))?;
            let (handle, id) = kernel.load(&LoadRequest {
                object,
                program,
                load_as: *load_as,
                traits: *traits,
                target,
                maps: &maps,
                globals: &[(NODE_GLOBAL, node), (HAS_TASK_GLOBAL, u32::from(*has_task))],
                set: globals,
                trace: trace.as_deref(),
            })?;
            debug_assert_eq!(*number, programs.len(), "slots are given out in order");
            programs.push(handle);
            Ok(Step { program_id: Some(id), ..Step::of(Record::Program(handle)) })
        }
        Action::AttachHook { slot: number, attach } => {
            let mechanism = attach.mechanism();
            let request = AttachRequest::Host { program: slot(*number)?, mechanism };
            Ok(Step::of(Record::Link(kernel.attach(&request)?)))
        }
        Action::AttachReplacement { slot: number, target } => {
            let request = AttachRequest::Replacement {
                program: slot(*number)?,
                target: slot(target.slot)?,
                function: &target.function,
            };
            Ok(Step::of(Record::Link(kernel.attach(&request)?)))
        }
        Action::AttachTracer { slot: number } => {
            let request = AttachRequest::Tracer { program: slot(*number)? };
            Ok(Step::of(Record::Link(kernel.attach(&request)?)))
        }
    }
}
