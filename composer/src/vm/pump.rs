//! From a serial port to the writer of the one who asked for the run.

use std::io::{self, Read as _, Write};

use tokio::{net::UnixStream, sync::mpsc::UnboundedSender};

use super::error::VmError;

/// Copies one port to its writer on a thread of its own: the writer may block for as long as its reader likes, and neither
/// heartbeats nor signals may wait for that. The thread ends with the port, which ends with QEMU.
pub(super) fn pump(
    port: UnixStream,
    mut to: impl Write + Send + 'static,
    sender: UnboundedSender<io::Result<usize>>,
) -> Result<(), VmError> {
    let blocking = port.into_std().and_then(|port| port.set_nonblocking(false).map(|()| port));
    let mut port = blocking.map_err(VmError::host("use the guest's serial ports"))?;
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let copied = match port.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(n) => to.write_all(&buffer[..n]).and_then(|()| to.flush()).map(|()| n),
            };
            let failed = copied.is_err();
            // Nobody listens once the run is over; then there is nothing left to copy for.
            if sender.send(copied).is_err() || failed {
                return;
            }
        }
    });
    Ok(())
}
