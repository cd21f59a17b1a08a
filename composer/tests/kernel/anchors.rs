//! What the fake kernel was taught and what the checks refuse, on a real one: the rules that order
//! and undo rest on, and those a chain is checked by before any kernel is asked.

use freplace_compose::{
    chain::{Chain, ObjectRef, ProbePoint},
    check::{self, Kernels},
    kernel::{
        AttachRequest, Kernel as _, KernelError, Linux, LoadRequest, MapHandle, ProgramHandle,
    },
    object::ProgramKind,
    plan::LoadAs,
    resolve::ObjectStore,
};

use crate::{
    support::{Folder, Snapshot},
    versions::running,
};

/// A kernel with the host of the test programs loaded, and what more is to be loaded.
pub(crate) struct LoadedHost {
    kernel: Linux,
    objects: ObjectStore,
    maps: Vec<(String, MapHandle)>,
    pub(crate) host: ProgramHandle,
    /// The kernel's number of the host.
    pub(crate) host_id: u32,
}

pub(crate) const STUB: &str = "stub_value";

impl LoadedHost {
    pub(crate) fn new() -> Self {
        let mut bench = Self::bare();
        let object = bench.objects.get(&ObjectRef::new("hosts.o")).expect("it is in the chain");
        let load_as = LoadAs::Hook(ProgramKind::Tracepoint);
        let (program, maps) = ("at_tracepoint", &bench.maps);
        let request = LoadRequest {
            object,
            program,
            load_as,
            expected_attach_type: None,
            attach_btf: None,
            target: None,
            maps,
            globals: &[],
            set: &[],
            trace: None,
            trace_entry: None,
            traits: Default::default(),
        };
        (bench.host, bench.host_id) = bench.kernel.load(&request).expect("it loads");
        bench
    }

    /// The same around a host that another process loaded.
    pub(crate) fn around(host_id: u32) -> Self {
        let mut bench = Self::bare();
        let census = freplace_compose::kernel::census().expect("this is root");
        let tag = &census.program(host_id).expect("it is there").tag;
        bench.host = bench.kernel.adopt(host_id, tag).expect("it is there");
        bench
    }

    fn bare() -> Self {
        let folder = Folder::new(
            r#"
            name = "bench"
            host.h = { object = "hosts.o", program = "at_tracepoint", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
            stub.s = { function = "stub_value", hosts = ["h"] }
            replacement.r = { object = "replacements.o", program = "answer_seven", stub = "s" }
            tracer.t = { fentry = "r", object = "tracers.o", program = "entry" }
            host.other = { object = "other-stub.o", program = "other", attach = { tracepoint = "syscalls/sys_enter_getpgid" } }
            "#,
        );
        let chain = Chain::open(&folder.chain()).expect("it is well written");
        let checked = check::open(chain, &Kernels::default()).expect("it is sound");
        let objects = checked.resolved.objects().clone();
        let mut kernel = Linux::new();
        let hosts = objects.get(&ObjectRef::new("hosts.o")).expect("it is in the chain");
        let shared = hosts.maps.iter().filter(|map| freplace_compose::resolve::is_shared(map));
        let maps = shared
            .map(|map| (map.name.clone(), kernel.create_map(hosts, map, None).expect("a map").0))
            .collect();
        Self { kernel, objects, maps, host: ProgramHandle(0), host_id: 0 }
    }

    fn load(
        &mut self,
        object: &str,
        program: &str,
        load_as: LoadAs,
        target: Option<(ProgramHandle, &str)>,
    ) -> Result<ProgramHandle, KernelError> {
        let object = self.objects.get(&ObjectRef::new(object)).expect("it is in the chain");
        let request = LoadRequest {
            object,
            program,
            load_as,
            expected_attach_type: None,
            attach_btf: None,
            target,
            maps: &self.maps,
            globals: &[],
            set: &[],
            trace: None,
            trace_entry: None,
            traits: Default::default(),
        };
        self.kernel.load(&request).map(|(program, _)| program)
    }

    pub(crate) fn replacement(&mut self) -> ProgramHandle {
        let target = Some((self.host, STUB));
        let loaded = self.load("replacements.o", "answer_seven", LoadAs::Replacement, target);
        loaded.expect("it loads")
    }

    pub(crate) fn tracer(&mut self, target: ProgramHandle, function: &str) -> ProgramHandle {
        let as_tracer = LoadAs::Tracer(ProbePoint::Fentry);
        let loaded = self.load("tracers.o", "entry", as_tracer, Some((target, function)));
        loaded.expect("it loads, even where it cannot be attached")
    }

    pub(crate) fn attach(&mut self, request: &AttachRequest<'_>) -> Result<(), KernelError> {
        self.kernel.attach(request).map(drop)
    }

    fn replace(&mut self, program: ProgramHandle) -> Result<(), Option<i32>> {
        self.replace_in(self.host, program)
    }

    fn replace_in(
        &mut self,
        target: ProgramHandle,
        program: ProgramHandle,
    ) -> Result<(), Option<i32>> {
        let request = AttachRequest::Replacement { program, target, function: STUB };
        self.kernel.attach(&request).map(drop).map_err(|error| error.errno)
    }

    fn trace(&mut self, program: ProgramHandle) -> Result<(), Option<i32>> {
        let request = AttachRequest::Tracer { program };
        self.kernel.attach(&request).map(drop).map_err(|error| error.errno)
    }
}

const BUSY: Result<(), Option<i32>> = Err(Some(libc::EBUSY));

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_stub_is_replaced_once_only() {
    let before = Snapshot::take();
    let mut bench = LoadedHost::new();
    let (first, second) = (bench.replacement(), bench.replacement());
    assert_eq!(bench.replace(first), Ok(()));
    assert_eq!(bench.replace(second), BUSY);
    drop(bench);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_stub_is_either_replaced_or_traced() {
    let mut bench = LoadedHost::new();
    let (replacement, host) = (bench.replacement(), bench.host);
    let tracer = bench.tracer(host, STUB);
    assert_eq!(bench.replace(replacement), Ok(()));
    assert_eq!(bench.trace(tracer), BUSY);

    let mut bench = LoadedHost::new();
    let (replacement, host) = (bench.replacement(), bench.host);
    let tracer = bench.tracer(host, STUB);
    assert_eq!(bench.trace(tracer), Ok(()));
    assert_eq!(bench.replace(replacement), BUSY);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_stub_is_free_again_when_its_replacement_is_detached() {
    let mut bench = LoadedHost::new();
    let (first, second) = (bench.replacement(), bench.replacement());
    let request = AttachRequest::Replacement { program: first, target: bench.host, function: STUB };
    let link = bench.kernel.attach(&request).expect("nothing is there yet");
    bench.kernel.detach(link).expect("it was attached");
    assert_eq!(bench.replace(second), Ok(()));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn nothing_is_loaded_against_a_target_that_was_let_go() {
    let before = Snapshot::take();
    let mut bench = LoadedHost::new();
    let host = bench.host;
    bench.kernel.unload(host).expect("it was loaded");
    let target = Some((host, STUB));
    let loaded = bench.load("replacements.o", "answer_seven", LoadAs::Replacement, target);
    assert!(loaded.is_err_and(|error| error.errno.is_none()), "we do not even ask the kernel");
    assert!(bench.kernel.unload(host).is_err(), "a handle is good once");
    drop(bench);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn dropping_the_kernel_lets_go_of_everything() {
    let before = Snapshot::take();
    let mut bench = LoadedHost::new();
    let replacement = bench.replacement();
    let tracer = bench.tracer(replacement, "answer_seven");
    assert_eq!(bench.trace(tracer), Ok(()));
    assert_eq!(bench.replace(replacement), Ok(()));
    assert!(before.new_since().iter().any(|left| left.starts_with("link")));
    drop(bench);
    before.assert_nothing_new();
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_second_stub_with_another_prototype_is_refused_without_a_word() {
    let mut bench = LoadedHost::new();
    let as_host = LoadAs::Hook(ProgramKind::Tracepoint);
    let other = bench.load("other-stub.o", "other", as_host, None).expect("it loads");
    let replacement = bench.replacement();
    assert_eq!(bench.replace_in(other, replacement), Err(Some(libc::EINVAL)));
    assert_eq!(bench.replace(replacement), Ok(()), "its own stub takes it still");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_loaded_replacement_is_for_hosts_of_one_program_type() {
    let mut bench = LoadedHost::new();
    let as_tracepoint = LoadAs::Hook(ProgramKind::Tracepoint);
    let as_kprobe = LoadAs::Hook(ProgramKind::Kprobe);
    let alike = bench.load("hosts.o", "at_tracepoint", as_tracepoint, None).expect("it loads");
    let other = bench.load("hosts.o", "at_kprobe", as_kprobe, None).expect("it loads");
    let replacement = bench.replacement();
    assert_eq!(bench.replace(replacement), Ok(()));
    assert_eq!(bench.replace_in(alike, replacement), Ok(()));
    assert_eq!(bench.replace_in(other, replacement), Err(Some(libc::EINVAL)));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_static_function_a_replacement_and_another_prototype_cannot_be_replaced() {
    let mut bench = LoadedHost::new();
    let as_host = LoadAs::Hook(ProgramKind::Tracepoint);
    let other = bench.load("other-stub.o", "other", as_host, None).expect("it loads");
    let replacement = bench.replacement();
    for (target, function, words) in [
        (bench.host, "twice", "twice() is not a global function"),
        (replacement, "answer_seven", "Cannot recursively attach"),
        (other, STUB, "has 1 args while stub_value() has 2 args"),
    ] {
        let target = Some((target, function));
        let error = bench.load("replacements.o", "answer_seven", LoadAs::Replacement, target);
        let error = error.expect_err(words);
        assert_eq!(error.errno, Some(libc::EINVAL), "{function}: {error:?}");
        let log = error.log.unwrap_or_default();
        assert!(log.contains(words), "{function}: {log}");
    }
}

/// The kernel does not trust the prototype of an entry function whose context is a struct of the
/// author's, and says so in words that are not its best.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn an_entry_function_with_a_context_of_the_authors_cannot_be_replaced() {
    let mut bench = LoadedHost::new();
    let target = Some((bench.host, "at_tracepoint"));
    let error = bench.load("replacements.o", "answer_seven", LoadAs::Replacement, target);
    let error = error.expect_err("the prototypes differ anyway");
    assert_eq!(error.errno, Some(libc::EINVAL));
    let log = error.log.unwrap_or_default();
    assert!(log.contains("Cannot replace static functions"), "{log}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_function_has_as_many_tracers_as_the_profile_says() {
    let most = running().profiles[0].features.most_tracers.expect("it was measured");
    let mut bench = LoadedHost::new();
    let host = bench.host;
    for number in 1..=most {
        let tracer = bench.tracer(host, STUB);
        assert_eq!(bench.trace(tracer), Ok(()), "number {number}");
    }
    let one_more = bench.tracer(host, STUB);
    assert_eq!(bench.trace(one_more), Err(Some(libc::E2BIG)));
}
