//! An object → a program in the kernel.
//!
//! aya-obj takes the file apart and relocates it (CO-RE, maps, calls); what is done here is what
//! its own loader cannot: give a program another program as its target, and hand it maps that
//! exist already. One way for hosts, replacements and tracers alike.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::CString,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
    sync::Arc,
};

use aya::maps::MapData;
use aya_obj::{
    EbpfSectionKind, Map, btf::BtfFeatures, generated::bpf_attach_type as attach,
    generated::bpf_prog_type as kinds,
};

use super::{
    KernelError,
    assemble::{self, PARSE},
    lines::source_lines,
    sys, tracing,
};
use crate::{
    chain::Moment,
    object::{MapDef, Object, ProgramKind, btf::Btf},
    plan::LoadAs,
    trace::Tracing,
};
use freplace_compose_common::trace::TRACE_GLOBAL;

/// A program in the kernel, and what has to live as long as it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) program: OwnedFd,
    pub(super) id: u32,
    /// The BTF the kernel holds for it, which functions are looked up in.
    pub(super) btf: Btf,
    /// The function it is for: the number of its program, and its BTF id there.
    pub(super) target: Option<(u32, u32)>,
}

/// A program to load, in the kernel's terms.
pub(super) struct Job<'a> {
    pub(super) object: &'a Object,
    pub(super) program: &'a str,
    pub(super) load_as: LoadAs,
    pub(super) target: Option<(&'a Loaded, &'a str)>,
    pub(super) maps: &'a HashMap<&'a str, BorrowedFd<'a>>,
    pub(super) globals: &'a [(&'a str, u32)],
    pub(super) trace: Option<&'a Tracing>,
}

/// Loads programs and makes maps; remembers what it took apart, for the next one of that object.
#[derive(Debug, Default)]
pub(super) struct Loader {
    /// The kernel's own types, which CO-RE goes by.
    types: Option<Btf>,
    /// The part of them that was asked for last, by the names asked for.
    part: Option<(Option<BTreeSet<String>>, aya_obj::btf::Btf)>,
    /// Objects by the address of their bytes, which live as long as the chain.
    prepared: HashMap<usize, Prepared>,
}

/// An object parsed and relocated against the kernel's types, with its BTF in the kernel.
#[derive(Debug)]
struct Prepared {
    object: aya_obj::Object,
    btf: OwnedFd,
    /// Keeps the address from being used again.
    _bytes: Arc<[u8]>,
}

impl Loader {
    fn prepare(&mut self, object: &Object) -> Result<&Prepared, KernelError> {
        let key = object.bytes.as_ptr().addr();
        // Not by `entry`: what is made may fail, and needs `self`.
        if !self.prepared.contains_key(&key) {
            let made = self.take_apart(object)?;
            self.prepared.insert(key, made);
        }
        self.prepared.get(&key).ok_or_else(|| KernelError::here(PARSE, "no such object"))
    }

    fn take_apart(&mut self, object: &Object) -> Result<Prepared, KernelError> {
        // What every kernel takes that has the links we need, from 5.15 on, or nearly: only when
        // it refuses is it asked, with a dozen system calls, what it knows.
        let modern = BtfFeatures::new(true, true, true, true, true, true, true, true);
        let (mut parsed, btf) = match parse(object, &modern) {
            Err(error) if error.errno == Some(libc::EINVAL) => {
                let known = aya::features().btf();
                parse(object, known.ok_or_else(|| KernelError::here(PARSE, "no BTF support"))?)?
            }
            other => other?,
        };
        if parsed.has_btf_relocations() {
            assemble::relocate(&mut parsed, self.kernel_types(object)?)?;
        }
        Ok(Prepared { object: parsed, btf, _bytes: Arc::clone(&object.bytes) })
    }

    /// The types of the kernel that `object` goes by.
    fn kernel_types(&mut self, object: &Object) -> Result<&aya_obj::btf::Btf, KernelError> {
        const CALL: &str = "read /sys/kernel/btf/vmlinux";
        let names = &object.kernel_types();
        // The objects of a chain mostly go by the same few.
        let known = self.part.as_ref().is_some_and(|(known, _)| known == names);
        if !known {
            let part = match names {
                Some(names) => {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    let part = crate::object::subset(self.all_kernel_types()?, &names);
                    aya_obj::btf::Btf::parse(&part, Default::default())
                }
                None => aya_obj::btf::Btf::from_sys_fs(),
            };
            let part = part.map_err(|error| KernelError::here(CALL, error))?;
            self.part = Some((names.clone(), part));
        }
        let part = self.part.as_ref().map(|(_, part)| part);
        part.ok_or_else(|| KernelError::here(CALL, "nothing was read"))
    }

    fn all_kernel_types(&mut self) -> Result<&Btf, KernelError> {
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

    /// Lets go of what is only needed while a chain comes up.
    pub(super) fn finish(&mut self) {
        *self = Self::default();
    }
}

/// Parses `object`, and hands the kernel its BTF with what `features` allow.
fn parse(
    object: &Object,
    features: &BtfFeatures,
) -> Result<(aya_obj::Object, OwnedFd), KernelError> {
    let (parsed, btf) = assemble::parse(&object.bytes, features)?;
    let btf = sys::btf_load(&btf).map_err(|error| KernelError::os("BPF_BTF_LOAD", &error))?;
    Ok((parsed, btf))
}

/// Makes the map `def`, which `object` defines.
pub(super) fn create_map(
    loader: &mut Loader,
    object: &Object,
    def: &MapDef,
) -> Result<MapData, KernelError> {
    let prepared = loader.prepare(object)?;
    let mut map = prepared
        .object
        .maps
        .get(&def.name)
        .ok_or_else(|| KernelError::here(PARSE, format!("no map `{}`", def.name)))?
        .clone();
    map.set_max_entries(def.max_entries);
    make_map(map, &def.name, prepared.btf.as_fd())
}

fn make_map(map: Map, name: &str, btf: BorrowedFd<'_>) -> Result<MapData, KernelError> {
    const CALL: &str = "BPF_MAP_CREATE";
    let kind = map.section_kind();
    let data = map.data().to_vec();
    let made = MapData::create(map, name, Some(btf)).map_err(|error| match &error {
        aya::maps::MapError::CreateError { io_error, .. } => KernelError::os(CALL, io_error),
        other => KernelError::here(CALL, other),
    })?;
    if !data.is_empty() {
        let fill = sys::map_update(made.fd().as_fd(), 0, &data);
        fill.map_err(|error| KernelError::os("BPF_MAP_UPDATE_ELEM", &error))?;
    }
    if kind == EbpfSectionKind::Rodata {
        let freeze = sys::map_freeze(made.fd().as_fd());
        freeze.map_err(|error| KernelError::os("BPF_MAP_FREEZE", &error))?;
    }
    Ok(made)
}

/// Loads a program.
pub(super) fn load(loader: &mut Loader, job: &Job<'_>) -> Result<Loaded, KernelError> {
    let mut globals: Vec<(&str, Vec<u8>)> =
        job.globals.iter().map(|(name, value)| (*name, value.to_ne_bytes().to_vec())).collect();
    if let Some(tracing) = job.trace {
        let table = if tracing.kernel.is_empty() {
            tracing.table
        } else {
            tracing::placed(tracing, loader.all_kernel_types()?)?
        };
        globals.push((TRACE_GLOBAL, table.to_bytes()));
    }
    let prepared = loader.prepare(job.object)?;
    let (mut parsed, btf) = (prepared.object.clone(), &prepared.btf);
    assemble::select(&mut parsed, job.program, &globals)?;

    let maps = std::mem::take(&mut parsed.maps);
    let mut own = Vec::new();
    let mut descriptors = Vec::new();
    for (name, map) in &maps {
        let fd = match job.maps.get(name.as_str()) {
            Some(shared) => shared.as_raw_fd(),
            None => {
                let made = make_map(map.clone(), name, btf.as_fd())?;
                let fd = made.fd().as_fd().as_raw_fd();
                own.push(made);
                fd
            }
        };
        descriptors.push((name.as_str(), fd, map));
    }
    assemble::link(&mut parsed, descriptors)?;

    let program = parsed
        .programs
        .get(job.program)
        .ok_or_else(|| KernelError::here(PARSE, format!("no program `{}`", job.program)))?;
    let function = parsed
        .functions
        .get(&program.function_key())
        .ok_or_else(|| KernelError::here(PARSE, format!("no code of `{}`", job.program)))?;
    let (program_type, attach_type) = types(job.load_as);
    let target = match job.target {
        Some((loaded, name)) => Some((loaded, function_id(&loaded.btf, name)?)),
        None => None,
    };
    // As the author wrote it: aya-obj takes an object without a licence for GPL.
    let license = CString::new(job.object.license.clone().unwrap_or_default());
    let license = license.map_err(|_| KernelError::here(PARSE, "the licence holds a NUL byte"))?;
    let (function_info, line_info) =
        (function.func_info.func_info_bytes(), function.line_info.line_info_bytes());
    let fd = verify(&sys::Program {
        name: job.program,
        program_type,
        attach_type,
        instructions: &function.instructions,
        license: &license,
        btf: Some(btf.as_fd()),
        function_info: &function_info,
        function_info_size: function.func_info_rec_size,
        line_info: &line_info,
        line_info_size: function.line_info_rec_size,
        target: target.map(|(loaded, function)| (loaded.program.as_fd(), function)),
    })
    .map_err(|error| KernelError {
        lines: source_lines(&line_info, function.line_info_rec_size, &job.object.btf),
        ..error
    })?;
    // The maps made here live as long as the program that uses them, by the kernel's own count.
    drop(own);
    loaded(fd, target.map(|(loaded, function)| (loaded.id, function)))
}

/// Takes hold of the program with number `id`.
pub(super) fn adopt(id: u32) -> Result<Loaded, KernelError> {
    let program = sys::program_by_id(id);
    loaded(program.map_err(|error| KernelError::os("BPF_PROG_GET_FD_BY_ID", &error))?, None)
}

/// What is known of a program that is in the kernel.
fn loaded(program: OwnedFd, target: Option<(u32, u32)>) -> Result<Loaded, KernelError> {
    let info = sys::program_info(program.as_fd())
        .map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))?;
    let btf = sys::btf_of(info.btf_id)
        .map_err(|error| KernelError::os("BPF_BTF_GET_FD_BY_ID", &error))?;
    let btf =
        Btf::parse(btf).map_err(|error| KernelError::here("read the program's BTF", error))?;
    Ok(Loaded { program, id: info.id, btf, target })
}

/// `BPF_PROG_LOAD`; when it is refused, once more with a log.
fn verify(program: &sys::Program<'_>) -> Result<OwnedFd, KernelError> {
    const CALL: &str = "BPF_PROG_LOAD";
    /// The kernel takes up to a quarter of 4 GiB; this holds every log a person might read.
    const LARGEST: usize = 16 << 20;
    let mut error = match sys::program_load(program, None) {
        Ok(fd) => return Ok(fd),
        Err(error) => KernelError::os(CALL, &error),
    };
    let mut size = 64 << 10;
    loop {
        let mut log = vec![0; size];
        match sys::program_load(program, Some(&mut log)) {
            // Refused for want of something that is there now: memory, a signal that came.
            Ok(fd) => return Ok(fd),
            Err(again) if again.raw_os_error() == Some(libc::ENOSPC) && size < LARGEST => size *= 4,
            Err(_) => {
                let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
                let text = String::from_utf8_lossy(&log[..end]).into_owned();
                error.log = (!text.trim().is_empty()).then_some(text);
                return Err(error);
            }
        }
    }
}

/// The BTF id of the function called `name`.
pub(super) fn function_id(btf: &Btf, name: &str) -> Result<u32, KernelError> {
    let missing =
        || KernelError::here("find function", format!("the program has no function `{name}`"));
    btf.function(name).map(|(id, ..)| id).ok_or_else(missing)
}

/// The kernel's numbers for the type of a program and where it expects to be attached.
pub(super) fn types(load_as: LoadAs) -> (u32, u32) {
    use ProgramKind as Kind;
    match load_as {
        LoadAs::Replacement => (kinds::BPF_PROG_TYPE_EXT as u32, 0),
        LoadAs::Tracer(moment) => {
            let attach = match moment {
                Moment::Fentry => attach::BPF_TRACE_FENTRY,
                Moment::Fexit => attach::BPF_TRACE_FEXIT,
            };
            (kinds::BPF_PROG_TYPE_TRACING as u32, attach as u32)
        }
        LoadAs::Hook(kind) => match kind.program_type() {
            Kind::Kprobe => (kinds::BPF_PROG_TYPE_KPROBE as u32, 0),
            Kind::Tracepoint => (kinds::BPF_PROG_TYPE_TRACEPOINT as u32, 0),
            Kind::RawTracepoint => (kinds::BPF_PROG_TYPE_RAW_TRACEPOINT as u32, 0),
            Kind::Xdp => (kinds::BPF_PROG_TYPE_XDP as u32, attach::BPF_XDP as u32),
            _ => (kinds::BPF_PROG_TYPE_UNSPEC as u32, 0),
        },
    }
}
