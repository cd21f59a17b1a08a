//! Whether what was attached is in the machine code, for a chain that has just come up.
//!
//! Less is looked at than for a whole census: links, and the code of these programs and of those on them.

use std::collections::{BTreeSet, HashMap};

use super::{
    ByProgram, Pins, Surroundings, attachments, cgroups::Cgroups, code, descriptors::Descriptors,
    links, programs,
};
use crate::{
    machine_code::{CodeVerdict, verify},
    running::{Attachment, Census, Place},
};

/// Compares the code of `programs` with what links say is on their functions. Nothing is compared on machines
/// whose code is not read.
#[must_use]
pub fn confirm(programs: &BTreeSet<u32>) -> CodeVerdict {
    if !cfg!(target_arch = "x86_64") {
        return CodeVerdict::default();
    }
    let mut attachments = on_links();
    let ids: Vec<u32> = with_those_on_them(programs, &attachments).into_iter().collect();
    let found = Surroundings {
        attachments: &mut attachments,
        tables: HashMap::new(),
        pins: Pins::default(),
        descriptors: Descriptors::default(),
    };
    let census = Census { programs: programs::read(&ids, found), gaps: Vec::new() };
    let map = code::code_map(&census, programs, false);
    verify(&census, &map, programs)
}

/// What links attach.
fn on_links() -> ByProgram<Attachment> {
    let (cgroups, mut perf_events) = (Cgroups::default(), ByProgram::new());
    let mut reader = links::LinkReader::new(&cgroups, Vec::new(), &mut perf_events);
    let mut found = ByProgram::new();
    for id in reader.ids(&mut Vec::new()) {
        let Some((program, place)) = reader.read_function(id) else { continue };
        let attachment = attachments::of_link(id, place);
        found.entry(program).or_insert_with(Vec::new).push(attachment);
    }
    found
}

/// `programs`, those on functions of them, and so on.
fn with_those_on_them(programs: &BTreeSet<u32>, all: &ByProgram<Attachment>) -> BTreeSet<u32> {
    let mut found = programs.clone();
    loop {
        let is_on = |attachment: &Attachment| matches!(attachment.place, Place::Function { program, .. } if found.contains(&program));
        let more: Vec<u32> = all
            .iter()
            .filter(|(id, places)| !found.contains(id) && places.iter().any(is_on))
            .map(|(id, _)| *id)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}
