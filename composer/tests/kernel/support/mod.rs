//! What the tests share: chains to bring up, a hook to fire, the binary to run, and a look at what
//! the kernel holds.

pub(crate) mod chain;
pub(crate) mod events;
pub(crate) mod kernel_objects;
pub(crate) mod process;
pub(crate) mod test_run;
pub(crate) mod variables;

use std::time::{Duration, Instant};

pub(crate) use chain::{Folder, recipe};
pub(crate) use kernel_objects::Snapshot;
pub(crate) use process::{Finished, Live, run};

/// How long anything may take that a test waits for. The guest is emulated and may be busy.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// Waits until `condition` holds; whether it did in time.
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + BOUND;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5)); // between two looks; the bound decides
    }
}

/// Fires the hosts of the test programs once with `value`: see test-programs/bpf/getpgid.h.
pub(crate) fn fire(value: u16) {
    let magic = 0x4643_0000 | i32::from(value);
    let pid = rustix::process::Pid::from_raw(magic).expect("not zero");
    let answer = rustix::process::getpgid(Some(pid));
    assert_eq!(answer, Err(rustix::io::Errno::SRCH), "no process has a number that large");
}

/// The series of the running kernel.
pub(crate) fn series() -> (u32, u32) {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split('.').map_while(|part| part.parse().ok());
    (numbers.next().expect("a major"), numbers.next().expect("a minor"))
}
