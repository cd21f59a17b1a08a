//! An object → a program in the kernel.
//!
//! What a program needs is cut out of its object (`object/cut.rs`) and prepared (`prepare.rs`); what
//! is done here is what each load has of its own: descriptors of maps, global variables, and the
//! program that it extends or traces. One way for hosts, replacements and tracers alike.

use std::{
    collections::HashMap,
    ffi::CString,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::generated::{bpf_attach_type as attach, bpf_prog_info, bpf_prog_type as kinds};

use super::{
    KernelError,
    coverage::{self, LineCounters},
    externs::Externs,
    field_offsets,
    fill::fill,
    lines::source_lines,
    map,
    prepare::{PARSE, Workshop},
    sys,
};
use crate::{
    hook::AttachBtf,
    object::{AttachType, MapDef, NeededTypes, Object, RedirectMap, Traits, btf::Btf},
    plan::LoadAs,
    resolve::SetGlobal,
    trace::Tracing,
};
use freplace_compose_common::trace::{ENTRY_TRACE_GLOBAL, TRACE_GLOBAL};

/// A program in the kernel, and what has to live as long as it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) program: OwnedFd,
    pub(super) id: u32,
    /// The BTF ids of its functions, by name.
    functions: HashMap<String, u32>,
    /// The function it is for: the number of its program, and its BTF id there.
    pub(super) target: Option<(u32, u32)>,
    /// What counts its lines, or why nothing does; none where that was not asked for.
    pub(super) counters: Option<Result<LineCounters, String>>,
}

impl Loaded {
    /// The BTF id of the function called `name`.
    pub(super) fn function(&self, name: &str) -> Result<u32, KernelError> {
        let missing = || {
            KernelError::here(
                "find function",
                format!(
                    "function `{name}` not found in the \
                                                           program"
                ),
            )
        };
        self.functions.get(name).copied().ok_or_else(missing)
    }
}

/// A program to load, in the kernel's terms.
pub(super) struct LoadJob<'a> {
    pub(super) object: &'a Object,
    pub(super) program: &'a str,
    pub(super) load_as: LoadAs,
    pub(super) expected_attach_type: Option<AttachType>,
    pub(super) attach_btf: Option<&'a AttachBtf>,
    pub(super) traits: Traits,
    pub(super) target: Option<(&'a Loaded, &'a str)>,
    pub(super) maps: &'a HashMap<&'a str, BorrowedFd<'a>>,
    pub(super) globals: &'a [(&'a str, u32)],
    pub(super) set: &'a [SetGlobal],
    pub(super) trace: Option<&'a Tracing>,
    pub(super) trace_entry: Option<&'a Tracing>,
    /// Whether its lines are to be counted.
    pub(super) counts_lines: bool,
}

/// Loads programs and makes maps; remembers what it prepared, for the next one of that program.
#[derive(Debug, Default)]
pub(super) struct Loader {
    workshop: Workshop,
    externs: Externs,
}

impl Loader {
    /// Lets go of what is only needed while a chain comes up.
    pub(super) fn finish(&mut self) {
        *self = Self::default();
    }

    /// Lets go of one chain's objects, and keeps what was read of the kernel for the next.
    pub(super) fn forget_objects(&mut self) {
        self.workshop.forget_objects();
    }

    /// The number of a type in the kernel's BTF.
    pub(super) fn attach_btf_id(&mut self, wanted: &AttachBtf) -> Result<u32, KernelError> {
        let types = self.workshop.types()?;
        let (found, name) = match wanted {
            AttachBtf::Function(name) => (types.function(name).map(|(id, ..)| id), name),
            AttachBtf::Typedef(name) => {
                (types.typedefs().find(|(_, other)| *other == name).map(|(id, _)| id), name)
            }
        };
        found.ok_or_else(|| KernelError {
            errno: Some(libc::ENOENT),
            ..KernelError::here(
                "find attach target",
                format!("`{name}` is not in the kernel's BTF"),
            )
        })
    }
}

/// Makes the map `def`, which `object` defines.
pub(super) fn create_map(
    loader: &mut Loader,
    object: &Object,
    def: &MapDef,
) -> Result<OwnedFd, KernelError> {
    map::create(def, &mut |def| {
        let (key, value) = def.types;
        let needed = NeededTypes { roots: [key, value].into(), ..NeededTypes::default() };
        Ok(match (key, value) {
            (0, 0) => None,
            _ => {
                let btf = loader.workshop.types_in_kernel(object, &needed)?;
                Some(map::Types { btf, key, value })
            }
        })
    })
}

/// Loads a program.
pub(super) fn load(loader: &mut Loader, job: &LoadJob<'_>) -> Result<Loaded, KernelError> {
    let settings = settings(&mut loader.workshop, job)?;
    let attach_btf_id = match job.attach_btf {
        Some(wanted) => loader.attach_btf_id(wanted)?,
        None => 0,
    };
    let prepared = loader.workshop.prepare(job.object, job.program)?;
    let Loader { workshop, externs } = loader;
    let filled = fill(&prepared, job, &settings, workshop, externs)?;
    let (program_type, attach_type, flags) = kernel_type(job);
    let target = match job.target {
        Some((loaded, name)) => Some((loaded, loaded.function(name)?)),
        None => None,
    };
    // As the author wrote it: what is not there is no licence.
    let license = CString::new(job.object.license.clone().unwrap_or_default());
    let license =
        license.map_err(|_| KernelError::here(PARSE, "the licence contains a NUL byte"))?;
    let attributes = sys::ProgramAttributes {
        name: job.program,
        program_type,
        attach_type,
        flags,
        code: &filled.code,
        license: &license,
        btf: Some(prepared.btf.as_fd()),
        function_info: &prepared.function_info,
        function_info_size: FUNCTION_INFO,
        line_info: &prepared.line_info,
        line_info_size: LINE_INFO,
        target: target.map(|(loaded, function)| (loaded.program.as_fd(), function)),
        attach_btf_id,
    };
    let counted = job.counts_lines.then(|| coverage::load(&attributes, &prepared, job.object));
    let (fd, counters) = match counted {
        Some(Ok((fd, counters))) => (fd, Some(Ok(counters))),
        // Without counters it may be taken; if not, that is what has to be explained.
        other => {
            let fd = verify(&attributes).map_err(|error| KernelError {
                lines: source_lines(&prepared.cut.lines, &job.object.btf),
                missing: prepared.relocated.missing.clone().into(),
                ..error
            })?;
            (fd, other.and_then(Result::err).map(Err))
        }
    };
    // The maps made here live as long as the program that uses them, by the kernel's own count.
    drop(filled.own);
    let info = info(&fd)?;
    Ok(Loaded {
        program: fd,
        id: info.id,
        functions: prepared.functions.clone(),
        target: target.map(|(loaded, function)| (loaded.id, function)),
        counters,
    })
}

/// Bytes of a `struct bpf_func_info`, and of a `struct bpf_line_info`; both begin with the number of an instruction.
const FUNCTION_INFO: usize = 8;
const LINE_INFO: usize = 16;

/// A value of a global variable, other than the one in the object.
#[derive(Debug, Clone)]
pub(super) struct GlobalBytes {
    pub(super) section: String,
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

/// The values of the variables that the composer sets. Those that the object lacks are passed over.
fn settings(workshop: &mut Workshop, job: &LoadJob<'_>) -> Result<Vec<GlobalBytes>, KernelError> {
    let mut values: Vec<(&str, Vec<u8>)> =
        job.globals.iter().map(|(name, value)| (*name, value.to_ne_bytes().to_vec())).collect();
    let tables = [(TRACE_GLOBAL, job.trace), (ENTRY_TRACE_GLOBAL, job.trace_entry)];
    for (name, tracing) in tables {
        let Some(tracing) = tracing else { continue };
        let table = if tracing.kernel.is_empty() {
            tracing.table
        } else {
            field_offsets::placed(tracing, workshop.types()?)?
        };
        values.push((name, table.to_bytes()));
    }
    let setting = |(name, bytes): (&str, Vec<u8>)| {
        let global = job.object.globals_called(name).next()?;
        Some(GlobalBytes { section: global.section.clone(), offset: global.offset, bytes })
    };
    let set = job.set.iter().map(|set| GlobalBytes {
        section: set.section.clone(),
        offset: set.offset,
        bytes: set.bytes.clone(),
    });
    Ok(values.into_iter().filter_map(setting).chain(set).collect())
}

/// Takes hold of the program with number `id`, which has that `tag`.
pub(super) fn adopt(id: u32, tag: &str) -> Result<Loaded, KernelError> {
    const CALL: &str = "BPF_PROG_GET_FD_BY_ID";
    let program = sys::program_by_id(id);
    let program = program.map_err(|error| KernelError::os(CALL, &error))?;
    let info = info(&program)?;
    if tag_of(&info) != tag {
        return Err(KernelError::with_errno(CALL, libc::ENOENT));
    }
    let btf = sys::btf_of(info.btf_id)
        .map_err(|error| KernelError::os("BPF_BTF_GET_FD_BY_ID", &error))?;
    let btf =
        Btf::parse(btf).map_err(|error| KernelError::here("read the program's BTF", error))?;
    let functions = btf.functions().into_iter().map(|(name, (id, ..))| (name.to_owned(), id));
    Ok(Loaded {
        program,
        id: info.id,
        functions: functions.collect(),
        target: None,
        counters: None,
    })
}

/// The digest of a program's instructions, in hexadecimal.
pub(super) fn tag_of(info: &bpf_prog_info) -> String {
    info.tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn info(program: &OwnedFd) -> Result<bpf_prog_info, KernelError> {
    let info = sys::program_info(program.as_fd());
    info.map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))
}

/// `BPF_PROG_LOAD`; when it is refused, once more with a log.
fn verify(program: &sys::ProgramAttributes<'_>) -> Result<OwnedFd, KernelError> {
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
                error.log = log_text(&log);
                return Err(error);
            }
        }
    }
}

/// What the kernel wrote to `log`, when it wrote anything.
pub(super) fn log_text(log: &[u8]) -> Option<String> {
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    let text = String::from_utf8_lossy(&log[..end]).into_owned();
    (!text.trim().is_empty()).then_some(text)
}

/// `BPF_F_SLEEPABLE`.
pub(super) const SLEEPABLE: u32 = 1 << 4;

/// The kernel's numbers for the type of a program, for where it expects to be attached, and for what
/// else is said of it.
fn kernel_type(job: &LoadJob<'_>) -> (u32, u32, u32) {
    /// `BPF_F_XDP_HAS_FRAGS`.
    const HAS_FRAGS: u32 = 1 << 5;
    let LoadJob { load_as, traits, .. } = *job;
    let (mut program, mut attach) = types(load_as);
    if let Some(expected) = job.expected_attach_type {
        attach = expected as u32;
    }
    if traits.writable && program == kinds::BPF_PROG_TYPE_RAW_TRACEPOINT as u32 {
        program = kinds::BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE as u32;
    }
    if let (Some(table), LoadAs::Hook(_)) = (traits.table, load_as) {
        attach = match table {
            RedirectMap::Devmap => attach::BPF_XDP_DEVMAP as u32,
            RedirectMap::Cpumap => attach::BPF_XDP_CPUMAP as u32,
        };
    }
    let flags = [(traits.sleepable, SLEEPABLE), (traits.frags, HAS_FRAGS)];
    let flags = flags.iter().filter(|(asked, _)| *asked).map(|(_, flag)| flag).sum();
    (program, attach, flags)
}

/// The kernel's numbers for the type of a program and where it expects to be attached.
pub(super) fn types(load_as: LoadAs) -> (u32, u32) {
    let program = load_as.program_type().map_or(0, |program_type| program_type as u32);
    (program, load_as.attach_type().map_or(0, |attach_type| attach_type as u32))
}
