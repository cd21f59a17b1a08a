//! What can be attached to in a kernel: its functions and tracepoints, as its BTF and its symbols
//! tell of them. What neither tells for certain is left open.
//!
//! In symbols, a tracepoint `NAME` is a function `__traceiter_NAME`; an event made of it a variable
//! `event_NAME`; the events of a system call `event_enter__CALL` and `event_exit__CALL`; a category
//! the text `str__CATEGORY__trace_system_name`. In BTF a tracepoint is a typedef `btf_trace_NAME`.
//! <https://github.com/torvalds/linux/blob/v6.12/include/trace/trace_events.h>

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::symbols::KernelSymbols;
use crate::{
    diag::nearest_of_many,
    object::btf::{Btf, BtfError, Type},
};

/// The functions, tracepoints and types of a kernel, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    types: Option<BtfTargets>,
    symbols: Option<KernelSymbols>,
    btf: Option<Arc<Btf>>,
}

/// What BTF knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct BtfTargets {
    /// Names of functions, not all of them; empty where symbols know them.
    functions: HashSet<Box<str>>,
    /// Names of the kernel's own tracepoints, and how many arguments they have.
    tracepoints: HashMap<Box<str>, Option<usize>>,
}

/// Whether a place to attach to is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nothing speaks against it.
    There,
    /// It is not there.
    Missing,
    /// It is not where it would be if it were known, and may be there all the same.
    Unsure,
    /// So many symbols have the name.
    Several(u16),
    /// It is a variable.
    Data,
    /// It is code that is gone when the kernel has booted.
    Gone,
    /// It is on the kernel's list of functions that must not be probed.
    Forbidden,
}

/// What a typedef of BTF that names a tracepoint begins with.
const TYPEDEF: &str = "btf_trace_";
/// Categories whose events are made while the kernel runs, or without a tracepoint.
const OPEN: [&str; 6] = ["ftrace", "kprobes", "uprobes", "eprobes", "fprobes", "synthetic"];
/// What the names of system calls' functions begin with, by architecture.
const SYSCALLS: [&str; 4] = ["__x64_", "__arm64_", "__riscv_", "__s390x_"];

impl Targets {
    /// What the kernel's BTF, and its symbols in the format of `/proc/kallsyms` or one name a line,
    /// tell.
    ///
    /// # Errors
    /// When `btf` is no BTF.
    pub fn new(btf: Option<Vec<u8>>, symbols: Option<&str>) -> Result<Self, BtfError> {
        let btf = btf.map(Btf::parse).transpose()?.map(Arc::new);
        // Symbols know all of the functions.
        let types = btf.as_ref().map(|btf| BtfTargets::new(btf, symbols.is_none()));
        Ok(Self { types, btf, ..Self::of_symbols(symbols) })
    }

    /// What symbols alone tell.
    #[must_use]
    pub fn of_symbols(symbols: Option<&str>) -> Self {
        Self { symbols: symbols.map(KernelSymbols::parse), ..Self::default() }
    }

    /// The kernel's types, where they are known.
    #[must_use]
    pub fn kernel_types(&self) -> Option<&Btf> {
        self.btf.as_deref()
    }

    /// Whether there is a function `name` that a kprobe could be put at. `MODULE:NAME` is left open.
    #[must_use]
    pub fn function(&self, name: &str) -> Presence {
        if name.contains(':') {
            return Presence::There;
        }
        match (&self.symbols, &self.types) {
            (Some(symbols), _) => match symbols.get(name) {
                None => Presence::Missing,
                Some(found) if found.count > 1 => Presence::Several(found.count),
                Some(_) if symbols.get(&format!("_kbl_addr_{name}")).is_some() => {
                    Presence::Forbidden
                }
                Some(found) if found.is_boot_code => Presence::Gone,
                Some(found) if !found.is_function => Presence::Data,
                Some(_) => Presence::There,
            },
            // Functions are left out of BTF when their prototype cannot be told for certain.
            (None, Some(types)) if !types.functions.contains(name) => Presence::Unsure,
            _ => Presence::There,
        }
    }

    /// Whether the kernel has a function `name` that a program may call. BTF has all of these; a
    /// function that only symbols have may be one or not.
    #[must_use]
    pub fn kernel_function(&self, name: &str) -> Presence {
        let known = self.types.as_ref().is_some_and(|types| types.functions.contains(name));
        match &self.symbols {
            Some(symbols) if symbols.get(name).is_none() => Presence::Missing,
            None if self.types.is_some() && !known => Presence::Missing,
            _ => Presence::There,
        }
    }

    /// Whether the kernel has a variable `name`.
    #[must_use]
    pub fn kernel_variable(&self, name: &str) -> Presence {
        match &self.symbols {
            Some(symbols) if symbols.get(name).is_none() => Presence::Missing,
            _ => Presence::There,
        }
    }

    /// Whether there is a tracepoint `name`.
    #[must_use]
    pub fn raw_tracepoint(&self, name: &str) -> Presence {
        let symbols = self.symbols.as_ref().filter(|symbols| symbols.has_tracepoints);
        let known = self.types.as_ref().is_some_and(|types| types.tracepoints.contains_key(name));
        match symbols {
            _ if known => Presence::There,
            Some(symbols) => match symbols.get(&format!("__traceiter_{name}")) {
                Some(_) => Presence::There,
                None => Presence::Missing,
            },
            // Those of modules are in BTF of their own.
            None if self.types.is_some() => Presence::Unsure,
            None => Presence::There,
        }
    }

    /// Whether there is an event `category/name`.
    #[must_use]
    pub fn tracepoint(&self, category: &str, name: &str) -> Presence {
        if OPEN.contains(&category) {
            return Presence::There;
        }
        let Some(symbols) = self.symbols.as_ref().filter(|symbols| symbols.has_events) else {
            // Without variables among the symbols: by the tracepoint it is made of.
            return match (category, self.raw_tracepoint(name)) {
                ("syscalls", _) | (_, Presence::There) => Presence::There,
                _ => Presence::Unsure,
            };
        };
        let there = if category == "syscalls" {
            let event = name.strip_prefix("sys_").map(|call| call.replacen('_', "__", 1));
            event.is_some_and(|event| symbols.get(&format!("event_{event}")).is_some())
        } else if symbols.get(&format!("str__{category}__trace_system_name")).is_some() {
            symbols.get(&format!("event_{name}")).is_some_and(|found| found.is_data)
        } else {
            // A category of somebody's own, made while the kernel runs?
            return Presence::Unsure;
        };
        if there { Presence::There } else { Presence::Missing }
    }

    /// How many arguments the tracepoint `name` has, when that is known.
    #[must_use]
    pub fn raw_tracepoint_arguments(&self, name: &str) -> Option<usize> {
        *self.types.as_ref()?.tracepoints.get(name)?
    }

    /// The function that was most likely meant by `name`.
    #[must_use]
    pub fn near_function(&self, name: &str) -> Option<String> {
        let syscalls = SYSCALLS.iter().map(|start| format!("{start}{name}"));
        let bare = name.split('.').next().map(str::to_owned).into_iter();
        let mut given = syscalls.chain(bare.filter(|bare| bare != name));
        if let Some(found) = given.find(|other| self.has_function(other)) {
            return Some(found);
        }
        // The compiler's variants of a function have a suffix: foo.isra.0
        let is_variant = |other: &&str| {
            let rest = other.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('.') && !rest.starts_with(".cold"))
        };
        if let Some(found) = self.functions().filter(is_variant).min() {
            return Some(found.to_owned());
        }
        let plain = self.functions().filter(|other| {
            !other.contains('.') && !other.starts_with("__pfx_") && !other.starts_with("__cfi_")
        });
        nearest_of_many(name, plain).map(str::to_owned)
    }

    /// The tracepoint that was most likely meant by `name`.
    #[must_use]
    pub fn near_raw_tracepoint(&self, name: &str) -> Option<String> {
        let bare = name.rsplit(['/', ':']).next().unwrap_or(name);
        nearest_of_many(bare, self.raw_tracepoints()).map(str::to_owned)
    }

    /// The event that was most likely meant by `category/name`. Which one is in which category is not
    /// known, so the one or the other is mended.
    #[must_use]
    pub fn near_tracepoint(&self, category: &str, name: &str) -> Option<String> {
        if category == "syscalls" {
            let point = if name.starts_with("sys_exit_") { "exit" } else { "enter" };
            let call = name.strip_prefix("sys_")?.strip_prefix(point)?.strip_prefix('_')?;
            let near = nearest_of_many(call, self.symbols_with(&format!("event_{point}__"), ""))?;
            return Some(format!("{category}/sys_{point}_{near}"));
        }
        let categories: Vec<_> = self.symbols_with("str__", "__trace_system_name").collect();
        if !categories.is_empty() && !categories.contains(&category) {
            let near = nearest_of_many(category, categories)?;
            return Some(format!("{near}/{name}"));
        }
        // Some have no event.
        let is_event = |near: &&str| self.tracepoint(category, near) == Presence::There;
        let events = self.raw_tracepoints().filter(is_event);
        nearest_of_many(name, events).map(|near| format!("{category}/{near}"))
    }

    /// Whether a function `name` is known.
    #[must_use]
    pub fn has_function(&self, name: &str) -> bool {
        let in_symbols = self.symbols.as_ref().and_then(|symbols| symbols.get(name));
        let in_types = self.types.as_ref().is_some_and(|types| types.functions.contains(name));
        in_types || in_symbols.is_some_and(|found| found.is_function)
    }

    /// Every function.
    fn functions(&self) -> impl Iterator<Item = &str> {
        let in_types = self.types.iter().flat_map(|types| &types.functions);
        let in_symbols = self.symbols.iter().flat_map(KernelSymbols::functions);
        in_symbols.chain(in_types.map(|name| &**name))
    }

    /// Every tracepoint.
    fn raw_tracepoints(&self) -> impl Iterator<Item = &str> {
        let in_types = self.types.iter().flat_map(|types| types.tracepoints.keys());
        in_types.map(|name| &**name).chain(self.symbols_with("__traceiter_", ""))
    }

    /// What stands between `start` and `end` in the names of symbols that have both.
    fn symbols_with<'a>(&'a self, start: &str, end: &str) -> impl Iterator<Item = &'a str> {
        let all = self.symbols.iter().flat_map(KernelSymbols::names);
        all.filter_map(move |name| name.strip_prefix(start)?.strip_suffix(end))
    }
}

impl BtfTargets {
    fn new(btf: &Btf, with_functions: bool) -> Self {
        let mut found = Self::default();
        if with_functions {
            found.functions.extend(btf.function_names().map(Into::into));
        }
        for (id, name) in btf.typedefs() {
            let Some(name) = name.strip_prefix(TYPEDEF) else { continue };
            found.tracepoints.insert(name.into(), arguments(btf, id));
        }
        found
    }
}

/// `typedef void (*btf_trace_NAME)(void *, ...)`: the arguments behind the first.
fn arguments(btf: &Btf, typedef: u32) -> Option<usize> {
    let Some((_, Type::Ptr(function))) = btf.resolve(typedef) else { return None };
    match btf.resolve(function) {
        Some((_, Type::Prototype { parameters, .. })) => parameters.len().checked_sub(1),
        _ => None,
    }
}
