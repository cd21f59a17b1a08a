//! Reads the machine code of programs, of the trampolines that they lead to, and names of other places.
//!
//! Programs: `BPF_OBJ_GET_INFO_BY_FD`, which copies what is in memory. Trampolines: `/proc/kcore`, an ELF file
//! of the kernel's memory. Names: `/proc/kallsyms`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufRead as _, BufReader},
    os::{fd::AsFd as _, unix::fs::FileExt as _},
};

use object::{Object as _, ObjectSegment as _, ReadCache};

use crate::{
    kernel::sys,
    machine_code::{CodeFunction, CodeLine, CodeMap, CodePlace, entry},
    object::btf::Btf,
    running::{Census, RunningProgram},
};

/// The code of `programs` of `census` and of all that are on their functions; `named` with the kernel's names
/// of other places, which takes a look at all its symbols.
#[must_use]
pub fn code_map(census: &Census, programs: &BTreeSet<u32>, named: bool) -> CodeMap {
    let mut map = CodeMap::default();
    for id in related(census, programs) {
        let Some(program) = census.program(id) else { continue };
        if let Err(why) = read(program, &mut map) {
            map.gaps.push(format!("machine code of {} ({id}): {why}", program.name));
        }
    }
    let targets: BTreeSet<u64> = targets(&map);
    if named && !targets.is_empty() {
        match symbols(&targets) {
            Ok(symbols) => map.symbols = symbols,
            Err(error) => map.gaps.push(format!("kernel symbols: {}", crate::files::plain(&error))),
        }
    }
    trampolines(&mut map);
    map
}

/// `programs`, and all that are on functions of those, and so on.
fn related(census: &Census, programs: &BTreeSet<u32>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open: Vec<u32> = programs.iter().copied().collect();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(census.on(id).map(|(_, _, by)| by.id));
        }
    }
    found
}

/// Adds the functions of a program.
fn read(program: &RunningProgram, map: &mut CodeMap) -> Result<(), String> {
    let told = |error: io::Error| crate::files::plain(&error);
    let fd = sys::program_by_id(program.id).map_err(told)?;
    let parts = sys::program_parts(fd.as_fd(), true).map_err(told)?;
    if parts.machine.is_empty() || parts.addresses.is_empty() {
        return Err(
            "the kernel does not tell it (kernel.kptr_restrict, or net.core.bpf_jit_enable is 0)"
                .to_owned(),
        );
    }
    let types = sys::btf_of(parts.info.btf_id).ok().and_then(|types| Btf::parse(types).ok());
    let lines = types.map(|types| lines(&parts, &types)).unwrap_or_default();
    let mut from = 0;
    let each = parts.addresses.iter().zip(&parts.lengths).enumerate();
    for (index, (address, length)) in each {
        let to = from + *length as usize;
        let code = parts.machine.get(from..to).ok_or("its parts do not fit")?.to_vec();
        from = to;
        let function = program.functions.get(index);
        let end = address.saturating_add(u64::from(*length));
        map.functions.insert(
            *address,
            CodeFunction {
                program: program.id,
                program_name: program.name.clone(),
                name: function
                    .map_or_else(|| program.name.clone(), |function| function.name.clone()),
                btf_id: function.map_or(0, |function| function.btf_id),
                is_entry: index == 0,
                code,
                lines: lines.range(*address..end).map(|(at, line)| (*at, line.clone())).collect(),
            },
        );
    }
    Ok(())
}

/// Where lines of the source begin in the machine code.
fn lines(parts: &sys::ProgramParts, types: &Btf) -> BTreeMap<u64, CodeLine> {
    let each = parts.lines.iter().zip(&parts.line_addresses);
    let lines = each.filter_map(|(line, address)| {
        let file = types.text(line.file)?;
        let text = types.text(line.text)?.trim().to_owned();
        let file = file.rsplit('/').next().unwrap_or(file).to_owned();
        Some((*address, CodeLine { file, line: line.number, text }))
    });
    lines.collect()
}

/// Where the functions of `map` lead to that is no function of it.
fn targets(map: &CodeMap) -> BTreeSet<u64> {
    let entries = map.functions.iter().filter_map(|(at, one)| Some(entry(&one.code, *at)?.to?.1));
    entries.filter(|to| matches!(map.place(*to), CodePlace::Unknown)).collect()
}

/// The names of these addresses.
pub(super) fn symbols(wanted: &BTreeSet<u64>) -> io::Result<BTreeMap<u64, String>> {
    let mut found = BTreeMap::new();
    for line in BufReader::new(File::open("/proc/kallsyms")?).lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let address = words.next().and_then(|word| u64::from_str_radix(word, 16).ok());
        if let (Some(address), Some(name)) =
            (address.filter(|at| wanted.contains(at)), words.nth(1))
        {
            found.insert(address, name.to_owned());
        }
    }
    Ok(found)
}

/// Reads the trampolines that functions lead to.
fn trampolines(map: &mut CodeMap) {
    /// A trampoline is no longer than a page: `arch_alloc_bpf_trampoline`.
    const LONGEST: usize = 4096;
    let places: Vec<u64> = targets(map)
        .into_iter()
        .chain(map.symbols.keys().copied())
        .filter(|at| matches!(map.place(*at), CodePlace::Trampoline(..) | CodePlace::Unknown))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if places.is_empty() {
        return;
    }
    let memory = match KernelMemory::open() {
        Ok(memory) => memory,
        Err(error) => {
            let why = crate::files::plain(&error);
            map.gaps.push(format!("trampolines: /proc/kcore: {why} (kernel lockdown forbids it)"));
            return;
        }
    };
    for at in places {
        match memory.read(at, LONGEST) {
            Ok(code) => {
                map.trampolines.insert(at, code);
            }
            Err(error) => {
                map.gaps.push(format!("trampoline at {at:#x}: {}", crate::files::plain(&error)));
            }
        }
    }
}

/// `/proc/kcore`.
struct KernelMemory {
    file: File,
    /// Where each part of the address space is in the file: address, size, offset.
    parts: Vec<(u64, u64, u64)>,
}

impl KernelMemory {
    fn open() -> io::Result<Self> {
        let file = File::open("/proc/kcore")?;
        let damaged = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let cache = ReadCache::new(&file);
        let elf = object::File::parse(&cache).map_err(damaged)?;
        let parts = elf.segments().map(|part| (part.address(), part.size(), part.file_range().0));
        let parts = parts.collect();
        drop(elf);
        drop(cache);
        Ok(Self { file, parts })
    }

    /// Up to `length` bytes at `address`.
    fn read(&self, address: u64, length: usize) -> io::Result<Vec<u8>> {
        let part = self
            .parts
            .iter()
            .find(|(start, size, _)| address.checked_sub(*start).is_some_and(|from| from < *size));
        let (start, size, offset) = part.ok_or(io::ErrorKind::NotFound)?;
        let left = usize::try_from(size - (address - start)).unwrap_or(usize::MAX);
        let mut code = vec![0; length.min(left)];
        self.file.read_exact_at(&mut code, offset + (address - start))?;
        Ok(code)
    }
}
