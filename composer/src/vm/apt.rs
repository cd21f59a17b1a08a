//! Debian packages without root: apt looks them up, fetches them and verifies signature and checksum; dpkg-deb unpacks.
//!
//! Nothing of the machine's own apt is changed: its lists are read, and what is fetched goes into folders of ours.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time};

use super::{
    error::VmError,
    packages::{self, KERNEL_NAMES, KernelPackage, Package},
    progress::Progress,
};

/// How often somebody who waits for a package is told how much of it is there.
const LOOK: Duration = Duration::from_millis(200);

/// What others have hooked into updates would work on the machine's own lists.
const NO_HOOKS: &str = "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n\
                        #clear APT::Update::Post-Invoke-Success;\n";

/// A package that is here: its file, and below `root` what was in it.
pub(super) struct Unpacked {
    pub(super) package: Package,
    pub(super) archive: PathBuf,
    pub(super) root: PathBuf,
}

/// Apt with the system's package lists, or with lists of our own.
#[derive(Debug)]
pub(super) struct Apt {
    options: Vec<OsString>,
}

impl Apt {
    /// The lists of the system, as the last `apt-get update` of its administrator left them.
    pub(super) fn system() -> Self {
        let options = [
            "-q",
            // Bounds what a network failure costs; apt waits between attempts by itself.
            "-oAcquire::Retries=3",
            // What is installed cannot be fetched for that.
            "-oDir::State::status=/dev/null",
            // Nor are the caches written that go with another status.
            "-oDir::Cache::pkgcache=",
            "-oDir::Cache::srcpkgcache=",
        ];
        Self { options: options.map(OsString::from).into() }
    }

    /// Lists of our own below `folder`, of the system's sources or of `sources` (lines of a
    /// sources.list); no root needed. They are empty, or as old as the folder, before [`Apt::update`].
    pub(super) fn private(folder: &Path, sources: Option<&str>) -> Result<Self, VmError> {
        let failed = || VmError::host(format!("make lists of packages in {}", folder.display()));
        for part in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part)).map_err(failed())?;
        }
        let (list, conf) = (folder.join("sources.list"), folder.join("apt.conf"));
        fs::write(&conf, NO_HOOKS).map_err(failed())?;
        let mut this = Self::system();
        this.options.extend(["-c".into(), conf.into()]);
        let option = |name: &str, value: &Path| {
            let mut option = OsString::from(format!("-o{name}="));
            option.push(value);
            option
        };
        this.options.push(option("Dir::State", &folder.join("state")));
        this.options.push(option("Dir::Cache", &folder.join("cache")));
        if let Some(sources) = sources {
            fs::write(&list, sources).map_err(failed())?;
            this.options.push(option("Dir::Etc::sourcelist", &list));
            this.options.push(option("Dir::Etc::sourceparts", Path::new("/dev/null")));
        }
        Ok(this)
    }

    /// Fetches the lists, as far as they are not current; the inner error is what apt said.
    pub(super) async fn update(&self) -> Result<Result<(), String>, VmError> {
        // By default a mirror that does not answer is no failure.
        let words = ["-oAPT::Update::Error-Mode=any", "update"];
        Ok(self.run("apt-get", &words).await?.map(drop))
    }

    /// The sources as apt has read them: the address of each archive, and the suite.
    pub(super) async fn sources(&self) -> Result<Vec<(String, String)>, VmError> {
        // Without what is known of lists that were fetched, since there may be none.
        let format = ["--no-release-info", "--format", "$(REPO_URI) $(RELEASE)"];
        let words = [&["indextargets"], &format[..], &["Created-By: Packages"]].concat();
        let text = self.run("apt-get", &words).await?.unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        Ok(lines.map(|(uri, suite)| (uri.to_owned(), suite.to_owned())).collect())
    }

    /// The newest cloud kernel of each series, oldest first; none when there are no lists.
    pub(super) async fn kernels(&self) -> Result<Vec<KernelPackage>, VmError> {
        let words = ["search", "--names-only", "--full", KERNEL_NAMES];
        let text = self.run("apt-cache", &words).await?.unwrap_or_default();
        Ok(packages::kernels(packages::packages(&text)))
    }

    /// The version apt would install, or `None` when it knows no such package.
    pub(super) async fn show(&self, name: &str) -> Result<Option<Package>, VmError> {
        let words = ["--no-all-versions", "show", name];
        let text = self.run("apt-cache", &words).await?.unwrap_or_default();
        Ok(packages::packages(&text).into_iter().next())
    }

    /// Fetches a package into `folder`, which is empty, and unpacks it there.
    pub(super) async fn unpack(
        &self,
        package: &Package,
        folder: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Unpacked, VmError> {
        let failed = |why| VmError::Fetch { what: package.name.clone(), why };
        let exact = format!("{}={}", package.name, package.version);
        let mut download = Command::new("apt-get");
        download.args(&self.options).args(["download", &exact]).current_dir(folder);
        let fetched = {
            let mut run = std::pin::pin!(run(&mut download, "apt-get"));
            let mut said = None;
            loop {
                let there = fetched(folder).min(package.size);
                if said != Some(there) {
                    said = Some(there);
                    let name = package.name.clone();
                    progress(Progress::Fetching { package: name, there, bytes: package.size });
                }
                match time::timeout(LOOK, &mut run).await {
                    Ok(fetched) => break fetched?,
                    Err(_) => continue,
                }
            }
        };
        fetched.map_err(failed)?;
        progress(Progress::Fetched { package: package.name.clone(), bytes: package.size });
        let Some(archive) = files(folder).find(|path| path.extension().is_some_and(|e| e == "deb"))
        else {
            return Err(failed("apt-get download left no package behind".to_owned()));
        };
        let root = folder.join("root");
        unpack(&archive, &root).await?.map_err(failed)?;
        Ok(Unpacked { package: package.clone(), archive, root })
    }

    async fn run(&self, tool: &str, words: &[&str]) -> Result<Result<String, String>, VmError> {
        let mut command = Command::new(tool);
        command.args(&self.options).args(words).current_dir("/");
        run(&mut command, tool).await
    }
}

/// Unpacks a package's file; the inner error is what dpkg-deb said.
pub(super) async fn unpack(archive: &Path, root: &Path) -> Result<Result<(), String>, VmError> {
    let mut command = Command::new("dpkg-deb");
    command.arg("-x").arg(archive).arg(root);
    Ok(run(&mut command, "dpkg-deb").await?.map(drop))
}

/// Whether this system has what packages are fetched with.
pub(super) fn available() -> bool {
    ["apt-get", "apt-cache", "dpkg-deb"]
        .iter()
        .all(|tool| super::needs::on_path(tool.as_ref()).is_some())
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

/// Bytes of the files in `folder`, where apt puts what it fetches.
fn fetched(folder: &Path) -> u64 {
    files(folder).filter_map(|path| path.metadata().ok()).map(|meta| meta.len()).sum()
}

/// What a tool printed, or in the inner error what it complained about.
async fn run(command: &mut Command, tool: &str) -> Result<Result<String, String>, VmError> {
    let output = command.env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(VmError::host(format!("run {tool}")))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(Ok(text(&output.stdout)));
    }
    let said = text(&output.stderr);
    // Warnings stand before the reason and an all too general word behind it.
    let errors = said.lines().filter_map(|line| line.strip_prefix("E: ")).map(str::trim);
    let errors: Vec<_> =
        errors.filter(|line| !line.starts_with("Some index files failed")).collect();
    Ok(Err(match (errors.is_empty(), said.is_empty()) {
        (false, _) => errors.join("\n"),
        (true, false) => said,
        (true, true) => format!("{tool} ended with {}", output.status),
    }))
}
