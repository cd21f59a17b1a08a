//! Global variables: location, type and initial value.
//!
//! The symbol table has the location of a variable, BTF its type. They are joined by the
//! relocations of `.BTF`, which refer to the symbol of each variable, because static variables of
//! two functions may have the same name. In a linked object these relocations are resolved, and the
//! data sections in BTF contain the offsets.

use std::{collections::HashMap, ops::Range};

use object::{
    Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SectionIndex, SymbolKind,
};

use super::{
    DataSection, Object, ObjectError,
    btf::{Btf, TypeId},
    data::{is_data, is_frozen},
    elf::{damaged, in_file},
};

/// A global variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    /// Its name; of a static variable in a function, `function.name`.
    pub name: String,
    /// Its section: `.rodata`, `.data`, `.bss`, or one of these with a suffix.
    pub section: String,
    /// Bytes from the start of the section.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// Its type in the object's BTF, if known.
    pub of: Option<TypeId>,
    /// The number of its `VAR` there.
    variable: Option<TypeId>,
    /// Whether it is read-only: frozen before the program is loaded, so that the verifier treats it
    /// as a constant.
    pub frozen: bool,
    /// Where its bytes are in the file; none when they are all zero.
    place: Option<Range<usize>>,
}

/// Variables beyond this size are taken for damage, or for a buffer that nobody looks at.
const LARGEST: u64 = 1 << 26;

impl Object {
    /// The bytes that `global` of this object holds at first; empty when it is larger than 64 MiB.
    #[must_use]
    pub fn initial(&self, global: &Global) -> Vec<u8> {
        match &global.place {
            Some(place) => self.bytes.get(place.clone()).unwrap_or_default().to_vec(),
            None if global.size > LARGEST => Vec::new(),
            None => vec![0; usize::try_from(global.size).unwrap_or_default()],
        }
    }

    /// The variables called `name`, several when static ones share it. Static variables of
    /// functions answer to their own name too.
    pub fn globals_called<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a Global> + use<'a, 'n> {
        let exact = self.globals.iter().any(|global| global.name == name);
        let own = move |global: &Global| {
            let own = global.name.rsplit_once('.').map(|(_, own)| own);
            own == Some(name)
        };
        self.globals.iter().filter(move |global| global.name == name || (!exact && own(global)))
    }
}

impl Object {
    /// The variables of `section` as its list in BTF has them: the number of each, its offset and
    /// its size, rising and apart from each other.
    #[must_use]
    pub fn variables_of(&self, section: &DataSection) -> Vec<(TypeId, u32, u32)> {
        let mut found: Vec<(TypeId, u32, u32)> = Vec::new();
        for global in self.globals.iter().filter(|global| global.section == section.name) {
            let place = (global.variable, u32::try_from(global.offset), u32::try_from(global.size));
            let (Some(id), Ok(offset), Ok(size)) = place else { continue };
            let end = found.last().map_or(0, |(_, offset, size)| offset.saturating_add(*size));
            if offset >= end && self.btf.size(global.of.unwrap_or_default()) == Some(size) {
                found.push((id, offset, size));
            }
        }
        found
    }
}

pub(super) fn read(file: &object::File<'_>, btf: &Btf) -> Result<Vec<Global>, ObjectError> {
    let types = VariableTypes::of(file, btf);
    let mut found = Vec::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Data) {
        let Some(index) = symbol.section_index() else { continue };
        let section = file.section_by_index(index).map_err(damaged)?;
        let (section_name, name) =
            (section.name().map_err(damaged)?, symbol.name().map_err(damaged)?);
        let end = symbol.address().checked_add(symbol.size());
        let fits = end.is_some_and(|end| end <= section.size());
        // Names are printed, and no compiler makes such ones.
        let printable = !name.is_empty() && !name.chars().any(char::is_control);
        if !is_data(section_name) || !fits || !printable || symbol.size() == 0 {
            continue;
        }
        let length = usize::try_from(symbol.size()).unwrap_or(usize::MAX);
        let typed = types.at(section_name, index, symbol.address(), name);
        found.push(Global {
            name: name.to_owned(),
            section: section_name.to_owned(),
            offset: symbol.address(),
            size: symbol.size(),
            of: typed.map(|(_, of)| of),
            variable: typed.map(|(id, _)| id),
            frozen: is_frozen(section_name),
            place: in_file(&section, symbol.address(), length),
        });
    }
    found.sort_by(|left, right| {
        (&left.section, left.offset, &left.name).cmp(&(&right.section, right.offset, &right.name))
    });
    Ok(found)
}

/// The types of variables, by where the variable is and by its name.
struct VariableTypes<'a> {
    places: HashMap<(SectionIndex, u64), Typed>,
    offsets: HashMap<(&'a str, u64), Typed>,
    names: HashMap<(&'a str, &'a str), Typed>,
}

/// The number of a variable in BTF, and that of its type.
type Typed = (TypeId, TypeId);

impl<'a> VariableTypes<'a> {
    fn of(file: &object::File<'_>, btf: &'a Btf) -> Self {
        let mut symbols = HashMap::new();
        for (at, relocation) in
            file.section_by_name(".BTF").iter().flat_map(object::ObjectSection::relocations)
        {
            if let RelocationTarget::Symbol(symbol) = relocation.target()
                && let Ok(symbol) = file.symbol_by_index(symbol)
                && let Some(section) = symbol.section_index()
            {
                symbols.insert(at, (section, symbol.address()));
            }
        }
        let mut types =
            Self { places: HashMap::new(), offsets: HashMap::new(), names: HashMap::new() };
        for variable in btf.placed_variables() {
            let typed = (variable.id, variable.of);
            match symbols.get(&(variable.place as u64)) {
                Some((section, address)) => {
                    let address = address.saturating_add(u64::from(variable.offset));
                    types.places.insert((*section, address), typed);
                }
                None => {
                    let place = (variable.section, u64::from(variable.offset));
                    types.offsets.insert(place, typed);
                }
            }
            types.names.entry((variable.section, variable.name)).or_insert(typed);
        }
        types
    }

    fn at(&self, section: &str, index: SectionIndex, address: u64, name: &str) -> Option<Typed> {
        let found = self.places.get(&(index, address));
        let found = found.or_else(|| self.names.get(&(section, name)));
        found.or_else(|| self.offsets.get(&(section, address))).copied()
    }
}
