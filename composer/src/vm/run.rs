//! Watches a guest from start to result: passes output on, forwards signals, and turns everything
//! other than an exit code into an error. The guest keeps running after it has sent its exit code,
//! until all the bytes that it counted have arrived; so the result does not depend on how a serial
//! driver drains.

use std::{
    io::{self, Write},
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Split},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, sleep_until},
};

use super::{
    console::Console,
    control::{Deliver, FromGuest},
    error::VmError,
    progress::{GuestExit, Progress},
    pump::{ByteCount, pump},
    qemu::{Ports, Qemu},
    signals::ForwardedSignals,
};

/// Bounds of one run; each is an error of its own when it passes.
pub(super) struct Bounds {
    pub(super) boot: Duration,
    pub(super) heartbeat: Duration,
    pub(super) run: Option<Duration>,
}

/// How the job ended, and how many bytes it wrote in all.
struct Verdict {
    code: i32,
    bytes: u64,
}

struct Watch<'a> {
    qemu: Qemu,
    bounds: Bounds,
    console: Console,
    console_port: UnixStream,
    guest: Split<BufReader<OwnedReadHalf>>,
    to_guest: OwnedWriteHalf,
    output: UnboundedReceiver<io::Result<()>>,
    tally: Arc<ByteCount>,
    started: Instant,
    booted: Option<Duration>,
    last_sign: Instant,
    signalled: bool,
    verdict: Option<Verdict>,
    kept: String,
    progress: &'a mut dyn FnMut(Progress),
}

/// Watches a started guest until its job has ended and all of its output is passed on.
pub(super) async fn watch(
    (qemu, ports): (Qemu, Ports),
    bounds: Bounds,
    mut signals: ForwardedSignals,
    progress: &mut dyn FnMut(Progress),
    out: impl Write + Send + 'static,
    err: impl Write + Send + 'static,
) -> Result<GuestExit, VmError> {
    let (read, to_guest) = ports.control.into_split();
    let (sender, output) = unbounded_channel();
    let tally = ByteCount::new();
    pump(ports.out, out, Arc::clone(&tally), sender.clone())?;
    pump(ports.err, err, Arc::clone(&tally), sender)?;
    let started = Instant::now();
    let mut watch = Watch {
        qemu,
        bounds,
        console: Console::default(),
        console_port: ports.console,
        guest: BufReader::new(read).split(b'\n'),
        to_guest,
        output,
        tally,
        started,
        booted: None,
        last_sign: started,
        signalled: false,
        verdict: None,
        kept: String::new(),
        progress,
    };
    let result = watch.run(&mut signals).await;
    watch.qemu.kill().await?;
    result
}

impl Watch<'_> {
    async fn run(&mut self, signals: &mut ForwardedSignals) -> Result<GuestExit, VmError> {
        let mut chunk = vec![0; 4096];
        let (mut console_open, mut guest_open, mut output_open) = (true, true, true);
        loop {
            if let Some(verdict) = &self.verdict
                && self.tally.arrived() >= verdict.bytes
            {
                return self.exit();
            }
            let deadline = self.deadline();
            // In this order: what the guest has said already counts before its end, and before a bound, which may have
            // passed while this process was stopped.
            tokio::select! {
                biased;
                read = self.console_port.read(&mut chunk), if console_open => match read {
                    Ok(n) if n > 0 => self.console.push(&chunk[..n]),
                    _ => console_open = false,
                },
                line = self.guest.next_segment(), if guest_open => match line {
                    Ok(Some(line)) => self.hear(&line)?,
                    _ => guest_open = false,
                },
                copied = self.output.recv(), if output_open => match copied {
                    Some(copied) => copied.map_err(|source| VmError::Output { source })?,
                    None => output_open = false,
                },
                number = signals.next() => self.signal(number).await?,
                status = self.qemu.ended() => {
                    let status = status?;
                    tokio::select! {
                        result = self.end(status) => return result,
                        // The reader of our output may never take the rest of it.
                        _ = signals.next() => return Err(VmError::Interrupted),
                    }
                }
                () = sleep_until(deadline) => return Err(self.too_late()),
            }
        }
    }

    fn hear(&mut self, line: &[u8]) -> Result<(), VmError> {
        let Some(message) = FromGuest::parse(line) else { return Ok(()) };
        self.last_sign = Instant::now();
        match message {
            FromGuest::Ready { release } => {
                let boot = self.started.elapsed();
                self.booted = Some(boot);
                self.qemu.forget_files();
                (self.progress)(Progress::Booted { release, boot });
            }
            FromGuest::Beat => {}
            FromGuest::Kept { line } => {
                self.kept += &line;
                self.kept.push('\n');
            }
            FromGuest::Exit { code, out, err } => {
                self.tally.want(out + err);
                self.verdict = Some(Verdict { code, bytes: out + err });
            }
            FromGuest::Failed { why } => {
                return Err(VmError::Init { why, console: self.console.tail() });
            }
        }
        Ok(())
    }

    /// The first signal is the job's, which may have something to take down; the next one, or one that comes before there
    /// is a job, ends the machine.
    async fn signal(&mut self, signal: i32) -> Result<(), VmError> {
        if self.booted.is_none() || self.signalled {
            return Err(VmError::Interrupted);
        }
        self.signalled = true;
        let line = format!("{}\n", Deliver { signal });
        self.to_guest
            .write_all(line.as_bytes())
            .await
            .map_err(VmError::host("forward a signal to the guest"))
    }

    fn deadline(&self) -> Instant {
        let Some(boot) = self.booted else { return self.started + self.bounds.boot };
        let heartbeat = self.last_sign + self.bounds.heartbeat;
        match self.bounds.run {
            Some(run) if self.verdict.is_none() => heartbeat.min(self.started + boot + run),
            _ => heartbeat,
        }
    }

    fn too_late(&self) -> VmError {
        let console = self.console.tail();
        // A kernel that was built to stay where it panicked.
        if let Some(reason) = self.console.panic() {
            return VmError::Panic { reason, console };
        }
        match self.bounds.run {
            _ if self.booted.is_none() => VmError::NoBoot { after: self.bounds.boot, console },
            Some(after) if self.last_sign + self.bounds.heartbeat > Instant::now() => {
                VmError::Timeout { after, console }
            }
            _ => VmError::Hang { after: self.bounds.heartbeat, console },
        }
    }

    /// QEMU ended before we ended it: reads what is left, which is all there will ever be, and says what it means.
    async fn end(&mut self, status: ExitStatus) -> Result<GuestExit, VmError> {
        let mut rest = Vec::new();
        // The ports are closed on the other side; an error here only means that there is nothing more to read.
        let _ = self.console_port.read_to_end(&mut rest).await;
        self.console.push(&rest);
        while let Ok(Some(line)) = self.guest.next_segment().await {
            self.hear(&line)?;
        }
        while let Some(copied) = self.output.recv().await {
            copied.map_err(|source| VmError::Output { source })?;
        }
        let console = self.console.tail();
        match (&self.verdict, self.console.panic()) {
            (Some(verdict), _) if self.tally.arrived() >= verdict.bytes => self.exit(),
            (_, Some(reason)) => Err(VmError::Panic { reason, console }),
            (Some(verdict), None) => Err(VmError::LostOutput {
                sent: verdict.bytes,
                received: self.tally.arrived(),
                console,
            }),
            (None, None) => {
                Err(VmError::NoExitCode { status, stderr: self.qemu.complaint(), console })
            }
        }
    }

    fn exit(&mut self) -> Result<GuestExit, VmError> {
        let code = self.verdict.as_ref().map_or(0, |verdict| verdict.code);
        let kept = std::mem::take(&mut self.kept);
        let (boot, total) = (self.booted.unwrap_or_default(), self.started.elapsed());
        let out_of_memory = self.console.out_of_memory();
        Ok(GuestExit { code, boot, run: total.saturating_sub(boot), kept, out_of_memory })
    }
}
