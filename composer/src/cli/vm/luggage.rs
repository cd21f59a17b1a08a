//! What a user adds to a micro-VM: files, kernel modules and memory.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use freplace_compose::vm::{HostFile, Machine};

/// The options of the verbs that run a command in the micro-VM.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct VmFiles {
    /// Copy a file or folder into the micro-VM, by default to the same path. Shared libraries of
    /// executables are copied automatically.
    #[arg(long, value_name = "FILE[:PLACE]")]
    add: Vec<OsString>,

    /// Load a kernel module and its dependencies in the micro-VM before anything is run.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    module: Vec<String>,

    /// Add a second network namespace to the micro-VM, connected by eth0: 10.0.0.1 here, 10.0.0.2
    /// there. `nsenter --net=/run/netns/peer CMD` runs a command there.
    #[arg(long)]
    network: bool,

    /// Memory of the micro-VM in MiB [default: 1024]. A quarter of it is available for files.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(128..=65536))]
    memory: Option<u32>,
}

/// The names of the options above, those with a value first, and of `--vm`.
const OWN: [&str; 3] = ["--add", "--module", "--memory"];
const NETWORK: &str = "--network";
const VM: &str = "--vm";

impl VmFiles {
    /// The first of the options that was given.
    pub(crate) fn first(&self) -> Option<&'static str> {
        let given = [!self.add.is_empty(), !self.module.is_empty(), self.memory.is_some()];
        let own = OWN.into_iter().zip(given).find_map(|(name, given)| given.then_some(name));
        own.or_else(|| self.network.then_some(NETWORK))
    }

    pub(super) fn put_into(&self, machine: &mut Machine) {
        machine.bring.extend(self.add.iter().map(bring));
        machine.modules.extend(self.module.iter().map(|name| name.trim().to_owned()));
        machine.network = self.network;
        machine.memory_mib = self.memory.unwrap_or(machine.memory_mib);
    }
}

/// `FILE[:PLACE]`, split at the first colon; a file that has a colon in its own name is taken whole.
fn bring(argument: &OsString) -> HostFile {
    let whole = PathBuf::from(argument);
    let split = argument.to_str().filter(|_| !whole.exists()).and_then(|text| text.split_once(':'));
    match split {
        Some((source, dest)) => HostFile { source: source.into(), dest: dest.into() },
        None => whole.into(),
    }
}

/// A command line without the options that are for the host alone.
pub(super) fn for_guest(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut words = words;
    while let Some(word) = words.next() {
        let bytes = word.as_encoded_bytes();
        let is = |name: &str| {
            let value = bytes.strip_prefix(name.as_bytes());
            value.is_some_and(|value| value.is_empty() || value.starts_with(b"="))
        };
        if OWN.contains(&word.to_string_lossy().as_ref()) {
            words.next(); // its value
        } else if !is(VM) && !is(NETWORK) && !OWN.into_iter().any(is) {
            kept.push(word);
        }
    }
    kept
}

/// The variable with the files of the host that a command in the guest names, a line each.
const LEFT_BEHIND: &str = "FREPLACE_COMPOSE_LEFT_BEHIND";
/// More would be a list of somebody's disk.
const MOST: usize = 5;

/// What the words of a command, its first one aside, name of this machine's files: a line each, and
/// the variable it is for. Words of a script for a shell count one by one.
pub(super) fn left_behind(command: &[OsString]) -> Option<(OsString, OsString)> {
    let texts = command.iter().skip(1).filter_map(|word| word.to_str());
    let ends = |letter: char| letter.is_whitespace() || "'\"`;|&<>()=@,".contains(letter);
    let words = texts.flat_map(|text| text.split(ends));
    let mut files: Vec<&str> = Vec::new();
    for word in words.filter(|word| !word.is_empty() && !word.contains('\n')) {
        let is_file = word != "/" && Path::new(word).exists();
        if is_file && !files.contains(&word) {
            files.push(word);
        }
    }
    (!files.is_empty()).then(|| (LEFT_BEHIND.into(), files.join("\n").into()))
}

/// In the guest: what to do about files that a command names and that stayed behind; `None` when
/// there are none, or when this is no guest.
pub(crate) fn not_in_guest() -> Option<String> {
    missing(&std::env::var_os(LEFT_BEHIND)?, Path::exists)
}

fn missing(named: &OsStr, is_here: impl Fn(&Path) -> bool) -> Option<String> {
    let named = named.to_string_lossy();
    let missing: Vec<_> = named.lines().filter(|name| !is_here(Path::new(name))).collect();
    let options: Vec<_> = missing.iter().take(MOST).map(|name| format!("--add {name}")).collect();
    let (are, them) = match missing.as_slice() {
        [] => return None,
        [_] => ("is", "it"),
        _ => ("are", "them"),
    };
    let names: Vec<_> = missing.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = missing.len().saturating_sub(MOST);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let (names, options) = (names.join(", "), options.join(" "));
    Some(format!(
        "{names}{more} {are} on your machine but not in the micro-VM. Add {them} with: {options}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_separates_source_and_destination() {
        assert_eq!(bring(&"a:/b".into()), HostFile { source: "a".into(), dest: "/b".into() });
        assert_eq!(bring(&"a".into()), PathBuf::from("a").into());
    }

    #[test]
    fn the_guest_gets_the_command_line_without_what_is_for_the_host() {
        let line = "up --vm=6.1 --add a:/b chain.toml --module=veth --memory 2048 --network --add=c --limit 3 --vmx";
        let kept = for_guest(line.split(' ').map(OsString::from));
        assert_eq!(kept, ["up", "chain.toml", "--limit", "3", "--vmx"]);
        assert_eq!(for_guest(["--vm".into(), "--add".into()].into_iter()), [""; 0]);
    }

    #[test]
    fn files_that_a_command_names_are_found_in_scripts_too() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let found = |list: &[&str]| left_behind(&words(list)).map(|(_, files)| files);
        assert_eq!(
            found(&["sh", "-c", "cat </etc/hostname; ls '/etc/hosts' /etc/hosts"]),
            Some("/etc/hostname\n/etc/hosts".into())
        );
        assert_eq!(found(&["curl", "--upload=@/etc/hosts"]), Some("/etc/hosts".into()));
        assert_eq!(found(&["/etc/hosts", "/no/such/file", "-v"]), None);
    }

    #[test]
    fn files_that_are_in_the_guest_are_not_named() {
        let of = |names: &str| missing(OsStr::new(names), |path| path == Path::new("here"));
        assert_eq!(of("here"), None);
        assert_eq!(
            of("a.py\nhere").as_deref(),
            Some("`a.py` is on your machine but not in the micro-VM. Add it with: --add a.py")
        );
        let many = of("a\nb\nc\nd\ne\nf").unwrap_or_default();
        assert!(many.starts_with("`a`, `b`, `c`, `d`, `e` and 1 more are on"), "{many}");
    }
}
