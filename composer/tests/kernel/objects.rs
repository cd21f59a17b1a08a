//! Objects as they ship: with parts that no chain asks for, names of every kind, and things that only
//! the kernel has. A program of one is brought up, is called, and tells by its variables what it saw.

use std::net::UdpSocket;

use ::object::{Object as _, ObjectSection as _};
use freplace_compose::{
    chain::Chain,
    check::{Kernels, open},
    kernel::{Kernel as _, KernelError, Linux, machine},
    object::Object,
    plan, profile, run,
    version::Version,
};

use crate::support::{Folder, Snapshot, eventually, variables::variable};

/// Brings `chain` up, which has to be valid for this kernel, and lets `look` see it while it is.
#[track_caller]
fn up(chain: &str, look: impl FnOnce()) -> Result<(), KernelError> {
    up_in(&Folder::new(chain), look)
}

/// The same, for the chain of `folder`.
#[track_caller]
fn up_in(folder: &Folder, look: impl FnOnce()) -> Result<(), KernelError> {
    let before = Snapshot::take();
    let chain = Chain::open(&folder.chain()).expect("a good chain");
    let profiles = profile::nearest(machine::version()).into_iter().collect();
    let checked = open(chain, &Kernels { profiles, asked: true });
    let checked = checked.unwrap_or_else(|found| panic!("it is valid: {found:#?}"));
    let mut kernel = Linux::new();
    let plan = plan::build(&checked.resolved, kernel.offers());
    let done = match run::up(&mut kernel, &plan, checked.resolved.objects(), &mut run::unwatched) {
        Ok(running) => {
            look();
            let left = running.down(&mut kernel);
            assert!(left.is_empty(), "{left:?}");
            Ok(())
        }
        Err(failure) => {
            assert!(failure.left.is_empty(), "{:?}", failure.left);
            Err(*failure.error)
        }
    };
    drop(kernel);
    before.assert_nothing_new();
    done
}

/// A chain of one host of the program in `object` on the loopback, with `more` behind.
fn at_loopback(object: &str, program: &str, more: &str) -> String {
    format!(
        "[host.h]\nobject = \"{object}.o\"\nprogram = \"{program}\"\nattach = {{ xdp = \"lo\" }}\n\
         {more}"
    )
}

/// Sends a packet over the loopback.
fn send() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.send_to(b"packet", "127.0.0.1:9").expect("the loopback is up");
}

fn number(object: &Object, program: &str, name: &str) -> i64 {
    let bytes = variable(object, program, name);
    match bytes.len() {
        4 => i32::from_ne_bytes(bytes.try_into().expect("four")).into(),
        8 => i64::from_ne_bytes(bytes.try_into().expect("eight")),
        length => panic!("{length} bytes"),
    }
}

fn test_object(name: &str) -> Object {
    let bytes = freplace_compose_test_programs::object(name).expect("a test program");
    Object::parse(bytes).expect("whole")
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_stands_beside_a_program_does_not_matter() {
    let object = test_object("beside");
    let done = up(&at_loopback("beside", "pass", ""), || {
        let seen = || {
            send();
            number(&object, "pass", "passed") > 0
        };
        assert!(eventually(seen), "it was not called");
    });
    assert_eq!(done, Ok(()));
    assert_eq!(up(&at_loopback("section-names", "pass", ""), || {}), Ok(()));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_program_that_needs_what_this_kernel_has_not_is_refused_by_name() {
    let object = "[host.h]\nobject = \"lacking.o\"\nattach = { raw_tracepoint = \"sys_enter\" }\n";
    for (program, name) in [
        ("of_config", "CONFIG_THAT_NOBODY_HAS"),
        ("of_variable", "variable_that_nobody_has"),
        ("of_function", "function_that_nobody_has"),
        ("of_field", "task_struct.field_that_nobody_has"),
    ] {
        let error = up(&format!("{object}program = \"{program}\"\n"), || {});
        let error = error.expect_err(program);
        let missing = error.missing.iter().map(|(_, missing)| missing.as_str());
        let named = missing.chain([error.message.as_str()]).any(|text| text.contains(name));
        assert!(named, "{program}: {error:#?}");
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_type_that_this_kernel_has_not_is_of_size_0() {
    let object = test_object("lacking");
    let chain = "[host.h]\nobject = \"lacking.o\"\nprogram = \"of_type\"\n\
                 attach = { raw_tracepoint = \"sys_enter\" }\n";
    let done = up(chain, || {
        assert!(eventually(|| number(&object, "of_type", "size_of_nothing") == 0));
    });
    assert_eq!(done, Ok(()));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_type_of_this_kernel_matches_or_does_not() {
    let bytes = freplace_compose_test_programs::object("type-match").expect("a test program");
    let bytes = asked_for_matches(bytes.to_vec());
    let folder = Folder::new(
        "[host.h]\nobject = \"matches.o\"\nprogram = \"ask\"\n\
         attach = { raw_tracepoint = \"sys_enter\" }\n",
    );
    std::fs::write(folder.chain().with_file_name("matches.o"), &bytes).expect("room");
    let object = Object::parse(bytes).expect("a good object");
    // Every other one, from the first on, is what the kernel has.
    let done = up_in(&folder, || {
        assert!(eventually(|| number(&object, "ask", "answers") == 0b01_01_01));
    });
    assert_eq!(done, Ok(()));
}

/// An object that asks whether types exist, made to ask whether they match, for which clang has a
/// word only since version 15.
fn asked_for_matches(mut object: Vec<u8>) -> Vec<u8> {
    const EXISTS: u32 = 8;
    const MATCHES: u32 = 12;
    let elf = ::object::File::parse(object.as_slice()).expect("an object");
    let section = elf.section_by_name(".BTF.ext").expect("what CO-RE goes by");
    let (start, _) = section.file_range().expect("in the file");
    let word = |object: &[u8], at: usize| {
        u32::from_le_bytes(object[at..at + 4].try_into().expect("four bytes"))
    };
    let start = start as usize;
    let relocations =
        start + word(&object, start + 4) as usize + word(&object, start + 24) as usize;
    let end = relocations + word(&object, start + 28) as usize;
    // The size of a record; then a section's name, how many records it has, and the records.
    let mut at = relocations + 4;
    let mut changed = 0;
    while at < end {
        let count = word(&object, at + 4) as usize;
        at += 8;
        for record in (at..).step_by(16).take(count) {
            if word(&object, record + 12) == EXISTS {
                object[record + 12..record + 16].copy_from_slice(&MATCHES.to_le_bytes());
                changed += 1;
            }
        }
        at += 16 * count;
    }
    assert_eq!(changed, 6, "each question is one relocation");
    object
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn hidden_functions_are_static_and_weak_ones_are_stubs() {
    let object = test_object("visible");
    let stub = r#"
        [stub.verdict]
        function = "verdict"
        hosts = ["h"]
        [replacement.other]
        object = "visible.o"
        program = "other_verdict"
        stub = "verdict"
        [tracer.t]
        fentry = "h"
        function = "note"
    "#;
    let done = up(&at_loopback("visible", "pass", stub), || {
        let seen = || {
            send();
            number(&object, "other_verdict", "last") == 102
        };
        assert!(eventually(seen), "the replacement was not called");
        assert_eq!(number(&object, "pass", "last"), 1);
    });
    assert_eq!(done, Ok(()));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_section_says_what_the_chain_does_not() {
    let object = test_object("visible");
    for program in ["asked_for", "of_fragments"] {
        assert_eq!(up(&at_loopback("visible", program, ""), || {}), Ok(()), "{program}");
    }
    let done = up(&at_loopback("visible", "made_up", "type = \"xdp\""), || {
        let seen = || {
            send();
            number(&object, "made_up", "last") == 42
        };
        assert!(eventually(seen), "it was not called");
    });
    assert_eq!(done, Ok(()));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn values_of_the_configuration_are_there() {
    let object = test_object("kconfig");
    let done = up(&at_loopback("kconfig", "configured", ""), || {
        let seen = || {
            send();
            number(&object, "configured", "version") != 0
        };
        assert!(eventually(seen), "it was not called");
        let release = machine::release();
        let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
        let mut next = || numbers.next().and_then(|number| number.parse::<i64>().ok()).unwrap_or(0);
        let version = next() << 16 | next() << 8 | next().min(255);
        assert_eq!(number(&object, "configured", "version").abs(), version);
        assert_eq!(number(&object, "configured", "syscalls"), 1);
        assert!(number(&object, "configured", "hz") > 0);
        assert_eq!(number(&object, "configured", "nobodys"), 0);
        assert_eq!(number(&object, "configured", "wrapper"), 1);
    });
    assert_eq!(done, Ok(()));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn variables_and_functions_of_the_kernel_are_found() {
    let object = test_object("ksyms");
    let chain = r#"
        [host.h]
        object = "ksyms.o"
        program = "look"
        attach = { raw_tracepoint = "sys_enter" }
    "#;
    let done = up(chain, || {
        assert!(eventually(|| number(&object, "look", "rounds") > 0), "it was not called");
        assert_eq!(number(&object, "look", "address").cast_unsigned(), symbol("init_task"));
        assert!(number(&object, "look", "active") >= 0);
        assert_eq!(number(&object, "look", "nobodys"), 0);
    });
    assert_eq!(done, Ok(()));
    let object = test_object("kfuncs");
    let done = up(&at_loopback("kfuncs", "own_context", ""), || {
        let seen = || {
            send();
            number(&object, "own_context", "interface") == 1
        };
        assert!(eventually(seen), "it was not called");
    });
    // 6.1 has the function of the kernel, and does not know it for programs of this type.
    if machine::version() >= Version::of_release("6.2") {
        assert_eq!(done, Ok(()));
    } else {
        let error = done.expect_err("it is newer");
        assert!(error.message.contains("bpf_cast_to_kern_ctx"), "{error:#?}");
    }
}

/// The address of a symbol of the kernel.
fn symbol(name: &str) -> u64 {
    let symbols = std::fs::read_to_string("/proc/kallsyms").expect("it can be read");
    let mut lines = symbols.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let line = lines.find(|words| words.get(2) == Some(&name)).expect("it is there");
    u64::from_str_radix(line[0], 16).expect("an address")
}
