//! The signals that end an `up`: the first asks for an end in good order, the second cuts that short.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end an `up`.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// None where whoever started us had it ignored, as nohup does: it stays ignored.
    hangup: Option<Signal>,
    /// How many came so far.
    count: u32,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        let hangup = SignalKind::hangup();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if is_ignored(hangup) { None } else { Some(signal(hangup)?) },
            count: 0,
        })
    }

    /// Whether one came already.
    pub(super) async fn came(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.next() => true,
            () = std::future::ready(()) => false,
        }
    }

    /// Waits until two have come in all: one that comes first while the chain is being undone asks
    /// for what is being done.
    pub(super) async fn second(&mut self) {
        while self.count < 2 {
            self.next().await;
        }
    }

    /// What comes of `work`; none when the second signal came before its end.
    pub(super) async fn unless_second<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.second() => None,
        }
    }

    /// What comes of `work`, for which `stop` is set when one comes; none when the second came
    /// before its end.
    pub(super) async fn stops<T>(
        &mut self,
        work: impl Future<Output = T>,
        stop: &AtomicBool,
    ) -> Option<T> {
        tokio::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = self.next() => stop.store(true, Ordering::Relaxed),
        }
        self.unless_second(work).await
    }

    /// Waits for one of them.
    pub(super) async fn next(&mut self) {
        let Self { interrupt, terminate, hangup, count } = self;
        let hangup = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup => {}
        }
        *count += 1;
    }
}

/// Whether this process ignores `kind`. See `SigIgn` in proc_pid_status(5): a mask in hexadecimal.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let bit = u32::try_from(kind.as_raw_value() - 1).unwrap_or(0);
    mask.checked_shr(bit).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::{SignalKind, is_ignored};

    #[test]
    fn what_the_runtime_ignores_is_seen_and_what_nobody_ignores_is_not() {
        // Rust's own start has SIGPIPE ignored.
        assert!(is_ignored(SignalKind::pipe()));
        assert!(!is_ignored(SignalKind::user_defined2()));
    }
}
