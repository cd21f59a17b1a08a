//! The machine code of loaded programs: the way that a call takes through it, and whether it agrees with
//! what the kernel's links say.
//!
//! x86-64: a function of a program begins with `endbr64` where the kernel uses that, and then five bytes that
//! the kernel patches (`bpf_arch_text_poke`,
//! <https://github.com/torvalds/linux/blob/v6.12/arch/x86/net/bpf_jit_comp.c>): a nop, a `jmp` to the program
//! that replaces the function, or a `call` (a `jmp` from Linux 6.19 on, where the trampoline ends the call) to
//! a trampoline that calls tracers.
//!
//! Pure: [`CodeMap`] is read by `kernel/census`.

mod decode;
mod json;
mod route;
mod schema;
#[cfg(test)]
mod tests;
mod verify;

pub use decode::{PatchSite, Transfer, TransferKind, decode, entry, text};
pub use json::to_json;
pub use route::{Route, RouteStep, RouteVisit};
pub use schema::schema;
pub use verify::{CodeVerdict, Disagreement, verify};

use std::collections::BTreeMap;

/// What could be read of the machine code of a kernel's programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeMap {
    /// Functions of programs, by the address of their machine code.
    pub functions: BTreeMap<u64, CodeFunction>,
    /// Trampolines that these lead to, by address.
    pub trampolines: BTreeMap<u64, Vec<u8>>,
    /// Names of other places that these lead to, by address.
    pub symbols: BTreeMap<u64, String>,
    /// What could not be read, each a sentence without its full stop.
    pub gaps: Vec<String>,
}

/// A function of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeFunction {
    /// The id of its program.
    pub program: u32,
    /// The name of that.
    pub program_name: String,
    /// Its name.
    pub name: String,
    /// Its number in the program's BTF.
    pub btf_id: u32,
    /// Whether it is the entry of the program.
    pub is_entry: bool,
    /// Its machine code, as it is in memory.
    pub code: Vec<u8>,
    /// Where lines of the source begin, by address.
    pub lines: BTreeMap<u64, CodeLine>,
}

/// A line of the source.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CodeLine {
    /// The file, without its folder.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// Its text.
    pub text: String,
}

/// Where machine code leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodePlace<'a> {
    /// The beginning of a function of a program.
    Function(u64, &'a CodeFunction),
    /// The inside of a function, behind the bytes that the kernel patches.
    Behind(u64, &'a CodeFunction),
    /// A trampoline, with its name.
    Trampoline(u64, &'a str),
    /// Another place in the kernel, with its name.
    Kernel(&'a str),
    /// A place without a name.
    Unknown,
}

impl CodeMap {
    /// What is at `address`.
    #[must_use]
    pub fn place(&self, address: u64) -> CodePlace<'_> {
        if let Some((start, function)) = self.functions.range(..=address).next_back() {
            if *start == address {
                return CodePlace::Function(*start, function);
            }
            let entry = entry(&function.code, *start);
            if entry.is_some_and(|entry| entry.at + PatchSite::LENGTH == address) {
                return CodePlace::Behind(*start, function);
            }
        }
        let name = self.symbols.get(&address).map(String::as_str);
        match name {
            Some(name) if name.starts_with("bpf_trampoline_") => {
                CodePlace::Trampoline(address, name)
            }
            _ if self.trampolines.contains_key(&address) => {
                CodePlace::Trampoline(address, name.unwrap_or("a trampoline"))
            }
            Some(name) => CodePlace::Kernel(name),
            None => CodePlace::Unknown,
        }
    }

    /// The address of a function by its program and its number there.
    #[must_use]
    pub fn function(&self, program: u32, btf_id: u32) -> Option<(u64, &CodeFunction)> {
        let mut all = self.functions.iter();
        let found = all.find(|(_, one)| one.program == program && one.btf_id == btf_id)?;
        Some((*found.0, found.1))
    }

    /// The entry of a program.
    #[must_use]
    pub fn entry_of(&self, program: u32) -> Option<(u64, &CodeFunction)> {
        let found =
            self.functions.iter().find(|(_, one)| one.program == program && one.is_entry)?;
        Some((*found.0, found.1))
    }
}
