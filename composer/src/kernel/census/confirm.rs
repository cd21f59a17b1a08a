//! Whether what was attached is in the machine code, for a chain that has just come up.
//!
//! Less is looked at than for a whole census: links, and the code of these programs and of those on them.

use std::collections::BTreeSet;

use super::{ByProgram, Surroundings, attachments, code, links, programs};
use crate::{
    kernel::sys::{self, Numbered},
    machine_code::{CodeVerdict, verify},
    running::{Attachment, Census},
};

/// Compares the code of `programs` with what links say is on their functions. Nothing is compared on machines
/// whose code is not read.
#[must_use]
pub fn confirm(programs: &BTreeSet<u32>) -> CodeVerdict {
    if !cfg!(target_arch = "x86_64") {
        return CodeVerdict::default();
    }
    let attachments = on_functions();
    let ids: BTreeSet<u32> = attachments.keys().chain(programs).copied().collect();
    let found = Surroundings { attachments, ..Surroundings::default() };
    let census = Census { programs: programs::read(ids, found), gaps: Vec::new() };
    let map = code::code_map(&census, programs, false);
    verify(&census, &map, programs)
}

/// What links attach to functions of programs.
fn on_functions() -> ByProgram<Attachment> {
    let mut found = ByProgram::new();
    for id in sys::ids(Numbered::Link).unwrap_or_default() {
        let Some((program, place)) = links::on_function(id) else { continue };
        found.entry(program).or_insert_with(Vec::new).push(attachments::of_link(id, place));
    }
    found
}
