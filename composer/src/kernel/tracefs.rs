//! Lines of `bpf_printk`, from a tracefs instance that receives a copy of every line, so that other
//! readers of `trace_pipe` do not miss any.
//! <https://docs.kernel.org/trace/ftrace.html#instances>
//!
//! An instance is a folder and outlives its process. Its name contains the process id, and creating
//! one removes those of killed processes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    task::{Context, Poll},
};

use tokio::io::unix::AsyncFd;

use super::{KernelError, LineReader, attach};

/// What the instances of this program are called, with a number behind it.
const NAME: &str = "freplace-compose-";
/// KiB of lines for each CPU that may wait to be read.
const ROOM: &str = "256";
const OPEN: &str = "make an instance of tracefs";

/// An instance; it goes when dropped.
#[derive(Debug)]
pub(super) struct Instance {
    folder: PathBuf,
    /// Its `trace_pipe`, until a reader takes it.
    pipe: Option<File>,
    is_gone: bool,
}

impl Instance {
    pub(super) fn open() -> Result<Self, KernelError> {
        let root = attach::tracefs();
        let root = root.ok_or_else(|| KernelError::here(OPEN, "tracefs is not mounted"))?;
        let instances = Path::new(root).join("instances");
        remove_stale(&instances);
        let folder = instances.join(format!("{NAME}{}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| KernelError::os(OPEN, &error))?;
        let mut instance = Self { folder, pipe: None, is_gone: false };
        instance.set_up().map_err(|error| KernelError::os(OPEN, &error))?;
        Ok(instance)
    }

    fn set_up(&mut self) -> io::Result<()> {
        let write = |file: &str, value: &str| fs::write(self.folder.join(file), value);
        write("trace_clock", "mono")?;
        write("buffer_size_kb", ROOM)?;
        // Lines of a plain form. Kernels that lack one of these have the form without it.
        for (option, value) in [("irq-info", "0"), ("record-tgid", "0")] {
            optional(write(&format!("options/{option}"), value))?;
        }
        // Wake the reader at every line, not when the buffer is half full.
        optional(write("buffer_percent", "0"))?;
        let pipe = self.folder.join("trace_pipe");
        let pipe = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(pipe)?;
        write("events/bpf_trace/bpf_trace_printk/enable", "1")?;
        self.pipe = Some(pipe);
        Ok(())
    }

    /// A reader of the lines; there is one.
    pub(super) fn lines(&mut self) -> Result<TraceLines, KernelError> {
        const CALL: &str = "read trace_pipe";
        let pipe = self.pipe.take();
        let pipe = pipe.ok_or_else(|| KernelError::here(CALL, "it has a reader"))?;
        // SAFETY: a File stays open, and the same, until the AsyncFd that owns it is dropped.
        #[expect(unsafe_code, reason = "tokio asks for this promise")]
        let pipe = unsafe { AsyncFd::register(pipe) };
        let pipe = pipe.map_err(|error| KernelError::within(CALL, &error))?;
        Ok(TraceLines { pipe, rest: Vec::new() })
    }

    /// Removes it; its reader has to be gone.
    pub(super) fn close(mut self) -> Result<(), KernelError> {
        self.remove().map_err(|error| KernelError::os("remove an instance of tracefs", &error))
    }

    fn remove(&mut self) -> io::Result<()> {
        self.pipe = None;
        fs::remove_dir(&self.folder)?;
        self.is_gone = true;
        Ok(())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !self.is_gone {
            // Nobody is left to be told; the next one to be made removes it.
            let _ = self.remove();
        }
    }
}

/// Removes what killed processes left. The kernel refuses to remove one that is being read.
fn remove_stale(instances: &Path) {
    let Ok(entries) = fs::read_dir(instances) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(NAME));
        let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) else { continue };
        let is_ours = number == std::process::id();
        if is_ours || !Path::new("/proc").join(number.to_string()).exists() {
            // What cannot be removed is told when it is in the way.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

fn optional(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A reader of the lines of an instance.
pub struct TraceLines {
    pipe: AsyncFd<File>,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
}

impl LineReader for TraceLines {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), KernelError>> {
        let ready = match self.pipe.poll_read_ready(context) {
            Poll::Ready(ready) => ready.map(|mut ready| ready.clear_ready()),
            Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(ready.map_err(|error| KernelError::os("wait for trace_pipe", &error)))
    }

    fn read(&mut self, mut each: impl FnMut(&[u8])) -> bool {
        let mut bytes = [0; 4096]; // the kernel hands out a page at most
        let length = match self.pipe.get_mut().read(&mut bytes) {
            Ok(length) if length > 0 => length,
            _ => return false,
        };
        self.rest.extend_from_slice(&bytes[..length]);
        let mut start = 0;
        while let Some(end) = self.rest[start..].iter().position(|byte| *byte == b'\n') {
            each(&self.rest[start..start + end]);
            start += end + 1;
        }
        self.rest.drain(..start);
        true
    }
}
