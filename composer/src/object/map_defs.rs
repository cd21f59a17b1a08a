//! Map definitions, read from BTF and the `.maps` section.
//!
//! Each variable is an anonymous struct whose members define the map's attributes: `__uint(x, N)`
//! is a pointer to an array of N ints, `__type(x, T)` a pointer to T, `__array(values, T)` an array
//! of pointers to T, which also contains the initial entries.
//! <https://docs.kernel.org/bpf/map_array.html> shows the form.

use std::collections::{BTreeMap, HashMap};

use object::{
    Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SectionIndex, SymbolKind,
};

use super::{
    ObjectError,
    btf::{Btf, Type, TypeId},
    elf::{ByPlace, Placed, damaged},
    maps::{Initial, LegacyMap, MapDef},
};

/// The section of the old form.
const LEGACY: &str = "maps";
/// Where the definitions are.
const MAPS: &str = ".maps";
/// How deep maps are in maps; the kernel takes one level.
const DEPTH: usize = 2;

/// Where maps are, of both forms.
pub(super) struct MapPlaces(HashMap<SectionIndex, BTreeMap<u64, (String, u64)>>);

impl MapPlaces {
    pub(super) fn of(file: &object::File<'_>) -> Result<Self, ObjectError> {
        let mut found: HashMap<_, BTreeMap<_, _>> = HashMap::new();
        for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Data) {
            let Some(index) = symbol.section_index() else { continue };
            let section = file.section_by_index(index).map_err(damaged)?;
            if [MAPS, LEGACY].contains(&section.name().map_err(damaged)?) {
                let name = symbol.name().map_err(damaged)?.to_owned();
                let maps = found.entry(index).or_default();
                maps.insert(symbol.address(), (name, symbol.size()));
            }
        }
        Ok(Self(found))
    }

    /// The name of the map at `address` of a section of maps; none when it is no such section. A
    /// static map is referred to by its section alone, with its place as the address.
    pub(super) fn name(&self, section: SectionIndex, address: u64) -> Option<&str> {
        let (start, (name, size)) = self.0.get(&section)?.range(..=address).next_back()?;
        (address - start < (*size).max(1)).then_some(name.as_str())
    }
}

/// The maps of the `.maps` section, in the order of BTF, with what they hold at first.
pub(super) fn read(
    file: &object::File<'_>,
    btf: &Btf,
    places: &MapPlaces,
    functions: &[Placed],
    by_place: &ByPlace,
) -> Result<Vec<MapDef>, ObjectError> {
    let variables = btf.section(MAPS).unwrap_or_default().into_iter();
    let mut offsets = HashMap::new();
    let mut maps = Vec::new();
    for variable in variables {
        let Some(Type::Variable { name, of }) = btf.get(variable) else { continue };
        let Some(map) = definition(btf, name, of, DEPTH) else { continue };
        offsets.insert(name, (maps.len(), values_offset(btf, of)));
        maps.push(map);
    }
    let Some(section) = file.section_by_name(MAPS) else { return Ok(maps) };
    for (at, relocation) in section.relocations() {
        let RelocationTarget::Symbol(symbol) = relocation.target() else { continue };
        let symbol = file.symbol_by_index(symbol).map_err(damaged)?;
        let holder = places.0.get(&section.index()).and_then(|maps| maps.range(..=at).next_back());
        let Some((start, (holder, _))) = holder else { continue };
        let Some((index, Some(values))) = offsets.get(holder.as_str()) else { continue };
        let Some(within) = (at - start).checked_sub(*values) else { continue };
        // What is behind a section symbol is told by the bytes that are to be relocated.
        let data = section.data().map_err(damaged)?;
        let addend = usize::try_from(at).ok().and_then(|at| data.get(at..at.checked_add(8)?));
        let addend = addend.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes);
        let place = symbol.section_index().zip(symbol.address().checked_add(addend));
        let Some((target, address)) = place else { continue };
        let function = by_place.get(&(target, address)).and_then(|index| functions.get(*index));
        let value = match (places.name(target, address), function) {
            (Some(map), _) => Initial::Map(map.to_owned()),
            (None, Some((_, function))) => Initial::Program(function.name.clone()),
            (None, None) => continue,
        };
        if let (Ok(entry), Some(map)) = (u32::try_from(within / 8), maps.get_mut(*index)) {
            map.values.push((entry, value));
        }
    }
    for map in &mut maps {
        map.values.sort();
        // A table may say how long it is by what it holds.
        if map.max_entries == 0
            && let Some((last, _)) = map.values.last()
        {
            map.max_entries = last.saturating_add(1);
        }
    }
    Ok(maps)
}

/// Maps of the old form: a row of numbers, of which the first is the type.
pub(super) fn legacy(file: &object::File<'_>) -> Result<Vec<LegacyMap>, ObjectError> {
    let Some(section) = file.section_by_name(LEGACY) else { return Ok(Vec::new()) };
    let data = section.data().map_err(damaged)?;
    let mut found = Vec::new();
    for symbol in file.symbols().filter(|symbol| symbol.section_index() == Some(section.index())) {
        let name = symbol.name().map_err(damaged)?;
        if symbol.kind() != SymbolKind::Data || name.chars().any(char::is_control) {
            continue;
        }
        let at = usize::try_from(symbol.address()).ok();
        let bytes = at.and_then(|at| data.get(at..at.checked_add(4)?));
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        let map_type = bytes.map_or(0, u32::from_ne_bytes);
        found.push(LegacyMap { name: name.to_owned(), map_type });
    }
    Ok(found)
}

/// Bytes in front of the entries of a map that has some.
fn values_offset(btf: &Btf, of: TypeId) -> Option<u64> {
    let Type::Struct { members, .. } = btf.resolve(of)?.1 else { return None };
    let values = members.iter().find(|member| member.name == "values")?;
    Some(u64::from(values.bit_offset / 8))
}

/// The map whose attributes are the members of the struct `of`.
fn definition(btf: &Btf, name: &str, of: TypeId, depth: usize) -> Option<MapDef> {
    let Type::Struct { members, .. } = btf.resolve(of)?.1 else { return None };
    let mut def = MapDef { name: name.to_owned(), ..MapDef::default() };
    for member in members {
        let Some((_, of)) = btf.resolve(member.of) else { continue };
        match (member.name, of) {
            ("values", Type::Array { element, .. }) if depth > 0 => {
                def.inner = values(btf, name, element, depth).map(Box::new);
            }
            // __ulong() makes an enum whose only value is the number.
            ("map_extra", Type::Enum { variants, .. }) => {
                def.extra = variants.first().map_or(0, |(_, value)| value.cast_unsigned());
            }
            (attribute, Type::Ptr(pointee)) => attribute_of(btf, &mut def, attribute, pointee),
            _ => {}
        }
    }
    def.put_right();
    Some(def)
}

fn attribute_of(btf: &Btf, def: &mut MapDef, attribute: &str, pointee: TypeId) {
    let number = match btf.resolve(pointee) {
        Some((_, Type::Array { length, .. })) => length,
        _ => 0,
    };
    match attribute {
        "type" => def.map_type = number,
        "max_entries" => def.max_entries = number,
        "map_flags" => def.flags = number,
        "numa_node" => def.numa_node = number,
        "map_extra" => def.extra = number.into(),
        "pinning" => def.pinned = number != 0,
        "key_size" => def.key_size = number,
        "value_size" => def.value_size = number,
        "key" => {
            def.key_size = btf.size(pointee).unwrap_or(0);
            def.types.0 = pointee;
        }
        "value" => {
            def.value_size = btf.size(pointee).unwrap_or(0);
            def.types.1 = pointee;
        }
        _ => {}
    }
}

/// What the pointers of `__array(values, T)` lead to, where that is a map.
fn values(btf: &Btf, name: &str, element: TypeId, depth: usize) -> Option<MapDef> {
    let Type::Ptr(pointee) = btf.resolve(element)?.1 else { return None };
    definition(btf, &format!("{name}.inner"), pointee, depth - 1)
}
