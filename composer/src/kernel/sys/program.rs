//! What the kernel tells of a loaded program.
#![allow(unsafe_code, reason = "system calls")]

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::generated::{
    bpf_btf_info,
    bpf_cmd::{
        BPF_BTF_GET_FD_BY_ID, BPF_LINK_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID, BPF_MAP_GET_NEXT_ID,
        BPF_OBJ_GET_INFO_BY_FD, BPF_PROG_GET_FD_BY_ID, BPF_PROG_GET_NEXT_ID,
    },
    bpf_prog_info,
};

use super::{Id, Info, address_mut, bpf, descriptor, length, number, until_nul};

/// What has a number in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernel) enum Numbered {
    Program,
    Map,
    Link,
}

/// The ids of all there are, ascending; needs `CAP_SYS_ADMIN`.
pub(in crate::kernel) fn ids(of: Numbered) -> io::Result<Vec<u32>> {
    let command = match of {
        Numbered::Program => BPF_PROG_GET_NEXT_ID,
        Numbered::Map => BPF_MAP_GET_NEXT_ID,
        Numbered::Link => BPF_LINK_GET_NEXT_ID,
    };
    let mut found = Vec::new();
    loop {
        let mut attribute = Id::of(found.last().copied().unwrap_or(0));
        match bpf(command, &mut attribute) {
            Ok(_) => found.push(attribute.next),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(found),
            Err(error) => return Err(error),
        }
    }
}

/// The program with number `id`.
pub(in crate::kernel) fn program_by_id(id: u32) -> io::Result<OwnedFd> {
    bpf(BPF_PROG_GET_FD_BY_ID, &mut Id::of(id)).map(descriptor)
}

/// The map with number `id`.
pub(in crate::kernel) fn map_by_id(id: u32) -> io::Result<OwnedFd> {
    bpf(BPF_MAP_GET_FD_BY_ID, &mut Id::of(id)).map(descriptor)
}

/// What the kernel knows of a program.
pub(in crate::kernel) fn program_info(program: BorrowedFd<'_>) -> io::Result<bpf_prog_info> {
    // SAFETY: the struct is made of integers and arrays of them; all zeros is a value of it.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    ask(program, &mut info)?;
    Ok(info)
}

/// `BPF_OBJ_GET_INFO_BY_FD` with what `info` asks for already.
fn ask(program: BorrowedFd<'_>, info: &mut bpf_prog_info) -> io::Result<()> {
    let mut attribute = Info {
        fd: number(program),
        length: length(size_of::<bpf_prog_info>()),
        info: address_mut(info),
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute).map(drop)
}

/// A program and its parts, in the kernel's order.
#[derive(Debug)]
pub(in crate::kernel) struct ProgramParts {
    pub(in crate::kernel) info: bpf_prog_info,
    /// The ids of the maps that it uses.
    pub(in crate::kernel) maps: Vec<u32>,
    /// The first instruction and the BTF id of each function.
    pub(in crate::kernel) functions: Vec<(u32, u32)>,
    /// Where the machine code of each function begins; empty where that is not told.
    pub(in crate::kernel) addresses: Vec<u64>,
    /// How long it is.
    pub(in crate::kernel) lengths: Vec<u32>,
    /// Its machine code, function after function, when that was asked for and may be told.
    pub(in crate::kernel) machine: Vec<u8>,
    /// Its lines of source, with the code.
    pub(in crate::kernel) lines: Vec<ProgramLine>,
    /// Where the machine code of each begins.
    pub(in crate::kernel) line_addresses: Vec<u64>,
}

/// A line of source: `struct bpf_line_info`.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernel) struct ProgramLine {
    /// Where the name of its file is in the strings of the program's BTF.
    pub(in crate::kernel) file: u32,
    /// Where its text is.
    pub(in crate::kernel) text: u32,
    /// Its number, from 1.
    pub(in crate::kernel) number: u32,
}

/// What the kernel knows of a program and its parts; its `code` too when that is wanted.
pub(in crate::kernel) fn program_parts(
    program: BorrowedFd<'_>,
    code: bool,
) -> io::Result<ProgramParts> {
    let counts = program_info(program)?;
    // SAFETY: as above.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    let record = counts.func_info_rec_size as usize;
    let mut maps = vec![0_u32; counts.nr_map_ids as usize];
    let mut functions = vec![0_u8; counts.nr_func_info as usize * record];
    let mut addresses = vec![0_u64; counts.nr_jited_ksyms as usize];
    let mut lengths = vec![0_u32; counts.nr_jited_func_lens as usize];
    let wanted = |size: u32| if code { size as usize } else { 0 };
    let line = counts.line_info_rec_size as usize;
    let mut lines = vec![0_u8; wanted(counts.nr_line_info) * line];
    let mut line_addresses = vec![0_u64; wanted(counts.nr_jited_line_info)];
    let mut machine = vec![0_u8; wanted(counts.jited_prog_len)];
    (info.nr_map_ids, info.map_ids) = (counts.nr_map_ids, address_mut(maps.as_mut_slice()));
    if record > 0 {
        info.func_info_rec_size = counts.func_info_rec_size;
        info.nr_func_info = counts.nr_func_info;
        info.func_info = address_mut(functions.as_mut_slice());
    }
    info.nr_jited_ksyms = counts.nr_jited_ksyms;
    info.jited_ksyms = address_mut(addresses.as_mut_slice());
    info.nr_jited_func_lens = counts.nr_jited_func_lens;
    info.jited_func_lens = address_mut(lengths.as_mut_slice());
    if code {
        if line > 0 {
            info.line_info_rec_size = counts.line_info_rec_size;
            info.nr_line_info = counts.nr_line_info;
            info.line_info = address_mut(lines.as_mut_slice());
            info.jited_line_info_rec_size = counts.jited_line_info_rec_size;
            info.nr_jited_line_info = counts.nr_jited_line_info;
            info.jited_line_info = address_mut(line_addresses.as_mut_slice());
        }
        info.jited_prog_len = counts.jited_prog_len;
        info.jited_prog_insns = address_mut(machine.as_mut_slice());
    }
    ask(program, &mut info)?;
    maps.truncate(info.nr_map_ids as usize);
    // Who may not see addresses gets counts of 0, and no error.
    addresses.truncate(info.nr_jited_ksyms as usize);
    lengths.truncate(info.nr_jited_func_lens as usize);
    line_addresses.truncate(info.nr_jited_line_info as usize);
    machine.truncate(info.jited_prog_len as usize);
    let word = |record: &[u8], at: usize| {
        let bytes = record.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_ne_bytes)
    };
    let functions = functions.chunks_exact(record.max(1));
    let functions = functions.map(|record| (word(record, 0), word(record, 4))).collect();
    let lines = lines.chunks_exact(line.max(1)).map(|record| ProgramLine {
        file: word(record, 4),
        text: word(record, 8),
        // The column is in the lower bits: BPF_LINE_INFO_LINE_NUM.
        number: word(record, 12) >> 10,
    });
    let lines = lines.collect();
    Ok(ProgramParts { info, maps, functions, addresses, lengths, machine, lines, line_addresses })
}

/// What the kernel calls the BTF with number `id`: `vmlinux`, the name of a module, or nothing.
pub(in crate::kernel) fn btf_name(id: u32) -> io::Result<String> {
    let btf = descriptor(bpf(BPF_BTF_GET_FD_BY_ID, &mut Id::of(id))?);
    let mut name = vec![0_u8; 64]; // MODULE_NAME_LEN is less
    // SAFETY: as above, integers only.
    let mut info: bpf_btf_info = unsafe { std::mem::zeroed() };
    (info.name, info.name_len) = (address_mut(name.as_mut_slice()), length(name.len()));
    let mut attribute = Info {
        fd: btf.as_raw_fd().cast_unsigned(),
        length: length(size_of::<bpf_btf_info>()),
        info: address_mut(&mut info),
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute)?;
    Ok(until_nul(&name))
}

/// The BTF with number `id`.
pub(in crate::kernel) fn btf_of(id: u32) -> io::Result<Vec<u8>> {
    let btf = descriptor(bpf(BPF_BTF_GET_FD_BY_ID, &mut Id::of(id))?);
    let mut data = Vec::new();
    // The first call tells the size, the second fills the buffer.
    loop {
        // SAFETY: as above, integers only.
        let mut info: bpf_btf_info = unsafe { std::mem::zeroed() };
        info.btf = address_mut(data.as_mut_slice());
        info.btf_size = length(data.len());
        let mut attribute = Info {
            fd: btf.as_raw_fd().cast_unsigned(),
            length: length(size_of::<bpf_btf_info>()),
            info: address_mut(&mut info),
        };
        bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attribute)?;
        let size = info.btf_size as usize;
        if size <= data.len() {
            data.truncate(size);
            return Ok(data);
        }
        data.resize(size, 0);
    }
}
