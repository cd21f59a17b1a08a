//! The ELF side of an object: turns sections, symbols and relocations into programs and functions.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

use object::{
    Architecture, Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget,
    SectionIndex, SectionKind, SymbolFlags, SymbolIndex, SymbolKind, elf,
};

use super::{
    Extern, Function, Instructions, NameIndex, Object, ObjectError, Program, Referent,
    btf::{Btf, Linkage, Type},
    calls, core_types, data,
    ext::Ext,
    externs, globals, insn, map_defs,
    map_defs::MapPlaces,
};

/// Where functions are: section and offset in front of the index.
pub(super) type ByPlace = HashMap<(SectionIndex, u64), usize>;

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
    let ext = match file.section_by_name(".BTF.ext") {
        Some(section) => Ext::parse(section.data().map_err(damaged)?, &btf),
        None => Ext::default(),
    };
    let (mut functions, places) = functions(&file, &btf, &ext)?;
    let symbols = DataSymbols::of(&file, &btf)?;
    link(&file, &mut functions, &places, &symbols)?;
    for (_, function) in &mut functions {
        let Some(section) = ext.sections.get(&function.section) else { continue };
        let places = section.relocations_in(function.range()).iter();
        let relocated = places.map(|one| {
            let at = (u64::from(one.at) - function.offset) / insn::SIZE as u64;
            Some((usize::try_from(at).ok()?, one.of))
        });
        function.code.relocated = relocated.flatten().collect();
    }
    let programs: Vec<Program> = functions
        .iter()
        .enumerate()
        // Sections of code other than .text hold programs; only their global symbols are entries.
        .filter(|(_, (_, function))| function.section != ".text" && function.is_global)
        .map(|(index, (_, function))| Program::new(&function.name, &function.section, index))
        .collect();
    let maps = map_defs::read(&file, &btf, &symbols.maps, &functions, &places)?;
    let legacy_maps = map_defs::legacy(&file)?;
    let globals = globals::read(&file, &btf)?;
    let functions: Vec<Function> = functions.into_iter().map(|(_, function)| function).collect();
    let data = data::sections(&file, &btf)?;
    let externs = symbols.externs;
    drop(file);
    let names = NameIndex::new(&programs, &functions);
    let events = core_types::events(&ext);
    Ok(Object {
        bytes,
        programs,
        functions,
        maps,
        legacy_maps,
        globals,
        data,
        externs,
        license,
        btf,
        events,
        loaded: None,
        ext,
        names,
    })
}

/// A function's place, next to what is told of it.
pub(super) type Placed = ((SectionIndex, u64), Function);

fn functions(
    file: &object::File<'_>,
    btf: &Btf,
    ext: &Ext,
) -> Result<(Vec<Placed>, ByPlace), ObjectError> {
    // Sorted by place, so that the order is the file's and does not depend on the symbol table.
    let mut found = BTreeMap::new();
    let typed = btf.functions();
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
        // By place, since a linked object may have several static functions of one name.
        let by_place = ext.sections.get(&section_name).and_then(|section| {
            let id = *section.functions.get(&symbol.address())?;
            match btf.get(id)? {
                Type::Function { prototype, linkage, .. } => Some((id, prototype, linkage)),
                _ => None,
            }
        });
        let typed = by_place.or_else(|| typed.get(name.as_str()).copied());
        let function = Function {
            // What counts is what BTF tells the verifier, but for hidden functions: those are
            // global to the linker, and the composer tells the verifier that they are static.
            is_global: match typed {
                Some((_, _, linkage)) => linkage == Linkage::Global && !is_hidden(&symbol),
                None => symbol.is_global(),
            },
            btf_id: typed.map(|(id, ..)| id),
            name,
            section: section_name,
            offset: symbol.address(),
            instructions: symbol.size() / insn::SIZE as u64,
            calls: Default::default(),
            helpers: Default::default(),
            formats: Default::default(),
            prototype: typed.map(|(_, prototype, _)| prototype),
            code: Instructions::default(),
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

/// Read-only data.
struct Constants<'a>(HashMap<SectionIndex, &'a [u8]>);

impl<'a> Constants<'a> {
    fn of(file: &object::File<'a>) -> Result<Self, ObjectError> {
        let mut found = HashMap::new();
        for section in file.sections() {
            if section.name_bytes().is_ok_and(|name| name.starts_with(b".rodata")) {
                found.insert(section.index(), section.data().map_err(damaged)?);
            }
        }
        Ok(Self(found))
    }

    /// The text that stands there, up to its NUL.
    fn text(&self, section: SectionIndex, at: u64) -> Option<Vec<u8>> {
        let bytes = self.0.get(&section)?.get(usize::try_from(at).ok()?..)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(bytes[..end].to_vec())
    }
}

/// Fills in who calls whom, what its instructions refer to and what it prints.
fn link(
    file: &object::File<'_>,
    functions: &mut [Placed],
    places: &ByPlace,
    symbols: &DataSymbols,
) -> Result<(), ObjectError> {
    let constants = Constants::of(file)?;
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        let data = section.data().map_err(damaged)?;
        let relocations: HashMap<u64, RelocationTarget> =
            section.relocations().map(|(at, relocation)| (at, relocation.target())).collect();
        for ((index, start), function) in functions.iter_mut() {
            if *index != section.index() {
                continue;
            }
            let range =
                usize::try_from(*start).ok().zip(usize::try_from(function.range().end).ok());
            let Some(code) = range.and_then(|(from, to)| data.get(from..to)) else { continue };
            function.helpers.extend(calls::helpers(code));
            function.code.place = in_file(&section, *start, code.len()).unwrap_or_default();
            let mut texts = HashMap::new();
            for reference in calls::references(code, *start) {
                let (place, referent) = match relocations.get(&reference.at) {
                    Some(RelocationTarget::Symbol(symbol)) => {
                        let symbol = file.symbol_by_index(*symbol).map_err(damaged)?;
                        let address = symbol.address().checked_add_signed(reference.addend);
                        let referent = symbols.referent(file, &symbol, address);
                        (symbol.section_index().zip(address), referent)
                    }
                    Some(_) => (None, Some(Referent::Other)),
                    None => (reference.local_target().map(|at| (*index, at)), None),
                };
                if let Some(text) = place.and_then(|(section, at)| constants.text(section, at)) {
                    texts.insert(reference.at, text);
                }
                let callee = place.and_then(|place| places.get(&place)).copied();
                function.calls.extend(callee);
                let Ok(number) = usize::try_from((reference.at - *start) / insn::SIZE as u64)
                else {
                    continue;
                };
                if let Some(referent) = callee.map(Referent::Function).or(referent) {
                    function.code.references.insert(number, referent);
                }
            }
            let formats = calls::formats(code, *start).into_iter();
            let format = |at: Option<u64>| texts.get(&at?).cloned();
            function.formats.extend(formats.map(format));
        }
    }
    Ok(())
}

/// Where the `length` bytes at `start` of a section are in the file.
pub(super) fn in_file(
    section: &object::Section<'_, '_>,
    start: u64,
    length: usize,
) -> Option<Range<usize>> {
    let (offset, _) = section.file_range()?;
    let from = usize::try_from(offset.checked_add(start)?).ok()?;
    Some(from..from.checked_add(length)?)
}

/// A hidden symbol is visible to the linker and to nobody behind it.
fn is_hidden(symbol: &object::Symbol<'_, '_>) -> bool {
    match symbol.flags() {
        SymbolFlags::Elf { st_other, .. } => {
            matches!(st_other & 3, elf::STV_HIDDEN | elf::STV_INTERNAL)
        }
        _ => false,
    }
}

/// What symbols that are no functions stand for.
struct DataSymbols {
    maps: MapPlaces,
    externs: Vec<Extern>,
    /// Where they are in that list.
    by_symbol: HashMap<SymbolIndex, usize>,
}

impl DataSymbols {
    fn of(file: &object::File<'_>, btf: &Btf) -> Result<Self, ObjectError> {
        let kinds = externs::ExternKinds::of(btf);
        let mut this =
            Self { maps: MapPlaces::of(file)?, externs: Vec::new(), by_symbol: HashMap::new() };
        for symbol in file.symbols() {
            let name = symbol.name().map_err(damaged)?;
            if name.is_empty() || name.chars().any(char::is_control) {
                continue;
            }
            if symbol.is_undefined() {
                let kind = kinds.kind(name);
                this.by_symbol.insert(symbol.index(), this.externs.len());
                this.externs.push(Extern { name: name.to_owned(), weak: symbol.is_weak(), kind });
            }
        }
        Ok(this)
    }

    /// What is at `address`, which a relocation gives by `symbol`.
    fn referent(
        &self,
        file: &object::File<'_>,
        symbol: &object::Symbol<'_, '_>,
        address: Option<u64>,
    ) -> Option<Referent> {
        if let Some(index) = self.by_symbol.get(&symbol.index()) {
            return Some(Referent::Extern(*index));
        }
        let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
        let (Some(section), Some(offset)) = (section, address) else {
            return Some(Referent::Other);
        };
        let name = section.name().ok()?;
        Some(if let Some(map) = self.maps.name(section.index(), offset) {
            Referent::Map(map.to_owned())
        } else if data::is_data(name) {
            let frozen = data::is_frozen(name);
            Referent::Variable { section: name.to_owned(), offset, frozen }
        } else {
            Referent::Other
        })
    }
}

pub(super) fn damaged(error: object::Error) -> ObjectError {
    ObjectError::Damaged(error.to_string())
}

fn native() -> Endianness {
    if cfg!(target_endian = "little") { Endianness::Little } else { Endianness::Big }
}
