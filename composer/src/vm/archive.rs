//! The sources of packages: those of the machine, and Debian's other suites for kernels that the
//! machine's sources lack.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    apt::{Apt, Unpacked},
    error::{UnsearchedSuite, VmError},
    packages::{KernelPackage, Package, numbers},
    progress::Progress,
    suites::{KEYRINGS, Mirrors, SUITES, Suite},
};

const NO_KEYRING: &str = "Debian's archive keys are not installed: on Debian and Ubuntu, run \
                          `apt-get install debian-archive-keyring` as root";

/// Looks packages up. Lists of its own are kept in a folder, so that asking again takes a request and no lists.
pub(super) struct PackageIndex {
    lists: PathBuf,
    fresh: Option<Apt>,
}

/// A kernel that can be fetched, and where from.
pub(super) struct Offered {
    pub(super) kernel: KernelPackage,
    /// The name of a suite; `None` for the machine's own sources.
    pub(super) suite: Option<Suite>,
}

impl PackageIndex {
    /// With its own lists below `lists`, which is made when it is needed.
    pub(super) fn new(lists: PathBuf) -> Self {
        Self { lists, fresh: None }
    }

    /// Fetches the newest cloud kernel of a series into `work`: from the system's package lists; from
    /// fresh ones when those name a version that the archive no longer has, or nothing at all; and
    /// else from Debian's other suites.
    pub(super) async fn kernel(
        &mut self,
        series: &str,
        work: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Unpacked, VmError> {
        let mut known = BTreeSet::new();
        let mut unasked = Vec::new();
        let system = Apt::system();
        let kernels = system.kernels().await?;
        let empty = kernels.is_empty();
        let found = of_series(kernels, series, &mut known);
        let stale = match &found {
            Some(kernel) => {
                let folder = inside(work, "system")?;
                match system.unpack(&kernel.package, &folder, progress).await {
                    Ok(unpacked) => return Ok(unpacked),
                    Err(_) => true,
                }
            }
            None => empty,
        };
        if stale {
            match self.fresh(progress).await {
                Ok(apt) => {
                    if let Some(kernel) = of_series(apt.kernels().await?, series, &mut known) {
                        let folder = inside(work, "fresh")?;
                        return apt.unpack(&kernel.package, &folder, progress).await;
                    }
                }
                // The series was there: another suite would have another kernel.
                Err(error) if found.is_some() => return Err(error),
                Err(error) => unasked.push(own_unasked(&error)),
            }
        }
        let mirrors = Mirrors::of(&system.sources().await?);
        for suite in SUITES {
            match self.suite(suite, &mirrors, progress).await? {
                Ok(apt) => {
                    if let Some(kernel) = of_series(apt.kernels().await?, series, &mut known) {
                        let folder = inside(work, suite.name)?;
                        return apt.unpack(&kernel.package, &folder, progress).await;
                    }
                }
                Err(why) => unasked.push(why),
            }
        }
        let mut known: Vec<_> = known.into_iter().collect();
        known.sort_by_key(|series| numbers(series));
        Err(VmError::UnknownSeries { series: series.to_owned(), known, unasked })
    }

    /// Fetches a package of the machine's own sources into `work`.
    pub(super) async fn package(
        &mut self,
        name: &str,
        work: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Unpacked, VmError> {
        let system = Apt::system();
        if let Some(package) = system.show(name).await? {
            let folder = inside(work, "system")?;
            if let Ok(unpacked) = system.unpack(&package, &folder, progress).await {
                return Ok(unpacked);
            }
        }
        let apt = self.fresh(progress).await?;
        let Some(package) = apt.show(name).await? else {
            let why = "unknown to apt".to_owned();
            return Err(VmError::Fetch { what: name.to_owned(), why });
        };
        apt.unpack(&package, &inside(work, "fresh")?, progress).await
    }

    /// Fetches one version of a package into `work`, from whichever suite still has it.
    pub(super) async fn exact(
        &mut self,
        (name, version): (&str, &str),
        work: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Unpacked, VmError> {
        let is = |package: &Package| package.version == version;
        let system = Apt::system();
        if let Some(package) = system.show(name).await?.filter(is) {
            let folder = inside(work, "system")?;
            if let Ok(unpacked) = system.unpack(&package, &folder, progress).await {
                return Ok(unpacked);
            }
        }
        let mirrors = Mirrors::of(&system.sources().await?);
        for suite in SUITES {
            let Ok(apt) = self.suite(suite, &mirrors, progress).await? else { continue };
            if let Some(package) = apt.show(name).await?.filter(is) {
                return apt.unpack(&package, &inside(work, suite.name)?, progress).await;
            }
        }
        let why = format!(
            "no available suite has version {version} of the cached kernel; run `freplace-compose \
             vm --prune` to fetch a newer one"
        );
        Err(VmError::Fetch { what: name.to_owned(), why })
    }

    /// Every series there is, oldest first, and the suites that could not be asked.
    pub(super) async fn all(
        &mut self,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Vec<Offered>, Vec<UnsearchedSuite>), VmError> {
        let mut unasked = Vec::new();
        let system = Apt::system();
        let mut kernels = system.kernels().await?;
        if kernels.is_empty() {
            match self.fresh(progress).await {
                Ok(apt) => kernels = apt.kernels().await?,
                Err(error) => unasked.push(own_unasked(&error)),
            }
        }
        let mut offered: Vec<_> =
            kernels.into_iter().map(|kernel| Offered { kernel, suite: None }).collect();
        let mirrors = Mirrors::of(&system.sources().await?);
        for suite in SUITES {
            let apt = match self.suite(suite, &mirrors, progress).await? {
                Ok(apt) => apt,
                Err(why) => {
                    unasked.push(why);
                    continue;
                }
            };
            for kernel in apt.kernels().await? {
                // The first to have a series is the one it is fetched from.
                if offered.iter().all(|known| known.kernel.series != kernel.series) {
                    offered.push(Offered { kernel, suite: Some(suite) });
                }
            }
        }
        offered.sort_by_key(|offered| numbers(&offered.kernel.series));
        Ok((offered, unasked))
    }

    /// Lists of the machine's own sources, as of now.
    async fn fresh(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<&Apt, VmError> {
        let apt = match self.fresh.take() {
            Some(apt) => apt,
            None => {
                progress(Progress::Updating { what: "this machine's apt sources".to_owned() });
                let apt = Apt::private(&self.lists.join("own"), None)?;
                let updated = apt.update().await?;
                updated.map_err(|why| VmError::Fetch { what: "package lists".to_owned(), why })?;
                apt
            }
        };
        Ok(self.fresh.insert(apt))
    }

    /// The lists of a suite, as of now; the inner error is a suite that cannot be asked.
    async fn suite(
        &self,
        suite: Suite,
        mirrors: &Mirrors,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Result<Apt, UnsearchedSuite>, VmError> {
        let mirror = mirrors.for_suite(suite).to_owned();
        let unasked =
            |why| UnsearchedSuite { suite: suite.to_string(), mirror: mirror.clone(), why };
        let Some(keyring) = KEYRINGS.iter().map(Path::new).find(|path| path.is_file()) else {
            return Ok(Err(unasked(NO_KEYRING.to_owned())));
        };
        progress(Progress::Updating { what: format!("{suite} of {mirror}") });
        let folder = self.lists.join(suite.name);
        let apt = Apt::private(&folder, Some(&mirrors.line(suite, keyring)))?;
        let updated = apt.update().await?;
        Ok(updated.map(|()| apt).map_err(unasked))
    }
}

/// The kernel of a series; remembers which there are.
fn of_series(
    kernels: Vec<KernelPackage>,
    series: &str,
    known: &mut BTreeSet<String>,
) -> Option<KernelPackage> {
    known.extend(kernels.iter().map(|kernel| kernel.series.clone()));
    kernels.into_iter().find(|kernel| kernel.series == series)
}

/// A new folder in `work`.
fn inside(work: &Path, name: &str) -> Result<PathBuf, VmError> {
    let folder = work.join(name);
    fs::create_dir(&folder)
        .map_err(VmError::host(format!("make a folder in {}", work.display())))?;
    Ok(folder)
}

fn own_unasked(error: &VmError) -> UnsearchedSuite {
    let (suite, mirror) = ("this machine's suites".to_owned(), "its own sources".to_owned());
    UnsearchedSuite { suite, mirror, why: error.to_string() }
}
