//! Decoded types.

/// The number of a type; 0 is `void`.
pub type TypeId = u32;

/// How far a function or variable is visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linkage {
    /// Within its file only.
    Static,
    /// To everybody.
    Global,
    /// Defined elsewhere.
    Extern,
}

/// A type, with the attributes that the composer uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type<'a> {
    /// `void`.
    Void,
    /// An integer of `size` bytes.
    Int {
        /// Its name in C.
        name: &'a str,
        /// Bytes.
        size: u32,
        /// Whether it has a sign.
        signed: bool,
        /// Whether it is `bool`.
        boolean: bool,
    },
    /// A pointer.
    Ptr(TypeId),
    /// An array.
    Array {
        /// Type of the elements.
        element: TypeId,
        /// How many.
        length: u32,
    },
    /// A struct or union.
    Struct {
        /// Its tag; empty when anonymous.
        name: &'a str,
        /// Whether it is a union.
        union: bool,
        /// Bytes.
        size: u32,
        /// In order.
        members: Vec<Member<'a>>,
    },
    /// An enum, of 4 or 8 bytes as a rule.
    Enum {
        /// Its tag; empty when anonymous.
        name: &'a str,
        /// Bytes.
        size: u32,
        /// Whether values have a sign.
        signed: bool,
        /// Names and values, in order.
        variants: Vec<(&'a str, i64)>,
    },
    /// A struct or union that is declared only.
    Forward {
        /// Its tag.
        name: &'a str,
        /// Whether it is a union.
        union: bool,
    },
    /// A typedef.
    Typedef {
        /// Its name.
        name: &'a str,
        /// The aliased type.
        of: TypeId,
    },
    /// `const`, `volatile`, `restrict` or a type tag.
    Modifier {
        /// The C keyword; empty for a type tag.
        word: &'static str,
        /// The modified type.
        of: TypeId,
    },
    /// A function.
    Function {
        /// Its name.
        name: &'a str,
        /// Its prototype's id.
        prototype: TypeId,
        /// Whether it is global.
        linkage: Linkage,
    },
    /// A prototype.
    Prototype {
        /// The type of its return value.
        returns: TypeId,
        /// Its parameters' names (possibly empty) and types; a last one of ("", 0) is `...`.
        parameters: Vec<(&'a str, TypeId)>,
    },
    /// A global variable.
    Variable {
        /// Its name.
        name: &'a str,
        /// Its type.
        of: TypeId,
    },
    /// The variables of a data section.
    Section {
        /// `.rodata`, `.maps`, ...
        name: &'a str,
        /// Ids of its variables.
        variables: Vec<TypeId>,
    },
    /// A floating-point number.
    Float {
        /// Its name in C.
        name: &'a str,
        /// Bytes.
        size: u32,
    },
    /// A tag on a declaration; not followed.
    DeclarationTag,
}

/// A field of a struct or union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name; empty for an anonymous struct or union.
    pub name: &'a str,
    /// Its type.
    pub of: TypeId,
    /// Offset from the start of the struct, in bits.
    pub bit_offset: u32,
    /// Width in bits when it is a bit field, else 0.
    pub bit_width: u32,
}

/// A variable as the list of its data section has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedVariable<'a> {
    /// The section.
    pub section: &'a str,
    /// The variable's name.
    pub name: &'a str,
    /// Its own number.
    pub id: TypeId,
    /// Its type.
    pub of: TypeId,
    /// Bytes from the start of the section; before linking, 0 or the addend of a relocation.
    pub offset: u32,
    /// Bytes; before linking it may be 0.
    pub size: u32,
    /// The location of the offset in the `.BTF` section, which relocations refer to.
    pub place: usize,
}
