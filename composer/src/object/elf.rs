//! The ELF side of an object: sections, symbols and relocations become programs and functions.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use object::{
    Architecture, Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget,
    SectionIndex, SectionKind, SymbolKind,
};

use super::{
    Function, Object, ObjectError, Program, ProgramKind,
    btf::{Btf, Linkage},
    calls, core_types, maps,
};

/// Where functions are: section and offset in front of the index.
type ByPlace = HashMap<(SectionIndex, u64), usize>;

pub(super) fn parse(bytes: Arc<[u8]>) -> Result<Object, ObjectError> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(ObjectError::NotElf);
    }
    let file = object::File::parse(&*bytes).map_err(damaged)?;
    if file.architecture() != Architecture::Bpf {
        return Err(ObjectError::NotBpf(format!("{:?}", file.architecture()).to_lowercase()));
    }
    if file.endianness() != native() {
        return Err(ObjectError::ByteOrder);
    }
    let btf = match file.section_by_name(".BTF") {
        Some(section) => Btf::parse(section.data().map_err(damaged)?)?,
        None => return Err(ObjectError::NoBtf),
    };
    let license = match file.section_by_name("license") {
        Some(section) => {
            let data = section.data().map_err(damaged)?;
            let text = data.split(|byte| *byte == 0).next().unwrap_or_default();
            Some(String::from_utf8_lossy(text).escape_debug().to_string())
        }
        None => None,
    };
    let core_types = match file.section_by_name(".BTF.ext") {
        Some(section) => core_types::read(section.data().map_err(damaged)?, &btf),
        None => Default::default(),
    };
    let (mut functions, places) = functions(&file, &btf)?;
    link(&file, &mut functions, &places)?;
    let programs = functions
        .iter()
        .enumerate()
        // Sections of code other than .text hold programs; only their global symbols are entries.
        .filter(|(_, (_, function))| function.section != ".text" && function.is_global)
        .map(|(index, (_, function))| Program {
            name: function.name.clone(),
            section: function.section.clone(),
            kind: ProgramKind::of_section(&function.section),
            function: index,
        })
        .collect();
    let maps = maps::read(&btf);
    let functions = functions.into_iter().map(|(_, function)| function).collect();
    drop(file);
    Ok(Object { bytes, programs, functions, maps, license, btf, core_types })
}

/// A function's place, next to what is told of it.
type Placed = ((SectionIndex, u64), Function);

fn functions(file: &object::File<'_>, btf: &Btf) -> Result<(Vec<Placed>, ByPlace), ObjectError> {
    // Sorted by place, so that the order is the file's and does not depend on the symbol table.
    let mut found = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
        let Some(index) = symbol.section_index() else { continue };
        let section = file.section_by_index(index).map_err(damaged)?;
        if section.kind() != SectionKind::Text {
            continue;
        }
        let name = symbol.name().map_err(damaged)?.to_owned();
        let section_name = section.name().map_err(damaged)?.to_owned();
        let end = symbol.address().checked_add(symbol.size());
        // Names are printed, and no compiler makes such ones.
        let unprintable =
            [&name, &section_name].iter().any(|name| name.chars().any(char::is_control));
        if name.is_empty() || unprintable || end.is_none_or(|end| end > section.size()) {
            continue;
        }
        let typed = btf.function(&name);
        let function = Function {
            // A hidden symbol is global to the linker; what counts is what BTF tells the verifier.
            is_global: match typed {
                Some((_, _, linkage)) => linkage == Linkage::Global,
                None => symbol.is_global(),
            },
            name,
            section: section_name,
            instructions: symbol.size() / 8,
            calls: Default::default(),
            helpers: Default::default(),
            maps: Default::default(),
            formats: Default::default(),
            prototype: typed.map(|(_, prototype, _)| prototype),
        };
        found.insert((index.0, symbol.address()), function);
    }
    let functions: Vec<Placed> = found
        .into_iter()
        .map(|((section, address), function)| ((SectionIndex(section), address), function))
        .collect();
    let places = functions.iter().enumerate().map(|(index, (place, _))| (*place, index)).collect();
    Ok((functions, places))
}

/// What instructions refer to that is not code.
struct Data<'a> {
    /// Names of maps by their places.
    maps: HashMap<(SectionIndex, u64), String>,
    /// Read-only data.
    constants: HashMap<SectionIndex, &'a [u8]>,
}

impl<'a> Data<'a> {
    fn of(file: &object::File<'a>) -> Result<Self, ObjectError> {
        let mut found = Self { maps: HashMap::new(), constants: HashMap::new() };
        for section in file.sections() {
            let name = section.name_bytes().unwrap_or_default();
            if name.starts_with(b".rodata") {
                found.constants.insert(section.index(), section.data().map_err(damaged)?);
            }
            if name != b".maps" {
                continue;
            }
            let symbols = file.symbols().filter(|one| one.section_index() == Some(section.index()));
            for symbol in symbols.filter(|symbol| symbol.kind() != SymbolKind::Section) {
                let name = symbol.name().map_err(damaged)?.to_owned();
                found.maps.insert((section.index(), symbol.address()), name);
            }
        }
        Ok(found)
    }

    /// The text that stands there, up to its NUL.
    fn text(&self, section: SectionIndex, at: u64) -> Option<Vec<u8>> {
        let bytes = self.constants.get(&section)?.get(usize::try_from(at).ok()?..)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(bytes[..end].to_vec())
    }
}

/// Fills in who calls whom, which maps it refers to and what it prints.
fn link(
    file: &object::File<'_>,
    functions: &mut [Placed],
    places: &ByPlace,
) -> Result<(), ObjectError> {
    let referred = Data::of(file)?;
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        let data = section.data().map_err(damaged)?;
        let relocations: HashMap<u64, RelocationTarget> =
            section.relocations().map(|(at, relocation)| (at, relocation.target())).collect();
        for ((index, start), function) in functions.iter_mut() {
            if *index != section.index() {
                continue;
            }
            let range = usize::try_from(*start)
                .ok()
                .zip(usize::try_from(start.saturating_add(function.instructions * 8)).ok());
            let Some(code) = range.and_then(|(from, to)| data.get(from..to)) else { continue };
            function.helpers.extend(calls::helpers(code));
            let mut texts = HashMap::new();
            for reference in calls::references(code, *start) {
                let place = match relocations.get(&reference.at) {
                    Some(RelocationTarget::Symbol(symbol)) => {
                        let symbol = file.symbol_by_index(*symbol).map_err(damaged)?;
                        let address = symbol.address().checked_add_signed(reference.addend);
                        symbol.section_index().zip(address)
                    }
                    Some(_) => None,
                    None => reference.local_target().map(|at| (*index, at)),
                };
                if !reference.is_call
                    && let Some((section, at)) = place
                {
                    function.maps.extend(referred.maps.get(&(section, at)).cloned());
                    texts.insert(reference.at, referred.text(section, at));
                }
                if let Some(callee) = place.and_then(|place| places.get(&place)) {
                    function.calls.insert(*callee);
                }
            }
            let formats = calls::formats(code, *start).into_iter();
            let format = |at: Option<u64>| texts.get(&at?).cloned().flatten();
            function.formats.extend(formats.map(format));
        }
    }
    Ok(())
}

fn damaged(error: object::Error) -> ObjectError {
    ObjectError::Damaged(error.to_string())
}

fn native() -> Endianness {
    if cfg!(target_endian = "little") { Endianness::Little } else { Endianness::Big }
}
