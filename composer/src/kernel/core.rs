//! CO-RE: adapts a program to the types of this kernel.
//!
//! aya-obj does the relocation. It gets an object that contains only the instructions and the
//! relocations of one program, so the rest of an object file cannot affect it; and panics are
//! caught, because it indexes into its input without checks.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
};

use aya_obj::btf::Btf;
use object::{
    Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope,
    write::{Object as Elf, Symbol, SymbolSection},
};

use super::KernelError;
use crate::object::{
    Cut, Object, Relocation,
    insn::{CALL, Insn, SIZE},
};

const RELOCATE: &str = "relocate";
/// The section that holds the instructions. aya-obj has to know its name.
const SECTION: &str = "xdp";
const FUNCTION: &str = "program";

/// What CO-RE made of the instructions of a program.
#[derive(Debug)]
pub(super) struct Relocated {
    /// The instructions, eight bytes each.
    pub(super) code: Vec<u8>,
    /// What the kernel does not have, by the number of the instruction that asks for it. The
    /// verifier refuses the program if it comes to one of those.
    pub(super) missing: Vec<(u32, String)>,
}

/// Does what the relocations of `cut` ask, which is cut out of `object`, for a kernel of these
/// `types`.
pub(super) fn relocate(object: &Object, cut: &Cut, types: &Btf) -> Result<Relocated, KernelError> {
    let here = |error: &dyn std::error::Error| KernelError::here(RELOCATE, chain_of(error));
    let elf = elf(object, cut).map_err(|error| here(&error))?;
    let code = guarded(RELOCATE, || {
        let mut parsed = aya_obj::Object::parse(&elf).map_err(|error| here(&error))?;
        parsed.relocate_btf(types).map_err(|error| here(&error))?;
        let function = parsed.functions.values().next();
        let function = function.ok_or_else(|| KernelError::here(RELOCATE, "nothing is left"))?;
        Ok(function.instructions.iter().flat_map(bytes_of).collect::<Vec<u8>>())
    })?;
    let is_missing = |one: &&Relocation| {
        Insn::at(&code, one.at as usize)
            .is_some_and(|insn| insn.opcode == CALL && insn.immediate == MISSING)
    };
    let missing = cut.relocations.iter().filter(is_missing);
    let missing = missing.map(|one| (one.at, object.asked(one))).collect();
    Ok(Relocated { code, missing })
}

/// The helper that aya-obj, as libbpf does, calls where there is no value.
const MISSING: i32 = 0x0bad_2310;

fn bytes_of(instruction: &aya_obj::generated::bpf_insn) -> [u8; SIZE] {
    let insn = Insn {
        opcode: instruction.code,
        to: instruction.dst_reg(),
        source: instruction.src_reg(),
        offset: instruction.off,
        immediate: instruction.imm,
    };
    insn.bytes()
}

/// An object file with the program alone.
fn elf(object: &Object, cut: &Cut) -> Result<Vec<u8>, object::write::Error> {
    let byte_order =
        if cfg!(target_endian = "little") { Endianness::Little } else { Endianness::Big };
    let mut elf = Elf::new(BinaryFormat::Elf, Architecture::Bpf, byte_order);
    let code = elf.add_section(Vec::new(), SECTION.into(), SectionKind::Text);
    elf.set_section_data(code, cut.code.as_slice(), 8);
    elf.add_symbol(Symbol {
        name: FUNCTION.into(),
        value: 0,
        size: cut.code.len() as u64,
        kind: SymbolKind::Text,
        scope: SymbolScope::Dynamic,
        weak: false,
        section: SymbolSection::Section(code),
        flags: SymbolFlags::None,
    });
    let (types, name) = object.plain_btf(SECTION);
    let section = elf.add_section(Vec::new(), b".BTF".to_vec(), SectionKind::Metadata);
    elf.set_section_data(section, types, 4);
    let section = elf.add_section(Vec::new(), b".BTF.ext".to_vec(), SectionKind::Metadata);
    elf.set_section_data(section, ext(&cut.relocations, name), 4);
    elf.write()
}

/// A `.BTF.ext` section with nothing but these relocations, of the section called by the string at
/// `name`.
fn ext(relocations: &[Relocation], name: u32) -> Vec<u8> {
    /// Bytes of a header, and of a record.
    const HEADER: u32 = 32;
    const RECORD: u32 = 16;
    let count = u32::try_from(relocations.len()).unwrap_or(u32::MAX);
    let mut out = Vec::new();
    out.extend(0xeb9f_u16.to_ne_bytes());
    out.extend([1, 0]); // version, flags
    // Offset and length of what is told of functions, of lines and of relocations.
    let length = 4 + 8 + count.saturating_mul(RECORD);
    let header = [HEADER, 0, 0, 0, 0, 0, length];
    let block = [RECORD, name, count];
    out.extend(header.iter().chain(&block).flat_map(|word| word.to_ne_bytes()));
    for one in relocations {
        let record = [one.at.saturating_mul(SIZE as u32), one.of, one.access, one.kind];
        out.extend(record.iter().flat_map(|word| word.to_ne_bytes()));
    }
    out
}

/// An error with the errors behind it, which say what the matter is.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        text += &format!(": {error}");
        behind = error.source();
    }
    text
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is behind a guard, where a panic becomes an error and is not worth a message.
/// A program that installs a panic hook may ask.
#[must_use]
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Does `work`, a panic in which becomes an error.
pub(super) fn guarded<T>(
    call: &'static str,
    work: impl FnOnce() -> Result<T, KernelError>,
) -> Result<T, KernelError> {
    GUARDED.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(false);
    done.unwrap_or_else(|_| Err(KernelError::here(call, "the object is damaged")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{prelude::*, test_runner::Config};

    use super::{Insn, guarded, is_guarded, relocate};
    use crate::{
        kernel::{
            KernelError,
            damage::{builtins, damaged},
        },
        object::{Cut, Object},
    };

    /// All the way that each program takes up to the kernel; the object's own types are the
    /// kernel's.
    fn assemble(bytes: &[u8]) -> Vec<(Cut, Result<Vec<u8>, KernelError>)> {
        let Ok(object) = Object::parse(bytes) else { return Vec::new() };
        let types = guarded("read types", || {
            let types = object.plain_btf("").0;
            aya_obj::btf::Btf::parse(&types, Default::default())
                .map_err(|error| KernelError::here("read types", error))
        });
        let Ok(types) = types else { return Vec::new() };
        let cuts = object.programs.iter().filter_map(|program| object.cut(program).ok());
        cuts.map(|cut| {
            let code = relocate(&object, &cut, &types).map(|relocated| relocated.code);
            (cut, code)
        })
        .collect()
    }

    #[test]
    fn the_built_in_programs_are_relocated() {
        for (name, bytes) in builtins() {
            let programs = Object::parse(bytes).expect("whole").programs.len();
            let assembled = assemble(bytes);
            assert_eq!(assembled.len(), programs, "{name}");
            for (_, code) in assembled {
                assert!(code.is_ok(), "{name}: {code:?}");
            }
        }
    }

    #[test]
    fn a_panic_is_an_error_of_the_object() {
        let found = guarded::<()>("read object", || panic!("index out of bounds"));
        assert_eq!(found, Err(KernelError::here("read object", "the object is damaged")));
        assert!(!is_guarded());
    }

    proptest! {
        #![proptest_config(Config { cases: 512, failure_persistence: None, ..Config::default() })]

        #[test]
        fn damage_changes_no_instruction_that_is_not_to_be_relocated((_, bytes) in damaged()) {
            for (cut, code) in assemble(&bytes) {
                let Ok(code) = code else { continue };
                prop_assert_eq!(code.len(), cut.code.len());
                // An immediate of 64 bits is two instructions.
                let touched: BTreeSet<u32> =
                    cut.relocations.iter().flat_map(|one| [one.at, one.at + 1]).collect();
                for (at, (before, after)) in
                    (0..).zip(Insn::all(&cut.code).zip(Insn::all(&code)))
                {
                    prop_assert!(touched.contains(&at) || before == after, "instruction {}", at);
                }
            }
        }
    }
}
