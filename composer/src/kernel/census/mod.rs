//! Takes a [`Census`]: asks the kernel for every program, and looks where each is attached and who holds
//! it.
//!
//! What goes while this looks is left out; what may not be looked at is told in [`Census::gaps`]. Nothing
//! is changed: descriptors are opened and closed again.

mod attachments;
mod cgroups;
mod code;
mod confirm;
mod descriptors;
mod kernel_functions;
mod links;
mod namespaces;
mod network;
mod objects;
mod pins;
mod programs;
mod struct_ops;
mod tables;

use std::{collections::HashMap, path::PathBuf};

pub use code::code_map;
pub use confirm::confirm;
pub(super) use descriptors::holders_of_link;
pub use objects::{RunningKernel, Successors};
pub(crate) use programs::whole_name;

use super::{
    KernelError,
    sys::{self, Numbered},
};
use crate::running::{Attachment, Census, Process, TableEntry};
use descriptors::Descriptors;

/// Whatever belongs to a program and is found elsewhere, by its id.
type ByProgram<T> = HashMap<u32, Vec<T>>;

/// Looks at all programs in the kernel.
///
/// # Errors
/// What the kernel says to the first question; without `CAP_SYS_ADMIN` that is EPERM.
pub fn census() -> Result<Census, KernelError> {
    let failed = |error| KernelError::os("BPF_PROG_GET_NEXT_ID", &error);
    let ids = sys::ids(Numbered::Program).map_err(failed)?;
    let mut gaps = Vec::new();
    let descriptors = Descriptors::look(&mut gaps);
    let pins = pins::look();
    let functions = kernel_functions::KernelFunctions::default();
    let tables::InMaps { entries, spots } = tables::look(&functions, &mut gaps);
    let attachments = attachments::look(&descriptors, &pins, (spots, &functions), &mut gaps);
    let found = Surroundings { attachments, tables: entries, pins, descriptors };
    let programs = programs::read(ids, found);
    Ok(Census { programs, gaps })
}

/// What goes with programs.
#[derive(Debug, Default)]
struct Surroundings {
    attachments: ByProgram<Attachment>,
    tables: ByProgram<TableEntry>,
    pins: Pins,
    descriptors: Descriptors,
}

/// What is pinned, by the ids.
#[derive(Debug, Default)]
struct Pins {
    programs: HashMap<u32, Vec<PathBuf>>,
    links: HashMap<u32, Vec<PathBuf>>,
}

/// What the processes in `of` have under that id.
fn under(of: &HashMap<u32, Vec<Process>>, id: u32) -> Vec<Process> {
    let mut found = of.get(&id).cloned().unwrap_or_default();
    found.sort();
    found.dedup();
    found
}
