//! What `.BTF.ext` says that a program asks of types: the CO-RE relocations.
//!
//! Three things are read from them. The structs a program writes as events: those it takes the BTF
//! number of, as `fc_reserve` does. The types of the kernel that it goes by. And which instructions
//! are other ones by the time the verifier sees them.
//!
//! Format: <https://docs.kernel.org/bpf/btf.html#btf-ext-section>, and the relocations in
//! <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>.

use std::collections::{BTreeMap, BTreeSet};

use super::btf::{Btf, Type, TypeId};

/// `BPF_CORE_TYPE_ID_LOCAL`.
const TYPE_ID_LOCAL: u32 = 6;
/// `BPF_CORE_TYPE_ID_TARGET`: wants the number that the type has in the kernel.
const TYPE_ID_TARGET: u32 = 7;

/// What an object's relocations ask of types.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CoreTypes {
    /// Structs it writes as events, by number.
    pub events: BTreeSet<TypeId>,
    /// Names of types of the kernel that it goes by, without flavors; none when it has to have
    /// all of them.
    pub kernel: Option<BTreeSet<String>>,
}

/// Reads the `.BTF.ext` section in `data`. What does not fit ends the search: the loader says more
/// about a damaged section.
pub(super) fn read(data: &[u8], btf: &Btf) -> CoreTypes {
    let mut found = CoreTypes { kernel: Some(BTreeSet::new()), ..CoreTypes::default() };
    let mut add = |relocation: &Relocation| found.add(relocation.kind, relocation.of, btf);
    if scan(data, &mut add).is_none() {
        found.kernel = None;
    }
    found
}

/// Where instructions are relocated: offsets in each section of code, by the section's name.
pub(super) fn places(data: &[u8], btf: &Btf) -> BTreeMap<String, BTreeSet<u64>> {
    let mut found: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    // What is found up to the damage counts; the loader refuses the object.
    let _ = scan(data, &mut |relocation| {
        if let Some(section) = btf.string(relocation.section) {
            found.entry(section.to_owned()).or_default().insert(relocation.at.into());
        }
    });
    found
}

/// A relocation of one instruction.
struct Relocation {
    /// The name of its section, in the strings of BTF.
    section: u32,
    /// Offset in the section, bytes.
    at: u32,
    of: TypeId,
    kind: u32,
}

impl CoreTypes {
    fn add(&mut self, kind: u32, id: TypeId, btf: &Btf) {
        if kind == TYPE_ID_LOCAL {
            self.events.insert(id);
            return;
        }
        let name = match btf.get(id) {
            Some(Type::Struct { name, .. } | Type::Enum { name, .. }) if kind != TYPE_ID_TARGET => {
                name
            }
            // A typedef may stand for a pointer, and what that points to may be asked for.
            _ => return self.kernel = None,
        };
        let name = name.split("___").next().unwrap_or_default();
        if let Some(names) = &mut self.kernel {
            names.insert(name.to_owned());
        }
    }
}

/// Hands every relocation to `each`; none when the section is not whole.
fn scan(data: &[u8], each: &mut dyn FnMut(&Relocation)) -> Option<()> {
    let word =
        |at: usize| data.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_ne_bytes);
    let place = |at: usize| word(at).map(|word| word as usize);
    let header = place(4)?;
    // Sections older than CO-RE have a header that ends before these two.
    if header < 32 || place(28)? == 0 {
        return Some(());
    }
    let start = header.checked_add(place(24)?)?;
    let end = start.checked_add(place(28)?)?;
    let size = place(start)?;
    if size < 16 {
        return None;
    }
    // One block for each section of code: name, number of records, records.
    let mut at = start + 4;
    while at < end {
        let (section, records) = (word(at)?, word(at + 4)?);
        at += 8;
        for _ in 0..records {
            let (kind, of) = (word(at + 12)?, word(at + 4)?);
            each(&Relocation { section, at: word(at)?, of, kind });
            at = at.checked_add(size)?;
        }
    }
    Some(())
}
