//! Programs, their functions and their maps.

use std::{
    collections::HashMap,
    ffi::c_char,
    os::fd::{AsFd as _, OwnedFd},
    rc::Rc,
};

use super::{Surroundings, under};
use crate::{
    kernel::{
        loader,
        sys::{self, ProgramParts},
    },
    object::{
        ProgramType,
        btf::{Btf, Linkage, Type},
        prototype,
    },
    running::{RunningFunction, RunningMap, RunningProgram, RunningType, Runs},
};

/// Bytes of a program's name that the kernel keeps.
const CUT: usize = 15;

/// Reads the programs with these ids; those that are gone are left out.
pub(super) fn read(
    ids: impl IntoIterator<Item = u32>,
    mut found: Surroundings,
) -> Vec<RunningProgram> {
    let mut reader = ProgramReader::default();
    let programs = ids.into_iter().filter_map(|id| {
        let program = sys::program_by_id(id).ok()?;
        let parts = sys::program_parts(program.as_fd(), false).ok()?;
        Some(reader.program(&parts, &mut found))
    });
    programs.collect()
}

/// The whole name of a program.
pub(crate) fn whole_name(id: u32) -> Option<String> {
    let program: OwnedFd = sys::program_by_id(id).ok()?;
    let parts = sys::program_parts(program.as_fd(), false).ok()?;
    let mut reader = ProgramReader::default();
    let functions = reader.functions(&parts);
    Some(name(&parts, &functions))
}

/// What programs share.
#[derive(Default)]
struct ProgramReader {
    /// BTF by id; none where it cannot be read.
    types: HashMap<u32, Option<Rc<Btf>>>,
    /// Names of maps by id.
    maps: HashMap<u32, String>,
}

impl ProgramReader {
    fn program(&mut self, parts: &ProgramParts, found: &mut Surroundings) -> RunningProgram {
        let info = &parts.info;
        let id = info.id;
        let functions = self.functions(parts);
        let mut attachments = found.attachments.remove(&id).unwrap_or_default();
        attachments.sort_by_key(|attachment| attachment.link);
        let maps = parts.maps.iter().map(|id| self.map(*id));
        RunningProgram {
            id,
            program_type: program_type(info.type_),
            name: name(parts, &functions),
            tag: loader::tag_of(info),
            gpl: info.gpl_compatible() != 0,
            loaded_at: info.load_time,
            user: info.created_by_uid,
            translated: info.xlated_prog_len,
            compiled: info.jited_prog_len,
            btf: (info.btf_id != 0).then_some(info.btf_id),
            functions,
            maps: maps.collect(),
            attachments,
            tables: found.tables.remove(&id).unwrap_or_default(),
            pins: found.pins.programs.remove(&id).unwrap_or_default(),
            processes: under(&found.descriptors.programs, id),
            runs: (info.run_cnt > 0)
                .then_some(Runs { count: info.run_cnt, nanoseconds: info.run_time_ns }),
        }
    }

    /// The functions that the kernel has of it, which may be fewer than its BTF names.
    fn functions(&mut self, parts: &ProgramParts) -> Vec<RunningFunction> {
        let Some(types) = self.types_of(parts.info.btf_id) else { return Vec::new() };
        let functions = parts.functions.iter().enumerate();
        let functions = functions.filter_map(|(index, (_, btf_id))| {
            let Type::Function { name, prototype, linkage } = types.get(*btf_id)? else {
                return None;
            };
            Some(RunningFunction {
                name: name.to_owned(),
                btf_id: *btf_id,
                global: linkage == Linkage::Global,
                prototype: prototype::function(&types, name, prototype),
                address: parts.addresses.get(index).copied().filter(|address| *address != 0),
                length: parts.lengths.get(index).copied().unwrap_or(0),
            })
        });
        functions.collect()
    }

    fn types_of(&mut self, id: u32) -> Option<Rc<Btf>> {
        let read =
            || (id != 0).then(|| Btf::parse(sys::btf_of(id).ok()?).ok().map(Rc::new)).flatten();
        self.types.entry(id).or_insert_with(read).clone()
    }

    fn map(&mut self, id: u32) -> RunningMap {
        let name = self.maps.entry(id).or_insert_with(|| map_name(id).unwrap_or_default()).clone();
        RunningMap { id, name }
    }
}

/// The name of the map with this id.
pub(super) fn map_name(id: u32) -> Option<String> {
    let map = sys::map_by_id(id).ok()?;
    Some(sys::until_nul(&sys::map_info(map.as_fd()).ok()?.name))
}

/// The type with this number in `enum bpf_prog_type`.
fn program_type(number: u32) -> RunningType {
    let known = ProgramType::ALL.iter().copied().find(|known| *known as u32 == number);
    known.map_or(RunningType::Other(number), RunningType::Known)
}

/// Its name: that of its entry, whose first letters the kernel has.
fn name(parts: &ProgramParts, functions: &[RunningFunction]) -> String {
    let cut: Vec<u8> = parts.info.name.iter().map(|byte: &c_char| byte.cast_unsigned()).collect();
    let cut = sys::until_nul(&cut);
    match functions.first() {
        Some(entry) if cut.len() == CUT && entry.name.starts_with(&cut) => entry.name.clone(),
        _ => cut,
    }
}
