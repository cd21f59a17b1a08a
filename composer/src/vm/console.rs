//! The guest's kernel console: its last lines, and the reason of a kernel panic.

use super::error::ConsoleTail;

/// Lines that an error shows.
const LINES: usize = 20;
/// Bytes kept; a chatty kernel must not fill the owner's memory.
const KEPT: usize = 64 * 1024;

/// What came over the console, its end.
#[derive(Debug, Default)]
pub(super) struct Console {
    bytes: Vec<u8>,
}

impl Console {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > 2 * KEPT {
            self.bytes.drain(..self.bytes.len() - KEPT);
        }
    }

    /// The last lines, as text that is safe to print: the firmware clears screens with escape sequences.
    pub(super) fn tail(&self) -> ConsoleTail {
        let text = printable(&self.bytes);
        let lines: Vec<_> =
            text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        ConsoleTail(lines[lines.len().saturating_sub(LINES)..].join("\n"))
    }

    /// What the kernel gave as the reason when it panicked
    /// (<https://github.com/torvalds/linux/blob/v6.12/kernel/panic.c>).
    pub(super) fn panic(&self) -> Option<String> {
        let text = printable(&self.bytes);
        let (_, reason) = text.split_once("Kernel panic - not syncing: ")?;
        Some(reason.lines().next().unwrap_or_default().trim_end().to_owned())
    }

    /// The process that the kernel killed when its memory ran out, the last one
    /// (<https://github.com/torvalds/linux/blob/v6.12/mm/oom_kill.c>, `__oom_kill_process`).
    pub(super) fn out_of_memory(&self) -> Option<String> {
        let text = printable(&self.bytes);
        let (_, killed) = text.rsplit_once("Out of memory: Killed process ")?;
        let (_, name) = killed.split_once('(')?;
        Some(name.split(')').next().unwrap_or_default().to_owned())
    }
}

fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .filter(|&c| c == '\n' || c == '\t' || !c.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_twenty_lines_without_control_characters() {
        let mut console = Console::default();
        for n in 0..30 {
            console.push(format!("\x1b[2Jline {n}\r\n\r\n").as_bytes());
        }
        let ConsoleTail(tail) = console.tail();
        assert!(tail.starts_with("[2Jline 10\n") && tail.ends_with("line 29"));
    }

    #[test]
    fn a_panic_is_found_with_its_reason() {
        let mut console = Console::default();
        assert_eq!(console.panic(), None);
        console.push(
            b"[    3.1] Kernel panic - not syncing: sysrq triggered crash\r\n[    3.2] CPU: 0\r\n",
        );
        assert_eq!(console.panic().as_deref(), Some("sysrq triggered crash"));
    }

    #[test]
    fn who_was_killed_for_memory_is_named() {
        let mut console = Console::default();
        console
            .push(b"[   21.0] Out of memory: Killed process 83 (sh) total-vm:790520kB, anon\r\n");
        console.push(b"[   22.0] something else\r\n");
        assert_eq!(console.out_of_memory().as_deref(), Some("sh"));
        assert_eq!(Console::default().out_of_memory(), None);
    }

    #[test]
    fn a_flood_keeps_its_end() {
        let mut console = Console::default();
        for _ in 0..1000 {
            console.push(&[b'x'; 1000]);
        }
        console.push(b"\nend");
        assert!(console.bytes.len() <= 2 * KEPT && console.tail().0.ends_with("\nend"));
    }
}
