//! The built-in eBPF programs, compiled from `bpf/*.bpf.c` by the build script and embedded, and the
//! recipes that use them, `chains/*.toml`.
//!
//! A chain names a program's object as `object = "builtin:NAME"`; the command line takes a recipe as
//! `builtin:NAME`.

/// An ELF file at an address that suits its structures.
#[repr(C, align(8))]
struct Aligned<T: ?Sized = [u8]>(T);

macro_rules! aligned {
    ($path:literal) => {{
        static OBJECT: &Aligned = &Aligned(*include_bytes!($path));
        OBJECT
    }};
}

include!(concat!(env!("OUT_DIR"), "/objects.rs"));

/// The built-in object called `name`, an ELF file for the `bpf` machine.
#[must_use]
pub fn object(name: &str) -> Option<&'static [u8]> {
    OBJECTS.iter().find(|(candidate, _)| *candidate == name).map(|(_, object)| &object.0)
}

/// The names of all built-in objects, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    OBJECTS.iter().map(|(name, _)| *name)
}

macro_rules! recipes {
    ($($name:literal)+) => {
        static RECIPES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../chains/", $name, ".toml")))),+];
    };
}

// Sorted; a test compares them with the files.
recipes!(
    "cgroup" "cpu" "dispatcher" "egress" "exec" "readline" "redirect" "tcp" "tcp-map" "tcp-options" "tcp-states" "trace" "xdp"
);

/// The text of the recipe called `name`, a chain file.
#[must_use]
pub fn recipe(name: &str) -> Option<&'static str> {
    RECIPES.iter().find(|(candidate, _)| *candidate == name).map(|(_, text)| *text)
}

/// The names of all recipes, sorted.
pub fn recipes() -> impl Iterator<Item = &'static str> {
    RECIPES.iter().map(|(name, _)| *name)
}
