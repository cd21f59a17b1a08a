//! Copies a serial port to the writer of the caller.

use std::{
    io::{self, Read as _, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use tokio::{net::UnixStream, sync::mpsc::UnboundedSender};

use super::error::VmError;

/// Counts what both streams passed on. A serial port delivers a few bytes at a time, so the one who waits is woken for the
/// last of them only.
pub(super) struct ByteCount {
    arrived: AtomicU64,
    wanted: AtomicU64,
}

impl ByteCount {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { arrived: AtomicU64::new(0), wanted: AtomicU64::new(u64::MAX) })
    }

    /// Bytes passed on so far.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived.load(SeqCst)
    }

    /// From now on, say when so many bytes have been passed on; ask [`ByteCount::arrived`] after this, not before.
    pub(super) fn want(&self, bytes: u64) {
        self.wanted.store(bytes, SeqCst);
    }

    fn add(&self, bytes: usize) -> bool {
        self.arrived.fetch_add(bytes as u64, SeqCst) + bytes as u64 >= self.wanted.load(SeqCst)
    }
}

/// Copies one port to its writer on a thread of its own: the writer may block for as long as its reader likes, and neither
/// heartbeats nor signals may wait for that. The thread ends with the port, which ends with QEMU. It sends `Ok` when the
/// tally is complete, and an error when the writer refuses a byte.
pub(super) fn pump(
    port: UnixStream,
    mut to: impl Write + Send + 'static,
    tally: Arc<ByteCount>,
    news: UnboundedSender<io::Result<()>>,
) -> Result<(), VmError> {
    let blocking = port.into_std().and_then(|port| port.set_nonblocking(false).map(|()| port));
    let mut port = blocking.map_err(VmError::host("use the guest's serial ports"))?;
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let n = match port.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(n) => n,
            };
            let written = to.write_all(&buffer[..n]).and_then(|()| to.flush());
            let failed = written.is_err();
            let complete = tally.add(n);
            if failed || complete {
                let heard = news.send(written).is_ok();
                // Nobody listens once the run is over; then there is nothing left to copy for.
                if failed || !heard {
                    return;
                }
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_byte_that_completes_the_tally_is_news() {
        let tally = ByteCount::new();
        assert!(!tally.add(3));
        tally.want(5);
        assert!(!tally.add(1));
        assert!(tally.add(1));
        assert_eq!(tally.arrived(), 5);
    }
}
