//! The executor: does a plan step by step, keeps a record of each, and undoes them in reverse.
//!
//! It decides nothing: the order is the plan's, the doing the kernel's. Whatever step fails, what
//! was done before is undone before the failure is reported.

mod ask;
mod explain;
mod rule;
mod verifier_log;

pub use ask::{Asked, ask};
pub use explain::{explain, explain_left};

use crate::{
    check::Library,
    kernel::{
        AttachRequest, Kernel, KernelError, LinkHandle, LoadRequest, MapHandle, ProgramHandle,
        TraceHandle,
    },
    plan::{Action, Plan},
};
use freplace_compose_common::{HAS_TASK_GLOBAL, NODE_GLOBAL};

/// What was done: enough to undo it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Record {
    Trace(TraceHandle),
    Map(MapHandle),
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

/// Does `plan` with `kernel`, telling `watch` each step that was done.
///
/// # Errors
/// [`Failure`], when a step failed; all steps before it are undone then.
pub fn up<K: Kernel>(
    kernel: &mut K,
    plan: &Plan,
    library: &Library,
    watch: &mut dyn FnMut(Done<'_>),
) -> Result<Running, Failure> {
    let mut running = Running { records: Vec::new(), maps: Vec::new() };
    let mut programs = Vec::new();
    for operation in 0..plan.operations.len() {
        match step(kernel, plan, operation, library, &mut running.maps, &mut programs) {
            Ok((record, program_id)) => {
                running.records.push((operation, record));
                watch(Done { plan, operation, program_id });
            }
            Err(error) => {
                let left = running.down(kernel);
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

    /// Undoes everything in reverse, going on after what fails; returns what is left.
    pub fn down<K: Kernel>(self, kernel: &mut K) -> Vec<Left> {
        undo(self.records, kernel)
    }
}

fn undo<K: Kernel>(records: Vec<(usize, Record)>, kernel: &mut K) -> Vec<Left> {
    let mut left = Vec::new();
    for (operation, record) in records.into_iter().rev() {
        let undone = match record {
            Record::Trace(trace) => kernel.close_trace(trace),
            Record::Map(map) => kernel.remove_map(map),
            Record::Program(program) => kernel.unload(program),
            Record::Link(link) => kernel.detach(link),
        };
        if let Err(error) = undone {
            left.push(Left { operation, error });
        }
    }
    left
}

fn step<K: Kernel>(
    kernel: &mut K,
    plan: &Plan,
    operation: usize,
    library: &Library,
    maps: &mut Vec<Map>,
    programs: &mut Vec<ProgramHandle>,
) -> Result<(Record, Option<u32>), KernelError> {
    let missing = |what: &str| KernelError::here("plan", format!("{what} is not in the plan"));
    let slot = |slot: usize| programs.get(slot).copied().ok_or_else(|| missing("the program"));
    let node = plan.operations[operation].node;
    match &plan.operations[operation].action {
        Action::Listen => Ok((Record::Trace(kernel.open_trace()?), None)),
        Action::CreateMap { object, map } => {
            let object = library.get(object).ok_or_else(|| missing("the object"))?;
            let handle = kernel.create_map(object, map)?;
            maps.push(Map { node, name: map.name.clone(), handle });
            Ok((Record::Map(handle), None))
        }
        Action::Load {
            object,
            program,
            load_as,
            traits,
            target,
            has_task,
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
                trace: trace.as_deref(),
            })?;
            debug_assert_eq!(*number, programs.len(), "slots are given out in order");
            programs.push(handle);
            Ok((Record::Program(handle), Some(id)))
        }
        Action::AttachHook { slot: number, attach } => {
            let request = AttachRequest::Hook { program: slot(*number)?, attach };
            Ok((Record::Link(kernel.attach(&request)?), None))
        }
        Action::AttachReplacement { slot: number, target } => {
            let request = AttachRequest::Replacement {
                program: slot(*number)?,
                target: slot(target.slot)?,
                function: &target.function,
            };
            Ok((Record::Link(kernel.attach(&request)?), None))
        }
        Action::AttachTracer { slot: number } => {
            let request = AttachRequest::Tracer { program: slot(*number)? };
            Ok((Record::Link(kernel.attach(&request)?), None))
        }
    }
}
