//! What a program needs from the kernel by name: configuration values, variables, functions.
//!
//! The configuration is in `/proc/config.gz` or below `/boot`; types and ids of variables and
//! functions are in the kernel's BTF, plain addresses in `/proc/kallsyms`.

mod config;

use std::collections::HashMap;

use super::{KernelError, machine};
use crate::object::{
    Extern, ExternKind, Object,
    btf::{Btf, Linkage, Type},
};

pub(super) use config::Config;

/// What there is of it in this kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A value of the configuration, as bytes of its type.
    Value(Vec<u8>),
    /// The address of a variable that has no type.
    Address(u64),
    /// The number of a variable in the kernel's BTF.
    Variable(u32),
    /// The number of a function in the kernel's BTF.
    Function(u32),
    /// Nothing, which the program allows for.
    Nothing,
}

/// What is known of the running kernel, read when it is asked for.
#[derive(Debug, Default)]
pub(super) struct Externs {
    config: Option<Config>,
    addresses: Option<HashMap<String, u64>>,
}

const CALL: &str = "look up in the kernel";

impl Externs {
    /// Looks up `wanted` of `object` in the running kernel, whose types are given by `types`.
    pub(super) fn find<'a>(
        &mut self,
        object: &Object,
        wanted: &Extern,
        types: impl FnOnce() -> Result<&'a Btf, KernelError>,
    ) -> Result<Found, KernelError> {
        let name = wanted.name.as_str();
        // What stands behind three underscores tells variants of a declaration apart.
        let plain = name.split_once("___").map_or(name, |(plain, _)| plain);
        let found = match wanted.kind {
            ExternKind::Kconfig(of) => {
                let config = match &mut self.config {
                    Some(config) => config,
                    none => none.insert(Config::of_machine()?),
                };
                let value = config.value(name, of, &object.btf);
                let value = value.map_err(|why| {
                    KernelError::here(
                        CALL,
                        format!("`{name}` in the configuration of the kernel: {why}"),
                    )
                })?;
                match value {
                    Some(bytes) => Some(Found::Value(bytes)),
                    // A value that is not there is zero.
                    None if wanted.weak => {
                        let size = object.btf.size(of).unwrap_or(0) as usize;
                        Some(Found::Value(vec![0; size]))
                    }
                    None => None,
                }
            }
            ExternKind::Variable(of) if matches!(object.btf.resolve(of), Some((_, Type::Void))) => {
                self.address(plain)?.map(Found::Address)
            }
            ExternKind::Variable(_) => variable(types()?, plain).map(Found::Variable),
            ExternKind::Function(_) => function(types()?, plain).map(Found::Function),
            ExternKind::Undefined => None,
        };
        match found {
            Some(found) => Ok(found),
            None if wanted.weak => Ok(Found::Nothing),
            None => {
                let what = match wanted.kind {
                    ExternKind::Kconfig(_) => "not found in the configuration of this kernel",
                    ExternKind::Variable(_) => "is not a variable of this kernel",
                    ExternKind::Function(_) => "is not a kernel function available to programs",
                    ExternKind::Undefined => "is not defined",
                };
                let missing = Box::new([(0, name.to_owned())]);
                Err(KernelError { missing, ..KernelError::here(CALL, format!("`{name}` {what}")) })
            }
        }
    }

    /// The address of a symbol of the kernel.
    fn address(&mut self, name: &str) -> Result<Option<u64>, KernelError> {
        let addresses = match &mut self.addresses {
            Some(addresses) => addresses,
            none => {
                let symbols = machine::symbols().map_err(|error| KernelError::os(CALL, &error))?;
                let address = |line: &str| {
                    let mut words = line.split_ascii_whitespace();
                    let address = u64::from_str_radix(words.next()?, 16).ok()?;
                    let name = words.nth(1)?;
                    Some((name.to_owned(), address))
                };
                none.insert(symbols.lines().filter_map(address).collect())
            }
        };
        match addresses.get(name) {
            Some(0) => Err(KernelError::here(
                CALL,
                format!("the address of `{name}` is hidden by kernel.kptr_restrict"),
            )),
            found => Ok(found.copied()),
        }
    }
}

fn variable(types: &Btf, name: &str) -> Option<u32> {
    types.variables().find(|(_, found)| *found == name).map(|(id, _)| id)
}

fn function(types: &Btf, name: &str) -> Option<u32> {
    types.function(name).filter(|(_, _, linkage)| *linkage != Linkage::Extern).map(|(id, ..)| id)
}
