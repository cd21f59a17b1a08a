//! A requested machine and its life cycle: kernel, initramfs, QEMU, result.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    cache,
    choice::KernelChoice,
    error::VmError,
    guest, guest_network,
    image::Image,
    job,
    modules::{Module, Modules},
    progress::{GuestExit, Progress},
    qemu, rootfs, run,
    scratch::{self, Scratch},
    signals::ForwardedSignals,
};

/// A command and the machine to run it in.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The kernel to boot.
    pub kernel: KernelChoice,
    /// The command. Its first word is looked up on this host and copied into the guest; a name that
    /// the host lacks may be one of busybox's applets.
    pub argv: Vec<OsString>,
    /// Further commands that `argv` will run; found and copied like its first word.
    pub commands: Vec<OsString>,
    /// The command's environment. Unless set here, the guest has `HOME=/root`, `TERM=dumb` and a
    /// `PATH` of the copied executables' folders, then the standard folders. This process's
    /// environment is not passed on.
    pub env: BTreeMap<OsString, OsString>,
    /// The command's working directory, absolute; created in the guest. Relative paths in `argv`
    /// and `bring` start here.
    pub cwd: PathBuf,
    /// Files and folders the guest needs.
    pub bring: Vec<HostFile>,
    /// Kernel modules that are loaded before the command starts, by name; their dependencies are
    /// loaded as well. They come from the Debian package of a downloaded kernel, and from
    /// `/lib/modules` for an image of this machine.
    pub modules: Vec<String>,
    /// The same for what a kernel may have built in, or not at all: a module that is not there is left
    /// out.
    pub modules_if_any: Vec<String>,
    /// Whether the guest has a second network namespace, `/run/netns/peer`, and a pair of veth devices between
    /// them: `eth0` has 10.0.0.1 and fd00::1 here, 10.0.0.2 and fd00::2 there.
    pub network: bool,
    /// A text file that the command may write, and that is wanted back: see [`GuestExit::kept`]. Its folder is made in the
    /// guest.
    pub keep: Option<PathBuf>,
    /// The executable that becomes the guest's first process: one that calls
    /// [`guest_main`](super::guest_main) when [`is_guest_init`](super::is_guest_init).
    pub init: PathBuf,
    /// The guest's memory in MiB; copied files may use a quarter of it.
    pub memory_mib: u32,
    /// The guest's CPUs.
    pub cpus: u32,
    /// Bound from when QEMU runs to the start of the command.
    pub boot_timeout: Duration,
    /// Bound between two signs of life of the guest, which sends one a second.
    pub heartbeat_timeout: Duration,
    /// Bound on the command itself; `None` lets it run for as long as it lives.
    pub run_timeout: Option<Duration>,
}

/// One file or folder of the host that the guest gets. The shared libraries and interpreters that its executables need
/// come along by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFile {
    /// On the host; symlinks are followed.
    pub source: PathBuf,
    /// In the guest.
    pub dest: PathBuf,
}

impl From<PathBuf> for HostFile {
    /// At the same path on both sides.
    fn from(path: PathBuf) -> Self {
        Self { source: path.clone(), dest: path }
    }
}

impl Machine {
    /// A machine for one command, started in this process' working directory: the default kernel, two CPUs, 1 GiB.
    ///
    /// # Errors
    /// [`VmError::Host`] when this process' executable or working directory cannot be found.
    pub fn new(argv: Vec<OsString>) -> Result<Self, VmError> {
        Ok(Self {
            kernel: KernelChoice::default(),
            argv,
            commands: Vec::new(),
            env: BTreeMap::new(),
            cwd: env::current_dir().map_err(VmError::host("find the working directory"))?,
            bring: Vec::new(),
            modules: Vec::new(),
            modules_if_any: Vec::new(),
            network: false,
            keep: None,
            init: env::current_exe().map_err(VmError::host("find this program's executable"))?,
            memory_mib: 1024,
            cpus: 2,
            boot_timeout: Duration::from_secs(120),
            heartbeat_timeout: Duration::from_secs(60),
            run_timeout: None,
        })
    }

    /// Boots the machine, runs the command, and passes its output on as it comes, byte for byte.
    ///
    /// From boot on, SIGINT and SIGTERM to this process are the command's: the first is forwarded, the second ends the
    /// machine. Dropping the future ends the machine too, and so does the death of this process.
    ///
    /// # Errors
    /// Whenever there is no exit code of the command, the [`VmError`] says why.
    pub async fn run(
        self,
        progress: &mut dyn FnMut(Progress),
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> Result<GuestExit, VmError> {
        if env::consts::ARCH != "x86_64" {
            return Err(VmError::Architecture);
        }
        // A file that is no kernel is told before tools are asked for, which could mend nothing.
        if let KernelChoice::Image(path) = &self.kernel {
            Image::open(path)?;
        }
        qemu::check_tools()?;
        let mut cache = cache::Cache::of_user()?;
        let image = match &self.kernel {
            KernelChoice::Series(series) => cache.kernel(series, progress).await?,
            KernelChoice::Image(path) => Image::open(path)?,
        };
        let busybox = cache.busybox(progress).await?;
        let modules = self.find_modules(&image, &mut cache, busybox.as_deref(), progress).await?;
        // From here on there is something to clean up, so a signal no longer just ends this process.
        let signals = ForwardedSignals::new()?;
        let folder = scratch::folder()?;
        let initramfs = folder.path().join("initramfs");
        self.initramfs(&image, busybox.as_deref(), modules, &initramfs)?;
        let kvm = qemu::accelerator() == "kvm";
        progress(Progress::Booting { release: image.release.clone(), kvm });
        let started =
            qemu::Qemu::start(folder, &image, &initramfs, self.memory_mib, self.cpus).await?;
        let bounds = run::Bounds {
            boot: self.boot_timeout,
            heartbeat: self.heartbeat_timeout,
            run: self.run_timeout,
        };
        run::watch(started, bounds, signals, progress, out, err).await
    }

    async fn find_modules(
        &self,
        image: &Image,
        cache: &mut cache::Cache,
        busybox: Option<&Path>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Module>, VmError> {
        if self.modules.is_empty() && self.modules_if_any.is_empty() && !self.network {
            return Ok(Vec::new());
        }
        let release = &image.release;
        let unpacked = match &self.kernel {
            KernelChoice::Series(series) => Some(cache.modules(series, progress).await?),
            KernelChoice::Image(_) => None,
        };
        let root = unpacked.as_ref().map_or(Path::new("/"), Scratch::path);
        let mut places = ["lib/modules", "usr/lib/modules"].map(|at| root.join(at).join(release));
        // The order of places: where /lib is a link to usr/lib, both are the same.
        let Some(folder) = places.iter_mut().find(|folder| folder.is_dir()) else {
            let [folder, _] = places;
            if self.modules.is_empty() {
                return Ok(Vec::new());
            }
            return Err(VmError::NoModules { release: release.clone(), folder });
        };
        let found = Modules::open(folder, release, busybox)
            .map_err(VmError::host(format!("read the modules in {}", folder.display())))?;
        let cable = self.network.then(|| guest_network::MODULE.to_owned());
        let there = self.modules_if_any.iter().chain(&cable).filter(|name| found.has(name));
        found.in_order(self.modules.iter().chain(there))
    }

    fn initramfs(
        &self,
        image: &Image,
        busybox: Option<&Path>,
        modules: Vec<Module>,
        to: &Path,
    ) -> Result<(), VmError> {
        let busybox =
            busybox.map(|path| applets(path).map(|names| (path.to_owned(), names))).transpose()?;
        let mut rootfs = rootfs::Rootfs::new(&self.init, busybox.as_ref())?;
        if let Some(config) = image.config() {
            rootfs.directory(Path::new("/boot"));
            rootfs.data(&format!("/boot/config-{}", image.release), config);
        }
        for HostFile { source, dest } in &self.bring {
            rootfs.bring(&self.cwd.join(source), &rootfs::absolute(&self.cwd, dest))?;
        }
        let word =
            self.argv.first().ok_or_else(|| VmError::CommandNotFound { command: String::new() })?;
        let program = rootfs.program(word, &self.cwd)?;
        for word in &self.commands {
            rootfs.program(word, &self.cwd)?;
        }
        let cwd = rootfs::absolute(Path::new("/"), &self.cwd);
        rootfs.directory(&cwd);
        let keep = self.keep.as_ref().map(|path| rootfs::absolute(&self.cwd, path));
        let mut env = self.env.clone();
        env.entry("PATH".into()).or_insert_with(|| rootfs.path_variable());
        env.insert(guest::VARIABLE.into(), "1".into());
        env.entry("HOME".into()).or_insert("/root".into());
        env.entry("TERM".into()).or_insert("dumb".into());
        let modules = modules.into_iter().map(|module| rootfs.module(module)).collect();
        let job = job::GuestCommand {
            program,
            argv: self.argv.clone(),
            env: env.into_iter().collect(),
            cwd,
            modules,
            network: self.network,
            keep: keep.unwrap_or_default(),
        };
        rootfs.data(job::PATH, job.encode());
        let file = File::create(to).map_err(VmError::host(format!("make {}", to.display())))?;
        rootfs.write(file, self.memory_mib)
    }
}

/// The names a busybox answers to, by its own account.
fn applets(busybox: &Path) -> Result<Vec<String>, VmError> {
    let listed = Command::new(busybox).arg("--list").output();
    let listed = listed.map_err(VmError::host(format!("run {}", busybox.display())))?;
    Ok(String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect())
}
