//! Decodes the record of one type.

use super::{Btf, Linkage, Member, Type, TypeId, count, kind};

impl Btf {
    /// The type with number `id`; none as well when its kind is not known here.
    #[must_use]
    pub fn get(&self, id: TypeId) -> Option<Type<'_>> {
        if id == 0 {
            return Some(Type::Void);
        }
        let at = *self.offsets.get(id as usize - 1)?;
        let name = self.string(self.word(at)?)?;
        let info = self.word(at + 4)?;
        let of = self.word(at + 8)?; // a size or a type, as the kind wants it
        let flag = info >> 31 == 1;
        let extra = |index: usize| self.word(at + 12 + 4 * index);
        let items = 0..count(info);
        Some(match kind(info) {
            1 => {
                let encoding = extra(0)? >> 24;
                Type::Int { name, size: of, signed: encoding & 1 != 0, boolean: encoding & 4 != 0 }
            }
            2 => Type::Ptr(of),
            3 => Type::Array { element: extra(0)?, length: extra(2)? },
            number @ (4 | 5) => {
                let member = |index: usize| {
                    let offset = extra(3 * index + 2)?;
                    Some(Member {
                        name: self.string(extra(3 * index)?)?,
                        of: extra(3 * index + 1)?,
                        bit_offset: if flag { offset & 0x00ff_ffff } else { offset },
                        bit_width: if flag { offset >> 24 } else { 0 },
                    })
                };
                let members = items.map(member).collect::<Option<_>>()?;
                Type::Struct { name, union: number == 5, size: of, members }
            }
            6 => {
                let variant = |index: usize| {
                    let value = extra(2 * index + 1)?;
                    let value =
                        if flag { i64::from(value.cast_signed()) } else { i64::from(value) };
                    Some((self.string(extra(2 * index)?)?, value))
                };
                let variants = items.map(variant).collect::<Option<_>>()?;
                Type::Enum { name, size: of, signed: flag, variants }
            }
            7 => Type::Forward { name, union: flag },
            8 => Type::Typedef { name, of },
            9 => Type::Modifier { word: "volatile", of },
            10 => Type::Modifier { word: "const", of },
            11 => Type::Modifier { word: "restrict", of },
            12 => {
                let linkage = match count(info) {
                    0 => Linkage::Static,
                    1 => Linkage::Global,
                    _ => Linkage::Extern,
                };
                Type::Function { name, prototype: of, linkage }
            }
            13 => {
                let parameter =
                    |index: usize| Some((self.string(extra(2 * index)?)?, extra(2 * index + 1)?));
                let parameters = items.map(parameter).collect::<Option<_>>()?;
                Type::Prototype { returns: of, parameters }
            }
            14 => Type::Variable { name, of },
            15 => {
                let variables = items.map(|index| extra(3 * index)).collect::<Option<_>>()?;
                Type::Section { name, variables }
            }
            16 => Type::Float { name, size: of },
            17 => Type::DeclarationTag,
            18 => Type::Modifier { word: "", of },
            19 => {
                let variant = |index: usize| {
                    let low = u64::from(extra(3 * index + 1)?);
                    let high = u64::from(extra(3 * index + 2)?);
                    Some((self.string(extra(3 * index)?)?, (high << 32 | low).cast_signed()))
                };
                let variants = items.map(variant).collect::<Option<_>>()?;
                Type::Enum { name, size: of, signed: flag, variants }
            }
            _ => return None,
        })
    }
}
