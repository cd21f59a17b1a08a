//! USDT probes: places that a program or library marks for tracers, each with a list of arguments.
//!
//! They stand in notes of the ELF file, `.note.stapsdt`, as `sys/sdt.h` of SystemTap writes them:
//! <https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation>. A probe may be in several places,
//! each with its own way to find the arguments. libbpf's `usdt.bpf.h` reads that from a map, at the number
//! that the link has for a cookie.

use std::{
    fs,
    os::fd::{AsFd as _, BorrowedFd},
};

use object::{
    Endianness, Object as _, ObjectSection as _, ObjectSegment as _,
    elf::FileHeader64,
    read::elf::{ElfFile64, NoteIterator},
};

use super::{
    Link, events,
    uprobe::{self, find},
};
use crate::{
    hook::UsdtProbe,
    kernel::{KernelError, sys},
};

/// The map in which a program looks up where arguments are.
#[derive(Debug)]
pub(in crate::kernel) struct SpecTable<'a> {
    pub(in crate::kernel) map: BorrowedFd<'a>,
    /// The first entry that is not used.
    pub(in crate::kernel) next: &'a mut u32,
}

/// A link at each place of a probe. With a table the cookie of a link is the number of its entry, and the
/// cookie that was asked for is in that.
pub(super) fn link(
    program: BorrowedFd<'_>,
    probe: UsdtProbe<'_>,
    cookie: u64,
    mut table: Option<SpecTable<'_>>,
) -> Result<Link, KernelError> {
    let (path, sites) = locate(probe)?;
    let (mut links, mut opened) = (Vec::new(), Vec::new());
    for site in &sites {
        let number = match &mut table {
            Some(table) => table.add(&site.spec(cookie)?)?,
            None => cookie,
        };
        let event = events::at_site(&path, site, probe.pid)?;
        links.push(events::link_to(program, &event, number)?);
        opened.push(event);
    }
    Ok(Link::of(links, opened))
}

impl SpecTable<'_> {
    /// Writes an entry, and returns its number.
    fn add(&mut self, spec: &[u8]) -> Result<u64, KernelError> {
        const CALL: &str = "write to __bpf_usdt_specs";
        let refused = |error| KernelError::os(CALL, &error);
        // The kernel takes as many bytes as the map has for a value.
        let size = sys::map_info(self.map.as_fd()).map_err(refused)?.value_size;
        if size as usize != spec.len() {
            return Err(KernelError::here(CALL, format!("its values have {size} bytes")));
        }
        let number = *self.next;
        sys::map_update(self.map, number, spec).map_err(refused)?;
        *self.next += 1;
        Ok(number.into())
    }
}

/// A place of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProbeSite {
    /// Where in the file.
    pub(super) offset: u64,
    /// Where in the file the counter of its tracers is, which the program looks at; 0 without one.
    pub(super) semaphore: u64,
    /// Where its arguments are: `-4@%edi 8@-16(%rbp)`.
    arguments: String,
}

/// The places of a probe, and the path of the file.
pub(super) fn locate(probe: UsdtProbe<'_>) -> Result<(String, Vec<ProbeSite>), KernelError> {
    const CALL: &str = "read binary";
    if let Some(pid) = probe.pid {
        events::threads(pid)?;
    }
    let path = find(probe.binary)?;
    let bytes = fs::read(&path).map_err(|error| KernelError::os(CALL, &error))?;
    let all = sites(&bytes)
        .map_err(|error| KernelError::here(CALL, format!("{}: {error}", path.display())))?;
    let wanted = format!("{}:{}", probe.provider, probe.name);
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| *name == wanted);
    if own.is_empty() {
        let names = others.into_iter().map(|(name, _)| name).collect();
        return Err(KernelError::not_among("find probe", names));
    }
    let own = own.into_iter().map(|(_, site)| site).collect();
    Ok((path.to_string_lossy().into_owned(), own))
}

/// The places of all probes in an ELF file, each with its `PROVIDER:PROBE`.
fn sites(bytes: &[u8]) -> object::read::Result<Vec<(String, ProbeSite)>> {
    /// The type of a note about a probe.
    const STAPSDT: u32 = 3;
    let file = ElfFile64::<Endianness>::parse(bytes)?;
    let endian = file.endian();
    let mut found = Vec::new();
    let Some(section) = file.section_by_name(".note.stapsdt") else { return Ok(found) };
    // Where that is not at the address that the note says, the file was changed by prelink, and all
    // addresses by as much.
    let base = file.section_by_name(".stapsdt.base").map(|section| section.address());
    let mut notes = NoteIterator::<FileHeader64<Endianness>>::new(endian, 4, section.data()?)?;
    while let Some(note) = notes.next()? {
        if note.n_type(endian) != STAPSDT || note.name() != b"stapsdt" {
            continue;
        }
        let Some((numbers, texts)) = note.desc().split_at_checked(24) else { continue };
        let mut addresses = numbers.chunks_exact(8).map(|bytes| {
            let word = <[u8; 8]>::try_from(bytes).unwrap_or_default();
            if file.is_little_endian() {
                u64::from_le_bytes(word)
            } else {
                u64::from_be_bytes(word)
            }
        });
        let mut next = || addresses.next().unwrap_or_default();
        let (place, linked_base, semaphore) = (next(), next(), next());
        let mut texts = texts.split(|&byte| byte == 0).map(String::from_utf8_lossy);
        let mut next = || texts.next().unwrap_or_default();
        let (provider, name, arguments) = (next(), next(), next().into_owned());
        let moved = base.map_or(0, |base| base.wrapping_sub(linked_base));
        let in_file = |address: u64| {
            let address = address.wrapping_add(moved);
            file.segments().find_map(|segment| {
                let within = address.checked_sub(segment.address())?;
                let (start, size) = segment.file_range();
                (within < size).then_some(start + within)
            })
        };
        let Some(offset) = in_file(place) else { continue };
        let counter = if semaphore == 0 { Some(0) } else { in_file(semaphore) };
        let site = ProbeSite { offset, semaphore: counter.unwrap_or_default(), arguments };
        found.push((format!("{provider}:{name}"), site));
    }
    Ok(found)
}

/// The name of the map with a [`spec`](ProbeSite::spec) for each place.
pub(in crate::kernel) const SPECS: &str = "__bpf_usdt_specs";
/// `BPF_USDT_MAX_ARG_CNT`.
const MOST: usize = 12;
/// The size of `struct __bpf_usdt_arg_spec`.
const ARGUMENT: usize = 16;

impl ProbeSite {
    /// `struct __bpf_usdt_spec` of libbpf's `usdt.bpf.h`: where the arguments are, and a cookie.
    pub(super) fn spec(&self, cookie: u64) -> Result<Vec<u8>, KernelError> {
        const CALL: &str = "read argument of probe";
        let at = self.offset;
        let mut bytes = Vec::with_capacity(MOST * ARGUMENT + 16);
        let mut count = 0_u16;
        for text in self.split() {
            if usize::from(count) == MOST {
                let many = format!("more than {MOST} arguments (at offset {at:#x})");
                return Err(KernelError::here(CALL, many));
            }
            count += 1;
            let unknown =
                || format!("an unreadable argument (number {count}, `{text}`, at offset {at:#x})");
            let argument = argument(text).ok_or_else(|| KernelError::here(CALL, unknown()))?;
            bytes.extend(argument.bytes());
        }
        bytes.resize(MOST * ARGUMENT, 0);
        bytes.extend(cookie.to_ne_bytes());
        bytes.extend(count.to_ne_bytes());
        bytes.resize(MOST * ARGUMENT + 16, 0);
        Ok(bytes)
    }

    /// The arguments, one by one. A space may be within one, of an assembler that writes `[sp, 16]`.
    fn split(&self) -> impl Iterator<Item = &str> {
        self.arguments.split(' ').filter(|text| !text.is_empty())
    }
}

/// Where an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArgumentPlace {
    Constant(i64),
    /// In a register, by its place in `struct pt_regs`.
    Register(i16),
    /// In memory, so far from the address in a register.
    Memory(i16, i64),
}

/// An argument: `-4@%edi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ProbeArgument {
    place: ArgumentPlace,
    signed: bool,
    /// Its bits that do not count, of 64.
    unused: u8,
}

impl ProbeArgument {
    /// `struct __bpf_usdt_arg_spec`.
    fn bytes(self) -> [u8; ARGUMENT] {
        let (kind, value, register) = match self.place {
            ArgumentPlace::Constant(value) => (0_u32, value, 0),
            ArgumentPlace::Register(register) => (1, 0, register),
            ArgumentPlace::Memory(register, offset) => (2, offset, register),
        };
        let mut bytes = [0; ARGUMENT];
        bytes[..8].copy_from_slice(&value.to_ne_bytes());
        bytes[8..12].copy_from_slice(&kind.to_ne_bytes());
        bytes[12..14].copy_from_slice(&register.to_ne_bytes());
        bytes[14] = self.signed.into();
        bytes[15] = self.unused;
        bytes
    }
}

/// Reads `SIZE@PLACE` as the assembler of x86-64 writes it: `8@%rax`, `-4@-12(%rbp)`, `8@$5`, and
/// `8@(%rdi)`.
fn argument(text: &str) -> Option<ProbeArgument> {
    let (size, place) = text.split_once('@')?;
    let size: i32 = size.parse().ok()?;
    let bytes = size.unsigned_abs();
    if !matches!(bytes, 1 | 2 | 4 | 8) {
        return None;
    }
    let place = if let Some(constant) = place.strip_prefix('$') {
        ArgumentPlace::Constant(number(constant)?)
    } else if let Some(name) = place.strip_prefix('%') {
        ArgumentPlace::Register(register(name)?)
    } else {
        let (offset, name) = place.strip_suffix(')')?.split_once("(%")?;
        let offset = if offset.is_empty() { 0 } else { number(offset)? };
        ArgumentPlace::Memory(register(name)?, offset)
    };
    let unused = u8::try_from(64 - bytes * 8).ok()?;
    Some(ProbeArgument { place, signed: size < 0, unused })
}

/// A number with or without a sign.
fn number(text: &str) -> Option<i64> {
    let magnitude = |digits| i64::try_from(uprobe::number(digits)?).ok();
    match text.strip_prefix('-') {
        Some(digits) => magnitude(digits).map(|value| -value),
        None => magnitude(text),
    }
}

/// The place of a register in `struct pt_regs` of x86-64, by any of its names.
fn register(name: &str) -> Option<i16> {
    const NAMES: [&[&str]; 17] = [
        &["r15", "r15d", "r15w", "r15b"],
        &["r14", "r14d", "r14w", "r14b"],
        &["r13", "r13d", "r13w", "r13b"],
        &["r12", "r12d", "r12w", "r12b"],
        &["rbp", "ebp", "bp", "bpl"],
        &["rbx", "ebx", "bx", "bl"],
        &["r11", "r11d", "r11w", "r11b"],
        &["r10", "r10d", "r10w", "r10b"],
        &["r9", "r9d", "r9w", "r9b"],
        &["r8", "r8d", "r8w", "r8b"],
        &["rax", "eax", "ax", "al"],
        &["rcx", "ecx", "cx", "cl"],
        &["rdx", "edx", "dx", "dl"],
        &["rsi", "esi", "si", "sil"],
        &["rdi", "edi", "di", "dil"],
        // `orig_ax`, which no argument is in.
        &[],
        &["rip"],
    ];
    if std::env::consts::ARCH != "x86_64" {
        return None;
    }
    if matches!(name, "rsp" | "esp" | "sp" | "spl") {
        return Some(152);
    }
    let at = NAMES.iter().position(|names| names.contains(&name))?;
    i16::try_from(at * 8).ok()
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(ArgumentPlace, bool, u8)> {
        argument(text).map(|it| (it.place, it.signed, it.unused))
    }

    #[test]
    fn arguments_are_found_where_the_assembler_says() {
        use ArgumentPlace::{Constant, Memory, Register};
        assert_eq!(read("8@%rax"), Some((Register(80), false, 0)));
        assert_eq!(read("-4@%edi"), Some((Register(112), true, 32)));
        assert_eq!(read("1@%r8b"), Some((Register(72), false, 56)));
        assert_eq!(read("-2@$-5"), Some((Constant(-5), true, 48)));
        assert_eq!(read("8@$0x10"), Some((Constant(16), false, 0)));
        assert_eq!(read("-4@-12(%rbp)"), Some((Memory(32, -12), true, 32)));
        assert_eq!(read("8@(%rsp)"), Some((Memory(152, 0), false, 0)));
        for wrong in
            ["", "8", "3@%rax", "8@%xmm0", "8@", "8@%", "8@8(%rax", "x@$1", "8@8(%rax,%rbx,4)"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_spec_is_as_usdt_bpf_h_declares_it() -> Result<(), KernelError> {
        let arguments = "-4@%edi 8@16(%rsp)".to_owned();
        let spec = ProbeSite { offset: 0, semaphore: 0, arguments }.spec(7)?;
        assert_eq!(spec.len(), 208);
        assert_eq!(spec[..16], [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 112, 0, 1, 32]);
        assert_eq!(spec[16..32], [16, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 152, 0, 0, 0]);
        assert_eq!(spec[192..], [7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        let many = ProbeSite { offset: 0, semaphore: 0, arguments: "8@$1 ".repeat(13) };
        assert!(many.spec(0).is_err());
        Ok(())
    }
}
