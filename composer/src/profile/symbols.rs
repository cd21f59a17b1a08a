//! The symbols of a kernel, from the text of `/proc/kallsyms` or from a list of names.

use std::collections::HashMap;

/// Where the kernel's own code begins and ends: symbols are in the order of their addresses. Code
/// that runs only while the kernel boots has marks of its own, and is gone afterwards.
/// <https://github.com/torvalds/linux/blob/v6.12/include/asm-generic/sections.h>
const CODE: (&str, &str) = ("_stext", "_etext");
const BOOT_CODE: (&str, &str) = ("_sinittext", "_einittext");

/// What the symbols that follow a mark are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Region {
    /// No mark tells: their letters do.
    Unmarked,
    Code,
    BootCode,
    Data,
}

/// What is known of a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Symbol {
    /// How many symbols have it.
    pub(super) count: u16,
    /// Whether one of them is code.
    pub(super) is_function: bool,
    /// Whether one of them is a variable.
    pub(super) is_data: bool,
    /// Whether one of them is code that is gone when the kernel has booted.
    pub(super) is_boot_code: bool,
}

/// The symbols of a kernel and of its modules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KernelSymbols {
    names: HashMap<Box<str>, Symbol>,
    /// Whether the functions behind tracepoints are among them.
    pub(super) has_tracepoints: bool,
    /// Whether the variables behind events are among them (`CONFIG_KALLSYMS_ALL`).
    pub(super) has_events: bool,
}

impl KernelSymbols {
    /// Reads lines such as `ffffffff81234560 T tcp_connect`, with ` [MODULE]` behind those of
    /// modules; a line of one word is the name of a function.
    ///
    /// Letters alone do not tell code from data: where the linker's section of data is marked as
    /// executable, as in Debian's builds from 6.16 on, variables are `T` too.
    pub(super) fn parse(text: &str) -> Self {
        let mut found = Self {
            names: HashMap::with_capacity(text.len() / 44), // a line's usual length
            ..Self::default()
        };
        let mut region = Region::Unmarked;
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (kind, name) = match (words.next(), words.next(), words.next()) {
                (Some(_), Some(kind), Some(name)) => (kind, name),
                (Some(name), None, None) => ("t", name),
                _ => continue,
            };
            // Code that eBPF, ftrace and kprobes made: not for kprobes.
            let module = words.next();
            if module.is_some_and(|from| from == "[bpf]" || from.starts_with("[__builtin")) {
                continue;
            }
            region = match name {
                _ if module.is_some() => Region::Unmarked,
                _ if name == CODE.0 => Region::Code,
                _ if name == BOOT_CODE.0 => Region::BootCode,
                _ if name == CODE.1 || name == BOOT_CODE.1 => Region::Data,
                _ => region,
            };
            let is_code = matches!(kind, "t" | "T" | "w" | "W");
            let is_function = is_code && matches!(region, Region::Unmarked | Region::Code);
            let is_data = matches!(kind, "d" | "D" | "r" | "R" | "b" | "B")
                || is_code && region == Region::Data;
            found.has_tracepoints |= is_function && name.starts_with("__traceiter_");
            found.has_events |= is_data && name.ends_with("__trace_system_name");
            let symbol = match found.names.get_mut(name) {
                Some(symbol) => symbol,
                None => found.names.entry(name.into()).or_default(),
            };
            symbol.count = symbol.count.saturating_add(1);
            symbol.is_function |= is_function;
            symbol.is_data |= is_data;
            symbol.is_boot_code |= is_code && region == Region::BootCode;
        }
        found
    }

    pub(super) fn get(&self, name: &str) -> Option<Symbol> {
        self.names.get(name).copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(|name| &**name)
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = &str> {
        let functions = self.names.iter().filter(|(_, symbol)| symbol.is_function);
        functions.map(|(name, _)| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::KernelSymbols;

    #[test]
    fn what_stands_behind_the_code_is_data_whatever_its_letter_says() {
        let text = "0 T _stext\n0 T tcp_connect\n0 T _etext\n0 T jiffies\n0 t event_sched_switch\n\
                    0 T _sinittext\n0 t init_once\n0 T _einittext\n0 d late\n\
                    0 t nf_init\t[nf_nat]\n";
        let symbols = KernelSymbols::parse(text);
        let told = |name| {
            let found = symbols.get(name).expect(name);
            (found.is_function, found.is_data, found.is_boot_code)
        };
        assert_eq!(told("tcp_connect"), (true, false, false));
        assert_eq!(told("jiffies"), (false, true, false));
        assert_eq!(told("event_sched_switch"), (false, true, false));
        assert_eq!(told("init_once"), (false, false, true));
        assert_eq!(told("late"), (false, true, false));
        assert_eq!(told("nf_init"), (true, false, false));
    }

    #[test]
    fn without_marks_letters_tell() {
        let symbols = KernelSymbols::parse("0 T tcp_connect\n0 D jiffies\nbare\n");
        assert!(symbols.get("tcp_connect").is_some_and(|found| found.is_function));
        assert!(symbols.get("jiffies").is_some_and(|found| found.is_data && !found.is_function));
        assert!(symbols.get("bare").is_some_and(|found| found.is_function));
    }
}
