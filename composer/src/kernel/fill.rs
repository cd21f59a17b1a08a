//! Resolves the references of a cut program: descriptors of maps, locations of global variables,
//! and the kernel's definitions of names.

use std::{
    collections::{HashMap, hash_map::Entry},
    os::fd::{AsRawFd, OwnedFd, RawFd},
};

use super::{
    KernelError,
    externs::{Externs, Found},
    loader::{GlobalBytes, LoadJob},
    prepare::{PARSE, Prepared, Workshop},
    sys,
};
use crate::object::{
    Cut, DataSection, NeededTypes, Object, Open, Referent, SectionVariables,
    insn::{CALL, Insn, calls, set_wide, wide},
};

/// What a call that leads nowhere calls; no helper has this number. The verifier refuses it where it
/// comes to it.
const NO_HELPER: i32 = 2_002_000_000;

/// A program whose instructions are all there.
pub(super) struct Filled {
    /// Eight bytes each.
    pub(super) code: Vec<u8>,
    /// Maps of its own: its global variables.
    pub(super) own: HashMap<String, OwnedFd>,
}

/// Fills in what is open in `prepared`.
pub(super) fn fill(
    prepared: &Prepared,
    job: &LoadJob<'_>,
    settings: &[GlobalBytes],
    workshop: &mut Workshop,
    externs: &mut Externs,
) -> Result<Filled, KernelError> {
    let mut filled = Filled { code: prepared.relocated.code.clone(), own: HashMap::new() };
    let found = find(&prepared.cut, job.object, workshop, externs)?;
    let kconfig = Kconfig::of(&prepared.cut, &found)?;
    for Open { at, to } in &prepared.cut.open {
        let (code, at) = (&mut filled.code, *at as usize);
        match to {
            Referent::Map(name) => {
                let map = job.maps.get(name.as_str());
                let map =
                    map.ok_or_else(|| KernelError::here(PARSE, format!("map `{name}` not found")))?;
                set_wide(code, at, wide::MAP, map.as_raw_fd(), 0);
            }
            Referent::Variable { section, offset, .. } => {
                let map = match filled.own.get(section) {
                    Some(map) => map.as_raw_fd(),
                    None => {
                        let map = data_map(section, job.object, settings, workshop)?;
                        let number = map.as_raw_fd();
                        filled.own.insert(section.clone(), map);
                        number
                    }
                };
                let offset = i32::try_from(*offset).unwrap_or(i32::MAX);
                set_wide(code, at, wide::MAP_VALUE, map, offset);
            }
            Referent::Extern(index) => match found.get(index) {
                Some(Found::Value(_)) => {
                    let (map, offset) = kconfig.place(*index);
                    set_wide(code, at, wide::MAP_VALUE, map, offset);
                }
                Some(Found::Address(address)) => {
                    let halves = (*address as i32, (*address >> 32) as i32);
                    set_wide(code, at, wide::NUMBER, halves.0, halves.1);
                }
                Some(Found::Variable(id) | Found::Function(id)) => {
                    refer(code, at, id.cast_signed());
                }
                Some(Found::Nothing) | None => nothing(code, at),
            },
            Referent::Function(_) | Referent::Other => {} // a cut leaves none of these open
        }
    }
    if let Some(map) = kconfig.map {
        filled.own.insert(".kconfig".to_owned(), map);
    }
    Ok(filled)
}

/// What the kernel has of each extern that `cut` refers to, by its index.
fn find(
    cut: &Cut,
    object: &Object,
    workshop: &mut Workshop,
    externs: &mut Externs,
) -> Result<HashMap<usize, Found>, KernelError> {
    let mut found = HashMap::new();
    for open in &cut.open {
        let Referent::Extern(index) = open.to else { continue };
        let Some(wanted) = object.externs.get(index) else { continue };
        if let Entry::Vacant(place) = found.entry(index) {
            place.insert(externs.find(object, wanted, || workshop.types())?);
        }
    }
    Ok(found)
}

/// The values of the configuration that a program asks for, in a map of their own.
struct Kconfig {
    map: Option<OwnedFd>,
    offsets: HashMap<usize, i32>,
}

impl Kconfig {
    fn of(cut: &Cut, found: &HashMap<usize, Found>) -> Result<Self, KernelError> {
        let mut bytes: Vec<u8> = Vec::new();
        let mut offsets = HashMap::new();
        for open in &cut.open {
            let Referent::Extern(index) = open.to else { continue };
            let Some(Found::Value(value)) = found.get(&index) else { continue };
            if offsets.contains_key(&index) {
                continue;
            }
            // Numbers have up to eight bytes; nothing else minds where it is.
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            offsets.insert(index, i32::try_from(bytes.len()).unwrap_or(i32::MAX));
            bytes.extend(value);
        }
        let map = match bytes.is_empty() {
            true => None,
            false => Some(value_map(".kconfig", &bytes, true, None)?),
        };
        Ok(Self { map, offsets })
    }

    fn place(&self, index: usize) -> (RawFd, i32) {
        let map = self.map.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        (map, self.offsets.get(&index).copied().unwrap_or_default())
    }
}

/// The map of a section of global variables, with what is set in it.
fn data_map(
    name: &str,
    object: &Object,
    settings: &[GlobalBytes],
    workshop: &mut Workshop,
) -> Result<OwnedFd, KernelError> {
    let section = object.data.iter().find(|section| section.name == name);
    let section =
        section.ok_or_else(|| KernelError::here(PARSE, format!("section {name} not found")))?;
    let mut bytes = content(section, object)?;
    for setting in settings.iter().filter(|setting| setting.section == name) {
        let from = usize::try_from(setting.offset).unwrap_or(usize::MAX);
        let to = from.saturating_add(setting.bytes.len());
        let place = bytes.get_mut(from..to).ok_or_else(|| {
            KernelError::here(PARSE, format!("byte {to} is beyond the end of {name}"))
        })?;
        place.copy_from_slice(&setting.bytes);
    }
    let types = match section.of {
        Some(id) => {
            let variables = object.variables_of(section);
            let size = u32::try_from(section.size).unwrap_or(u32::MAX);
            let section = SectionVariables { size, variables };
            let needed = NeededTypes { sections: [(id, section)].into(), ..NeededTypes::default() };
            Some((workshop.types_in_kernel(object, &needed)?, id))
        }
        None => None,
    };
    value_map(name, &bytes, section.is_frozen(), types.as_ref())
}

/// What a section holds at first.
fn content(section: &DataSection, object: &Object) -> Result<Vec<u8>, KernelError> {
    /// A map's value is of no more bytes: `KMALLOC_MAX_SIZE` is less.
    const LARGEST: u64 = 1 << 30;
    let too_large = || KernelError::here(PARSE, format!("{} is too large", section.name));
    match &section.place {
        Some(place) => object.bytes.get(place.clone()).map(<[u8]>::to_vec).ok_or_else(too_large),
        None if section.size > LARGEST => Err(too_large()),
        None => Ok(vec![0; usize::try_from(section.size).unwrap_or_default()]),
    }
}

/// An array of one value, which a program has by its address.
fn value_map(
    name: &str,
    bytes: &[u8],
    frozen: bool,
    types: Option<&(OwnedFd, u32)>,
) -> Result<OwnedFd, KernelError> {
    /// `BPF_MAP_TYPE_ARRAY`.
    const ARRAY: u32 = 2;
    /// `BPF_F_RDONLY_PROG`.
    const READ_ONLY: u32 = 1 << 7;
    let mut map = sys::MapCreate {
        map_type: ARRAY,
        key_size: 4,
        value_size: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        max_entries: 1,
        flags: if frozen { READ_ONLY } else { 0 },
        name: sys::name(name),
        btf_fd: types.map_or(0, |(btf, _)| sys::number_of(btf)),
        btf_value_type: types.map_or(0, |(_, id)| *id),
        ..sys::MapCreate::default()
    };
    let os = |call| move |error| KernelError::os(call, &error);
    let made = sys::map_create(&mut map).map_err(os("BPF_MAP_CREATE"))?;
    let descriptor = std::os::fd::AsFd::as_fd(&made);
    sys::map_update(descriptor, 0, bytes).map_err(os("BPF_MAP_UPDATE_ELEM"))?;
    if frozen {
        sys::map_freeze(descriptor).map_err(os("BPF_MAP_FREEZE"))?;
    }
    Ok(made)
}

/// Makes the instruction at `at` call, or take the address of, what has this number in the kernel's
/// BTF.
fn refer(code: &mut [u8], at: usize, id: i32) {
    if is_call(code, at) {
        Insn::call(calls::KERNEL_FUNCTION, id).put(code, at);
    } else {
        set_wide(code, at, wide::KERNEL_VARIABLE, id, 0);
    }
}

/// Makes the instruction at `at` take the address of nothing, or call what cannot be called.
fn nothing(code: &mut [u8], at: usize) {
    if is_call(code, at) {
        Insn::call(calls::HELPER, NO_HELPER).put(code, at);
    } else {
        set_wide(code, at, wide::NUMBER, 0, 0);
    }
}

fn is_call(code: &[u8], at: usize) -> bool {
    Insn::at(code, at).is_some_and(|insn| insn.opcode == CALL)
}
