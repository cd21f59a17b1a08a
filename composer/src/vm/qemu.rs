//! A QEMU process and the four serial ports that it connects to this process: console, standard
//! output, standard error, control.
//!
//! Serial ports are the only channel built into every stock kernel. Each gets its own interrupt
//! line: the classic assignment makes COM1 and COM3, COM2 and COM4 share one, and QEMU's lines are
//! not wired-or.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _},
    path::Path,
    process::{ExitStatus, Stdio},
};

use tokio::{
    net::{UnixListener, UnixStream},
    process::{Child, Command},
};

use super::{error::VmError, image::Image, needs, scratch::Scratch};

const QEMU: &str = "qemu-system-x86_64";
/// The ports in the order of their numbers in the guest, with interrupt lines that nothing else on QEMU's `pc` uses.
const PORTS: [(&str, u8); 4] = [("console", 4), ("out", 3), ("err", 7), ("control", 6)];

/// A running machine. Dropped, it is killed.
pub(super) struct Qemu {
    child: Child,
    stderr: File,
    /// Initramfs and sockets; only needed until the guest is up.
    folder: Option<Scratch>,
}

/// Our ends of the guest's serial ports.
pub(super) struct Ports {
    pub(super) console: UnixStream,
    pub(super) out: UnixStream,
    pub(super) err: UnixStream,
    pub(super) control: UnixStream,
}

/// Hardware virtualisation where it is real: /dev/kvm alone proves nothing, because a paravirtual host offers one that
/// cannot boot a stock kernel.
///
/// Emulated, all CPUs of the guest share one thread: attaching a tracepoint rewrites code that another CPU may be about to
/// run, and emulation with a thread for each CPU has been seen to run half of the old and half of the new.
pub(super) fn accelerator() -> &'static str {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let hardware = cpu.split_ascii_whitespace().any(|flag| flag == "vmx" || flag == "svm");
    let usable = hardware && OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
    if usable { "kvm" } else { "tcg,thread=single" }
}

/// The tools this layer starts, looked up before anything is fetched or made.
pub(super) fn check_tools() -> Result<(), VmError> {
    for (tool, package) in [(QEMU, "qemu-system-x86"), ("setpriv", "util-linux")] {
        if needs::on_path(tool.as_ref()).is_none() {
            return Err(VmError::ToolMissing { tool, package });
        }
    }
    Ok(())
}

impl Qemu {
    /// Starts a machine from `folder`, which holds the initramfs, and takes its ports.
    pub(super) async fn start(
        folder: Scratch,
        image: &Image,
        initramfs: &Path,
        memory_mib: u32,
        cpus: u32,
    ) -> Result<(Self, Ports), VmError> {
        let listen = |name: &str| UnixListener::bind(folder.path().join(name));
        let listening = PORTS.map(|(name, _)| {
            listen(name).map_err(VmError::host("listen for the guest's serial ports"))
        });
        let stderr = tempfile::tempfile().map_err(VmError::host("make a temporary file"))?;
        // setpriv --pdeathsig: no QEMU outlives us, whatever kills us; for the kernel, "us" is the calling thread. Should we die before setpriv has run, QEMU finds
        // nobody listening on its ports and ends by itself.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", QEMU]);
        command.args(arguments(folder.path(), image, initramfs, memory_mib, cpus));
        // A process group of its own: a terminal's Ctrl-C is for us, who pass it on into the guest.
        command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0).kill_on_drop(true);
        command.stderr(stderr.try_clone().map_err(VmError::host("share a temporary file"))?);
        let child = command.spawn().map_err(VmError::host(format!("start {QEMU}")))?;
        let mut this = Self { child, stderr, folder: Some(folder) };
        let [console, out, err, control] = listening;
        let ports = Ports {
            console: this.accept(console?).await?,
            out: this.accept(out?).await?,
            err: this.accept(err?).await?,
            control: this.accept(control?).await?,
        };
        Ok((this, ports))
    }

    /// QEMU opens its ports before it runs anything, or ends.
    async fn accept(&mut self, listener: UnixListener) -> Result<UnixStream, VmError> {
        tokio::select! {
            accepted = listener.accept() => Ok(accepted.map_err(VmError::host("take the guest's serial ports"))?.0),
            status = self.ended() => Err(VmError::QemuStart { status: status?, stderr: self.complaint() }),
        }
    }

    /// The guest is up: what it was started from is in its memory.
    pub(super) fn forget_files(&mut self) {
        self.folder = None;
    }

    /// Waits until QEMU ends by itself.
    pub(super) async fn ended(&mut self) -> Result<ExitStatus, VmError> {
        self.child.wait().await.map_err(VmError::host("wait for qemu"))
    }

    /// Ends the machine at once; it has nothing to save.
    pub(super) async fn kill(&mut self) -> Result<(), VmError> {
        self.child.kill().await.map_err(VmError::host("stop qemu"))
    }

    /// What QEMU wrote to its standard error so far.
    pub(super) fn complaint(&mut self) -> String {
        let mut text = Vec::new();
        let read = self.stderr.rewind().and_then(|()| self.stderr.read_to_end(&mut text));
        read.map_or_else(
            |error| error.to_string(),
            |_| String::from_utf8_lossy(&text).trim().to_owned(),
        )
    }
}

/// A bare PC: no defaults, no configuration files, no network, no display, and an end in place of a reboot.
fn arguments(
    folder: &Path,
    image: &Image,
    initramfs: &Path,
    memory_mib: u32,
    cpus: u32,
) -> Vec<OsString> {
    let mut words: Vec<OsString> =
        ["-no-user-config", "-nodefaults", "-display", "none", "-no-reboot", "-nic", "none"]
            .into_iter()
            .chain(["-machine", "pc", "-cpu", "max", "-accel", accelerator()])
            .map(OsString::from)
            .collect();
    words.extend([
        "-m".into(),
        format!("{memory_mib}M").into(),
        "-smp".into(),
        cpus.to_string().into(),
    ]);
    words.extend([
        "-kernel".into(),
        image.vmlinuz.clone().into(),
        "-initrd".into(),
        initramfs.into(),
    ]);
    // A panic or an oops ends the machine at once (panic=-1 restarts, -no-reboot ends it); 8250.nr_uarts: Debian's own
    // default, stated for kernels that have fewer; no_timer_check: on a busy host an emulated timer may tick late, and the
    // kernel takes that for broken hardware and panics (check_timer in
    // <https://github.com/torvalds/linux/blob/v6.12/arch/x86/kernel/apic/io_apic.c>).
    let mut line =
        "console=ttyS0 loglevel=5 panic=-1 oops=panic 8250.nr_uarts=4 no_timer_check".to_owned();
    if let Some(lsm) = image.lsm_option() {
        line = line + " " + &lsm;
    }
    words.extend(["-append".into(), line.into()]);
    for (index, (name, irq)) in PORTS.iter().enumerate() {
        let mut chardev = OsString::from(format!("socket,id={name},path="));
        chardev.push(escaped(&folder.join(name)));
        let device = format!("isa-serial,chardev={name},index={index},irq={irq}");
        words.extend(["-chardev".into(), chardev, "-device".into(), device.into()]);
    }
    words
}

/// QEMU's option lists end a value at a comma; two commas stand for one.
fn escaped(path: &Path) -> OsString {
    use std::os::unix::ffi::OsStrExt as _;
    let parts: Vec<_> = path.as_os_str().as_bytes().split(|&b| b == b',').collect();
    OsStr::from_bytes(&parts.join(&b",,"[..])).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_a_path_is_doubled() {
        assert_eq!(escaped(Path::new("/tmp/a,b")), "/tmp/a,,b");
    }

    #[test]
    fn each_port_has_an_interrupt_line_of_its_own() {
        let lines: std::collections::HashSet<_> = PORTS.iter().map(|(_, irq)| irq).collect();
        assert_eq!(lines.len(), PORTS.len());
    }
}
