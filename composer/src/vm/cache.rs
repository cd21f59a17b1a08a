//! The user's cache of kernels, with busybox: filled once, kept until the user removes it.
//!
//! Every entry is a folder that is made beside its place and renamed into it, under one lock, so that any number of
//! processes may ask for it at once and none sees half of it.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use tokio::sync::oneshot;

use super::{
    apt::{self, Apt, Package},
    error::VmError,
    image::Image,
    needs,
    progress::Progress,
};

/// Where kernels are kept.
pub(super) struct Cache {
    folder: PathBuf,
    /// Package lists of our own, made at most once and removed at the end.
    fresh: Option<(tempfile::TempDir, Apt)>,
}

impl Cache {
    /// `$FREPLACE_COMPOSE_CACHE`, else `$XDG_CACHE_HOME/freplace-compose`, else `~/.cache/freplace-compose`.
    pub(super) fn of_user() -> Result<Self, VmError> {
        let variable =
            |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let own = env::var_os("FREPLACE_COMPOSE_CACHE").filter(|value| !value.is_empty());
        let folder = own
            .map(|own| env::current_dir().unwrap_or_default().join(own))
            .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("freplace-compose")))
            .or_else(|| Some(variable("HOME")?.join(".cache/freplace-compose")))
            .ok_or(VmError::NoCache)?;
        Ok(Self { folder, fresh: None })
    }

    /// The newest cloud kernel of a series, as of the day it was fetched.
    pub(super) async fn kernel(
        &mut self,
        series: &str,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Image, VmError> {
        let entry =
            self.entry(&format!("kernel-{series}"), Wanted::Kernel(series), progress).await?;
        Image::open(&entry.join("vmlinuz"))
    }

    /// A busybox for the guest: Debian's static one; where that cannot be had, the host's own.
    pub(super) async fn busybox(
        &mut self,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<PathBuf>, VmError> {
        let of_host = needs::on_path("busybox".as_ref());
        if !self.folder.join("busybox").exists() && !apt::available() {
            return Ok(of_host);
        }
        match self.entry("busybox", Wanted::Busybox, progress).await {
            Ok(entry) => Ok(Some(entry.join("busybox"))),
            Err(VmError::Fetch { .. }) if of_host.is_some() => Ok(of_host),
            Err(error) => Err(error),
        }
    }

    async fn entry(
        &mut self,
        name: &str,
        what: Wanted<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<PathBuf, VmError> {
        let place = self.folder.join(name);
        if place.exists() {
            return Ok(place);
        }
        if let (Wanted::Kernel(series), false) = (what, apt::available()) {
            return Err(VmError::NoApt { series: series.to_owned() });
        }
        let _lock = self.lock(progress).await?;
        if place.exists() {
            return Ok(place); // fetched by the one we waited for
        }
        let cache = self.folder.clone();
        let failed = || VmError::host(format!("fill the cache {}", cache.display()));
        // Under the lock, a folder of work can only be what a killed process left.
        for entry in fs::read_dir(&cache).map_err(failed())?.filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with("work-") {
                fs::remove_dir_all(entry.path()).map_err(failed())?;
            }
        }
        let work = tempfile::Builder::new().prefix("work-").tempdir_in(&cache).map_err(failed())?;
        let (root, package) = self.fetch(what, work.path(), progress).await?;
        let made = work.path().join("entry");
        fs::create_dir(&made).map_err(failed())?;
        let (from, to) = what.file(&root).map_err(failed())?;
        fs::rename(from, made.join(to)).map_err(failed())?;
        fs::write(made.join("package"), format!("{} {}\n", package.name, package.version))
            .map_err(failed())?;
        fs::rename(&made, &place).map_err(failed())?;
        Ok(place)
    }

    /// From the system's package lists, or from fresh ones when those do not know the package or name a version that the
    /// archive no longer has.
    async fn fetch(
        &mut self,
        what: Wanted<'_>,
        work: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(PathBuf, Package), VmError> {
        let failed = || VmError::host(format!("make a folder in {}", work.display()));
        let system = Apt::system();
        if let Some(package) = what.find(&system).await? {
            progress(Progress::Fetching { package: package.name.clone(), bytes: package.size });
            let folder = work.join("system");
            fs::create_dir(&folder).map_err(failed())?;
            if let Ok(root) = system.unpack(&package, &folder).await {
                return Ok((root, package));
            }
        } else if let (Wanted::Kernel(series), known) = (what, system.series().await?)
            && !known.is_empty()
        {
            return Err(VmError::UnknownSeries { series: series.to_owned(), known });
        }
        let (_, fresh) = match &mut self.fresh {
            Some(made) => made,
            none => {
                progress(Progress::Updating);
                let lists =
                    tempfile::tempdir().map_err(VmError::host("make a temporary folder"))?;
                let apt = Apt::private(lists.path()).await?;
                none.insert((lists, apt))
            }
        };
        let Some(package) = what.find(fresh).await? else {
            return Err(match what {
                Wanted::Kernel(series) => VmError::UnknownSeries {
                    series: series.to_owned(),
                    known: fresh.series().await?,
                },
                Wanted::Busybox => VmError::Fetch {
                    what: BUSYBOX.to_owned(),
                    why: "apt does not know it".to_owned(),
                },
            });
        };
        progress(Progress::Fetching { package: package.name.clone(), bytes: package.size });
        let folder = work.join("fresh");
        fs::create_dir(&folder).map_err(failed())?;
        Ok((fresh.unpack(&package, &folder).await?, package))
    }

    /// Held until the file is closed, which the kernel does for a process that dies.
    async fn lock(&self, progress: &mut dyn FnMut(Progress)) -> Result<File, VmError> {
        let failed = || VmError::host(format!("lock the cache {}", self.folder.display()));
        fs::create_dir_all(&self.folder).map_err(failed())?;
        let file = File::create(self.folder.join("lock")).map_err(failed())?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(file);
        }
        progress(Progress::Waiting { cache: self.folder.clone() });
        let (locked, wait) = oneshot::channel();
        // A thread of its own, not the runtime's: the runtime would wait for it even after this future is dropped.
        std::thread::spawn(move || {
            locked.send(flock(&file, FlockOperation::LockExclusive).map(|()| file))
        });
        wait.await
            .map_err(|_| io::ErrorKind::Other.into())
            .and_then(|file| Ok(file?))
            .map_err(failed())
    }
}

/// The package that has a userland for the guest in one static executable.
const BUSYBOX: &str = "busybox-static";

/// What an entry is made of.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Kernel(&'a str),
    Busybox,
}

impl Wanted<'_> {
    async fn find(self, apt: &Apt) -> Result<Option<Package>, VmError> {
        match self {
            Self::Kernel(series) => apt.kernel(series).await,
            Self::Busybox => apt.show(BUSYBOX).await,
        }
    }

    /// The one file that is kept of an unpacked package, and its name in the cache.
    fn file(self, root: &Path) -> io::Result<(PathBuf, &'static str)> {
        match self {
            Self::Kernel(_) => {
                let mut files = fs::read_dir(root.join("boot"))?
                    .filter_map(Result::ok)
                    .map(|entry| entry.path());
                let named = |path: &PathBuf| {
                    path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("vmlinuz"))
                };
                Ok((files.find(named).ok_or(io::ErrorKind::NotFound)?, "vmlinuz"))
            }
            Self::Busybox => {
                // Before and after Debian merged /bin into /usr/bin.
                let mut places =
                    ["bin/busybox", "usr/bin/busybox"].map(|place| root.join(place)).into_iter();
                Ok((
                    places.find(|place| place.is_file()).ok_or(io::ErrorKind::NotFound)?,
                    "busybox",
                ))
            }
        }
    }
}
