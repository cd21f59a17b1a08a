//! Entries of maps as bytes, by the types of the objects that define the maps.

use std::sync::Arc;

use super::{Arranger, EncodedEntry};
use crate::{
    chain::{Spanned, Value},
    diag::{Code, Diagnostic, list, nearest},
    object::{MapDef, Object, btf::TypeId},
    resolve::{EncodedValue, encode},
    testing::MapContent,
};

impl<'t> Arranger<'_, 't> {
    /// The entries of a map of the chain as bytes.
    pub(super) fn map(
        &self,
        content: &MapContent,
    ) -> Result<(String, Vec<EncodedEntry>), Box<Diagnostic>> {
        let name = &content.map;
        let all = || {
            let of_chain = self.base.programs().flat_map(|(_, _, of)| {
                let object: &Object = of.object();
                of.chain_maps().map(move |(map, made)| (object, map, made.map.name.as_str()))
            });
            let of_mocks = self.own_mocks().flat_map(|(_, object)| {
                let object: &Object = object;
                object.maps.iter().map(move |map| (object, map, map.name.as_str()))
            });
            of_chain.chain(of_mocks).filter(|(.., name)| !name.starts_with("fc_"))
        };
        let Some((object, map, _)) = all().find(|(.., found)| *found == name.value) else {
            let names: Vec<&str> = all().map(|(.., name)| name).collect();
            let message = format!("map `{}` not found", name.value.escape_debug());
            let help = match nearest(&name.value, names.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None if names.is_empty() => "The programs of the chain have no maps.".to_owned(),
                None => format!("The maps of the chain are: {}.", list(&names)),
            };
            return Err(Box::new(self.bad(&name.span, message, "unknown map").help(help)));
        };
        let btf = &object.btf;
        let part = |of: TypeId, size: u32, what: &str, value: &Spanned<Value>| match of {
            0 => self.untyped(size, what, value),
            of => encode(Code::BadTest, (btf, of), what, value),
        };
        let mut entries = Vec::new();
        for entry in &content.entries {
            let key = part(map.types.0, map.key_size, "key", &entry.key)?;
            let value = match &entry.value {
                Some(value) => Some(part(map.types.1, map.value_size, "value", value)?),
                None => None,
            };
            let value_span = entry.value.as_ref().map(|value| value.span.clone());
            entries.push(EncodedEntry { key, value, span: entry.span.clone(), value_span });
        }
        Ok((name.value.clone(), entries))
    }

    /// The object that defines a map with types.
    pub(super) fn object_of_map(&self, name: &str) -> Option<Arc<Object>> {
        let has = |map: &MapDef| map.name == name && map.types.1 != 0;
        let mut programs = self.base.programs();
        let of_chain = programs.find(|(_, _, of)| of.chain_maps().any(|(_, made)| has(&made.map)));
        let of_chain = of_chain.map(|(_, _, of)| of.shared_object());
        let found = of_chain.or_else(|| {
            let mut mocks = self.own_mocks().map(|(_, object)| object);
            mocks.find(|object| object.maps.iter().any(has))
        });
        found.map(Arc::clone)
    }

    /// A value of a map without types: a number of its size, or all bytes in hexadecimal.
    pub(super) fn untyped(
        &self,
        size: u32,
        what: &str,
        value: &Spanned<Value>,
    ) -> Result<EncodedValue, Box<Diagnostic>> {
        let bytes = match &value.value {
            Value::Number(number) if matches!(size, 1 | 2 | 4 | 8) => {
                let bytes = number.to_ne_bytes();
                let from = if cfg!(target_endian = "big") { 8 - size as usize } else { 0 };
                Some(bytes[from..from + size as usize].to_vec())
            }
            Value::Text(text) => {
                let digits: String = text.chars().filter(|one| !one.is_whitespace()).collect();
                let pairs = digits.as_bytes().chunks(2);
                let bytes =
                    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
                bytes.collect::<Option<Vec<u8>>>().filter(|bytes| bytes.len() == size as usize)
            }
            _ => None,
        };
        let bytes = bytes.ok_or_else(|| {
            let message = format!("`{what}` has {size} bytes of no known type");
            let help = format!(
                "Write its {size} bytes in hexadecimal: \"00 01 …\", or give the map types \
                                (__type) in the program."
            );
            Box::new(self.bad(&value.span, message, "of another size").help(help))
        })?;
        let whole = crate::resolve::EncodedPart {
            name: what.to_owned(),
            of: 0,
            bits: 0..8 * u64::from(size),
        };
        Ok(EncodedValue { bytes, parts: vec![whole] })
    }
}
