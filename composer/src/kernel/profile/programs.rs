//! The types of programs that the running kernel loads, and the helpers it offers to each.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::CStr,
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use crate::{
    chain::ProbePoint,
    hook::{Attach, HostKind, KINDS},
    kernel::{
        KernelError,
        loader::{self, Loaded, Loader},
        sys,
    },
    object::{
        AttachType, ProgramKind, ProgramType, helpers,
        insn::{Insn, calls},
    },
    plan::LoadAs,
    profile::Helpers,
};

/// `r0 = 0`, and the end: a program that does nothing.
const NOTHING: [Insn; 2] = [Insn::set(0, 0), Insn::EXIT];

/// How many functions of a program run inside each other: the most of those that are loaded.
pub(super) fn most_frames() -> Option<u16> {
    /// Each takes at least 16 bytes of a stack of 512.
    const TRIED: u16 = 32;
    /// Calls the function behind the next instruction, and ends.
    const FRAME: [Insn; 2] = [Insn::call(calls::FUNCTION, 1), Insn::EXIT];
    let xdp = ProbedType::of(ProgramKind::Xdp);
    let takes = |frames: &u16| {
        let above = (1..*frames).flat_map(|_| FRAME);
        let program: Vec<_> = above.chain(NOTHING).collect();
        xdp.load(&program, c"", None).is_ok()
    };
    (1..=TRIED).take_while(takes).last()
}

/// Whether a program at an LSM hook that answers with error numbers may not return another number.
pub(super) fn lsm_results() -> bool {
    const RETURNS_77: [Insn; 2] = [Insn::set(0, 77), Insn::EXIT];
    let Some(kind) = HostKind::of_program(ProgramKind::Lsm) else { return false };
    let lsm = ProbedType {
        attach_btf_id: attach_btf_id(kind),
        attach_type: Some(AttachType::LsmMac),
        ..ProbedType::of(ProgramKind::Lsm)
    };
    lsm.load_smallest().is_ok() && lsm.load(&RETURNS_77, lsm.license(), None).is_err()
}

/// Whether a program may be for an LSM hook of a cgroup.
pub(in crate::kernel) fn lsm_cgroup() -> bool {
    let Some(kind) = HostKind::named("lsm_cgroup") else { return false };
    allows(&ProbedType {
        attach_btf_id: attach_btf_id(kind),
        attach_type: Some(AttachType::LsmCgroup),
        ..ProbedType::of(ProgramKind::Lsm)
    })
}

/// Whether a program of a cgroup may be for a call of Unix sockets.
pub(in crate::kernel) fn cgroup_unix() -> bool {
    let attach_type = Some(AttachType::CgroupUnixConnect);
    allows(&ProbedType { attach_type, ..ProbedType::of(ProgramKind::CgroupSockAddr) })
}

/// Whether a program that allows all is loaded.
fn allows(one: &ProbedType<'_>) -> bool {
    const ALLOWS: [Insn; 2] = [Insn::set(0, 1), Insn::EXIT];
    one.load(&ALLOWS, one.license(), None).is_ok()
}

/// A type of program, of which small ones are loaded.
pub(super) struct ProbedType<'a> {
    pub(super) load_as: LoadAs,
    /// Its `expected_attach_type`.
    pub(super) attach_type: Option<AttachType>,
    /// Its `attach_btf_id` in the kernel's BTF.
    pub(super) attach_btf_id: u32,
    /// A program, and the BTF id of the function of it that is traced.
    pub(super) target: Option<(BorrowedFd<'a>, u32)>,
}

impl ProbedType<'_> {
    /// A program for a hook.
    pub(super) fn of(program: ProgramKind) -> Self {
        Self::loaded_as(LoadAs::Hook(program))
    }

    fn loaded_as(load_as: LoadAs) -> Self {
        Self { load_as, attach_type: load_as.attach_type(), target: None, attach_btf_id: 0 }
    }

    /// Programs that may sleep, where the kernel loads no others.
    fn flags(&self) -> u32 {
        match self.load_as.program_type() {
            Some(ProgramType::Syscall) => loader::SLEEPABLE,
            _ => 0,
        }
    }

    /// Loads one that does nothing.
    pub(super) fn load_smallest(&self) -> io::Result<OwnedFd> {
        self.load(&NOTHING, self.license(), None)
    }

    /// No licence, except for programs that are not loaded without one: those of LSM hooks.
    fn license(&self) -> &'static CStr {
        match self.load_as.program_type() {
            Some(ProgramType::Lsm) => c"GPL",
            _ => c"",
        }
    }

    /// Loads `instructions`; the verifier writes to `log`.
    fn load(
        &self,
        instructions: &[Insn],
        license: &CStr,
        log: Option<&mut [u8]>,
    ) -> io::Result<OwnedFd> {
        let (program_type, _) = loader::types(self.load_as);
        let attach_type = self.attach_type.map_or(0, |attach_type| attach_type as u32);
        let code: Vec<u8> = instructions.iter().flat_map(|insn| insn.bytes()).collect();
        let program = sys::ProgramAttributes {
            name: "probe",
            program_type,
            attach_type,
            flags: self.flags(),
            code: &code,
            license,
            btf: None,
            function_info: &[],
            function_info_size: 0,
            line_info: &[],
            line_info_size: 0,
            target: self.target,
            attach_btf_id: self.attach_btf_id,
        };
        sys::program_load(&program, log)
    }
}

/// The type of the kernel that a program of this kind can be loaded for; 0 when there is none.
fn attach_btf_id(kind: &'static HostKind) -> u32 {
    let target = kind.template.target.to_owned();
    let attach = Attach { kind, target, settings: Vec::new() };
    let wanted = attach.attach_btf();
    wanted.and_then(|wanted| Loader::default().attach_btf_id(&wanted).ok()).unwrap_or_default()
}

/// Whether programs of this kind may call the helper of this name. None when none can be loaded.
pub(super) fn offers(program: ProgramKind, name: &str) -> Option<bool> {
    let kind = HostKind::of_program(program)?;
    let one = ProbedType { attach_btf_id: attach_btf_id(kind), ..ProbedType::of(program) };
    one.load_smallest().ok()?;
    let helper = helpers().find(|helper| helper.name == name)?;
    Some(!matches!(ask(&one, helper.id, helper.name), Answer::Refused(_)))
}

/// The types of programs that are loaded, each with the helpers that it may call.
pub(super) fn offered(host: &Loaded) -> Result<(Helpers, BTreeSet<String>), KernelError> {
    // Of kinds that the kernel loads alike, the first.
    let mut types: Vec<(&str, Vec<ProbedType<'_>>)> = Vec::new();
    for kind in KINDS {
        let name = kind.program_type.name();
        // Those are measured below, on a function of a program.
        let is_tracing = kind.program_type == ProgramType::Tracing;
        if !is_tracing && types.iter().all(|(other, _)| *other != name) {
            let load_as = LoadAs::Hook(kind.program);
            let attach_btf_id = attach_btf_id(kind);
            let one =
                |attach_type| ProbedType { load_as, attach_type, target: None, attach_btf_id };
            types.push((name, kind.expected_attach_types().into_iter().map(one).collect()));
        }
    }
    let id = host.function("stub")?;
    let target = Some((host.program.as_fd(), id));
    let load_as = LoadAs::Tracer(ProbePoint::Fentry);
    let tracer = ProbedType { target, ..ProbedType::loaded_as(load_as) };
    let iterator = ProbedType::of(ProgramKind::Iter);
    let attach_btf_id = HostKind::of_program(ProgramKind::Iter).map_or(0, attach_btf_id);
    types.push(("tracing", vec![tracer, ProbedType { attach_btf_id, ..iterator }]));

    let mut found = Helpers::default();
    let mut programs = BTreeSet::new();
    let mut free: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (name, variants) in types {
        // What is offered for one attach type of several counts: which one it is for, a program that
        // is only called does not say.
        for one in variants {
            if one.load_smallest().is_err() {
                continue;
            }
            programs.insert(name.to_owned());
            let offered = found.by_type.entry(name.to_owned()).or_default();
            for helper in helpers() {
                let number = helper.id;
                match ask(&one, number, helper.name) {
                    Answer::Offered => free.entry(name).or_default().insert(number),
                    Answer::ForGpl => found.gpl_only.insert(number),
                    Answer::Refused(text) => {
                        found.refusal = found.refusal.or(text);
                        continue;
                    }
                };
                offered.insert(number);
            }
        }
    }
    for (name, free) in free {
        let free = &free & &found.gpl_only;
        if !free.is_empty() {
            found.without_gpl.insert(name.to_owned(), free);
        }
    }
    Ok((found, programs))
}

/// Whether a program may call a helper.
enum Answer {
    Offered,
    /// Only with a licence that goes with the GPL.
    ForGpl,
    /// With the words in front of the helper's name, where there are such.
    Refused(Option<String>),
}

/// Loads a program that calls the helper. The verifier looks at the helper's number, then at the
/// licence, then at whether it may be called here, and only then at the arguments, which are not
/// there: `check_helper_call`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
fn ask(one: &ProbedType<'_>, number: u32, helper: &str) -> Answer {
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    let [nothing, exit] = NOTHING;
    let call = [Insn::call(calls::HELPER, number), nothing, exit];
    let under = |license| {
        let mut log = [0; 4096];
        if one.load(&call, license, Some(&mut log)).is_ok() {
            return Answer::Offered;
        }
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
        judge(&String::from_utf8_lossy(&log[..end]), number, helper)
    };
    match under(one.license()) {
        Answer::ForGpl => match under(c"GPL") {
            Answer::Offered => Answer::ForGpl,
            other => other,
        },
        other => other,
    }
}

/// What the verifier's log says of a call of `helper`.
fn judge(log: &str, number: i32, helper: &str) -> Answer {
    /// In front of the name of what it has not got, by age.
    const REFUSALS: [&str; 3] =
        ["unknown func", "program of this type cannot use helper", "invalid func"];
    /// What it says of helpers that a program may call elsewhere, or if it could sleep.
    const NOT_HERE: [&str; 4] = [
        "helper call is not allowed in probe",
        "helper call might sleep",
        "sleepable helper",
        "not supported for program type",
    ];
    for text in REFUSALS {
        if log.contains(&format!("{text} {helper}#{number}")) {
            return Answer::Refused(Some(text.to_owned()));
        }
        if log.contains(&format!("{text} ")) {
            return Answer::Refused(None); // of a helper whose name the kernel does not know
        }
    }
    if NOT_HERE.iter().any(|text| log.contains(text)) {
        return Answer::Refused(None);
    }
    if log.contains("cannot call GPL-restricted function") {
        return Answer::ForGpl;
    }
    Answer::Offered
}

#[cfg(test)]
mod tests {
    use super::{Answer, judge};

    fn said(log: &str) -> String {
        let log = format!(
            "0: R1=ctx(off=0,imm=0) R10=fp0\n0: (85) call bpf_get_current_comm#16\n{log}\n"
        );
        match judge(&log, 16, "bpf_get_current_comm") {
            Answer::Offered => "offered".to_owned(),
            Answer::ForGpl => "for GPL".to_owned(),
            Answer::Refused(text) => format!("refused: {}", text.unwrap_or_default()),
        }
    }

    #[test]
    fn each_kernels_words_are_understood() {
        for (log, answer) in [
            ("unknown func bpf_get_current_comm#16", "refused: unknown func"),
            (
                "program of this type cannot use helper bpf_get_current_comm#16",
                "refused: program of this type cannot use helper",
            ),
            ("invalid func unknown#16", "refused: "),
            ("helper call is not allowed in probe", "refused: "),
            ("func bpf_get_func_ip#173 not supported for program type 5", "refused: "),
            ("helper call might sleep in a non-sleepable prog", "refused: "),
            ("sleepable helper bpf_get_current_comm#16 in non-sleepable prog", "refused: "),
            ("cannot call GPL-restricted function from non-GPL compatible program", "for GPL"),
            ("R1 type=ctx expected=fp", "offered"),
            ("R2 !read_ok", "offered"),
        ] {
            assert_eq!(said(log), answer, "{log}");
        }
    }
}
