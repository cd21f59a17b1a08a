//! Reports the start of a micro-VM on stderr, with one line per phase.

use std::io::{self, IsTerminal as _};

use super::super::{ink::Ink as _, screen};
use freplace_compose::vm::Progress;

/// Tells; a line that is not ended is, when this is dropped.
pub(super) struct ProgressPrinter {
    quiet: bool,
    /// Whether a line can be drawn again.
    redraws: bool,
    /// Whether the cursor stands behind such a line.
    open: bool,
}

impl ProgressPrinter {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, redraws: io::stderr().is_terminal(), open: false }
    }

    pub(super) fn tell(&mut self, progress: &Progress) {
        if self.quiet {
            return;
        }
        let part = match progress {
            Progress::Fetching { there, .. } if self.redraws => Some(*there),
            // Into a file, one line is enough.
            Progress::Fetching { there: 0, .. } => None,
            Progress::Fetching { .. } => return,
            Progress::Fetched { .. } if !self.redraws => return,
            _ => None,
        };
        let same_line =
            self.open && (part.is_some() || matches!(progress, Progress::Fetched { .. }));
        if self.open && !same_line {
            screen::say!("");
        }
        let text = format!("{}  {}", "micro-VM".dimmed(), line(progress, part));
        screen::open_line(&text, same_line);
        self.open = part.is_some();
        if !self.open {
            screen::say!("");
        }
    }
}

impl Drop for ProgressPrinter {
    fn drop(&mut self) {
        if self.open {
            screen::say!("");
        }
    }
}

/// One phase in one line; `part` is how many bytes of a package are here.
fn line(progress: &Progress, part: Option<u64>) -> String {
    match progress {
        Progress::Waiting { cache } => {
            format!("waiting for another process to fill {}", cache.display())
        }
        Progress::NotKept { cache, why } => {
            let cache = cache.display();
            format!("cannot write cache {cache} ({why}): fetched files are not kept")
        }
        Progress::Damaged { path, damage } => {
            format!("{} {damage}: fetching it again", path.display())
        }
        Progress::Updating { what } => format!("fetching package lists: {what}"),
        Progress::Fetching { package, bytes, .. } | Progress::Fetched { package, bytes } => {
            match part {
                Some(part) => format!("fetching {package}  {} of {}", mb(part), megabytes(*bytes)),
                None => format!("fetching {package}  {}", megabytes(*bytes)),
            }
        }
        Progress::Booting { release, kvm: true } => format!("booting Linux {release}"),
        Progress::Booting { release, kvm: false } => format!("booting Linux {release}, emulated"),
        Progress::Booted { release, boot } => {
            format!("Linux {release}  booted in {:.1} s", boot.as_secs_f64())
        }
    }
}

fn mb(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

/// `34.3 MB`.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{} MB", mb(bytes))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_phase_is_one_calm_line() {
        let (package, bytes) = ("linux-image-x".to_owned(), 34_307_256);
        let fetching = Progress::Fetching { package, there: 1_234_567, bytes };
        assert_eq!(line(&fetching, None), "fetching linux-image-x  34.3 MB");
        let part = line(&fetching, Some(1_234_567));
        assert_eq!(part, "fetching linux-image-x  1.2 of 34.3 MB");
        let booted =
            Progress::Booted { release: "6.12.1".to_owned(), boot: Duration::from_millis(2_940) };
        assert_eq!(line(&booted, None), "Linux 6.12.1  booted in 2.9 s");
    }
}
