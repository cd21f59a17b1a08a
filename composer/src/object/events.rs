//! Which structs a program writes as events: those it takes the BTF number of, as `fc_reserve`
//! does. The compiler leaves a CO-RE relocation of that kind in `.BTF.ext`.
//!
//! Format: <https://docs.kernel.org/bpf/btf.html#btf-ext-section>, and the relocations in
//! <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h#L7394>.

use std::collections::BTreeSet;

use super::btf::TypeId;

/// `BPF_CORE_TYPE_ID_LOCAL`.
const TYPE_ID_LOCAL: u32 = 6;

/// The types whose numbers are taken, by the `.BTF.ext` section in `data`. What does not fit ends
/// the search: the loader says more about a damaged section.
pub(super) fn read(data: &[u8]) -> BTreeSet<TypeId> {
    let mut found = BTreeSet::new();
    let _ = scan(data, &mut found);
    found
}

fn scan(data: &[u8], found: &mut BTreeSet<TypeId>) -> Option<()> {
    let word = |at: usize| {
        data.get(at..at.checked_add(4)?)?
            .try_into()
            .ok()
            .map(|bytes| u32::from_ne_bytes(bytes) as usize)
    };
    let header = word(4)?;
    // Sections older than CO-RE have a header that ends before these two.
    if header < 32 {
        return None;
    }
    let start = header.checked_add(word(24)?)?;
    let end = start.checked_add(word(28)?)?;
    let size = word(start)?;
    if size < 16 {
        return None;
    }
    // One block for each section of code: name, number of records, records.
    let mut at = start + 4;
    while at < end {
        let records = word(at + 4)?;
        at += 8;
        for _ in 0..records {
            if word(at + 12)? as u32 == TYPE_ID_LOCAL {
                found.insert(word(at + 4)? as u32);
            }
            at = at.checked_add(size)?;
        }
    }
    Some(())
}
