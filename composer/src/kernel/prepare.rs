//! Prepares a program of an object for this kernel: everything that is the same for all loads of
//! it.

use std::{
    collections::{BTreeSet, HashMap},
    os::fd::OwnedFd,
    sync::Arc,
};

use super::{
    KernelError,
    core::{self, Relocated},
    loader, sys,
};
use crate::object::{BtfKinds, Cut, LineInfo, NeededTypes, Object, Program, btf::Btf};

pub(super) const PARSE: &str = "read object";

/// A program that is ready but for descriptors and addresses.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) cut: Cut,
    /// Its instructions after CO-RE, and what the kernel lacks of what they ask for.
    pub(super) relocated: Relocated,
    /// `struct bpf_func_info` of each function; empty when BTF does not know all of them.
    pub(super) function_info: Vec<u8>,
    /// `struct bpf_line_info` records; empty when a function has none.
    pub(super) line_info: Vec<u8>,
    /// The types of its object's functions, in the kernel.
    pub(super) btf: Arc<OwnedFd>,
    /// The BTF ids of its object's functions by name.
    pub(super) functions: HashMap<String, u32>,
    /// Keeps the address from being used again.
    _bytes: Arc<[u8]>,
}

/// Prepares programs, and remembers them and what it read of the kernel.
#[derive(Debug, Default)]
pub(super) struct Workshop {
    /// The kernel's own types, which CO-RE goes by.
    types: Option<Btf>,
    /// The part of them that was asked for last, by the names asked for.
    part: Option<(Option<BTreeSet<String>>, aya_obj::btf::Btf)>,
    /// Programs by the address of their object's bytes, which live as long as the chain, and name.
    prepared: HashMap<(usize, String), Arc<Prepared>>,
    /// The types of functions that the kernel has, by the address of their object's bytes.
    functions: HashMap<usize, Arc<OwnedFd>>,
    /// Whether the kernel knows only older kinds of types.
    kinds: Option<BtfKinds>,
}

impl Workshop {
    /// Lets go of objects, and keeps what was read of the kernel.
    pub(super) fn forget_objects(&mut self) {
        self.prepared.clear();
        self.functions.clear();
    }

    /// The program called `name` of `object`, prepared.
    pub(super) fn prepare(
        &mut self,
        object: &Object,
        name: &str,
    ) -> Result<Arc<Prepared>, KernelError> {
        let key = (object.bytes.as_ptr().addr(), name.to_owned());
        if let Some(known) = self.prepared.get(&key) {
            return Ok(Arc::clone(known));
        }
        let program = object.program(name);
        let program = program
            .ok_or_else(|| KernelError::here(PARSE, format!("program `{name}` not found")))?;
        let made = Arc::new(self.make(object, program)?);
        self.prepared.insert(key, Arc::clone(&made));
        Ok(made)
    }

    fn make(&mut self, object: &Object, program: &Program) -> Result<Prepared, KernelError> {
        let mut cut = object.cut(program).map_err(|error| KernelError::here(PARSE, error))?;
        if !cut.relocations.is_empty() {
            object.settle(&mut cut, self.types()?);
        }
        let relocated = if cut.relocations.is_empty() {
            Relocated { code: cut.code.clone(), missing: Vec::new() }
        } else {
            core::relocate(object, &cut, self.part_of_kernel(object, &cut)?)?
        };
        let key = object.bytes.as_ptr().addr();
        let btf = match self.functions.get(&key) {
            Some(known) => Arc::clone(known),
            None => {
                let made = Arc::new(self.types_in_kernel(object, &needed(object))?);
                self.functions.insert(key, Arc::clone(&made));
                made
            }
        };
        let function_info = object.function_info(&cut);
        // What it reaches goes first: another function of its name is not in the program.
        let reached = cut.functions.iter().filter_map(|piece| object.functions.get(piece.function));
        let mut functions = HashMap::new();
        for function in reached.chain(&object.functions) {
            if let Some(id) = function.btf_id {
                functions.entry(function.name.clone()).or_insert(id);
            }
        }
        Ok(Prepared {
            relocated,
            function_info: words(function_info.iter().flat_map(|(at, id)| [*at, *id])),
            line_info: line_info(&cut),
            btf,
            functions,
            cut,
            _bytes: Arc::clone(&object.bytes),
        })
    }

    /// Hands the kernel the types of `object` that are needed.
    pub(super) fn types_in_kernel(
        &mut self,
        object: &Object,
        needed: &NeededTypes,
    ) -> Result<OwnedFd, KernelError> {
        const CALL: &str = "BPF_BTF_LOAD";
        let kinds = self.kinds.unwrap_or(BtfKinds::All);
        let error = match sys::btf_load(&object.trimmed(needed, kinds), None) {
            Ok(btf) => return Ok(btf),
            Err(error) => error,
        };
        // Tags and wide enums are newer than links of perf events: without them, perhaps.
        if self.kinds.is_none()
            && let Ok(btf) = sys::btf_load(&object.trimmed(needed, BtfKinds::Linux5_15), None)
        {
            self.kinds = Some(BtfKinds::Linux5_15);
            return Ok(btf);
        }
        let mut log = vec![0; 1 << 16];
        // What is taken now was refused for want of memory, or for a signal.
        match sys::btf_load(&object.trimmed(needed, kinds), Some(&mut log)) {
            Ok(btf) => Ok(btf),
            Err(_) => {
                Err(KernelError { log: loader::log_text(&log), ..KernelError::os(CALL, &error) })
            }
        }
    }

    /// The types of the kernel that a program goes by.
    fn part_of_kernel(
        &mut self,
        object: &Object,
        cut: &Cut,
    ) -> Result<&aya_obj::btf::Btf, KernelError> {
        const CALL: &str = "read /sys/kernel/btf/vmlinux";
        let names = object.kernel_types(cut);
        // The programs of a chain mostly go by the same few.
        let known = self.part.as_ref().is_some_and(|(known, _)| match (known, &names) {
            (Some(known), Some(names)) => names.is_subset(known),
            (None, _) => true,
            (Some(_), None) => false,
        });
        if !known {
            let part = match &names {
                Some(names) => {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    let part = crate::object::subset(self.types()?, &names);
                    aya_obj::btf::Btf::parse(&part, Default::default())
                }
                None => aya_obj::btf::Btf::from_sys_fs(),
            };
            let part = part.map_err(|error| KernelError::here(CALL, error))?;
            self.part = Some((names, part));
        }
        let part = self.part.as_ref().map(|(_, part)| part);
        part.ok_or_else(|| KernelError::here(CALL, "nothing was read"))
    }

    /// All types of the kernel.
    pub(super) fn types(&mut self) -> Result<&Btf, KernelError> {
        const CALL: &str = "read /sys/kernel/btf/vmlinux";
        match &mut self.types {
            Some(types) => Ok(types),
            none => {
                let bytes = std::fs::read("/sys/kernel/btf/vmlinux");
                let bytes = bytes.map_err(|error| KernelError::os(CALL, &error))?;
                let types = Btf::parse(bytes).map_err(|error| KernelError::here(CALL, error))?;
                Ok(none.insert(types))
            }
        }
    }
}

/// The types that the kernel looks at of a program: its functions, and the others of its object,
/// which may be asked for by name. That they are not in the program is for the kernel to say.
fn needed(object: &Object) -> NeededTypes {
    let functions = object.functions.iter();
    let functions = functions.filter_map(|one| Some((one.btf_id?, one.is_global)));
    NeededTypes { functions: functions.collect(), ..NeededTypes::default() }
}

/// The lines of `cut`, as the kernel takes them: rising, and one at the start of each function.
fn line_info(cut: &Cut) -> Vec<u8> {
    let mut lines: Vec<&LineInfo> = Vec::with_capacity(cut.lines.len());
    for line in &cut.lines {
        if lines.last().is_none_or(|last| last.at < line.at) {
            lines.push(line);
        }
    }
    let has_line = |start: u32| lines.binary_search_by_key(&start, |line| line.at).is_ok();
    if !cut.functions.iter().all(|piece| has_line(piece.start)) {
        return Vec::new();
    }
    words(lines.into_iter().flat_map(|line| [line.at, line.file, line.text, line.position]))
}

fn words(words: impl Iterator<Item = u32>) -> Vec<u8> {
    words.flat_map(u32::to_ne_bytes).collect()
}
