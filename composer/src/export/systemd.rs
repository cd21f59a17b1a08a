//! A unit for systemd that keeps a chain up: systemd.exec(5) has the settings.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::needs::{Needs, below};
use crate::{chain::Chain, kernel::Capability};

/// What the command of a unit names; files by their absolute paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitPaths {
    /// This program.
    pub program: PathBuf,
    /// What `up` is given: a file, or the name of something that this program has.
    pub chain: PathBuf,
    /// All files that are read.
    pub inputs: Vec<PathBuf>,
    /// Values of parameters: `NAME=VALUE`.
    pub set: Vec<String>,
}

/// Folders that the unit does not see by itself.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// Exit codes behind which another start is of no use: the command line, the chain or the machine is wrong, or
/// something was left behind.
const FINAL: &str = "2 3 4 5";

/// Settings that go with every chain, each with its value. What they take away, none needs: a process that loads
/// eBPF programs writes no code of its own, starts no other program, and has no users.
const ALWAYS: &[(&str, &str)] = &[
    ("NoNewPrivileges", "yes"),
    ("ProtectSystem", "strict"),
    ("PrivateTmp", "yes"),
    ("PrivateDevices", "yes"),
    ("PrivateMounts", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelModules", "yes"),
    // Leaves tracefs and the BPF file system as they are.
    ("ProtectKernelTunables", "yes"),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("RemoveIPC", "yes"),
    ("KeyringMode", "private"),
    ("UMask", "0077"),
    ("IPAddressDeny", "any"),
    ("SystemCallArchitectures", "native"),
    ("SystemCallFilter", "@system-service bpf perf_event_open"),
    ("SystemCallErrorNumber", "EPERM"),
];

/// The unit that keeps `chain` up, with no more rights than it `needs`.
#[must_use]
pub fn unit(chain: &Chain, needs: &Needs, paths: &UnitPaths) -> String {
    let mut out = String::from("# Made by `freplace-compose export --systemd`.\n[Unit]\n");
    let mut line = |text: &str| {
        // A String takes everything.
        let _ = writeln!(out, "{text}");
    };
    let about = chain.description.as_deref().and_then(|text| text.lines().next());
    let about = about.map_or_else(String::new, |about| format!(" ({about})"));
    line(&format!("Description=eBPF chain {}{}", plain(&chain.name), plain(&about)));
    line("Documentation=man:freplace-compose(1)");
    if needs.has_network {
        line("After=network.target");
    }
    for interface in needs.interfaces.iter().filter(|name| *name != "lo") {
        let device = format!("sys-subsystem-net-devices-{}.device", escaped(interface));
        line(&format!("Wants={device}\nAfter={device}"));
    }
    line("\n[Service]\nType=exec");
    let argument = |text: &str| word(text).replace('$', "$$");
    let set = paths.set.iter().map(|set| format!("--set {} ", argument(set))).collect::<String>();
    let (program, file) = (path_word(&paths.program), argument(&paths.chain.to_string_lossy()));
    line(&format!("ExecStart={program} up --strict --format json {set}{file}"));
    line("Restart=on-failure\nRestartSec=5s");
    line(&format!("RestartPreventExitStatus={FINAL}"));
    line("\n# Root, with nothing but these, and the other restrictions below.");
    let names: Vec<_> = needs.capabilities.iter().map(Capability::to_string).collect();
    line(&format!("CapabilityBoundingSet={}", names.join(" ")));
    // AF_INET is asked for the number of an interface; nothing is sent.
    let packets = if needs.capabilities.contains(&Capability::NetRaw) { " AF_PACKET" } else { "" };
    line(&format!("RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET{packets}"));
    for (setting, value) in ALWAYS {
        line(&format!("{setting}={value}"));
    }
    if !needs.has_processes {
        line("ProtectProc=invisible");
    }
    if !needs.capabilities.contains(&Capability::Syslog) {
        line("ProtectKernelLogs=yes");
    }
    let mut files = paths.inputs.clone();
    files.push(paths.program.clone());
    let mut hidden = below(&files, &HIDDEN);
    hidden.sort_unstable();
    hidden.dedup();
    line(if hidden.is_empty() { "ProtectHome=yes" } else { "ProtectHome=tmpfs" });
    for path in hidden {
        line(&format!("BindReadOnlyPaths={}", path_word(path).replace(':', "\\:")));
    }
    line("\n[Install]\nWantedBy=multi-user.target");
    out
}

fn path_word(path: &Path) -> String {
    word(&path.to_string_lossy())
}

/// A text as one word of a setting: systemd.syntax(7).
fn word(text: &str) -> String {
    let mut word = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => word.extend(['\\', letter]),
            '%' => word.push_str("%%"),
            control if control.is_control() => {
                let mut bytes = [0; 4];
                for byte in control.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(word, "\\x{byte:02x}"); // a String takes everything
                }
            }
            other => word.push(other),
        }
    }
    let quoted = word + "\"";
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@=".contains(letter);
    let bare = &quoted[1..quoted.len() - 1]; // between two quotes
    if bare.chars().all(is_plain) && !bare.is_empty() { bare.to_owned() } else { quoted }
}

/// Text on one line, in which nothing is a specifier.
fn plain(text: &str) -> String {
    let visible = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(visible).collect::<String>().replace('%', "%%")
}

/// A name as a part of a unit's: `systemd-escape`.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'/' => out.push('-'),
            b'.' if at == 0 => out.push_str("\\x2e"),
            plain if plain.is_ascii_alphanumeric() || b":_.".contains(&plain) => {
                out.push(plain.into());
            }
            other => {
                let _ = write!(out, "\\x{other:02x}"); // a String takes everything
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{escaped, plain, word};

    #[test]
    fn a_path_is_one_word_whatever_is_in_it() {
        assert_eq!(word("/etc/chains/tcp.toml"), "/etc/chains/tcp.toml");
        assert_eq!(word("/a b/100%.toml"), "\"/a b/100%%.toml\"");
        assert_eq!(word("/a\"\\\n"), "\"/a\\\"\\\\\\x0a\"");
    }

    #[test]
    fn a_description_is_a_line_without_specifiers() {
        assert_eq!(plain("a\nb %i"), "a b %%i");
    }

    #[test]
    fn the_unit_of_an_interface_is_named_as_systemd_does() {
        assert_eq!(escaped("eth0.7"), "eth0.7");
        assert_eq!(escaped("br-lan"), "br\\x2dlan");
        assert_eq!(escaped("ü"), "\\xc3\\xbc");
    }
}
