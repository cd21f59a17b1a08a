//! Places to attach to: what `--kernel running` says of them is what the kernel does.

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    sync::LazyLock,
};

use freplace_compose::{
    chain::Chain,
    check::{self, Kernels},
    diag::{Code, Severity},
    errno::errno_name,
    kernel::Linux,
    plan::{self, Action},
    profile::{Presence, Targets},
    resolve::PartlyResolved,
    run,
};

use crate::{
    support::{
        Folder, Snapshot,
        process::{binary, output},
        recipe,
    },
    versions::running,
};

fn chain(hook: &str, place: &str) -> String {
    format!(
        "name = \"x\"\n[host.host]\nobject = \"hosts.o\"\nprogram = \"at_{hook}\"\n\
         attach = {{ {hook} = \"{place}\" }}\n"
    )
}

/// What is foreseen of a host at `place`, and what the kernel answers: an error's name, or nothing.
fn both(hook: &str, place: &str) -> (Option<String>, Option<String>) {
    let folder = Folder::new(&chain(hook, place));
    let chain = Chain::open(&folder.chain()).expect("a good chain");
    let names = PartlyResolved::open(chain);
    let found = check::check(&names, &running());
    assert!(found.len() <= 1, "{found:?}");
    let foreseen = found.first().map(|found| {
        assert_eq!(found.code, Code::UnknownTarget);
        match found.severity {
            Severity::Warning => "unknown".to_owned(),
            Severity::Error => found.answer.as_ref().expect("the kernel's answer").errno.to_owned(),
        }
    });
    let resolved = names.whole().expect("its objects are there");
    let mut kernel = Linux::new();
    let done = match run::up(
        &mut kernel,
        &plan::build(&resolved, plan::Offers::default()),
        resolved.objects(),
        &mut run::unwatched,
    ) {
        Ok(running) => {
            assert!(running.down(&mut kernel).is_empty());
            None
        }
        Err(failure) => Some(errno_name(failure.error.errno.expect("a number")).to_owned()),
    };
    (foreseen, done)
}

#[track_caller]
fn agree(hook: &str, place: &str, answer: Option<&str>) {
    let (foreseen, done) = both(hook, place);
    assert_eq!(done.as_deref(), answer, "{hook} {place}");
    assert_eq!(foreseen, done, "{hook} {place}");
}

/// Functions that can be traced, and how many symbols have the name.
fn traceable() -> &'static BTreeMap<String, usize> {
    static FOUND: LazyLock<BTreeMap<String, usize>> = LazyLock::new(find_traceable);
    &FOUND
}

fn find_traceable() -> BTreeMap<String, usize> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_else(|_| panic!("{path}"));
    let symbols = read("/proc/kallsyms");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in symbols.lines().filter_map(|line| line.split_whitespace().nth(2)) {
        *counts.entry(name).or_default() += 1;
    }
    let functions = read("/sys/kernel/tracing/available_filter_functions");
    let names = functions.lines().filter_map(|line| line.split_whitespace().next());
    names.filter_map(|name| Some((name.to_owned(), *counts.get(name)?))).collect()
}

fn targets() -> std::sync::Arc<Targets> {
    running().profiles[0].targets.clone().expect("those of the running kernel")
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn functions_are_judged_as_this_kernel_judges_them() {
    for hook in ["kprobe", "kretprobe"] {
        agree(hook, "tcp_connect", None);
        agree(hook, "tcp_conect", Some("ENOENT"));
        agree(hook, "tcp_connect+0x4", Some("ENOENT"));
        agree(hook, "kprobe_int3_handler", Some("EINVAL"));
    }
    agree("kprobe", "jiffies_lock", Some("EINVAL"));
    let functions = traceable();
    let (name, _) = functions
        .iter()
        .find(|(name, count)| {
            let bare = name.strip_suffix(".isra.0");
            **count == 1 && bare.is_some_and(|bare| !functions.contains_key(bare))
        })
        .expect("some have a suffix");
    agree("kprobe", name, None);
    agree("kprobe", name.trim_end_matches(".isra.0"), Some("ENOENT"));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_name_of_several_functions_is_judged_as_this_kernel_judges_it() {
    let functions = traceable();
    let several = functions.iter().find(|(_, count)| **count > 1);
    let (name, _) = several.expect("static functions have the same name");
    let unique = running().profiles[0].features.unique_kprobe_symbol;
    agree("kprobe", name, unique.then_some("EADDRNOTAVAIL"));
    agree("kretprobe", name, unique.then_some("EADDRNOTAVAIL"));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn tracepoints_are_judged_as_this_kernel_judges_them() {
    agree("raw_tracepoint", "sys_enter", None);
    agree("raw_tracepoint", "sched_switch", None);
    agree("raw_tracepoint", "sched_swich", Some("ENOENT"));
    agree("raw_tracepoint", "sched/sched_switch", Some("ENOENT"));
    agree("tracepoint", "sched/sched_switch", None);
    agree("tracepoint", "sched/sched_swich", Some("ENOENT"));
    agree("tracepoint", "syscalls/sys_enter_getpgid", None);
    agree("tracepoint", "syscalls/sys_exit_getpgd", Some("ENOENT"));
    agree("tracepoint", "syscalls/getpgid", Some("ENOENT"));
    // Such a category could have been made by somebody.
    let (foreseen, done) = both("tracepoint", "shed/sched_switch");
    assert_eq!((foreseen.as_deref(), done.as_deref()), (Some("unknown"), Some("ENOENT")));
}

/// Nothing that is there is said not to be.
#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn every_function_and_tracepoint_of_this_kernel_is_known() {
    let targets = targets();
    let functions = traceable();
    assert!(functions.len() > 10_000);
    // 0xffffffff8102d6d0-0xffffffff8102d7a0	__die
    let blacklist = fs::read_to_string("/sys/kernel/debug/kprobes/blacklist").expect("debugfs");
    let names = blacklist.lines().filter_map(|line| line.split_whitespace().nth(1));
    let forbidden: std::collections::HashSet<&str> = names.collect();
    for (name, count) in functions {
        let expected = match u16::try_from(*count).expect("a few") {
            1 if forbidden.contains(&name.as_str()) => continue,
            1 => Presence::There,
            count => Presence::Several(count),
        };
        assert_eq!(targets.function(name), expected, "{name}");
    }
    let events = fs::read_to_string("/sys/kernel/tracing/available_events").expect("tracefs");
    let mut count = 0;
    for (category, name) in events.lines().filter_map(|line| line.split_once(':')) {
        assert_eq!(targets.tracepoint(category, name), Presence::There, "{category}/{name}");
        if !["syscalls", "ftrace"].contains(&category) {
            assert_eq!(targets.raw_tracepoint(name), Presence::There, "{name}");
            assert!(targets.raw_tracepoint_arguments(name).is_some(), "{name}");
        }
        count += 1;
    }
    assert!(count > 500);
    assert_eq!(targets.raw_tracepoint_arguments("sys_enter"), Some(2));
    assert_eq!(targets.raw_tracepoint_arguments("sched_switch"), Some(4));
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn this_kernel_is_judged_for_without_root() {
    const NOBODY: u32 = 65534;
    let validate = |chain: &std::path::Path| {
        let mut command = binary();
        command.args(["validate", "--kernel", "running"]).arg(chain).uid(NOBODY).gid(NOBODY);
        output(&mut command)
    };
    validate(&recipe("tcp")).assert_done();
    let text = fs::read_to_string(recipe("tcp")).expect("it is shipped");
    let folder = Folder::new(&text.replace("kprobe = \"tcp_connect\"", "kprobe = \"tcp_conect\""));
    let readable = fs::Permissions::from_mode(0o755);
    let place = folder.chain();
    fs::set_permissions(place.parent().expect("a folder"), readable).expect("it is ours");
    let finished = validate(&place);
    finished.assert_failed(3, "FC0317");
    assert!(finished.stderr.contains("Did you mean `tcp_connect`?"), "{}", finished.stderr);
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn what_is_misspelt_is_mended_when_the_kernel_refuses_it() {
    for (hook, place, near) in [
        ("kprobe", "tcp_conect", "`tcp_connect`"),
        ("raw_tracepoint", "sched_swich", "`sched_switch`"),
        ("tracepoint", "syscalls/sys_enter_getpgd", "`syscalls/sys_enter_getpgid`"),
    ] {
        let folder = Folder::new(&chain(hook, place));
        let finished = crate::support::run(&folder.chain(), &["--", "true"]);
        finished.assert_failed(1, "FC0502");
        let help = format!("Did you mean {near}?");
        assert!(finished.stderr.contains(&help), "{help}: {}", finished.stderr);
    }
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn a_kernel_that_the_chain_is_not_meant_for_gets_nothing_of_it() {
    let before = Snapshot::take();
    let text = format!("requires = {{ kernel = \">=99\" }}\n{}", chain("kprobe", "tcp_connect"));
    let folder = Folder::new(&text);
    let finished = crate::support::run(&folder.chain(), &["--", "true"]);
    finished.assert_failed(4, "FC0319");
    assert!(!finished.stderr.contains("load "), "{}", finished.stderr);
    before.assert_nothing_new();
}

/// What the rules find wrong with a program of hooks.bpf.c at an LSM hook, and whether the kernel loads
/// it. It is not attached: some of the programs would stop the machine.
fn at_lsm_hook(
    hook: &str,
    program: &str,
    kernels: &Kernels,
    kernel: &mut Linux,
) -> (Option<Code>, bool) {
    let text = format!(
        "name = \"x\"\n[host.host]\nobject = \"hooks.o\"\nprogram = \"{program}\"\n\
         attach = {{ lsm = \"{hook}\" }}\n"
    );
    let folder = Folder::new(&text);
    let chain = Chain::open(&folder.chain()).expect("a good chain");
    let names = PartlyResolved::open(chain);
    let found = check::check(&names, kernels).first().map(|found| found.code);
    let resolved = names.whole().expect("its objects are there");
    let before_attaching = &mut |done: run::Done<'_>| match done.operation.action {
        Action::Load { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let plan = plan::build(&resolved, plan::Offers::default());
    let done = run::up(kernel, &plan, resolved.objects(), before_attaching);
    let loaded = done.is_ok();
    if let Ok(running) = done {
        assert!(running.down(kernel).is_empty());
    }
    kernel.next_chain();
    (found, loaded)
}

#[test]
#[ignore = "needs a kernel that allows freplace; `cargo xtask test` runs it in a micro-VM"]
fn results_at_every_lsm_hook_are_judged_as_this_kernel_judges_them() {
    let before = Snapshot::take();
    let symbols = fs::read_to_string("/proc/kallsyms").expect("/proc is mounted");
    let functions = symbols.lines().filter_map(|line| line.split_whitespace().nth(2));
    let hooks = functions.filter_map(|name| name.strip_prefix("bpf_lsm_"));
    let mut judged = [0, 0];
    // Both read the kernel's types once.
    let (kernels, mut kernel) = (running(), Linux::new());
    for hook in hooks {
        // Some of those functions are no hooks, and some hooks are closed to programs.
        if !at_lsm_hook(hook, "lsm_host", &kernels, &mut kernel).1 {
            continue;
        }
        let (found, loaded) = at_lsm_hook(hook, "lsm_wrong", &kernels, &mut kernel);
        assert_eq!(found.is_none(), loaded, "{hook}: {found:?}");
        judged[usize::from(loaded)] += 1;
    }
    let [refused, taken] = judged;
    assert!(taken > 0 && refused + taken > 150, "{judged:?}");
    before.assert_nothing_new();
}
