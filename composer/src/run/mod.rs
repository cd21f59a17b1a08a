//! The executor: executes a plan operation by operation, keeps a journal, and undoes the operations
//! in reverse.
//!
//! It makes no decisions: the order is defined by the plan, the actions by the kernel. If an
//! operation fails, all previous ones are undone before the failure is reported.

mod explain;
mod journal;
mod maps;
mod rule;
mod short;
mod verifier_log;
mod verifier_report;
mod verifier_run;

pub use explain::{explain, explain_left};
pub use journal::{Entry, Journal, Made};
pub use short::short_of;
pub use verifier_run::{VerifierRun, ask};

use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
};

use crate::{
    chain::map_name,
    hook::{Attach, ProgramOutput},
    kernel::{
        AttachRequest, Kernel, KernelError, LinkHandle, LoadRequest, MapHandle, Origin,
        ProgramHandle, Put, TraceHandle,
    },
    plan::{Action, Filling, Operation, OperationId, Plan},
    resolve::ObjectStore,
};
use freplace_compose_common::{HAS_TASK_GLOBAL, NODE_GLOBAL};

/// A step that was done, for those who watch.
#[derive(Debug, Clone, Copy)]
pub struct Done<'a> {
    /// The plan it is part of.
    pub plan: &'a Plan,
    /// Which of its operations.
    pub operation: &'a Operation,
    /// The kernel's id of the program, when one was loaded.
    pub program_id: Option<u32>,
    /// Whether a map was reused because it was already pinned.
    pub taken: bool,
}

/// A plan that failed. All previous operations were undone, except for `left`.
#[derive(Debug)]
pub struct Failure {
    /// The operation that failed.
    pub operation: OperationId,
    /// Why.
    pub error: Box<KernelError>,
    /// What could not be undone.
    pub left: Vec<NotUndone>,
}

/// Something that could not be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUndone {
    /// The operation that created it.
    pub operation: OperationId,
    /// Why it is still there.
    pub error: KernelError,
}

/// A chain that is up.
#[derive(Debug, Default)]
pub struct Running {
    journal: Journal,
    maps: Vec<MadeMap>,
    /// The loaded programs, by their numbers in the plan.
    programs: HashMap<usize, ProgramHandle>,
    /// What came of the programs that ran once, by their nodes.
    outputs: Vec<(usize, ProgramOutput)>,
}

/// A map that was made.
#[derive(Debug)]
struct MadeMap {
    /// The node that it is private to.
    node: Option<usize>,
    name: String,
    handle: MapHandle,
}

/// A watcher that always continues.
pub fn unwatched(_: Done<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Executes `plan` on `kernel`, and notifies `watch` of each operation done. If `watch` breaks, no
/// further operation is done, and the part done so far is returned.
///
/// # Errors
/// [`Failure`], if an operation failed; all operations before it are undone.
pub fn up<K: Kernel>(
    kernel: &mut K,
    plan: &Plan,
    library: &ObjectStore,
    watch: &mut dyn FnMut(Done<'_>) -> ControlFlow<()>,
) -> Result<Running, Failure> {
    // What an attachment is for is looked up before anything is loaded.
    for operation in &plan.operations {
        let (Action::AttachHook { attach, .. } | Action::Run { attach, .. }) = &operation.action
        else {
            continue;
        };
        if let Err(error) = kernel.locate(attach.mechanism(), attach.attach_btf().as_ref()) {
            let (operation, left) = (operation.id, Vec::new());
            return Err(Failure { operation, error: Box::new(error), left });
        }
    }
    let mut running = Running::default();
    match running.execute(kernel, plan, &|_| true, library, watch) {
        Ok(()) => Ok(running),
        Err((operation, error)) => Err(Failure { operation, error, left: running.abandon(kernel) }),
    }
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

    /// The maps with their names, those that nodes have for themselves included.
    pub fn maps(&self) -> impl Iterator<Item = (&str, MapHandle)> {
        self.maps.iter().map(|map| (map.name.as_str(), map.handle))
    }

    /// What was done and undone so far.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// What came of the programs that ran once, each with its node's number.
    #[must_use]
    pub fn outputs(&self) -> &[(usize, ProgramOutput)] {
        &self.outputs
    }

    /// The source of `bpf_printk` lines, if the chain shows them.
    #[must_use]
    pub fn trace(&self) -> Option<TraceHandle> {
        self.journal.standing().into_iter().find_map(|(_, made)| match made {
            Made::Trace(trace) => Some(trace),
            _ => None,
        })
    }

    /// The programs, each with the operation that loaded it.
    pub fn programs(&self) -> impl Iterator<Item = (OperationId, ProgramHandle)> {
        self.journal.standing().into_iter().filter_map(|(operation, made)| match made {
            Made::Program(program) => Some((operation, program)),
            _ => None,
        })
    }

    /// The attachments, each with the operation that created it.
    pub fn links(&self) -> impl Iterator<Item = (OperationId, LinkHandle)> {
        self.journal.standing().into_iter().filter_map(|(operation, made)| match made {
            Made::Link(link) => Some((operation, link)),
            _ => None,
        })
    }

    fn map_of(&self, node: Option<usize>, name: &str) -> Option<MapHandle> {
        self.maps.iter().find(|map| map.node == node && map.name == name).map(|map| map.handle)
    }

    /// Executes those operations of `plan` that `which` picks, until `watch` breaks.
    fn execute<K: Kernel>(
        &mut self,
        kernel: &mut K,
        plan: &Plan,
        which: &dyn Fn(OperationId) -> bool,
        library: &ObjectStore,
        watch: &mut dyn FnMut(Done<'_>) -> ControlFlow<()>,
    ) -> Result<(), (OperationId, Box<KernelError>)> {
        for operation in plan.operations.iter().filter(|operation| which(operation.id)) {
            self.journal.write(Entry::Started(operation.id));
            let node = operation.node.and_then(|node| plan.nodes.get(node));
            let scope = node.map_or("", |node| &node.scope);
            let result =
                step(kernel, operation, scope, library, &mut self.maps, &mut self.programs);
            let OperationResult { made, program_id, taken, output } =
                result.map_err(|error| (operation.id, Box::new(error)))?;
            self.outputs.extend(operation.node.zip(output));
            self.journal.write(Entry::Done(operation.id, made));
            if watch(Done { plan, operation, program_id, taken }).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Undoes, in reverse, what those operations did that `which` picks. Returns what could not be undone.
    pub fn undo<K: Kernel>(
        &mut self,
        kernel: &mut K,
        which: impl Fn(OperationId) -> bool,
    ) -> Vec<NotUndone> {
        undo(&mut self.journal, kernel, |operation, _| which(operation))
    }

    /// Does operations anew that were undone, as they are in `plan`. The others stay as they are.
    ///
    /// # Errors
    /// [`Failure`], if an operation failed; those of `operations` that were done before it are undone.
    pub fn redo<K: Kernel>(
        &mut self,
        kernel: &mut K,
        plan: &Plan,
        operations: &BTreeSet<OperationId>,
        library: &ObjectStore,
        watch: &mut dyn FnMut(Done<'_>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let is_one = |operation| operations.contains(&operation);
        self.execute(kernel, plan, &is_one, library, watch).map_err(|(operation, error)| {
            let left = self.undo(kernel, is_one);
            Failure { operation, error, left }
        })
    }

    /// Undoes the attachments and keeps programs and maps, so that no new events are produced.
    /// Returns what could not be undone.
    pub fn detach<K: Kernel>(&mut self, kernel: &mut K) -> Vec<NotUndone> {
        undo(&mut self.journal, kernel, |_, made| matches!(made, Made::Link(_)))
    }

    /// The operations whose pins stay when the chain goes down: new pins, unless the chain disables
    /// it.
    #[must_use]
    pub fn kept(&self) -> Vec<OperationId> {
        let standing = self.journal.standing().into_iter();
        standing.filter(|(_, made)| made.is_kept()).map(|(operation, _)| operation).collect()
    }

    /// Undoes everything in reverse except for pins that stay, and continues after failures.
    /// Returns what could not be undone.
    pub fn down<K: Kernel>(mut self, kernel: &mut K) -> Vec<NotUndone> {
        undo(&mut self.journal, kernel, |_, made| !made.is_kept())
    }

    /// Undoes everything, including new pins.
    pub fn abandon<K: Kernel>(mut self, kernel: &mut K) -> Vec<NotUndone> {
        undo(&mut self.journal, kernel, |_, _| true)
    }
}

/// Undoes, in reverse, those of the things that stand that `which` picks.
fn undo<K: Kernel>(
    journal: &mut Journal,
    kernel: &mut K,
    which: impl Fn(OperationId, &Made) -> bool,
) -> Vec<NotUndone> {
    let mut left = Vec::new();
    let standing = journal.standing().into_iter().rev();
    for (operation, made) in standing.filter(|(operation, made)| which(*operation, made)) {
        journal.write(Entry::UndoStarted(operation, made));
        let undone = match made {
            Made::Trace(trace) => kernel.close_trace(trace),
            Made::Map(map) => kernel.remove_map(map),
            Made::Pin { map, .. } => kernel.unpin(map),
            Made::Entry(table, entry) => kernel.take(table, entry),
            Made::Program(program) => kernel.unload(program),
            Made::Link(link) => kernel.detach(link),
        };
        match undone {
            Ok(()) => journal.write(Entry::Undone(operation, made)),
            Err(error) => {
                journal.write(Entry::Left(operation, made));
                left.push(NotUndone { operation, error });
            }
        }
    }
    left
}

/// What one operation did.
#[derive(Debug, Default)]
struct OperationResult {
    made: Vec<Made>,
    program_id: Option<u32>,
    taken: bool,
    output: Option<ProgramOutput>,
}

impl OperationResult {
    fn of(made: Made) -> Self {
        Self { made: vec![made], ..Self::default() }
    }
}

/// The map that the chain shares under `name`.
fn shared_map(maps: &[MadeMap], name: &str) -> Option<MapHandle> {
    maps.iter().find(|map| map.node.is_none() && map.name == name).map(|map| map.handle)
}

/// The map that `attach` is to, if it is to one.
fn attached_map(
    attach: &Attach,
    scope: &str,
    maps: &[MadeMap],
) -> Result<Option<MapHandle>, KernelError> {
    let Some(name) = attach.map() else { return Ok(None) };
    let missing = || KernelError::here("plan", "the map is not in the plan");
    shared_map(maps, &map_name(scope, name)).map(Some).ok_or_else(missing)
}

fn step<K: Kernel>(
    kernel: &mut K,
    operation: &Operation,
    scope: &str,
    library: &ObjectStore,
    maps: &mut Vec<MadeMap>,
    programs: &mut HashMap<usize, ProgramHandle>,
) -> Result<OperationResult, KernelError> {
    let missing = |what: &str| KernelError::here("plan", format!("{what} is not in the plan"));
    let slot = |slot: usize| programs.get(&slot).copied().ok_or_else(|| missing("the program"));
    let node = operation.node;
    match &operation.action {
        Action::Listen => Ok(OperationResult::of(Made::Trace(kernel.open_trace()?))),
        Action::CreateMap { object, map, pin } => {
            let object = library.get(object).ok_or_else(|| missing("the object"))?;
            let path = pin.as_ref().map(|pin| pin.path.as_path());
            let (handle, origin) = kernel.create_map(object, map, path)?;
            maps.push(MadeMap { node, name: map.name.clone(), handle });
            let mut made = vec![Made::Map(handle)];
            let taken = origin == Origin::Taken;
            if let Some(pin) = pin.as_ref().filter(|_| !taken) {
                made.push(Made::Pin { map: handle, keep: pin.keep });
            }
            Ok(OperationResult { made, taken, ..OperationResult::default() })
        }
        Action::Fill { table, entry, with } => {
            let named = |name: &str| shared_map(maps, name).ok_or_else(|| missing("the map"));
            let handle = named(table)?;
            let (value, made) = match with {
                Filling::Map { inner } => (Put::Map(named(inner)?), Vec::new()),
                Filling::Program { slot: number } => {
                    (Put::Program(slot(*number)?), vec![Made::Entry(handle, *entry)])
                }
            };
            kernel.put(handle, *entry, value)?;
            Ok(OperationResult { made, ..OperationResult::default() })
        }
        Action::Load {
            object,
            program,
            load_as,
            expected_attach_type,
            attach_btf,
            traits,
            target,
            has_task,
            globals,
            trace,
            trace_entry,
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
            // As its object names them; those of other scopes are others'.
            let in_object = |map: &MadeMap| match map.name.rsplit_once('.') {
                Some((of, name)) => (of == scope).then(|| (name.to_owned(), map.handle)),
                None => Some((map.name.clone(), map.handle)),
            };
            let own = own.map(|map| (map.name.clone(), map.handle));
            let maps: Vec<_> = own.chain(shared.filter_map(in_object)).collect();
            let node = u32::try_from(node.unwrap_or_default()).map_err(|_| missing("the node"))?;
            let (handle, id) = kernel.load(&LoadRequest {
                object,
                program,
                load_as: *load_as,
                expected_attach_type: *expected_attach_type,
                attach_btf: attach_btf.as_ref(),
                traits: *traits,
                target,
                maps: &maps,
                globals: &[(NODE_GLOBAL, node), (HAS_TASK_GLOBAL, u32::from(*has_task))],
                set: globals,
                trace: trace.as_deref(),
                trace_entry: trace_entry.as_deref(),
            })?;
            programs.insert(*number, handle);
            Ok(OperationResult {
                program_id: Some(id),
                ..OperationResult::of(Made::Program(handle))
            })
        }
        Action::Adopt { slot: number, id, tag, .. } => {
            let handle = kernel.adopt(*id, tag)?;
            programs.insert(*number, handle);
            Ok(OperationResult {
                program_id: Some(*id),
                ..OperationResult::of(Made::Program(handle))
            })
        }
        Action::AttachHook { slot: number, attach } => {
            let map = attached_map(attach, scope, maps)?;
            let (mechanism, cookie) = (attach.mechanism(), attach.cookie());
            let request = AttachRequest::Host { program: slot(*number)?, mechanism, cookie, map };
            Ok(OperationResult::of(Made::Link(kernel.attach(&request)?)))
        }
        Action::Run { slot: number, attach } => {
            let how = attach.on_demand().ok_or_else(|| missing("how it is run"))?;
            let output =
                Some(kernel.run(slot(*number)?, how, attached_map(attach, scope, maps)?)?);
            Ok(OperationResult { output, ..OperationResult::default() })
        }
        Action::AttachReplacement { slot: number, target } => {
            let request = AttachRequest::Replacement {
                program: slot(*number)?,
                target: slot(target.slot)?,
                function: &target.function,
            };
            Ok(OperationResult::of(Made::Link(kernel.attach(&request)?)))
        }
        Action::AttachTracer { slot: number } => {
            let request = AttachRequest::Tracer { program: slot(*number)? };
            Ok(OperationResult::of(Made::Link(kernel.attach(&request)?)))
        }
    }
}
