//! What is wrong with the name of a running program, as a diagnostic.

use super::{Census, RefError, RunningProgram};
use crate::diag::{Code, Diagnostic, list, nearest};

/// How a program is told from others.
fn described(program: &RunningProgram) -> String {
    let places = program.attachments.iter().map(|attachment| attachment.place.words());
    let places: Vec<_> = places.collect();
    let at = if places.is_empty() { String::new() } else { format!("  {}", places.join(", ")) };
    format!("{:>6}  {}  {}{at}", program.id, program.program_type.name(), program.name)
}

impl RefError {
    /// The diagnostic for it, with what there is instead.
    #[must_use]
    pub fn diagnostic(&self, census: &Census) -> Diagnostic {
        match self {
            Self::Unreadable(..) => Diagnostic::new(Code::BadReference, self.to_string()).help(
                "Write an id, a name, a pin, or one of id:N, name:NAME, tag:HEX, pin:PATH, pid:N, link:N, \
                 xdp:INTERFACE, tcx:INTERFACE, tc:INTERFACE, cgroup:FOLDER.",
            ),
            Self::NotFound(name) => {
                let key = name.split_once(':').map(|(key, _)| key);
                let names = census.programs.iter().map(|program| program.name.as_str());
                let wanted = name.strip_prefix("name:").unwrap_or(name);
                let help = match nearest(wanted, names.clone()) {
                    _ if key == Some("pin") || name.starts_with('/') => {
                        "No program, and no link of one, is pinned there. `bpftool map` shows pins of maps."
                            .to_owned()
                    }
                    _ if matches!(key, Some("xdp" | "tcx" | "tc" | "cgroup")) => {
                        "No program is attached there. `freplace-compose ps` shows what is attached where."
                            .to_owned()
                    }
                    _ if key == Some("pid") => {
                        "That process has no program and no link open, or may not be looked at.".to_owned()
                    }
                    Some(near) => format!("Did you mean `{near}`?"),
                    None if census.programs.is_empty() => "No program is loaded.".to_owned(),
                    None => {
                        let mut names: Vec<_> = names.collect();
                        names.sort_unstable();
                        names.dedup();
                        format!("In this kernel: {}.", list(&names))
                    }
                };
                Diagnostic::new(Code::NoSuchProgram, self.to_string()).help(help)
            }
            Self::Ambiguous { ids, .. } => {
                let lines = ids.iter().filter_map(|id| census.program(*id)).map(described);
                let lines: Vec<_> = lines.collect();
                Diagnostic::new(Code::AmbiguousProgram, self.to_string())
                    .note(lines.join("\n"))
                    .help("Name one of them by its id: `id:N`.")
            }
        }
    }
}
