//! The symbols of a kernel, from the text of `/proc/kallsyms` or from a list of names.

use std::collections::HashMap;

/// What is known of a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Symbol {
    /// How many symbols have it.
    pub(super) count: u16,
    /// Whether one of them is code.
    pub(super) is_function: bool,
    /// Whether one of them is a variable.
    pub(super) is_data: bool,
}

/// The symbols of a kernel and of its modules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Symbols {
    names: HashMap<Box<str>, Symbol>,
    /// Whether the functions behind tracepoints are among them.
    pub(super) has_tracepoints: bool,
    /// Whether the variables behind events are among them (`CONFIG_KALLSYMS_ALL`).
    pub(super) has_events: bool,
}

impl Symbols {
    /// Reads lines such as `ffffffff81234560 T tcp_connect`, with ` [MODULE]` behind those of
    /// modules; a line of one word is the name of a function.
    pub(super) fn parse(text: &str) -> Self {
        let mut found = Self {
            names: HashMap::with_capacity(text.len() / 44), // a line's usual length
            ..Self::default()
        };
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (kind, name) = match (words.next(), words.next(), words.next()) {
                (Some(_), Some(kind), Some(name)) => (kind, name),
                (Some(name), None, None) => ("t", name),
                _ => continue,
            };
            // Code that eBPF, ftrace and kprobes made: not for kprobes.
            if words.next().is_some_and(|from| from == "[bpf]" || from.starts_with("[__builtin")) {
                continue;
            }
            let is_function = matches!(kind, "t" | "T" | "w" | "W");
            let is_data = matches!(kind, "d" | "D" | "r" | "R" | "b" | "B");
            found.has_tracepoints |= is_function && name.starts_with("__traceiter_");
            found.has_events |= is_data && name.ends_with("__trace_system_name");
            let symbol = match found.names.get_mut(name) {
                Some(symbol) => symbol,
                None => found.names.entry(name.into()).or_default(),
            };
            symbol.count = symbol.count.saturating_add(1);
            symbol.is_function |= is_function;
            symbol.is_data |= is_data;
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
