//! What one kernel refuses and the other takes: the validator, asked for the running kernel, has to
//! say what it does.

use std::sync::{Arc, LazyLock};

use freplace_compose::{
    chain::Chain,
    check::{self, Kernels},
    kernel::{Kernel as _, Linux, machine},
    plan,
    profile::{self, Profile},
    resolve::Resolved,
    run,
};

use crate::support::{Folder, fire};

/// The profile of the running kernel, as `--kernel running` has it.
pub(crate) fn running() -> Kernels {
    static PROFILE: LazyLock<Profile> = LazyLock::new(|| {
        let version = machine::version();
        let profile = profile::nearest(version).expect("some are shipped");
        assert_eq!(Some(profile.kernel), version, "there is a profile of this kernel");
        let (targets, unread) = machine::targets();
        assert!(unread.is_empty(), "{unread:?}");
        Profile { targets: Some(Arc::new(targets)), ..profile }
    });
    Kernels { profiles: vec![PROFILE.clone()], asked: true }
}

/// What the validator foresees, and what the kernel does with the chain all the same.
pub(crate) fn both(text: &str) -> (Result<(), String>, Result<(), String>) {
    let folder = Folder::new(text);
    let chain = Chain::open(&folder.chain()).expect("a good chain");
    let foreseen = match check::open(chain.clone(), &running()) {
        Ok(_) => Ok(()),
        Err(found) => Err(found.iter().flat_map(|found| found.notes.clone()).collect()),
    };
    let resolved = Resolved::open(chain).expect("its objects are there");
    let mut kernel = Linux::new();
    let plan = plan::build(&resolved, kernel.offers());
    let done = match run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched) {
        Ok(running) => {
            fire(7);
            assert!(running.down(&mut kernel).is_empty());
            Ok(())
        }
        Err(failure) => {
            assert!(failure.left.is_empty());
            Err(failure.error.log.unwrap_or(failure.error.message))
        }
    };
    (foreseen, done)
}

/// Both have to agree, and the kernel's words are among those foreseen.
#[track_caller]
pub(crate) fn agree(text: &str) -> bool {
    let (foreseen, done) = both(text);
    match (&foreseen, &done) {
        (Ok(()), Ok(())) => true,
        (Err(words), Err(log)) => {
            // Without words of the verifier it is a bare error number.
            let said = words.split('"').nth(1).unwrap_or("invalid argument");
            assert!(log.contains(said), "foreseen: {said}; said: {log}");
            false
        }
        _ => panic!("foreseen: {foreseen:?}; done: {done:?}"),
    }
}

/// A host with a chain of `depth` tracers, each on the one before.
fn tracers(depth: usize) -> String {
    let mut text = String::from(
        "[host.host]\nobject = \"hosts.o\"\nprogram = \"at_tracepoint\"\n\
         attach = { tracepoint = \"syscalls/sys_enter_getpgid\" }\n",
    );
    let mut target = "host".to_owned();
    for number in 0..depth {
        text += &format!(
            "[tracer.t{number}]\nfentry = \"{target}\"\nobject = \"probe-tracer.o\"\n\
             program = \"bare\"\n"
        );
        target = format!("t{number}");
    }
    text
}

/// A chain that replaces the entry of a host of `hosts.o`.
fn entry(program: &str, attach: &str) -> String {
    format!(
        "[host.host]\nobject = \"hosts.o\"\nprogram = \"{program}\"\nattach = {attach}\n\
         [stub.stub]\nfunction = \"{program}\"\nhosts = [\"host\"]\n\
         [replacement.new]\nobject = \"entries.o\"\nprogram = \"{program}\"\nstub = \"stub\"\n"
    )
}

fn packet(replacement: &str, stub: &str) -> String {
    format!(
        "[host.host]\nobject = \"packet.o\"\nprogram = \"packet_host\"\n\
         attach = {{ xdp = \"lo\", mode = \"generic\" }}\n\
         [stub.stub]\nfunction = \"{stub}\"\nhosts = [\"host\"]\n\
         [replacement.new]\nobject = \"packet.o\"\nprogram = \"{replacement}\"\nstub = \"stub\"\n"
    )
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn tracers_of_tracers_are_judged_as_this_kernel_judges_them() {
    assert!(agree(&tracers(1)), "a tracer of a host is always taken");
    let nested = running().profiles[0].features.nested_tracing;
    assert_eq!(agree(&tracers(2)), nested);
    assert!(!agree(&tracers(3)), "two levels are never taken");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn changes_of_packet_data_are_judged_as_this_kernel_judges_them() {
    let compared = running().profiles[0].features.packet_data_compared;
    assert_eq!(agree(&packet("changes", "stub_keeps")), !compared);
    assert!(agree(&packet("changes", "stub_changes")));
    assert!(agree(&packet("keeps", "stub_keeps")));
    assert!(agree(&packet("keeps", "stub_changes")));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn an_entry_is_replaced_where_the_kernel_trusts_its_prototype() {
    let kprobe = "{ kprobe = \"__x64_sys_getpgid\" }";
    let tracepoint = "{ tracepoint = \"syscalls/sys_enter_getpgid\" }";
    assert!(agree(&entry("at_kprobe", kprobe)));
    assert!(!agree(&entry("at_tracepoint", tracepoint)));
    assert!(agree(&entry("at_raw_tracepoint", "{ raw_tracepoint = \"sys_enter\" }")));
}

fn xdp(object: &str, program: &str, stub: &str) -> String {
    format!(
        "[host.host]\nobject = \"{object}.o\"\nprogram = \"{program}\"\n\
         attach = {{ xdp = \"lo\", mode = \"generic\" }}\n\
         [stub.stub]\nfunction = \"{stub}\"\nhosts = [\"host\"]\n\
         [replacement.new]\nobject = \"packet.o\"\nprogram = \"keeps\"\nstub = \"stub\"\n"
    )
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_stub_returns_a_scalar() {
    let (foreseen, done) = both(&xdp("void-stub", "host", "stub_void"));
    if running().profiles[0].features.void_functions {
        // The host is taken; the replacement answers a number.
        let said = foreseen.expect_err("the prototypes differ");
        let log = done.expect_err("the prototypes differ");
        return assert!(log.contains(said.split('"').nth(1).expect("in quotes")), "{said}; {log}");
    }
    let said = "Global function stub_void() doesn't return scalar. Only those are supported.";
    assert!(foreseen.expect_err("it is foreseen").contains(said));
    assert!(done.expect_err("the host is refused").contains(said));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_stub_that_the_host_does_not_call_is_not_there() {
    let (foreseen, done) = both(&xdp("uncalled", "uncalled_host", "stub_uncalled"));
    assert!(foreseen.is_err());
    let said = done.expect_err("there is nothing to replace");
    assert!(said.contains("Subprog stub_uncalled doesn't exist"), "{said}");
}
