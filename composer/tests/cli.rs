//! The command line: what each verb prints, and how it ends.

mod common;
#[path = "common/schema.rs"]
mod draft;

use std::{fs, process::Stdio};

use common::{CHAINS, objects, run, shown, workspace};
use freplace_compose::chain::recipes_schema;

fn pin(name: &str, arguments: &[&str]) {
    let screen = shown(&run(&workspace(), arguments));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("cli__{name}"), screen);
    });
}

// In a module, so that all can be asked for: `cargo xtask test` shows these screens once more as root,
// on a kernel that allows all.
macro_rules! pinned {
    ($($name:ident: $($argument:literal)+;)+) => {
        mod screens {
            $(#[test] fn $name() { super::pin(stringify!($name), &[$($argument),+]); })+
        }
    };
}

pinned! {
    help: "--help";
    help_up: "up" "--help";
    help_validate: "validate" "--help";
    help_plan: "plan" "--help";
    help_graph: "graph" "--help";
    help_chains: "chains" "--help";
    help_inspect: "inspect" "--help";
    help_doctor: "doctor" "--help";
    help_ps: "ps" "--help";
    help_trace: "trace" "--help";
    help_flow: "flow" "--help";
    help_import: "import" "--help";
    help_export: "export" "--help";
    export_kubernetes: "export" "--kubernetes" "chains/xdp.toml";
    usage_of_an_export_to_nowhere: "export" "chains/xdp.toml";
    help_profile: "profile" "--help";
    help_explain: "explain" "--help";
    help_new: "new" "--help";
    help_new_host: "new" "host" "--help";
    help_header: "header" "--help";
    help_man: "man" "--help";
    help_schema: "schema" "--help";
    help_vm: "vm" "--help";
    help_completions: "completions" "--help";
    graph_tree: "graph" "chains/tcp.toml";
    graph_svg: "graph" "--format" "svg" "chains/tcp.toml";
    graph_dot: "graph" "--format" "dot" "chains/tcp.toml";
    graph_mermaid: "graph" "--format" "mermaid" "chains/tcp.toml";
    graph_json: "graph" "--format" "json" "chains/tcp.toml";
    plan_human: "plan" "chains/tcp.toml";
    plan_json: "plan" "--format" "json" "chains/xdp.toml";
    inspect_human: "inspect" "builtin:tcp";
    inspect_of_what_is_not_there: "inspect" "builtin:tpc";
    validate_what_is_shipped: "validate" "chains/tcp.toml" "chains/tcp-map.toml" "chains/trace.toml" "chains/xdp.toml";
    chains_of_a_name_that_is_not_there: "chains" "tpc";
    plan_of_a_recipe_that_is_not_there: "plan" "builtin:nothing_like_it";
    explain_one: "explain" "fc0301";
    explain_several: "explain" "0007" "401";
    explain_lists_all: "explain";
    usage_of_a_code_that_is_not_there: "explain" "FC03O1" "nonsense";
    usage_without_a_file: "validate";
    usage_of_a_verb_that_is_not_there: "valdate" "chains/tcp.toml";
    usage_of_only_a_node_that_is_not_there: "up" "chains/tcp.toml" "--only" "connect,acept";
    usage_of_only_a_stranger: "up" "chains/tcp.toml" "--only" "connect" "--only" "nobody";
    usage_of_a_view_of_json: "up" "chains/tcp.toml" "--view" "tree" "--format" "json";
    usage_of_a_plan_as_a_page: "up" "chains/tcp.toml" "--dry-run" "--format" "html";
    usage_of_a_plan_as_a_trace: "up" "chains/tcp.toml" "--dry-run" "--format" "trace-event";
    usage_of_a_plan_in_a_file: "up" "chains/tcp.toml" "--dry-run" "--output" "-";
    output_that_cannot_be_written: "up" "--vm" "chains/tcp.toml" "-o" "no/such/folder/file";
    usage_of_a_duration: "up" "chains/tcp.toml" "--duration" "soon";
    usage_of_a_kernel_apart: "up" "--vm" "6.1" "chains/tcp.toml";
    usage_of_a_log_that_nobody_writes: "validate" "--verifier-log" "log" "chains/tcp.toml";
    usage_of_luggage_that_nobody_takes: "validate" "--module" "dummy" "chains/tcp.toml";
    a_kernel_that_is_not_there: "up" "--vm=/nope" "chains/tcp.toml";
    a_kernel_to_validate_on_that_is_not_there: "validate" "--vm=/nope" "chains/tcp.toml";
    a_log_that_cannot_be_written: "up" "--vm" "--verifier-log" "/nope/log" "chains/tcp.toml";
}

#[test]
fn a_chain_is_judged_for_the_kernels_asked_for() {
    let folder = objects();
    let chain = include_str!("fixtures/nested_tracers.toml");
    common::put(&folder.join("nested.toml"), chain.as_bytes());
    let own = "kernel = \"6.11\"\n[features]\nnested_tracing = true\n\
               packet_data_compared = false\nentry_without_argument = false\n\
               unique_kprobe_symbol = true\npointer_arguments_whole = false\n";
    common::put(&folder.join("own-profile.toml"), own.as_bytes());
    let validate = |kernel| run(&folder, &["validate", "--kernel", kernel, "nested.toml"]);
    for (kernel, code) in [("6.1", 3), ("6.12", 0), ("6.1,6.12", 3), ("own-profile.toml", 0)] {
        assert_eq!(validate(kernel).status.code(), Some(code), "{kernel}");
    }
    common::put(&folder.join("5.4.toml"), include_bytes!("profiles/5.4.toml"));
    assert_eq!(validate("5.4.toml").status.code(), Some(3), "which has no tracers at all");
    insta::assert_snapshot!("judged_for_6_1", shown(&validate("6.1")));
    insta::assert_snapshot!("judged_for_no_kernel", shown(&validate("5.4")));
}

#[test]
fn validate_json_has_lines_and_columns() {
    let folder = objects();
    let text = "[host.größe]\n[host.a]\nobject = \"builtin:tpc\"\nprogram = \"ü\"\n\
                attach = { kprobe = \"x\", mod = 1 }\n[stub.a]\n";
    common::put(&folder.join("bad.toml"), text.replace(".größe", ".\"größe\"").as_bytes());
    common::put(&folder.join("good.toml"), common::chain_text("tcp").as_bytes());
    let output = run(&folder, &["validate", "--format", "json", "good.toml", "bad.toml"]);
    insta::assert_snapshot!(shown(&output));
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value[0]["valid"], true);
}

/// A host that somebody else loaded is neither valid nor invalid while no kernel is looked at.
#[test]
fn a_running_program_is_not_checked_without_its_kernel() {
    let folder = objects();
    let text = "[host.lb]\nrunning = { name = \"balancer\" }\n";
    common::put(&folder.join("running.toml"), text.as_bytes());
    common::put(&folder.join("good.toml"), common::chain_text("tcp").as_bytes());
    let output = run(&folder, &["validate", "good.toml", "running.toml"]);
    assert_eq!(output.status.code(), Some(4));
    insta::assert_snapshot!("a_running_program_is_not_checked", shown(&output));
    let output = run(&folder, &["validate", "--format", "json", "running.toml"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value[0]["valid"], serde_json::Value::Null);
    assert_eq!(value[0]["diagnostics"][0]["code"], "FC0704");
    for (wrong, code) in [
        ("running = \"balancer\"", "FC0004"),
        ("running = {}", "FC0006"),
        ("running = { name = \"a\", id = 1 }", "FC0006"),
        ("running = { id = \"x\" }", "FC0703"),
        ("running = { nmae = \"a\" }", "FC0003"),
        ("running = { id = 1 }\nattach = { xdp = \"lo\" }", "FC0003"),
    ] {
        common::put(&folder.join("wrong.toml"), format!("[host.lb]\n{wrong}\n").as_bytes());
        let output = run(&folder, &["validate", "wrong.toml"]);
        assert_eq!(output.status.code(), Some(3), "{wrong}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(code), "{wrong}: {told}");
    }
}

#[test]
fn inspect_json() {
    let output = run(&workspace(), &["inspect", "--format", "json", "builtin:tcp"]);
    let mut value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for function in value["functions"].as_array_mut().expect("a list of functions") {
        // How many it takes is clang's business, and changes with its version.
        assert!(function["instructions"].as_u64() > Some(0));
        function["instructions"] = "some".into();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).expect("it was JSON"));
}

#[test]
fn inspect_json_is_what_the_schema_says() {
    let schema = run(&workspace(), &["schema", "object"]);
    let schema = serde_json::from_slice(&schema.stdout).expect("JSON");
    let files = fs::read_dir(objects()).expect("the compiled test programs");
    let files = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let files = files.filter(|file| file.ends_with(".bpf.o")).chain(["builtin:tcp".to_owned()]);
    let mut checked = 0;
    for file in files {
        let output = run(&objects(), &["inspect", "--format", "json", &file]);
        if output.status.code() == Some(0) {
            let value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(draft::check(&schema, &value), Ok(()), "{file}");
            checked += 1;
        }
    }
    assert!(checked > 10, "most objects can be read");
}

#[test]
fn inspect_tells_of_each_function_what_can_be_done_with_it() {
    for object in ["host", "kinds"] {
        let output = run(&objects(), &["inspect", &format!("{object}.bpf.o")]);
        insta::assert_snapshot!(format!("inspect_{object}"), shown(&output));
    }
}

#[test]
fn a_function_without_a_result_is_no_stub_before_linux_7_2() {
    let output = run(&objects(), &["inspect", "void-stub.bpf.o"]);
    let text = shown(&output);
    assert!(text.contains("replace  no  does not return a number: rejected by Linux "), "{text}");
    assert!(text.contains("void-stub.bpf.c:11: write int as its result"), "{text}");
}

#[test]
fn every_shipped_chain_is_listed_in_these_tests() {
    let mut found: Vec<_> = fs::read_dir(workspace().join("chains"))
        .expect("the folder of chains")
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            Some(name.strip_suffix(".toml")?.to_owned())
        })
        .collect();
    found.sort();
    let mut listed = CHAINS.to_vec();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

#[test]
fn what_says_more_is_told_once_at_the_end_and_to_people_alone() {
    let folder = objects();
    for (name, text) in [("one", "name = 1\nhots = {}\n"), ("two", "name = 1\n[host]\n")] {
        common::put(&folder.join(format!("{name}.toml")), text.as_bytes());
    }
    let output = run(&folder, &["validate", "one.toml", "nowhere.toml", "two.toml"]);
    let told = String::from_utf8_lossy(&output.stderr);
    let last = "\nFor more information: freplace-compose explain FC0004 FC0003 FC0001\n";
    assert!(told.ends_with(last), "{told}");
    assert_eq!(told.matches("For more information").count(), 1, "{told}");
    let output = run(&folder, &["validate", "--format", "json", "one.toml"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_schema_without_a_name_is_that_of_chain_files() {
    let output = run(&workspace(), &["schema"]);
    assert_eq!(output, run(&workspace(), &["schema", "chain"]));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_recipe_is_the_file_of_its_name() {
    for name in CHAINS {
        let (file, recipe) = (format!("chains/{name}.toml"), format!("builtin:{name}"));
        let graph = |chain: &str| shown(&run(&workspace(), &["graph", chain]));
        assert_eq!(graph(&recipe), graph(&file));
        let printed = run(&workspace(), &["chains", name]);
        let text = common::chain_text(name);
        let (schema, rest) = text.split_once('\n').expect("it has lines");
        assert!(schema.starts_with("#:schema "), "{schema}");
        assert_eq!(String::from_utf8_lossy(&printed.stdout), rest);
    }
    // What belongs to no folder works in each.
    let elsewhere = run(&objects(), &["up", "--dry-run", "builtin:tcp"]);
    assert_eq!(shown(&elsewhere), shown(&run(&workspace(), &["plan", "chains/tcp.toml"])));
    let valid = shown(&run(&objects(), &["validate", "builtin:tcp"]));
    assert!(valid.contains("builtin:tcp  valid  6 nodes"), "{valid}");
}

#[test]
fn an_object_of_a_package_that_is_not_there_comes_with_the_package() {
    let text = common::chain_text("dispatcher").replace("/usr/lib/", "/no/such/folder/");
    common::put(&objects().join("packages.toml"), text.as_bytes());
    let told = shown(&run(&objects(), &["validate", "packages.toml"]));
    assert!(told.contains("apt-get install libxdp1 xdp-tools"), "{told}");
}

#[test]
fn the_list_has_every_recipe() {
    let output = run(&workspace(), &["chains", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(draft::check(&recipes_schema(), &list), Ok(()), "{list}");
    let list = list.as_array().expect("a list");
    let names: Vec<_> = list.iter().map(|recipe| recipe["name"].as_str()).collect();
    assert_eq!(names, CHAINS.map(Some), "all of them, in order");
    for recipe in list {
        let needs_no_package = recipe["missing"].as_array().is_some_and(Vec::is_empty);
        assert_eq!(recipe["kernel"].is_string(), needs_no_package, "{recipe}");
        assert!(recipe["description"].as_str().is_some_and(|text| !text.is_empty()), "{recipe}");
    }
    let tcp = &list[7];
    assert_eq!((&tcp["hooks"][0], &tcp["kernel"]), (&"kprobe".into(), &"6.1".into()));
    let text = shown(&run(&workspace(), &["chains"]));
    let line = text.lines().find(|line| line.starts_with("tcp-map ")).expect(&text);
    let columns: Vec<_> = line.split_whitespace().take(5).collect();
    assert_eq!(columns, ["tcp-map", "kprobe", "6.1", "Like", "tcp,"], "{line}");
}

#[test]
fn a_dry_run_is_the_plan() {
    let plan = run(&workspace(), &["plan", "chains/tcp.toml"]);
    let dry = run(&workspace(), &["up", "--dry-run", "chains/tcp.toml"]);
    assert_eq!(shown(&dry), shown(&plan));
    let plan = run(&workspace(), &["plan", "--format", "json", "chains/tcp.toml"]);
    let dry = run(&workspace(), &["up", "--dry-run", "--format", "json", "chains/tcp.toml"]);
    assert_eq!(shown(&dry), shown(&plan));
}

#[test]
fn a_tracer_of_a_stub_in_two_hosts_names_them() {
    let folder = objects();
    let host = |id: &str, program: &str, function: &str| {
        format!(
            "[host.{id}]\nobject = \"builtin:tcp\"\nprogram = \"{program}\"\n\
             attach = {{ kprobe = \"{function}\" }}\n"
        )
    };
    let text = host("connect", "k_tcp_connect", "tcp_connect")
        + &host("accept", "k_icsk_complete_hashdance", "inet_csk_complete_hashdance")
        + "[stub.handler]\nfunction = \"stub_handler\"\nhosts = [\"connect\", \"accept\"]\n\
           [tracer.both]\ntrace = \"handler\"\ncapture = [\"socket\"]\nwhere = \"socket != 0\"\n";
    common::put(&folder.join("two-hosts.toml"), text.as_bytes());
    insta::assert_snapshot!("plan_of_two_hosts", shown(&run(&folder, &["plan", "two-hosts.toml"])));
    let output = run(&folder, &["graph", "--format", "json", "two-hosts.toml"]);
    let graph: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let tracer = &graph["nodes"][3];
    assert_eq!(tracer["capture"], serde_json::json!(["socket"]));
    assert_eq!(tracer["where"], "socket != 0");
    assert_eq!(graph["nodes"][2]["function"], "stub_handler");
}

#[test]
fn a_chain_that_is_wrong_leaves_the_output_as_it_was() {
    let folder = objects();
    common::put(&folder.join("wrong.toml"), b"name = 1\n");
    common::put(&folder.join("kept.json"), b"kept");
    let output = run(&folder, &["up", "wrong.toml", "-o", "kept.json"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(fs::read(folder.join("kept.json")).expect("it is there"), b"kept");
}

#[test]
fn no_output_is_written_over_what_is_read() {
    let folder = objects();
    let chain =
        b"[host.h]\nobject = \"copy.o\"\nprogram = \"first\"\nattach = { kprobe = \"x\" }\n";
    let object = fs::read(folder.join("host.bpf.o")).expect("it was compiled");
    common::put(&folder.join("spared.toml"), chain);
    common::put(&folder.join("copy.o"), &object);
    for (verb, more) in [
        ("up", ["-o", "./spared.toml"]),
        ("up", ["-o", "copy.o"]),
        ("up", ["--verifier-log", "copy.o"]),
        ("validate", ["--vm", "--verifier-log=spared.toml"]),
    ] {
        let output = run(&folder, &[&[verb, "spared.toml"][..], &more].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{verb} {more:?}: {told}");
        assert!(told.contains("is the chain or one of its objects"), "{told}");
        assert_eq!(fs::read(folder.join("spared.toml")).expect("it is there"), chain);
        assert_eq!(fs::read(folder.join("copy.o")).expect("it is there"), object);
    }
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&workspace(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = String::from_utf8(output.stdout).expect("text");
        assert!(script.contains("validate") && script.contains("--dry-run"), "{shell}");
        assert!(output.stderr.is_empty(), "{shell}");
    }
}

#[test]
fn bash_completes_recipes_where_a_chain_is_expected() {
    let output = run(&workspace(), &["completions", "bash"]);
    let script = String::from_utf8(output.stdout).expect("text");
    // As bash calls it: a colon is a word of its own, and only what is behind it is replaced.
    for (words, replies) in [
        ("up builtin : tcp-", "tcp-map tcp-options tcp-states"),
        ("validate buil", "builtin:cgroup"),
        ("inspect builtin : tcp-", ""),
        ("graph --f", "--format"),
    ] {
        let line = words.replace(" : ", ":");
        let call = format!(
            "{script}\nCOMP_WORDS=(freplace-compose {words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             COMP_LINE='freplace-compose {line}' COMP_POINT=${{#COMP_LINE}}\n\
             _freplace_compose_and_recipes freplace-compose \"${{COMP_WORDS[COMP_CWORD]}}\" x\n\
             echo \"${{COMPREPLY[@]}}\""
        );
        let bash = std::process::Command::new("bash").args(["-c", &call]).output();
        let said = String::from_utf8(bash.expect("bash is there").stdout).expect("text");
        assert!(said.trim_end().starts_with(replies), "{words}: {said}");
        assert!(!replies.is_empty() || said.trim().is_empty(), "{words}: {said}");
    }
}

#[test]
fn the_header_is_the_one_that_the_built_in_programs_include() {
    let output = run(&workspace(), &["header"]);
    let shipped = fs::read_to_string(workspace().join("common/include/freplace_compose.h"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), shipped.expect("it is shipped"));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_manual_has_a_section_for_every_verb() {
    let output = run(&workspace(), &["man"]);
    assert_eq!(output.status.code(), Some(0));
    let page = String::from_utf8(output.stdout).expect("text");
    let help = String::from_utf8(run(&workspace(), &["--help"]).stdout).expect("text");
    let verbs = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let verbs = verbs.take_while(|line| !line.is_empty());
    let verbs: Vec<_> =
        verbs.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    assert!(verbs.len() > 10);
    let sections: Vec<_> = page.split("\n.SH ").collect();
    let section =
        |title: &str| sections.iter().find(|text| text.starts_with(&format!("\"{title}\"")));
    for verb in verbs.iter().filter(|verb| !verb.is_empty() && **verb != "help") {
        let section = section(&verb.to_uppercase()).expect(verb);
        assert!(section.contains("\n.SS SYNOPSIS\n"), "{section}");
    }
    assert!(section("NEW HOST").is_some() && page.contains("\n.TH freplace-compose 1 "));
    assert!(page.contains("verifier\\-log"), "options are in it");
}

#[test]
fn the_version_is_told() {
    let output = run(&workspace(), &["--version"]);
    let expected = concat!("freplace-compose ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_damaged_object_is_inspected_or_refused() {
    let folder = objects();
    let whole = fs::read(folder.join("host.bpf.o")).expect("it was just compiled");
    for part in 0..16 {
        let path = folder.join("damaged.bpf.o");
        let mut bytes = whole.clone();
        let at = part * bytes.len() / 16;
        bytes[at..at + 8].fill(0xff);
        common::put(&path, &bytes);
        for format in ["human", "json"] {
            let output = run(&folder, &["inspect", "--format", format, "damaged.bpf.o"]);
            assert!(matches!(output.status.code(), Some(0 | 3)), "{part}: {}", shown(&output));
        }
    }
}

#[test]
fn the_readme_lists_the_exit_codes_that_help_does() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = words(&String::from_utf8_lossy(&run(&workspace(), &["--help"]).stdout));
    let (_, codes) = help.split_once("Exit codes: ").expect("it has them");
    let readme = fs::read_to_string(workspace().join("README.md")).expect("it is there");
    assert!(words(&readme).contains(codes), "{codes}");
}

/// The verbs that wait for nothing do without the files of a runtime: there is no room for those here.
#[test]
fn only_verbs_that_wait_start_a_runtime() {
    let limited = |arguments: &[&str]| {
        let mut command = std::process::Command::new("sh");
        command.current_dir(workspace()).args(["-c", "ulimit -n 10; exec \"$0\" \"$@\""]);
        let command = command.arg(common::binary()).args(arguments).stdin(Stdio::null());
        command.output().expect("a shell")
    };
    for arguments in [
        &["--version"][..],
        &["validate", "chains/tcp.toml"],
        &["plan", "chains/tcp.toml"],
        &["up", "chains/tcp.toml", "--dry-run"],
        &["graph", "chains/tcp.toml"],
        &["chains"],
        &["inspect", "builtin:tcp"],
        &["explain", "FC0301"],
        &["schema"],
        &["header"],
        &["completions", "bash"],
        &["man"],
    ] {
        let output = limited(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", shown(&output));
    }
    let waits = limited(&["vm", "--list"]);
    assert!(shown(&waits).contains("cannot start"), "{}", shown(&waits));
}

/// Programs of others are shown to whoever may look at them, and nobody else gets half a list.
#[test]
fn who_may_not_look_at_programs_is_told_what_is_needed() {
    let output = run(&workspace(), &["ps"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => assert!(String::from_utf8_lossy(&output.stdout).starts_with("ID")),
        code => {
            assert_eq!(code, Some(4), "{told}");
            assert!(told.contains("FC0401"), "{told}");
        }
    }
    if !rustix::process::geteuid().is_root() {
        assert_eq!(output.status.code(), Some(4), "{told}");
        assert!(told.contains("CAP_SYS_ADMIN"), "{told}");
        let traced = run(&workspace(), &["trace", "xdp:lo"]);
        assert_eq!(traced.status.code(), Some(4));
        let seen = run(&workspace(), &["flow", "xdp:lo"]);
        assert_eq!(seen.status.code(), Some(4));
    }
}
