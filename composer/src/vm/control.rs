//! The control protocol between init in the guest and the owner of the machine, over a serial port
//! of its own. One ASCII message per line, so that a capture of the port is readable.

use std::fmt;

/// What the guest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FromGuest {
    /// The guest is up and the job is about to start; with the kernel's release (`uname -r`).
    Ready {
        /// For example `6.12.117+deb12-cloud-amd64`.
        release: String,
    },
    /// The guest still schedules its init: sent once a second.
    Beat,
    /// A line of the file to return; sent between the job's end and `Exit`.
    Kept {
        /// Without its newline.
        line: String,
    },
    /// The job ended. The guest keeps its ports open until it is stopped, so that the counted bytes can arrive.
    Exit {
        /// 0 to 255; 128 + n for a job ended by signal n.
        code: i32,
        /// Bytes written to the port of standard output over the whole run.
        out: u64,
        /// The same for standard error.
        err: u64,
    },
    /// Init could not do its work; no exit code will follow.
    Failed {
        /// One line.
        why: String,
    },
}

impl fmt::Display for FromGuest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { release } => write!(f, "ready {release}"),
            Self::Beat => f.write_str("beat"),
            // The bar keeps blanks at the beginning.
            Self::Kept { line } => write!(f, "kept |{}", line.replace('\n', " / ")),
            Self::Exit { code, out, err } => write!(f, "exit {code} {out} {err}"),
            Self::Failed { why } => write!(f, "failed {}", why.replace('\n', " / ")),
        }
    }
}

impl FromGuest {
    /// `None` for a line that is no message: firmware and drivers may have written to the port before init owned it.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let line = str::from_utf8(line).ok()?.trim();
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut words = rest.split(' ');
        match verb {
            "ready" => Some(Self::Ready { release: rest.to_owned() }),
            "beat" => Some(Self::Beat),
            "kept" => Some(Self::Kept { line: rest.strip_prefix('|')?.to_owned() }),
            "exit" => Some(Self::Exit {
                code: words.next()?.parse().ok()?,
                out: words.next()?.parse().ok()?,
                err: words.next()?.parse().ok()?,
            }),
            "failed" => Some(Self::Failed { why: rest.to_owned() }),
            _ => None,
        }
    }
}

/// What the owner says: deliver this signal to the job's process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deliver {
    /// The signal's number on x86-64 Linux.
    pub(super) signal: i32,
}

impl fmt::Display for Deliver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signal {}", self.signal)
    }
}

impl Deliver {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let signal = line.trim().strip_prefix("signal ")?.parse().ok()?;
        Some(Self { signal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_the_wire() {
        for message in [
            FromGuest::Ready { release: "6.12.117+deb12-cloud-amd64".to_owned() },
            FromGuest::Beat,
            FromGuest::Kept { line: "  0: (b7) r0 = 1".to_owned() },
            FromGuest::Kept { line: String::new() },
            FromGuest::Exit { code: 130, out: u64::MAX, err: 0 },
            FromGuest::Failed { why: "cannot start `x`: No such file or directory".to_owned() },
        ] {
            assert_eq!(FromGuest::parse(message.to_string().as_bytes()), Some(message));
        }
        assert_eq!(Deliver::parse("signal 15\n"), Some(Deliver { signal: 15 }));
    }

    #[test]
    fn a_failure_stays_on_one_line() {
        assert_eq!(FromGuest::Failed { why: "a\nb".to_owned() }.to_string(), "failed a / b");
    }

    #[test]
    fn noise_is_no_message() {
        for line in
            [&b""[..], b"\xff\xfe", b"exit", b"exit 0", b"exit 0 1", b"exit x 1 2", b"login:"]
        {
            assert_eq!(FromGuest::parse(line), None);
        }
        assert_eq!(Deliver::parse("signal"), None);
    }
}
