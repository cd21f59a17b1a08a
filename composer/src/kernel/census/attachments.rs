//! Where programs are attached: what links say, and what the places themselves say of programs that are
//! there without a link.

use std::collections::HashMap;

use super::{
    ByProgram, Pins, cgroups, descriptors::Descriptors, kernel_functions::KernelFunctions, links,
    namespaces, under,
};
use crate::{
    files::plain,
    kernel::sys::{self, Numbered},
    running::{Attachment, Place, Process},
};

/// A program at a place that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) program: u32,
    /// What a link there goes by.
    pub(super) key: SpotKey,
    /// What the kind of place is called.
    pub(super) kind: String,
    /// The place.
    pub(super) at: String,
    /// The network namespace, where it is another than ours.
    pub(super) namespace: Option<String>,
}

/// How a link and the place it is at are brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpotKey {
    /// The index of an interface, and an attach type there.
    Interface(u32, u32),
    /// The inode of a cgroup or of a network namespace, and an attach type there.
    Inode(u64, u32),
    /// A map of sockets, and an attach type there.
    Map(u32, u32),
    /// A map of operations of the kernel, and whether those are registered without a link.
    Operations { map: u32, registered: bool },
    /// Filters have no links.
    Filter,
}

impl Spot {
    pub(super) fn place(self) -> Place {
        Place::Kernel { kind: self.kind, at: self.at, namespace: self.namespace }
    }
}

/// A program at a perf event that a process has open.
#[derive(Debug, Clone)]
pub(super) struct PerfSpot {
    pub(super) kind: String,
    pub(super) at: String,
    process: Process,
}

/// What is attached, by its program; `at_maps` was found already.
pub(super) fn look(
    descriptors: &Descriptors,
    pins: &Pins,
    (at_maps, functions): (Vec<Spot>, &KernelFunctions),
    gaps: &mut Vec<String>,
) -> ByProgram<Attachment> {
    let cgroups = cgroups::Cgroups::look();
    let mut spots = namespaces::spots(descriptors, gaps);
    spots.extend(cgroups.spots());
    spots.extend(at_maps);
    let mut perf_events = perf_spots(descriptors);
    let mut found: ByProgram<Attachment> = HashMap::new();
    let mut reader = links::LinkReader::new(&cgroups, spots, &mut perf_events, functions);
    let ids = sys::ids(Numbered::Link).unwrap_or_else(|error| {
        gaps.push(format!("links: {}", plain(&error)));
        Vec::new()
    });
    for id in ids {
        for (program, place) in reader.read(id) {
            found.entry(program).or_default().push(Attachment {
                pins: pins.links.get(&id).cloned().unwrap_or_default(),
                processes: under(&descriptors.links, id),
                ..of_link(id, place)
            });
        }
    }
    let without_link =
        |place, processes| Attachment { link: None, place, pins: Vec::new(), processes };
    for spot in reader.left() {
        found.entry(spot.program).or_default().push(without_link(spot.place(), Vec::new()));
    }
    for (program, spots) in perf_events {
        for PerfSpot { kind, at, process } in spots {
            let place = Place::Kernel { kind, at, namespace: None };
            let all = found.entry(program).or_default();
            // A process and its children may have one event open.
            match all.iter_mut().find(|known| known.link.is_none() && known.place == place) {
                Some(known) => known.processes.push(process),
                None => all.push(without_link(place, vec![process])),
            }
        }
    }
    found
}

/// What a link attaches, when nobody asks who holds it.
pub(super) fn of_link(id: u32, place: Place) -> Attachment {
    Attachment { link: Some(id), place, pins: Vec::new(), processes: Vec::new() }
}

/// What is at the perf events that processes have open.
fn perf_spots(descriptors: &Descriptors) -> ByProgram<PerfSpot> {
    let mut found: ByProgram<PerfSpot> = HashMap::new();
    for (process, number) in &descriptors.perf_events {
        let Ok((program, kind, name, offset)) = sys::task_descriptor(process.pid, *number) else {
            continue; // no program is there
        };
        let kind = match kind {
            // enum bpf_task_fd_type
            0 => "raw_tracepoint",
            1 => "tracepoint",
            2 => "kprobe",
            3 => "kretprobe",
            4 => "uprobe",
            5 => "uretprobe",
            _ => "perf_event",
        };
        let at = links::with_offset(name, offset);
        let spot = PerfSpot { kind: kind.to_owned(), at, process: process.clone() };
        found.entry(program).or_default().push(spot);
    }
    found
}
