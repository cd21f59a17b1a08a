//! The first process of the guest: this same program, started by the guest's kernel as `/init`.
//!
//! It prepares the machine, runs the job in its own process group, copies the job's output to the
//! serial ports, reaps, forwards signals, and reports over the control port. It never powers off:
//! the owner ends the machine once every counted byte has arrived. If init itself dies, the kernel
//! panics, which the owner detects.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write as _, pipe},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::ioctl_fionread,
    process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group, wait},
    system::{init_module, uname},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

use super::{
    control::{Deliver, FromGuest},
    guest_network, guest_setup,
    job::{self, GuestCommand},
};

/// Whether this process is the init of a micro-VM: process 1, under the name the kernel gives the initramfs' init.
/// Ask this before anything else in `main`, and answer with [`guest_main`].
#[must_use]
pub fn is_guest_init() -> bool {
    std::process::id() == 1 && env::args_os().next().is_some_and(|name| name == "/init")
}

/// Set for the command that a guest runs.
pub(super) const VARIABLE: &str = "FREPLACE_COMPOSE_MICRO_VM";

/// Whether this process is the command of a micro-VM, or started by it.
#[must_use]
pub fn is_in_guest() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// Runs the guest. Never returns; the machine's owner ends it.
pub fn guest_main() -> ! {
    if let Err(why) = guest_setup::mounts() {
        eprintln!("init: {why}");
        std::process::exit(1); // the kernel panics without init, which ends the machine with this line on its console
    }
    guest_setup::comforts();
    let control = match serial("/dev/ttyS3") {
        Ok(port) => Arc::new(Control { port: Mutex::new(port) }),
        Err(why) => {
            eprintln!("init: no control port /dev/ttyS3: {why}");
            std::process::exit(1);
        }
    };
    control.say(&run(&control).unwrap_or_else(|why| FromGuest::Failed { why }));
    loop {
        thread::park(); // may wake for no reason
    }
}

/// Our end of the control port.
struct Control {
    port: Mutex<File>,
}

impl Control {
    fn say(&self, message: &FromGuest) {
        let mut port = self.port.lock().unwrap_or_else(PoisonError::into_inner);
        // A broken control port cannot be reported over it; the owner notices the silence.
        if let Err(error) = port.write_all(format!("{message}\n").as_bytes()) {
            eprintln!("init: cannot send `{message}`: {error}");
        }
    }
}

fn run(control: &Arc<Control>) -> Result<FromGuest, String> {
    let job = fs::read(job::PATH).map_err(|error| format!("cannot read the job: {error}"))?;
    let job = GuestCommand::decode(&job).ok_or("the job file is damaged")?;
    let failed = |what: &'static str| move |error: io::Error| format!("cannot {what}: {error}");
    let (out_port, err_port) = (serial("/dev/ttyS1"), serial("/dev/ttyS2"));
    let (out_port, err_port) =
        (out_port.map_err(failed("open ttyS1"))?, err_port.map_err(failed("open ttyS2"))?);
    let (out_read, out_write) = pipe().map_err(failed("make a pipe"))?;
    let (err_read, err_write) = pipe().map_err(failed("make a pipe"))?;
    let (over_read, over_write) = pipe().map_err(failed("make a pipe"))?;
    control.say(&FromGuest::Ready { release: uname().release().to_string_lossy().into_owned() });
    let beating = Arc::clone(control);
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            beating.say(&FromGuest::Beat);
        }
    });
    if let Some(folder) = job.keep.parent() {
        fs::create_dir_all(folder).map_err(failed("make the folder of the file to keep"))?;
    }
    for module in &job.modules {
        load(module)?;
    }
    if job.network {
        guest_network::connect()?;
    }
    let leader = start(&job, out_write, err_write)?;
    forward_signals(leader).map_err(failed("listen on the control port"))?;
    let over = over_read.try_clone().map_err(failed("share a pipe"))?;
    let (out, err) = (copy(out_read, out_port, over), copy(err_read, err_port, over_read));
    let code = reap_until(leader)?;
    for line in kept(&job.keep) {
        control.say(&FromGuest::Kept { line });
    }
    drop(over_write); // tells the copying threads that what is in the pipes now is all that counts
    let count = |thread: JoinHandle<io::Result<u64>>| match thread.join() {
        Ok(copied) => copied.map_err(failed("pass on the command's output")),
        Err(_) => Err("a thread that passes on the command's output panicked".to_owned()),
    };
    Ok(FromGuest::Exit { code, out: count(out)?, err: count(err)? })
}

/// Loads a module into the kernel.
fn load(module: &Path) -> Result<(), String> {
    let failed = |why: &dyn std::fmt::Display| {
        let name = module.file_stem().unwrap_or_default().to_string_lossy();
        format!("cannot load the module {name}: {why}")
    };
    let content = fs::read(module).map_err(|error| failed(&error))?;
    match init_module(&content, c"") {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
        Err(error) => Err(failed(&io::Error::from(error))),
    }
}

/// The lines of the file that is wanted back, if the job wrote it.
fn kept(path: &Path) -> Vec<String> {
    // Anything else, such as a port, could keep us waiting.
    let text = if path.is_file() { fs::read(path).unwrap_or_default() } else { Vec::new() };
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

/// Starts the job in its own process group, and leaves no end of its pipes open here.
fn start(job: &GuestCommand, out: io::PipeWriter, err: io::PipeWriter) -> Result<Pid, String> {
    let mut command = Command::new(&job.program);
    let words = job.argv.split_first();
    let (name, arguments) = words.ok_or("the job has no command")?;
    command
        .arg0(name)
        .args(arguments)
        .env_clear()
        .envs(job.env.iter().cloned())
        .current_dir(&job.cwd);
    command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
    let child = command
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", job.program.display()))?;
    Ok(Pid::from_child(&child))
}

/// Delivers what the owner asks for to the job's process group.
fn forward_signals(leader: Pid) -> io::Result<()> {
    let port = BufReader::new(serial("/dev/ttyS3")?);
    thread::spawn(move || {
        for line in port.split(b'\n').map_while(Result::ok) {
            let asked = str::from_utf8(&line).ok().and_then(Deliver::parse);
            if let Some(signal) = asked.and_then(|asked| Signal::from_named_raw(asked.signal)) {
                // The group may be gone already, with its exit code on the way.
                let _ = kill_process_group(leader, signal);
            }
        }
    });
    Ok(())
}

/// Waits for the job, and on the way for every orphan, as the first process must. The job's exit code.
fn reap_until(leader: Pid) -> Result<i32, String> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == leader => return Ok(exit_code(status)),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("cannot wait for the command: {error}")),
        }
    }
}

/// As a shell gives it: 128 + n for a command that signal n ended.
fn exit_code(status: WaitStatus) -> i32 {
    status.exit_status().or_else(|| Some(128 + status.terminating_signal()?)).unwrap_or(255)
}

/// Copies a pipe to a port until the pipe ends, or until the job is over; then what is in the pipe still goes out. A
/// process that the job left behind may hold the pipe open, and would otherwise keep the machine running. Counts bytes.
fn copy(mut from: PipeReader, mut to: File, over: PipeReader) -> JoinHandle<io::Result<u64>> {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let mut copied = 0;
        loop {
            let mut ready = [PollFd::new(&from, PollFlags::IN), PollFd::new(&over, PollFlags::IN)];
            match poll(&mut ready, None) {
                Err(rustix::io::Errno::INTR) => continue,
                polled => polled?,
            };
            let over = !ready[1].revents().is_empty();
            if over {
                let left = ioctl_fionread(&from)?;
                let mut rest = (&mut from).take(left);
                return Ok(copied + io::copy(&mut rest, &mut to)?);
            }
            let n = from.read(&mut buffer)?;
            if n == 0 {
                return Ok(copied);
            }
            to.write_all(&buffer[..n])?;
            copied += n as u64;
        }
    })
}

/// A serial port that carries bytes as they are: no echo, no line editing, no translation.
fn serial(path: &str) -> io::Result<File> {
    let port = OpenOptions::new().read(true).write(true).open(path)?;
    let mut settings = tcgetattr(&port)?;
    settings.make_raw();
    settings.set_speed(115_200)?; // QEMU ignores it; the driver derives its time limits from it
    tcsetattr(&port, OptionalActions::Now, &settings)?;
    Ok(port)
}
