//! What the tests share: the program itself, and eBPF objects compiled for them.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part of it")]

mod place;

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use freplace_compose::{
    chain::{Chain, NodeKind, recipe},
    check::{self, Kernels},
    plan::{self, Action, Plan},
    resolve::Resolved,
};

pub use place::{binary, scratch, workspace};

/// The chains that are shipped.
pub const CHAINS: [&str; 13] = [
    "cgroup",
    "cpu",
    "dispatcher",
    "egress",
    "exec",
    "readline",
    "redirect",
    "tcp",
    "tcp-map",
    "tcp-options",
    "tcp-states",
    "trace",
    "xdp",
];

/// The text of a shipped chain.
pub fn chain_text(name: &str) -> String {
    fs::read_to_string(workspace().join(format!("chains/{name}.toml"))).expect("it is shipped")
}

/// A shipped chain, and the plan for it.
pub fn planned(name: &str) -> (Resolved, Plan) {
    let chain = Chain::open(&workspace().join(format!("chains/{name}.toml"))).expect("a chain");
    let resolved = Resolved::open(chain).expect("a good chain");
    let plan = plan::build(&resolved, plan::Offers::default());
    (resolved, plan)
}

/// The chain of this text with a plan for it.
pub fn ready(text: &str) -> (Resolved, Plan) {
    let chain = Chain::parse(Path::new("chain.toml"), text.to_owned()).expect("a good chain");
    let resolved = check::open(chain, &Kernels::default()).expect("a good chain").resolved;
    let plan = plan::build(&resolved, plan::Offers::default());
    (resolved, plan)
}

/// The shipped chains, each with a plan.
pub fn shipped() -> impl Iterator<Item = (Resolved, Plan)> {
    CHAINS.into_iter().map(|name| ready(&chain_text(name)))
}

/// The shipped chains, and one of a program that knows nothing of the composer.
pub fn all() -> impl Iterator<Item = (Resolved, Plan)> {
    let object = objects().join("foreign.bpf.o");
    let host = |name: &str| {
        format!(
            "[host.{name}]\nobject = \"{}\"\nprogram = \"on_connect\"\n\
             attach = {{ kprobe = \"tcp_connect\" }}\n",
            object.display()
        )
    };
    let text = format!("printk = true\n{}{}", host("one"), host("two"));
    shipped().chain([ready(&text)])
}

/// The event maps that nodes have for themselves, in a plan.
pub fn event_maps(plan: &Plan) -> Vec<(usize, &str)> {
    let maps = plan.operations.iter().filter_map(|operation| match &operation.action {
        Action::CreateMap { map, .. } => Some((operation.node?, map.name.as_str())),
        _ => None,
    });
    maps.collect()
}

/// The program, with a screen of 100 columns and no colours unless a test asks for them.
pub fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "TERM"] {
        command.env_remove(variable);
    }
    command.env("COLUMNS", "100");
    command
}

/// Runs the program without colours.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut all = vec!["--color", "never"];
    all.extend(arguments);
    program(folder, &all).output().expect("it was built for this test")
}

/// What a user sees and a script gets: the exit code, stdout, stderr.
pub fn shown(output: &Output) -> String {
    let mut text = match output.status.code() {
        Some(code) => format!("exit code {code}\n"),
        None => format!("ended by a signal: {}\n", output.status),
    };
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            text += &format!("--- {name}\n{}", String::from_utf8_lossy(bytes));
        }
    }
    // Blanks at the ends of lines are miette's, and no editor keeps them.
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A folder with the objects that fixtures name, made once:
/// `NAME.bpf.o` of `objects/NAME.bpf.c`, and a few files that are no good objects.
pub fn objects() -> PathBuf {
    static FOLDER: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    FOLDER.get_or_init(make_objects).clone()
}

fn make_objects() -> PathBuf {
    let folder = scratch().join(env!("CARGO_CRATE_NAME"));
    let sources = workspace().join("composer/tests/objects");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    // Every test of a target may be a process of its own: the first one compiles for all.
    let lock = File::create(folder.join("lock")).expect("the target folder is writable");
    lock.lock().expect("a file can be locked");
    for entry in fs::read_dir(&sources).expect("it is part of the repository") {
        let source = entry.expect("it is readable").path();
        let name = source.file_name().and_then(|name| name.to_str()).expect("names are ASCII");
        if let Some(stem) = name.strip_suffix(".bpf.c") {
            let object = folder.join(format!("{stem}.bpf.o"));
            compile_once(&source, &object, &["-g", "-target", "bpf"]);
        }
    }
    let host = sources.join("host.bpf.c");
    compile_once(&host, &folder.join("no-btf.bpf.o"), &["-target", "bpf"]);
    compile_once(&host, &folder.join("other-order.bpf.o"), &["-g", "-target", other_order()]);
    let whole = fs::read(folder.join("host.bpf.o")).expect("it was just made");
    let file = |name: &str, bytes: &[u8]| put(&folder.join(name), bytes);
    file("truncated.bpf.o", &whole[..whole.len() / 2]);
    file("empty.bpf.o", b"");
    file("text.bpf.o", b"int main(void) { return 0; }\n");
    // e_machine, two bytes at 18, says EM_X86_64.
    let mut machine = whole;
    machine[18..20].copy_from_slice(&62_u16.to_ne_bytes());
    file("machine.bpf.o", &machine);
    folder
}

/// Compiles a C file unless that was done before, by the same clang from the same text.
fn compile_once(source: &Path, object: &Path, arguments: &[&str]) {
    let mut hasher = DefaultHasher::new();
    let header = workspace().join("common/include/freplace_compose.h");
    for path in [source, &header] {
        fs::read(path).expect("it is part of the repository").hash(&mut hasher);
    }
    let clang = clang();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&on_path).map(|folder| folder.join(&clang));
    let found = found.filter_map(|path| path.canonicalize().ok()).next();
    let of_file = |path: &PathBuf| Some((path.metadata().ok()?.modified().ok()?, path.clone()));
    (found.as_ref().and_then(of_file), clang, arguments).hash(&mut hasher);
    let (key, made) = (hasher.finish().to_string(), object.with_extension("key"));
    if !object.is_file() || fs::read_to_string(&made).ok().as_deref() != Some(&key) {
        compile(source, object, arguments);
        put(&made, key.as_bytes());
    }
}

/// Writes a file in one step: another process may be reading it for another test.
pub fn put(path: &Path, bytes: &[u8]) {
    let aside = path.with_extension(format!("{}", std::process::id()));
    fs::write(&aside, bytes).expect("the target folder is writable");
    fs::rename(&aside, path).expect("the target folder is writable");
}

fn other_order() -> &'static str {
    if cfg!(target_endian = "little") { "bpfeb" } else { "bpfel" }
}

/// The compiler, as the build script picks it.
fn clang() -> String {
    std::env::var("CLANG").unwrap_or_else(|_| "clang".into())
}

/// Compiles a C file to an eBPF object.
pub fn compile(source: &Path, object: &Path, arguments: &[&str]) {
    let output = Command::new(clang())
        .args(["-O2", "-Wall", "-Werror", "-c"])
        .args(arguments)
        .arg(format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH))
        .arg("-I")
        .arg(workspace().join("common/include"))
        .arg(source)
        .arg("-o")
        .arg(object)
        .output()
        .expect("clang is installed: the build needed it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Does in `folder` what `new` said first, to compile: by the clang that the tests are built with.
#[track_caller]
pub fn compile_as_printed(folder: &Path, said: &str) {
    let line = said.lines().next().expect("it says how to compile");
    let words = line.strip_prefix("clang ").expect("clang does it");
    let script = format!("{} -Werror {words}", clang());
    let output = Command::new("sh").current_dir(folder).args(["-c", &script]).output();
    let output = output.expect("there is a shell");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What the fake kernel was asked for ends with the undoing of all that was done, in reverse.
pub fn assert_undone_in_reverse(journal: &[String]) {
    let undo = |done: &String| {
        let (verb, what) = done.split_once(' ').expect("a verb and a name");
        match verb {
            "create" => Some(format!("remove {what}")),
            "load" => Some(format!("unload {what}")),
            "attach" => Some(format!("detach {what}")),
            "open" => Some(format!("close {what}")),
            _ => None,
        }
    };
    let done: Vec<_> = journal.iter().filter(|done| !done.ends_with(" fails")).collect();
    let mut expected: Vec<_> = done.iter().filter_map(|done| undo(done)).collect();
    expected.reverse();
    let made = done.len() - expected.len();
    let undone: Vec<_> = done[made..].iter().map(|done| (*done).clone()).collect();
    assert_eq!(undone, expected);
}

/// The hosts and stubs of a recipe, each stub with a replacement that `new replacement` writes.
pub fn with_new_replacements(name: &str, folder: &Path) -> String {
    let recipe = recipe(name).expect("it is in the gallery");
    let (mut chain, mut replacements) = (String::new(), String::new());
    for table in recipe.split("\n[").skip(1) {
        let (header, body) = table.split_once(']').expect("a header");
        if header.starts_with("host.") || header.starts_with("stub.") {
            chain += &format!("[{header}]{body}\n");
        }
    }
    let parsed = Chain::parse("recipe.toml".as_ref(), recipe.to_owned()).expect("it is valid");
    for (_, node) in parsed.graph.nodes() {
        let NodeKind::Stub(stub) = &node.kind else { continue };
        let host = parsed.graph.nodes().find(|(_, host)| host.id.value == stub.hosts[0].value);
        let (object, _) = host.expect("it is checked").1.program().expect("a host has one");
        let (id, function) = (&node.id.value, &stub.function.value);
        let own = format!("new_{function}");
        let target = format!("{}:{function}", object.value);
        let output = run(folder, &["new", "replacement", "--for", &target, "--name", &own]);
        assert_eq!(output.status.code(), Some(0), "{target}: {}", shown(&output));
        let said = String::from_utf8(output.stdout).expect("text");
        compile_as_printed(folder, &said);
        assert!(said.contains(&format!("[replacement.{own}]")), "{said}");
        replacements += &format!(
            "[replacement.{own}]\nobject = \"{own}.bpf.o\"\nprogram = \"{own}\"\nstub = \"{id}\"\n"
        );
    }
    chain + &replacements
}
