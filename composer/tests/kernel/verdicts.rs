//! What is told when the verifier rejects: its last words, the line of C they are about, and the
//! rule.

use freplace_compose::{
    chain::Chain,
    diag::{Code, Diagnostic},
    kernel::{Kernel as _, Linux, machine},
    plan,
    resolve::Resolved,
    run,
};

use crate::{
    support::{Folder, Snapshot},
    versions::running,
};

/// What the kernel says of a chain that nothing judged before, and what is told of it.
#[track_caller]
fn refused(text: &str) -> (String, Diagnostic) {
    let before = Snapshot::take();
    let folder = Folder::new(text);
    let chain = Chain::open(&folder.chain()).expect("a good chain");
    let resolved = Resolved::open(chain).expect("its objects are there");
    let mut kernel = Linux::new();
    let plan = plan::build(&resolved, kernel.offers());
    let Err(failure) = run::up(&mut kernel, &plan, resolved.objects(), &mut run::unwatched) else {
        panic!("the kernel takes it");
    };
    assert!(failure.left.is_empty());
    drop(kernel);
    before.assert_nothing_new();
    let told = run::explain(&failure, &plan, &machine::targets().0, false);
    (failure.error.log.unwrap_or_default(), told)
}

fn xdp(object: &str, program: &str, rest: &str) -> String {
    format!(
        "[host.host]\nobject = \"{object}.o\"\nprogram = \"{program}\"\n\
         attach = {{ xdp = \"lo\", mode = \"generic\" }}\n{rest}"
    )
}

fn stub(function: &str) -> String {
    format!("[stub.stub]\nfunction = \"{function}\"\nhosts = [\"host\"]\n")
}

fn replacement(object: &str, program: &str) -> String {
    format!(
        "[replacement.new]\nobject = \"{object}.o\"\nprogram = \"{program}\"\nstub = \"stub\"\n"
    )
}

/// Tells of `words`, of the C line that has `source` in it, and shows no register dump.
#[track_caller]
fn tells(text: &str, words: &str, source: &str) {
    let (log, told) = refused(text);
    assert_eq!(told.code, Code::Rejected);
    let note = told.notes.first().expect("what the verifier said");
    let lines: Vec<_> = note.lines().collect();
    assert_eq!(lines[0], "verifier log", "{note}");
    assert!(lines[1..].iter().any(|line| line.contains(words)), "{words}: {note}");
    let place = lines
        .iter()
        .find_map(|line| line.trim().split_once("  ").filter(|_| line.contains(".bpf.c:")));
    let (place, line) = place.unwrap_or_else(|| panic!("no line of source: {note}"));
    assert!(line.contains(source), "{source}: {note}");
    assert!(!note.contains("R10=fp0") && !note.contains("processed "), "{note}");
    // The kernel's own comments name the line from 6.8 on.
    if log.contains(" @ ") {
        assert!(log.contains(&format!("@ {place}\n")), "{place}: {log}");
    }
    assert!(log.contains(&format!("; {line}")), "{line}: {log}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_line_of_source_is_the_kernels_own() {
    tells(&xdp("verdicts", "forgetful_host", ""), "invalid access to packet", "data[2] == 1");
    tells(&xdp("verdicts", "endless_host", ""), "infinite loop", "for (;;)");
    tells(&xdp("verdicts", "guessing_host", ""), "Caller passes invalid args", "stub_noted(ctx");
    tells(&xdp("no-licence", "prints", ""), "GPL-restricted", "bpf_printk(");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_line_in_a_function_that_is_called_is_found() {
    tells(&xdp("verdicts", "careless_host", ""), "invalid access to packet", "return data[0];");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_line_of_a_replacement_and_of_a_tracer_is_found() {
    let rest = stub("stub_noted") + &replacement("verdicts", "reads_untested");
    tells(&xdp("verdicts", "noting_host", &rest), "mem_or_null", "return note->second == 2;");
    let rest = stub("stub_noted")
        + &replacement("verdicts", "reads_tested")
        + "[tracer.t]\nobject = \"verdicts.o\"\nprogram = \"follows\"\nfentry = \"new\"\n";
    tells(&xdp("verdicts", "noting_host", &rest), "invalid bpf_context access", "arguments[1]");
    let chain = "[host.host]\nobject = \"verdicts.o\"\nprogram = \"bounded_host\"\n\
                 attach = { raw_tracepoint = \"sys_enter\" }\n"
        .to_owned()
        + &stub("stub_bounded")
        + &replacement("verdicts", "answers_one");
    tells(&chain, "At program exit the register R0", "return 1;");
}

/// The rule that the kernel's words lead to.
#[track_caller]
fn leads_to(text: &str, codes: &str) {
    let (log, told) = refused(text);
    let notes = told.notes.join("\n");
    assert!(notes.ends_with(&format!("freplace-compose explain {codes}")), "{notes}; {log}");
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn the_kernels_words_lead_to_the_rule() {
    if !running().profiles[0].features.void_functions {
        leads_to(&xdp("void-stub", "host", &stub("stub_void")), "FC0304");
    }
    let rest = stub("stub_uncalled") + &replacement("packet", "keeps");
    leads_to(&xdp("uncalled", "uncalled_host", &rest), "FC0208 FC0210 FC0330");
    let rest = stub("stub_noted") + &replacement("packet", "keeps");
    leads_to(&xdp("verdicts", "noting_host", &rest), "FC0301");
    let chain = "[host.host]\nobject = \"hosts.o\"\nprogram = \"at_tracepoint\"\n\
                 attach = { tracepoint = \"syscalls/sys_enter_getpgid\" }\n"
        .to_owned();
    leads_to(&(chain + &stub("twice") + &replacement("replacements", "answer_seven")), "FC0209");
}
