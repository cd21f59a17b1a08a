//! Names of functions of the kernel by their numbers in its BTF.

use std::{cell::OnceCell, fs};

use crate::{
    kernel::sys,
    object::btf::{Btf, Type},
};

/// The kernel's types, read when they are first asked for.
#[derive(Debug, Default)]
pub(super) struct KernelFunctions {
    kernel: OnceCell<Option<Btf>>,
}

impl KernelFunctions {
    /// The kernel's types, where they can be read.
    pub(super) fn types(&self) -> Option<&Btf> {
        let read = || Btf::parse(fs::read("/sys/kernel/btf/vmlinux").ok()?).ok();
        self.kernel.get_or_init(read).as_ref()
    }

    /// The name of function `id` in the BTF with number `btf`, which is the kernel's or that of a module.
    pub(super) fn name(&self, btf: u32, id: u32) -> String {
        let known = self.types().and_then(|types| match types.get(id)? {
            Type::Function { name, .. } => Some(name.to_owned()),
            // Of a tracepoint with BTF that is `btf_trace_NAME`.
            Type::Typedef { name, .. } => {
                Some(name.strip_prefix("btf_trace_").unwrap_or(name).to_owned())
            }
            _ => None,
        });
        known.unwrap_or_else(|| match sys::btf_name(btf) {
            Ok(module) => format!("function {id} of {module}"),
            Err(_) => format!("function {id}"),
        })
    }
}
