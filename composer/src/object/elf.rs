//! The ELF side of an object: sections, symbols and relocations become programs and functions.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

use object::{
    Architecture, Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget,
    SectionIndex, SectionKind, SymbolKind,
};

use super::{
    Code, Function, Names, Object, ObjectError, Program, ProgramKind, Referent,
    btf::{Btf, Linkage},
    calls, core_types, maps,
    reach::Way,
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
    let (core_types, relocated) = match file.section_by_name(".BTF.ext") {
        Some(section) => {
            let data = section.data().map_err(damaged)?;
            (core_types::read(data, &btf), core_types::places(data, &btf))
        }
        None => Default::default(),
    };
    let (mut functions, places) = functions(&file, &btf)?;
    link(&file, &mut functions, &places)?;
    for ((_, start), function) in &mut functions {
        let length = function.code.place.len() as u64;
        let places = relocated.get(&function.section).into_iter();
        let places = places.flat_map(|places| places.range(*start..start.saturating_add(length)));
        let numbers = places.filter_map(|at| usize::try_from((at - *start) / 8).ok());
        function.code.relocated = numbers.collect();
    }
    let programs: Vec<Program> = functions
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
    let functions: Vec<Function> = functions.into_iter().map(|(_, function)| function).collect();
    drop(file);
    let names = Names::new(&programs, &functions);
    Ok(Object { bytes, programs, functions, maps, license, btf, core_types, names })
}

/// A function's place, next to what is told of it.
type Placed = ((SectionIndex, u64), Function);

fn functions(file: &object::File<'_>, btf: &Btf) -> Result<(Vec<Placed>, ByPlace), ObjectError> {
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
        let typed = typed.get(name.as_str()).copied();
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
            formats: Default::default(),
            sure: Default::default(),
            prototype: typed.map(|(_, prototype, _)| prototype),
            code: Code::default(),
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
            let range = usize::try_from(*start)
                .ok()
                .zip(usize::try_from(start.saturating_add(function.instructions * 8)).ok());
            let Some(code) = range.and_then(|(from, to)| data.get(from..to)) else { continue };
            let way = Way::through(code);
            function.sure.leaves = way.leaves;
            for (at, helper) in calls::helpers(code) {
                function.helpers.insert(helper);
                if way.passes(at) {
                    function.sure.helpers.insert(helper);
                }
            }
            function.code.place = in_file(&section, *start, code.len()).unwrap_or_default();
            let mut texts = HashMap::new();
            for reference in calls::references(code, *start) {
                let (place, referent) = match relocations.get(&reference.at) {
                    Some(RelocationTarget::Symbol(symbol)) => {
                        let symbol = file.symbol_by_index(*symbol).map_err(damaged)?;
                        let address = symbol.address().checked_add_signed(reference.addend);
                        (symbol.section_index().zip(address), referent(file, &symbol))
                    }
                    Some(_) => (None, Some(Referent::Other)),
                    None => (reference.local_target().map(|at| (*index, at)), None),
                };
                if let Some(text) = place.and_then(|(section, at)| constants.text(section, at)) {
                    texts.insert(reference.at, text);
                }
                let callee = place.and_then(|place| places.get(&place)).copied();
                function.calls.extend(callee);
                let Ok(number) = usize::try_from((reference.at - *start) / 8) else { continue };
                if reference.is_call && way.passes(number) {
                    function.sure.calls.extend(callee);
                }
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
fn in_file(section: &object::Section<'_, '_>, start: u64, length: usize) -> Option<Range<usize>> {
    let (offset, _) = section.file_range()?;
    let from = usize::try_from(offset.checked_add(start)?).ok()?;
    Some(from..from.checked_add(length)?)
}

/// What a symbol that is no function stands for.
fn referent(file: &object::File<'_>, symbol: &object::Symbol<'_, '_>) -> Option<Referent> {
    let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
    let Some(section) = section else { return Some(Referent::Other) };
    let name = section.name().ok()?;
    Some(match name {
        ".maps" => Referent::Map(symbol.name().ok()?.to_owned()),
        _ if name.starts_with(".rodata") => Referent::Variable { frozen: true },
        _ if name.starts_with(".data") || name.starts_with(".bss") => {
            Referent::Variable { frozen: false }
        }
        _ => Referent::Other,
    })
}

fn damaged(error: object::Error) -> ObjectError {
    ObjectError::Damaged(error.to_string())
}

fn native() -> Endianness {
    if cfg!(target_endian = "little") { Endianness::Little } else { Endianness::Big }
}
