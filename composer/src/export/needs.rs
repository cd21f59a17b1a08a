//! What a process needs of a machine to bring a chain up.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    hook::{Anchor, Destination, Mechanism, PerfEvent},
    kernel::{Capability, Feature},
    object::MapDef,
    plan::{Action, Plan},
    resolve::Resolved,
};

/// What a process needs of a machine to bring a chain up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// As root, without any others.
    pub capabilities: BTreeSet<Capability>,
    /// How it uses tracefs.
    pub tracefs: TracefsUse,
    /// Whether a host is attached to a cgroup.
    pub has_cgroups: bool,
    /// Whether maps are pinned, in a BPF file system.
    pub has_pins: bool,
    /// Whether it is in the network of the machine: at interfaces, or at a network namespace.
    pub has_network: bool,
    /// The interfaces that hosts are attached to.
    pub interfaces: BTreeSet<String>,
    /// The programs and libraries that hosts are attached to, by path or name.
    pub binaries: BTreeSet<String>,
    /// Whether a host is attached to one process, by its number.
    pub has_processes: bool,
    /// About how much memory the maps take, in bytes.
    pub map_memory: u64,
}

/// How tracefs is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TracefsUse {
    /// Not at all.
    None,
    /// Numbers of tracepoints and names of functions are read.
    Reads,
    /// An instance is made in it.
    Writes,
}

impl Needs {
    /// What bringing up `plan`, of the chain `resolved`, needs.
    #[must_use]
    pub fn of(plan: &Plan, resolved: &Resolved) -> Self {
        let reads = Feature::needed_by(plan).contains(&Feature::Tracefs);
        let mut needs = Self {
            capabilities: Capability::needed_by(plan, resolved),
            tracefs: if reads { TracefsUse::Reads } else { TracefsUse::None },
            has_cgroups: false,
            has_pins: false,
            has_network: false,
            interfaces: BTreeSet::new(),
            binaries: BTreeSet::new(),
            has_processes: false,
            map_memory: 0,
        };
        for operation in &plan.operations {
            match &operation.action {
                Action::Listen => needs.tracefs = TracefsUse::Writes,
                Action::CreateMap { map, pin, .. } => {
                    needs.has_pins |= pin.is_some();
                    needs.map_memory = needs.map_memory.saturating_add(memory(map));
                }
                Action::AttachHook { attach, .. } | Action::Run { attach, .. } => {
                    needs.add(attach.mechanism());
                }
                _ => {}
            }
        }
        needs
    }

    fn add(&mut self, mechanism: Mechanism<'_>) {
        self.binaries.extend(mechanism.binary().map(str::to_owned));
        match mechanism {
            Mechanism::Link { at: Anchor::Interface(name), .. }
            | Mechanism::TrafficFilter { interface: name, .. }
            | Mechanism::PacketSocket(name)
            | Mechanism::MapEntry { to: Destination::Interface(name), .. } => {
                self.has_network = true;
                self.interfaces.insert(name.to_owned());
            }
            Mechanism::Link { at: Anchor::NetNamespace | Anchor::Netfilter { .. }, .. } => {
                self.has_network = true;
            }
            Mechanism::Link { at: Anchor::Cgroup(_), .. } => self.has_cgroups = true,
            Mechanism::PerfEvent(
                PerfEvent::Uprobe { pid: Some(_), .. } | PerfEvent::Sampled { pid: Some(_), .. },
            ) => self.has_processes = true,
            Mechanism::Usdt(probe) => self.has_processes |= probe.pid.is_some(),
            _ => {}
        }
    }

    /// The binaries that are named by their paths.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.binaries.iter().map(Path::new).filter(|path| path.is_absolute())
    }

    /// Whether a binary is named without a path, and is looked for.
    #[must_use]
    pub fn looks_for_binaries(&self) -> bool {
        self.binaries.iter().any(|name| !Path::new(name).is_absolute())
    }
}

/// About how much memory a map takes. The number of CPUs is that of a large machine.
fn memory(map: &MapDef) -> u64 {
    /// Of an entry of a hash table, besides its key and value.
    const ENTRY: u64 = 64;
    const CPUS: u64 = 64;
    /// A buffer of a CPU.
    const PERF_BUFFER: u64 = 64 * 4096;
    let entries = u64::from(map.max_entries);
    match map.type_name() {
        "ringbuf" | "user_ringbuf" => entries,
        "perf_event_array" => CPUS * PERF_BUFFER,
        name => {
            let copies = if name.contains("percpu") { CPUS } else { 1 };
            let values = u64::from(map.value_size).saturating_mul(copies);
            entries.saturating_mul(values.saturating_add(u64::from(map.key_size) + ENTRY))
        }
    }
}

/// Where an engine has to look for a file that it does not see by itself, if it lies below one of `hidden`.
pub(super) fn below<'a>(paths: &'a [PathBuf], hidden: &[&str]) -> Vec<&'a Path> {
    let is_hidden = |path: &&PathBuf| hidden.iter().any(|folder| path.starts_with(folder));
    paths.iter().filter(is_hidden).map(PathBuf::as_path).collect()
}
