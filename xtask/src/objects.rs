//! `cargo xtask objects`: tries objects of other projects, from Debian packages. Each program that
//! a chain can start becomes a host, with a built-in tracer on it and on each function that it
//! calls. The results of `validate` and of a kernel are printed, and the share of the objects with
//! such a program.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{Result, build, setup, shell};

/// Bring up programs from objects of other projects in the micro-VM.
#[derive(Debug, clap::Args)]
pub(crate) struct Objects {
    /// Kernel series.
    #[arg(long, value_name = "KERNEL", default_value = "6.12")]
    kernel: String,
    /// Only objects whose names begin with this.
    #[arg(value_name = "NAME", default_value = "")]
    name: String,
}

/// The part that runs in the guest.
#[derive(Debug, clap::Args)]
pub(crate) struct ObjectsArgs {
    composer: PathBuf,
    objects: PathBuf,
}

/// The folders with the packages' objects.
const FOLDERS: [&str; 2] = ["/usr/lib/x86_64-linux-gnu/bpf", "/usr/lib/bpf"];
/// The package whose tools contain their objects.
const TOOLS: &str = "libbpf-tools";
/// The code of a diagnostic about an attach target that is not there.
const NO_TARGET: &str = "FC0502";
/// Time limit of a run in the guest, in seconds.
const BOUND: &str = "3600";

pub(crate) fn run(arguments: &Objects) -> Result {
    setup::ensure(&[setup::BUILD, setup::VM, setup::OTHERS, setup::LIBBPF_TOOLS])?;
    let packages = ["--package", "freplace-compose", "--package", "xtask"];
    // Emulated, optimised code takes a quarter of the time.
    let built = build::cargo(&[&["build", "--profile", "guest"][..], &packages].concat())?;
    let composer = built.executable("freplace-compose")?;
    let folder = shell::root().join("target/objects");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for (name, object) in collect()? {
        if name.starts_with(&arguments.name) {
            fs::write(folder.join(name).with_extension("o"), object)?;
        }
    }
    let xtask = built.executable("xtask")?;
    let mut vm = Command::new(composer);
    vm.args(["vm", "--kernel", &arguments.kernel, "--timeout", BOUND]);
    for path in [composer, xtask, &folder] {
        vm.arg("--add").arg(path);
    }
    vm.arg("--").arg(xtask).arg("objects-guest").arg(composer).arg(&folder);
    shell::run(&mut vm)
}

/// The objects of the packages by name, one of each content.
fn collect() -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "o") {
                found.insert(stem(&path), fs::read(path)?);
            }
        }
    }
    let list = Command::new("dpkg").args(["-L", TOOLS]).output()?;
    for line in String::from_utf8_lossy(&list.stdout).lines().filter(|line| line.contains("/sbin/"))
    {
        let Ok(bytes) = fs::read(line) else { continue };
        for (number, object) in embedded(&bytes).into_iter().enumerate() {
            let more = if number == 0 { String::new() } else { format!("-{number}") };
            found.insert(format!("{}{more}", stem(Path::new(line))), object.to_vec());
        }
    }
    Ok(found)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The eBPF objects inside a program, embedded by libbpf's skeletons.
fn embedded(program: &[u8]) -> Vec<&[u8]> {
    /// `EM_BPF`, and where an ELF header of 64 bits has it, the offset of the table of sections, the
    /// size of its entries and their number.
    const BPF: u16 = 247;
    let mut found = Vec::new();
    let starts = program.windows(6).enumerate().skip(1);
    for (at, _) in starts.filter(|(_, bytes)| *bytes == b"\x7fELF\x02\x01") {
        let header = &program[at..];
        let half = |place: usize| {
            let bytes = header.get(place..place + 2)?.try_into().ok()?;
            Some(u16::from_le_bytes(bytes))
        };
        let sections = || {
            let bytes = header.get(40..48)?.try_into().ok()?;
            usize::try_from(u64::from_le_bytes(bytes)).ok()
        };
        let (Some(BPF), Some(start), Some(size), Some(count)) =
            (half(18), sections(), half(58), half(60))
        else {
            continue;
        };
        let end = start + usize::from(size) * usize::from(count);
        found.extend(header.get(..end));
    }
    found
}

/// The result for a program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Loaded,
    Refused(String),
    /// Valid, with a warning that predicted the rejection.
    Foretold(String),
    ValidButRefused(String),
    /// Valid, but this machine does not have its attach target.
    NoTarget,
    Crashed(String),
    /// Not usable in a chain, or without BTF: the section, or the reason.
    NotTried(String),
}

pub(crate) fn guest(arguments: &ObjectsArgs) -> Result {
    let mut fates: BTreeMap<Fate, Vec<String>> = BTreeMap::new();
    let mut objects: Vec<_> =
        fs::read_dir(&arguments.objects)?.flatten().map(|entry| entry.path()).collect();
    objects.sort();
    let (mut readable, mut hostable, mut started) = (0, 0, 0);
    for object in objects {
        let inspect = composer(arguments, &["inspect", "--format", "json"], &object)?;
        let name = stem(&object);
        let Ok(seen) = serde_json::from_slice::<Value>(&inspect.stdout) else {
            let fate = match code(&inspect) {
                Some(code) => Fate::NotTried(code),
                None => Fate::Crashed("inspect".to_owned()),
            };
            fates.entry(fate).or_default().push(name);
            continue;
        };
        let mut own = Vec::new();
        for program in seen["programs"].as_array().into_iter().flatten() {
            let title = format!("{name}:{}", program["name"].as_str().unwrap_or_default());
            let fate = judge(arguments, &object, &seen, program)?;
            println!("{title}  {}", told(&fate));
            own.push(fate.clone());
            fates.entry(fate).or_default().push(title);
        }
        readable += 1;
        hostable += usize::from(own.iter().any(|fate| !matches!(fate, Fate::NotTried(_))));
        started += usize::from(own.contains(&Fate::Loaded));
    }
    println!();
    for (fate, titles) in &fates {
        println!("{:>4}  {}", titles.len(), told(fate));
    }
    let count = |is: fn(&Fate) -> bool| {
        fates.iter().filter(|(fate, _)| is(fate)).map(|(_, titles)| titles.len()).sum::<usize>()
    };
    println!(
        "loaded {}, rejected by validate {}, predicted by a warning {}, valid but rejected {} (goal: 0), without a target {}, \
         crashed {} (goal: 0), not tried {}",
        count(|fate| matches!(fate, Fate::Loaded)),
        count(|fate| matches!(fate, Fate::Refused(_))),
        count(|fate| matches!(fate, Fate::Foretold(_))),
        count(|fate| matches!(fate, Fate::ValidButRefused(_))),
        count(|fate| matches!(fate, Fate::NoTarget)),
        count(|fate| matches!(fate, Fate::Crashed(_))),
        count(|fate| matches!(fate, Fate::NotTried(_))),
    );
    let share = |count: usize| format!("{count} ({} %)", 100 * count / readable.max(1));
    println!(
        "objects {readable}, with a program that a chain can start {}, started {}",
        share(hostable),
        share(started)
    );
    Ok(())
}

fn told(fate: &Fate) -> String {
    match fate {
        Fate::Loaded => "loaded".to_owned(),
        Fate::Refused(code) => format!("refused beforehand: {code}"),
        Fate::Foretold(code) => format!("foretold by a warning: {code}"),
        Fate::ValidButRefused(code) => format!("valid, but refused: {code}"),
        Fate::NoTarget => "attach target not found".to_owned(),
        Fate::Crashed(what) => format!("crashed: {what}"),
        Fate::NotTried(why) => format!("not tried: {why}"),
    }
}

fn judge(arguments: &ObjectsArgs, object: &Path, seen: &Value, program: &Value) -> Result<Fate> {
    let text = |key: &str| program[key].as_str().unwrap_or_default();
    let (name, section) = (text("name"), text("section"));
    let Some(attach) = attach(section) else {
        let kind = section.split('/').next().unwrap_or_default();
        return Ok(Fate::NotTried(format!("SEC(\"{kind}\")")));
    };
    let mut chain = format!(
        "[host.h]\nobject = {:?}\nprogram = {name:?}\nattach = {attach}\n\
         [tracer.t]\ntrace = \"h\"\n",
        object.display().to_string()
    );
    let calls = |function: &&Value| {
        let callers = function["called_by"].as_array();
        callers.is_some_and(|callers| callers.iter().any(|caller| caller == name))
    };
    let functions = seen["functions"].as_array().into_iter().flatten().filter(calls);
    for (number, function) in functions.enumerate() {
        let function = function["name"].as_str().unwrap_or_default();
        chain += &format!("[tracer.f{number}]\ntrace = \"h\"\nfunction = {function:?}\n");
    }
    let file = Path::new("/tmp/object.toml");
    fs::write(file, chain)?;
    let validate = composer(arguments, &["validate", "--kernel", "running"], file)?;
    match validate.status.code() {
        Some(0) => {}
        Some(3) => return Ok(Fate::Refused(code(&validate).unwrap_or_default())),
        other => return Ok(Fate::Crashed(format!("validate: {other:?}"))),
    }
    let mut up = Command::new(&arguments.composer);
    up.arg("up").arg(file).args(["--", "true"]);
    let up = up.stdin(Stdio::null()).output()?;
    Ok(match (up.status.code(), code(&up)) {
        (Some(0), _) => Fate::Loaded,
        (Some(1 | 3 | 4), Some(code)) if codes(&validate).contains(&code) => Fate::Foretold(code),
        (Some(1), Some(code)) if code == NO_TARGET => Fate::NoTarget,
        (Some(1 | 3 | 4), Some(code)) => {
            eprintln!("{}", String::from_utf8_lossy(&up.stderr));
            Fate::ValidButRefused(code)
        }
        (other, _) => {
            eprintln!("{}", String::from_utf8_lossy(&up.stderr));
            Fate::Crashed(format!("up: {other:?}"))
        }
    })
}

/// The attach target of a program: the one in its section name or, if there is none, any target of
/// its kind.
fn attach(section: &str) -> Option<String> {
    let section = section.trim_start_matches('?');
    let (kind, place) = section.split_once('/').unwrap_or((section, ""));
    // What is behind a dot, as in `fentry.s`, says how the program is loaded.
    let (kind, how) = kind.split_once('.').unwrap_or((kind, ""));
    let at = |key: &str, other: &str| {
        let place = if place.is_empty() { other } else { place };
        Some(format!("{{ {key} = {place:?} }}"))
    };
    let fixed = |attach: &str| Some(format!("{{ {attach} }}"));
    match (kind, how) {
        ("xdp", _) if place.is_empty() => fixed(r#"xdp = "lo", mode = "generic""#),
        ("kprobe", "multi") => at("kprobe_multi", "do_unlinkat"),
        ("kretprobe", "multi") => at("kretprobe_multi", "do_unlinkat"),
        ("kprobe" | "kretprobe", _) => at(kind, "do_unlinkat"),
        ("ksyscall" | "kretsyscall", _) => at(kind, "unlinkat"),
        ("uprobe" | "uretprobe", "" | "s") if place.contains(':') => at(kind, place),
        // Whose function it is the tool decides.
        ("uprobe" | "uretprobe", "" | "s") => fixed(&format!("{kind} = \"/proc/self/exe:main\"")),
        ("usdt", _) => at("usdt", "/usr/bin/python3:python:function__entry"),
        ("fentry" | "fexit" | "fmod_ret", _) => at(kind, "do_unlinkat"),
        ("lsm", _) => at(kind, "file_open"),
        ("tp_btf", _) => at(kind, "sched_switch"),
        ("tracepoint" | "tp", _) => at("tracepoint", "sched/sched_switch"),
        ("raw_tp" | "raw_tracepoint", _) => at("raw_tracepoint", "sched_switch"),
        ("perf_event", _) => fixed(r#"perf_event = "cpu-clock""#),
        ("tc" | "tcx" | "classifier", _) => fixed(r#"tc = "lo""#),
        ("socket", _) => fixed(r#"socket_filter = "lo""#),
        ("cgroup_skb", _) => fixed(r#"cgroup_skb = "/sys/fs/cgroup""#),
        ("sockops", _) => fixed(r#"sock_ops = "/sys/fs/cgroup""#),
        ("sk_lookup" | "flow_dissector", _) => at(kind, "self"),
        ("iter", _) => at("iter", "task"),
        ("syscall", _) => fixed(r#"syscall = "at start""#),
        ("netfilter", _) => fixed(r#"netfilter = "ipv4/local_in""#),
        _ => None,
    }
}

fn composer(arguments: &ObjectsArgs, words: &[&str], file: &Path) -> Result<Output> {
    let mut command = Command::new(&arguments.composer);
    Ok(command.args(words).arg(file).stdin(Stdio::null()).output()?)
}

/// The first diagnostic code in the output.
fn code(output: &Output) -> Option<String> {
    codes(output).into_iter().next()
}

/// The diagnostic codes in the output, in order.
fn codes(output: &Output) -> Vec<String> {
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let is_code = |word: &&str| {
        word.len() == 6
            && word.starts_with("FC")
            && word[2..].bytes().all(|byte| byte.is_ascii_digit())
    };
    said.split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(is_code)
        .map(str::to_owned)
        .collect()
}
