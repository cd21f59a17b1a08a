//! The available kernels, those in the cache, and removal of the latter.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    apt,
    archive::{Offered, PackageIndex},
    cache::{Cache, LISTS, WORK},
    entry::{BUSYBOX, CacheEntry, Damage, EntryKind, KERNEL, MODULES},
    error::{UnsearchedSuite, VmError},
    image::Image,
    packages::numbers,
    progress::Progress,
    scratch,
};

/// The available kernels.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// One for each series, oldest first.
    pub kernels: Vec<Series>,
    /// Suites that could not be searched for more.
    pub unasked: Vec<UnsearchedSuite>,
    /// The cache's folder.
    pub cache: PathBuf,
}

/// A series, as it can be fetched and as it is in the cache; at least one of both.
#[derive(Debug, Clone)]
pub struct Series {
    /// For example `6.12`.
    pub series: String,
    /// The newest that can be fetched.
    pub newest: Option<Newest>,
    /// The one that was.
    pub cached: Option<Cached>,
}

/// A kernel that can be fetched.
#[derive(Debug, Clone)]
pub struct Newest {
    /// As `uname -r` prints it.
    pub release: String,
    /// The Debian package with its image.
    pub package: String,
    /// Bytes to fetch.
    pub bytes: u64,
    /// Debian's suite; `None` for the machine's own sources.
    pub suite: Option<&'static str>,
}

/// A kernel in the cache.
#[derive(Debug, Clone)]
pub struct Cached {
    /// As `uname -r` prints it; `None` for one that is damaged and will be fetched again.
    pub release: Option<String>,
    /// Of its image.
    pub bytes: u64,
}

/// Something that was in the cache.
#[derive(Debug, Clone)]
pub struct Removed {
    /// A description, for example `kernel 6.12`.
    pub what: String,
    /// Bytes that it took.
    pub bytes: u64,
}

impl Inventory {
    /// Searches the machine's own package sources, Debian's suites and the cache.
    ///
    /// # Errors
    /// [`VmError::NoCache`], or [`VmError::Host`] if the cache cannot be read. A suite
    /// that cannot be searched is not an error.
    pub async fn take(progress: &mut dyn FnMut(Progress)) -> Result<Self, VmError> {
        let cache = Cache::of_user()?;
        let (mut offered, mut unasked) = (Vec::new(), Vec::new());
        if apt::available() {
            // A cache that cannot be written is read all the same.
            let lock = cache.lock(progress).await;
            let spare = if lock.is_err() { Some(scratch::folder()?) } else { None };
            let folder = spare.as_ref().map_or(cache.folder.as_path(), scratch::Scratch::path);
            (offered, unasked) = PackageIndex::new(folder.join(LISTS)).all(progress).await?;
        }
        let mut kernels: Vec<_> = offered.into_iter().map(newest).collect();
        for (series, cached) in cached(&cache.folder)? {
            match kernels.iter_mut().find(|known| known.series == series) {
                Some(known) => known.cached = Some(cached),
                None => kernels.push(Series { series, newest: None, cached: Some(cached) }),
            }
        }
        kernels.sort_by_key(|kernel| numbers(&kernel.series));
        Ok(Self { kernels, unasked, cache: cache.folder })
    }
}

fn newest(Offered { kernel, suite }: Offered) -> Series {
    let newest = Newest {
        release: kernel.release,
        package: kernel.package.name,
        bytes: kernel.package.size,
        suite: suite.map(|suite| suite.name),
    };
    Series { series: kernel.series, newest: Some(newest), cached: None }
}

/// The series in a cache.
fn cached(cache: &Path) -> Result<Vec<(String, Cached)>, VmError> {
    let mut found = Vec::new();
    for (name, _) in entries(cache).map_err(unreadable(cache))? {
        let Some(series) = name.strip_prefix(KERNEL) else { continue };
        let entry = CacheEntry::of(cache, EntryKind::Kernel(series));
        let file = entry.file();
        let release = match entry.damage()? {
            Some(Damage::Missing) => continue,
            Some(_) => None,
            None => Image::open(&file).ok().map(|image| image.release),
        };
        let bytes = file.metadata().map_or(0, |meta| meta.len());
        found.push((series.to_owned(), Cached { release, bytes }));
    }
    Ok(found)
}

/// Removes everything in the cache and returns what was removed. Other files in its folder stay.
///
/// # Errors
/// [`VmError::NoCache`], or [`VmError::Host`] if something cannot be removed.
pub async fn prune(progress: &mut dyn FnMut(Progress)) -> Result<Vec<Removed>, VmError> {
    let cache = Cache::of_user()?;
    let mut removed = Vec::new();
    if entries(&cache.folder).map_err(unreadable(&cache.folder))?.is_empty() {
        return Ok(removed);
    }
    let failed = || VmError::host(format!("empty the cache {}", cache.folder.display()));
    let _lock = cache.lock(progress).await.map_err(failed())?;
    for (name, path) in entries(&cache.folder).map_err(failed())? {
        let Some(what) = kind(&name) else { continue };
        let bytes = size(&path).map_err(failed())?;
        fs::remove_dir_all(&path).map_err(failed())?;
        removed.push(Removed { what, bytes });
    }
    removed.sort_by_key(|removed| numbers(&removed.what));
    Ok(removed)
}

/// What a folder in the cache is, in words; `None` for one that is not ours.
fn kind(name: &str) -> Option<String> {
    let series = |prefix: &str, what: &str| {
        name.strip_prefix(prefix).map(|series| format!("{what} {series}"))
    };
    match name {
        BUSYBOX => Some("busybox".to_owned()),
        LISTS => Some("package lists".to_owned()),
        _ if name.starts_with(WORK) => Some("remains of a killed process".to_owned()),
        _ => series(KERNEL, "kernel").or_else(|| series(MODULES, "modules of kernel")),
    }
}

/// The folders in a cache, by name; none when there is no cache.
fn entries(cache: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(cache) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
    }
    Ok(found)
}

fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() { size(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}

fn unreadable(cache: &Path) -> impl FnOnce(io::Error) -> VmError {
    VmError::host(format!("read the cache {}", cache.display()))
}
