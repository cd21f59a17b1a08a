//! The validator against the kernel: each replacement of one object on each stub of another. Both
//! have to say the same of every pair, and in the same words.

use std::path::Path;

use freplace_compose::{
    chain::Chain,
    check::{self, Kernels},
    diag::Code,
    kernel::{Kernel as _, Linux, LoadRequest},
    object::{Object, ProgramKind},
    plan::LoadAs,
    resolve::{ObjectStore, PartlyResolved, Resolved},
};

use crate::support::Folder;

fn object(name: &str) -> Object {
    let bytes = freplace_compose_test_programs::object(name).expect("a test program");
    Object::parse(bytes).expect("a good object")
}

fn chain(file: &Path, stub: &str, replacement: &str) -> Chain {
    let text = format!(
        r#"
        [host.host]
        object = "prototype-stubs.o"
        program = "host"
        attach = {{ xdp = "lo" }}
        [stub.stub]
        function = "{stub}"
        hosts = ["host"]
        [replacement.replacement]
        object = "prototype-replacements.o"
        program = "{replacement}"
        stub = "stub"
        "#
    );
    Chain::parse(file, text).expect("a good chain")
}

/// What the validator says that the kernel would say; none when it finds nothing wrong.
fn predicted(chain: Chain, objects: &ObjectStore) -> Option<String> {
    let names = PartlyResolved::of(chain, objects);
    let found = check::check(&names, &Kernels::default());
    let found = match found.as_slice() {
        [] => return None,
        [one] => one,
        more => panic!("one mistake, several diagnostics: {more:?}"),
    };
    assert_eq!(found.code, Code::PrototypeMismatch, "{}", found.message);
    let said = found.notes.iter().find_map(|note| note.strip_prefix("kernel error: EINVAL, \""));
    Some(said.expect("the kernel's words are there").trim_end_matches('"').to_owned())
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn prototypes_are_compared_as_the_kernel_compares_them() {
    let folder = Folder::new("");
    let (host, replacements) = (object("prototype-stubs"), object("prototype-replacements"));
    let any = chain(&folder.chain(), "stub_nothing", "replace_nothing");
    let any = Resolved::open(any).expect("its objects are there");

    let mut kernel = Linux::new();
    let request = |object, program, load_as, target| LoadRequest {
        object,
        program,
        load_as,
        expected_attach_type: None,
        attach_btf: None,
        target,
        maps: &[],
        globals: &[],
        set: &[],
        trace: None,
        trace_entry: None,
        traits: Default::default(),
    };
    let (target, _) = kernel
        .load(&request(&host, "host", LoadAs::Hook(ProgramKind::Xdp), None))
        .expect("the host is loaded");
    let (mut taken, mut refused, mut wrong) = (0, 0, Vec::new());
    let stubs = host.functions.iter().filter(|function| function.name.starts_with("stub_"));
    for stub in stubs {
        for replacement in &replacements.programs {
            let (stub, replacement) = (stub.name.as_str(), replacement.name.as_str());
            let predicted = predicted(chain(&folder.chain(), stub, replacement), any.objects());
            let target = Some((target, stub));
            match (
                kernel.load(&request(&replacements, replacement, LoadAs::Replacement, target)),
                predicted,
            ) {
                (Ok((program, _)), None) => {
                    taken += 1;
                    kernel.unload(program).expect("it was loaded");
                }
                (Ok(_), Some(text)) => {
                    wrong.push(format!("{replacement} on {stub}: taken, not refused with {text}"));
                }
                (Err(error), None) => {
                    wrong.push(format!("{replacement} on {stub}: refused with {:?}", error.log));
                }
                (Err(error), Some(text)) => {
                    refused += 1;
                    let log = error.log.unwrap_or_default();
                    if error.errno != Some(libc::EINVAL) || !log.contains(&text) {
                        wrong.push(format!("{replacement} on {stub}: {text}, and not {log}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), taken + refused, wrong.join("\n"));
    // Each prototype fits itself at least, but for the two that the kernel lets nobody replace.
    assert!(taken >= 22 && refused > 400, "{taken} were taken, {refused} refused");
}
