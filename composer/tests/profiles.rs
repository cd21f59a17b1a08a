//! Profiles of kernels whose functions and tracepoints are known, and what a chain is told of them.

mod common;

use std::{fs, path::PathBuf};

use common::{objects, put, run, shown};
use object::{Object as _, ObjectSection as _};
use serde_json::Value;

/// Symbols in the format of /proc/kallsyms.
const SYMBOLS: &str = "\
0000000000000000 T tcp_connect
0000000000000000 T __pfx_tcp_connect
0000000000000000 T tcp_v4_connect
0000000000000000 t match_id.isra.0
0000000000000000 t match_id.isra.0.cold
0000000000000000 t twice
0000000000000000 t twice
0000000000000000 t once
0000000000000000 d once
0000000000000000 T __x64_sys_openat
0000000000000000 T do_int3
0000000000000000 d _kbl_addr_do_int3
0000000000000000 d jiffies_lock
0000000000000000 t nf_nat_init\t[nf_nat]
0000000000000000 t bpf_prog_6deef7357e7b4530_host\t[bpf]
0000000000000000 T __traceiter_sched_switch
0000000000000000 T __traceiter_of_a_module\t[nf_nat]
0000000000000000 d event_sched_switch
0000000000000000 r str__sched__trace_system_name
0000000000000000 d event_enter__openat
0000000000000000 d event_exit__openat
";

fn features() -> &'static str {
    "[features]\nnested_tracing = true\npacket_data_compared = true\nentry_without_argument = false\n\
     unique_kprobe_symbol = true\npointer_arguments_whole = true\n"
}

/// A folder with three profiles: one with symbols and BTF, and one with each.
fn folder() -> PathBuf {
    static FOLDER: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    FOLDER.get_or_init(make_folder).clone()
}

fn make_folder() -> PathBuf {
    let folder = objects();
    let bytes = fs::read(folder.join("vmlinux.bpf.o")).expect("it was just compiled");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let btf = file.section_by_name(".BTF").expect("it has BTF").data().expect("whole");
    put(&folder.join("vmlinux.btf"), btf);
    put(&folder.join("kallsyms.txt"), SYMBOLS.as_bytes());
    let (btf, symbols) = ("btf = \"vmlinux.btf\"\n", "symbols = \"kallsyms.txt\"\n");
    for (name, files) in [("both", [btf, symbols]), ("btf", [btf, ""]), ("symbols", ["", symbols])]
    {
        let text = format!("kernel = \"6.18\"\n{}{}{}", files[0], files[1], features());
        put(&folder.join(format!("{name}.profile")), text.as_bytes());
    }
    folder
}

/// What `validate --kernel PROFILE` says of a host at `attach`: severity, message and help of each
/// UnknownTarget.
fn judged(profile: &str, hook: &str, place: &str) -> Vec<(String, String, String)> {
    let folder = folder();
    let program = match hook {
        "tracepoint" => "at_tracepoint",
        "raw_tracepoint" => "at_raw_tracepoint",
        _ => "at_kprobe",
    };
    let chain = format!(
        "[host.h]\nobject = \"places.bpf.o\"\nprogram = \"{program}\"\nattach = {{ {hook} = \"{place}\" }}\n"
    );
    let name = format!("{profile}-{hook}-{}.toml", place.replace(['/', ':'], "-"));
    put(&folder.join(&name), chain.as_bytes());
    let output = run(&folder, &["validate", "--format", "json", "--kernel", profile, &name]);
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let found = value[0]["diagnostics"].as_array().expect("a list").iter().map(|one| {
        assert_eq!(one["code"], "FC0317", "{one:#}");
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        (text("severity"), text("message"), text("help"))
    });
    found.collect()
}

#[track_caller]
fn refused(profile: &str, hook: &str, place: &str, message: &str, help: &str) {
    expect("error", profile, hook, place, message, help);
}

#[track_caller]
fn unsure(profile: &str, hook: &str, place: &str, help: &str) {
    expect("warning", profile, hook, place, "unknown until load", help);
}

#[track_caller]
fn expect(severity: &str, profile: &str, hook: &str, place: &str, message: &str, help: &str) {
    let found = judged(profile, hook, place);
    assert_eq!(found.len(), 1, "{place}: {found:?}");
    assert_eq!(found[0].0, severity, "{place}: {found:?}");
    assert!(found[0].1.contains(message), "{place}: {found:?}");
    assert!(found[0].2.contains(help), "{place}: {found:?}");
}

#[track_caller]
fn taken(profile: &str, hook: &str, places: &[&str]) {
    for place in places {
        assert_eq!(judged(profile, hook, place), [], "{place}");
    }
}

#[test]
fn functions_are_judged_by_symbols_where_they_are_known() {
    for profile in ["both.profile", "symbols.profile"] {
        let fine = ["tcp_connect", "match_id.isra.0", "nf_nat_init", "nf_nat:nf_nat_init"];
        taken(profile, "kprobe", &fine);
        let no = |place: &str, message: &str, help: &str| {
            refused(profile, "kprobe", place, message, help);
        };
        no("tcp_conect", "has no function `tcp_conect`", "Did you mean `tcp_connect`?");
        no("match_id", "has no function", "Did you mean `match_id.isra.0`?");
        no("tcp_connect.isra.0", "has no function", "Did you mean `tcp_connect`?");
        no("sys_openat", "has no function", "Did you mean `__x64_sys_openat`?");
        no("no_such_function", "has no function", "/proc/kallsyms");
        no("bpf_prog_6deef7357e7b4530_host", "has no function", "/proc/kallsyms");
        no("twice", "has 2 symbols named `twice`", "unique");
        no("once", "has 2 symbols named `once`", "unique");
        no("jiffies_lock", "is a variable", "");
        no("do_int3", "does not allow probing", "Probe a caller");
    }
}

#[test]
fn a_function_that_btf_alone_does_not_know_may_be_there() {
    taken("btf.profile", "kprobe", &["tcp_connect"]);
    unsure("btf.profile", "kretprobe", "tcp_conect", "Did you mean `tcp_connect`?");
    unsure("btf.profile", "kprobe", "match_id", "/proc/kallsyms");
}

#[test]
fn raw_tracepoints_are_judged_by_symbols_or_left_to_the_kernel() {
    taken("both.profile", "raw_tracepoint", &["sched_switch", "of_a_module", "kfree"]);
    taken("symbols.profile", "raw_tracepoint", &["sched_switch", "of_a_module"]);
    taken("btf.profile", "raw_tracepoint", &["sched_switch", "kfree"]);
    for profile in ["both.profile", "symbols.profile"] {
        let near = "Did you mean `sched_switch`?";
        refused(profile, "raw_tracepoint", "shed_switch", "no raw tracepoint `shed_switch`", near);
        refused(profile, "raw_tracepoint", "sched/sched_switch", "no raw tracepoint", near);
        refused(profile, "raw_tracepoint", "nothing", "no raw tracepoint", "without its category");
    }
    unsure("btf.profile", "raw_tracepoint", "of_a_module", "while it is loaded");
    unsure("btf.profile", "raw_tracepoint", "kfee", "Did you mean `kfree`?");
}

#[test]
fn tracepoints_are_judged_by_the_variables_behind_them() {
    for profile in ["both.profile", "symbols.profile"] {
        let fine = [
            "sched/sched_switch",
            "syscalls/sys_enter_openat",
            "syscalls/sys_exit_openat",
            "ftrace/print",
            "kprobes/mine",
        ];
        taken(profile, "tracepoint", &fine);
        let no = |place: &str, help: &str| refused(profile, "tracepoint", place, place, help);
        no("sched/shed_switch", "Did you mean `sched/sched_switch`?");
        no("sched/of_a_module", "available_events");
        no("syscalls/sys_exit_openta", "Did you mean `syscalls/sys_exit_openat`?");
        no("syscalls/openat", "available_events");
        unsure(profile, "tracepoint", "shed/sched_switch", "Did you mean `sched/sched_switch`?");
    }
    taken("btf.profile", "tracepoint", &["sched/sched_switch", "syscalls/sys_enter_openat"]);
    unsure("btf.profile", "tracepoint", "sched/shed_switch", "Did you mean `sched/sched_switch`?");
}

#[test]
fn a_tracepoint_has_so_many_arguments() {
    let profile = freplace_compose::profile::open(&folder().join("both.profile"));
    let targets = profile.expect("a good profile").targets.expect("it names files");
    let arguments = |name: &str| targets.raw_tracepoint_arguments(name);
    assert_eq!((arguments("sched_switch"), arguments("kfree")), (Some(4), Some(2)));
    assert_eq!(arguments("of_a_module"), None);
}

#[test]
fn several_kernels_are_told_apart() {
    let folder = folder();
    let text = "kernel = \"6.20\"\nsymbols = \"other.txt\"\n".to_owned() + features();
    put(&folder.join("other.profile"), text.as_bytes());
    put(&folder.join("other.txt"), b"tcp_conect\n");
    let judged = judged("both.profile,other.profile,6.1", "kprobe", "tcp_conect");
    assert_eq!(judged.len(), 1);
    let screen = shown(&run(
        &folder,
        &[
            "validate",
            "--kernel",
            "both.profile,other.profile,6.1",
            "both.profile,other.profile,6.1-kprobe-tcp_conect.toml",
        ],
    ));
    assert!(screen.contains("rejected by Linux 6.18; accepted by Linux 6.20"), "{screen}");
    assert!(screen.contains("kernel error: ENOENT"), "{screen}");
}

#[test]
fn a_profile_that_cannot_be_read_is_shown_where() {
    let folder = folder();
    for (name, text, words) in [
        ("no-file", "btf = \"nowhere.btf\"\n", ["FC0001", "cannot read nowhere.btf"]),
        ("no-btf", "btf = \"kallsyms.txt\"\n", ["FC0006", "invalid kernel BTF kallsyms.txt"]),
        ("no-key", "bft = \"vmlinux.btf\"\n", ["FC0006", "unknown field `bft`"]),
    ] {
        let text = format!("kernel = \"6.18\"\n{text}{}", features());
        put(&folder.join(name), text.as_bytes());
        let screen = shown(&run(&folder, &["validate", "--kernel", name, "nowhere.toml"]));
        assert!(screen.starts_with("exit code 2\n"), "{screen}");
        assert!(screen.contains(&format!("[{name}:2:")), "{screen}");
        assert!(words.iter().all(|word| screen.contains(word)), "{screen}");
    }
    let screen = shown(&run(&folder, &["validate", "--kernel", "6.2", "nowhere.toml"]));
    assert!(screen.contains("7.2, 7.3, `running`, or a file"), "{screen}");
}

#[test]
fn a_kernel_that_the_chain_is_not_meant_for_is_an_error_when_asked_for() {
    let folder = folder();
    let chain = "name = \"newer\"\nrequires = { kernel = \">=6.6, <7\" }\n[host.h]\n\
                 object = \"places.bpf.o\"\nprogram = \"at_kprobe\"\n\
                 attach = { kprobe = \"tcp_connect\" }\n";
    put(&folder.join("newer.toml"), chain.as_bytes());
    let validate = |kernels: &[&str]| {
        let words = [&["validate"], kernels, &["newer.toml"]].concat();
        shown(&run(&folder, &words))
    };
    assert!(validate(&[]).starts_with("exit code 0\n"));
    assert!(validate(&["--kernel", "6.12,both.profile"]).starts_with("exit code 0\n"));
    let screen = validate(&["--kernel", "6.1,6.12"]);
    assert!(screen.starts_with("exit code 3\n"), "{screen}");
    for word in ["FC0319", "chain `newer` excludes Linux 6.1", ">=6.6, <7", "excludes 6.1"] {
        assert!(screen.contains(word), "{word}: {screen}");
    }
}

/// What only kernels outside `requires` refuse is not said.
#[test]
fn a_chain_is_judged_for_the_kernels_it_is_meant_for() {
    let folder = folder();
    let nested = fs::read_to_string("tests/fixtures/nested_tracers.toml").expect("it is there");
    let nested = nested.split("[tracer.").take(3).collect::<Vec<_>>().join("[tracer.");
    put(&folder.join("for-all.toml"), nested.as_bytes());
    put(
        &folder.join("for-new.toml"),
        format!("requires = {{ kernel = \">=6.12\" }}\n{nested}").as_bytes(),
    );
    put(
        &folder.join("for-old.toml"),
        format!("requires = {{ kernel = \"<6.12\" }}\n{nested}").as_bytes(),
    );
    let validate = |name: &str| shown(&run(&folder, &["validate", name]));
    let all = validate("for-all.toml");
    assert!(all.starts_with("exit code 0\n") && all.contains("FC0307"), "{all}");
    let new = validate("for-new.toml");
    assert!(new.starts_with("exit code 0\n") && !new.contains("FC0307"), "{new}");
    let old = validate("for-old.toml");
    assert!(old.starts_with("exit code 3\n") && old.contains("FC0307"), "{old}");
}

/// What `validate` says of a program that goes by types: severity, message and code of each.
fn of_types(profile: &str, program: &str) -> Vec<(String, String)> {
    let folder = folder();
    let name = format!("fields-{program}-{profile}.toml");
    let chain = format!(
        "[host.h]\nobject = \"fields.bpf.o\"\nprogram = \"{program}\"\n\
         attach = {{ raw_tracepoint = \"sched_switch\" }}\n"
    );
    put(&folder.join(&name), chain.as_bytes());
    let output = run(&folder, &["validate", "--format", "json", "--kernel", profile, &name]);
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let found = value[0]["diagnostics"].as_array().expect("a list").iter().map(|one| {
        assert_eq!(one["code"], "FC0221", "{one:#}");
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        (text("severity"), text("message"))
    });
    found.collect()
}

#[test]
fn what_co_re_looks_for_is_foretold_where_the_kernels_types_are_known() {
    let sure = "error";
    let doubtful = "warning";
    for (program, severity, asked) in [
        ("of_field", sure, "`kernel_thing.gone`"),
        ("of_nameless", sure, "`kernel_thing.nameless_gone`"),
        ("of_part", sure, "`kernel_thing.parts[1].deeper`"),
        ("of_flavor", sure, "`kernel_thing___of_another.flavored`"),
        ("of_kind", sure, "`kernel_choice.chosen`"),
        ("of_value", sure, "`kernel_kind KERNEL_KIND_GONE`"),
        ("tests_late", sure, "`kernel_thing.gone`"),
        ("if_asked", doubtful, "`kernel_thing.gone`"),
    ] {
        for profile in ["both.profile", "btf.profile"] {
            let found = of_types(profile, program);
            let [(severe, message)] = found.as_slice() else { panic!("{program}: {found:?}") };
            assert_eq!(severe, severity, "{program}: {message}");
            assert!(
                message.replace("struct ", "").replace("enum ", "").contains(asked),
                "{message}"
            );
            let is_doubt = message.ends_with(", if the verifier reaches it");
            assert_eq!(is_doubt, severity == doubtful, "{message}");
        }
        assert_eq!(of_types("symbols.profile", program), [], "{program}");
    }
    for program in ["finds_all", "of_type", "tests_it", "tests_another"] {
        assert_eq!(of_types("both.profile", program), [], "{program}");
    }
}

/// Without root, on whatever kernel this is.
#[test]
fn this_machines_kernel_is_judged_for() {
    let folder = folder();
    let chain = "[host.h]\nobject = \"places.bpf.o\"\nprogram = \"at_raw_tracepoint\"\n\
                 attach = { raw_tracepoint = \"shed_switch\" }\n";
    put(&folder.join("here.toml"), chain.as_bytes());
    let screen = shown(&run(&folder, &["validate", "--kernel", "running", "here.toml"]));
    let known = fs::metadata("/sys/kernel/btf/vmlinux").is_ok();
    if known {
        assert!(screen.contains("FC0317"), "{screen}");
        assert!(screen.contains("Did you mean `sched_switch`?"), "{screen}");
    }
}
