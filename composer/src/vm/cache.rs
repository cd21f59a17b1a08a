//! The user's cache of kernels and busybox: filled once, kept until the user removes it.
//!
//! Every entry is a folder that is created beside its final path and renamed, under one lock, so
//! that concurrent processes never see an incomplete entry. A checksum is stored beside each file:
//! a truncated or modified file is detected before it is used.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use tokio::sync::oneshot;

use super::{
    apt,
    archive::PackageIndex,
    entry::{self, CacheEntry, Damage, EntryKind},
    error::VmError,
    image::Image,
    needs,
    progress::Progress,
    scratch::{self, Scratch},
};
use crate::user_folders;

/// Where kernels are kept.
pub(super) struct Cache {
    pub(super) folder: PathBuf,
    /// In the place of a cache that nothing can be put into: gone with this value.
    spare: Option<Scratch>,
}

impl Cache {
    /// That of the user who runs this.
    pub(super) fn of_user() -> Result<Self, VmError> {
        let folder = user_folders::cache().ok_or(VmError::NoCache)?;
        Ok(Self { folder, spare: None })
    }

    /// The newest cloud kernel of a series, as of the day it was fetched.
    pub(super) async fn kernel(
        &mut self,
        series: &str,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Image, VmError> {
        let file = self.file(EntryKind::Kernel(series), progress).await?;
        Image::open(&file)
    }

    /// The modules of the cached kernel of a series: a folder with `lib/modules/RELEASE`.
    pub(super) async fn modules(
        &mut self,
        series: &str,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Scratch, VmError> {
        let archive = self.file(EntryKind::Modules(series), progress).await?;
        let folder = scratch::folder()?;
        let unpacked = apt::unpack(&archive, folder.path()).await?;
        let what = format!("the modules of {series}");
        unpacked.map_err(|why| VmError::Fetch { what, why })?;
        Ok(folder)
    }

    /// A busybox for the guest: Debian's static one; where that cannot be had, the host's own.
    pub(super) async fn busybox(
        &mut self,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<PathBuf>, VmError> {
        let of_host = needs::on_path("busybox".as_ref());
        if !CacheEntry::of(&self.folder, EntryKind::Busybox).exists() && !apt::available() {
            return Ok(of_host);
        }
        match self.file(EntryKind::Busybox, progress).await {
            Ok(file) => Ok(Some(file)),
            Err(VmError::Fetch { .. } | VmError::Damaged { .. }) if of_host.is_some() => {
                Ok(of_host)
            }
            Err(error) => Err(error),
        }
    }

    /// A whole file of the cache, fetched when it is not there or damaged.
    async fn file(
        &mut self,
        what: EntryKind<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<PathBuf, VmError> {
        let entry = CacheEntry::of(&self.folder, what);
        let Some(damage) = entry.damage()? else { return Ok(entry.file()) };
        if let (EntryKind::Kernel(series) | EntryKind::Modules(series), false) =
            (what, apt::available())
        {
            return Err(VmError::NoApt { series: series.to_owned() });
        }
        if damage != Damage::Missing {
            progress(Progress::Damaged { path: entry.file(), damage: damage.what() });
        }
        let locked = self.lock(progress).await;
        let (_lock, folder) = match locked {
            Ok(lock) => (Some(lock), self.folder.clone()),
            Err(why) => (None, self.spare(&why, progress)?),
        };
        let now = CacheEntry::of(&folder, what);
        if now.damage()?.is_none() {
            return Ok(now.file()); // fetched by the one we waited for
        }
        let of_kernel = match what {
            EntryKind::Modules(series) => [&folder, &self.folder]
                .into_iter()
                .find_map(|cache| CacheEntry::of(cache, EntryKind::Kernel(series)).package()),
            _ => None,
        };
        let filled = fill(&folder, what, of_kernel, progress).await;
        filled.map_err(|why| match damage {
            Damage::Missing => why,
            _ => VmError::Damaged { path: entry.file(), damage: damage.what(), why: Box::new(why) },
        })
    }

    /// The folder in the place of a cache that cannot be written.
    fn spare(
        &mut self,
        why: &io::Error,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<PathBuf, VmError> {
        let spare = match self.spare.take() {
            Some(spare) => spare,
            None => {
                let (cache, why) = (self.folder.clone(), crate::files::plain(why));
                progress(Progress::NotKept { cache, why });
                scratch::folder()?
            }
        };
        Ok(self.spare.insert(spare).path().to_owned())
    }

    /// Held until the file is closed, which the kernel does for a process that dies.
    pub(super) async fn lock(&self, progress: &mut dyn FnMut(Progress)) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let file = File::create(self.folder.join("lock"))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(file);
        }
        progress(Progress::Waiting { cache: self.folder.clone() });
        let (locked, wait) = oneshot::channel();
        // A thread of its own, not the runtime's: the runtime would wait for it even after this future is dropped.
        std::thread::spawn(move || {
            locked.send(flock(&file, FlockOperation::LockExclusive).map(|()| file))
        });
        let file = wait.await.map_err(|_| io::Error::from(io::ErrorKind::Other))?;
        Ok(file?)
    }
}

/// The folder of package lists in a cache.
pub(super) const LISTS: &str = "apt";
/// What folders in a cache are called while an entry is made in them.
pub(super) const WORK: &str = "work-";

/// Puts an entry into `cache`, in the place of one that may be there. Needs the lock, and for modules
/// name and version of the package that their kernel is of.
async fn fill(
    cache: &Path,
    what: EntryKind<'_>,
    of_kernel: Option<(String, String)>,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, VmError> {
    let failed = || VmError::host(format!("fill the cache {}", cache.display()));
    // Under the lock, a folder of work can only be what a killed process left.
    for entry in fs::read_dir(cache).map_err(failed())?.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(WORK) {
            fs::remove_dir_all(entry.path()).map_err(failed())?;
        }
    }
    let work = tempfile::Builder::new().prefix(WORK).tempdir_in(cache).map_err(failed())?;
    let mut archive = PackageIndex::new(cache.join(LISTS));
    let unpacked = match what {
        EntryKind::Kernel(series) => {
            let kernel = archive.kernel(series, work.path(), progress).await?;
            let has_config = entry::config(&kernel.root).map_err(failed())?.is_some();
            if !has_config && kernel.package.name.starts_with("linux-binary-") {
                // Where packages are split, another one has the configuration. A kernel is of use
                // without it.
                let (name, version) = (&kernel.package.name, &kernel.package.version);
                let base = name.replace("linux-binary-", "linux-base-");
                let folder = work.path().join("base");
                fs::create_dir(&folder).map_err(failed())?;
                if let Ok(base) = archive.exact((&base, version), &folder, progress).await
                    && let Some(config) = entry::config(&base.root).map_err(failed())?
                {
                    let place = kernel.root.join("boot");
                    fs::create_dir_all(&place).map_err(failed())?;
                    fs::rename(config, place.join("config-kernel")).map_err(failed())?;
                }
            }
            kernel
        }
        EntryKind::Modules(_) => {
            let (kernel, version) = of_kernel.unwrap_or_default();
            let name = kernel.replace("linux-binary-", "linux-modules-");
            archive.exact((&name, &version), work.path(), progress).await?
        }
        EntryKind::Busybox => archive.package(BUSYBOX, work.path(), progress).await?,
    };
    let made = CacheEntry::in_folder(work.path().join("entry"), what);
    made.make(what, &unpacked).map_err(failed())?;
    let entry = CacheEntry::of(cache, what);
    entry.replace(&made, &work.path().join("old")).map_err(failed())?;
    if let EntryKind::Kernel(series) = what {
        // They are of the kernel that was there before.
        CacheEntry::of(cache, EntryKind::Modules(series)).remove().map_err(failed())?;
    }
    Ok(entry.file())
}

/// The package that has a userland for the guest in one static executable.
const BUSYBOX: &str = "busybox-static";
