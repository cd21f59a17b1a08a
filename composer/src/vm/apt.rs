//! Debian packages without root: apt looks them up, fetches them and verifies signature and checksum; dpkg-deb unpacks.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use super::{choice::series_of, error::VmError};

/// A package that apt knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Bytes to fetch.
    pub(super) size: u64,
    depends: Vec<String>,
}

/// Apt with the system's package lists, or with lists of our own.
pub(super) struct Apt {
    options: Vec<OsString>,
}

impl Apt {
    /// The lists of the system, as the last `apt-get update` of its administrator left them.
    pub(super) fn system() -> Self {
        // Acquire::Retries bounds what a network failure costs; apt waits between attempts by itself.
        Self { options: ["-q", "-o", "Acquire::Retries=3"].map(OsString::from).into() }
    }

    /// Lists of our own below `folder`, from the system's sources and keys: fresh, and no root needed.
    pub(super) async fn private(folder: &Path) -> Result<Self, VmError> {
        for part in ["state/lists/partial", "cache/archives/partial"] {
            let path = folder.join(part);
            std::fs::create_dir_all(&path)
                .map_err(VmError::host(format!("make {}", path.display())))?;
        }
        let mut this = Self::system();
        for (option, part) in [("Dir::State=", "state"), ("Dir::Cache=", "cache")] {
            let mut option = OsString::from(option);
            option.push(folder.join(part));
            this.options.extend(["-o".into(), option]);
        }
        let update = this.run("apt-get", &["update"], None).await?;
        update.map_err(|why| VmError::Fetch { what: "the package lists".to_owned(), why })?;
        Ok(this)
    }

    /// The newest kernel package of a series, through Debian's meta packages: `linux-image-cloud-amd64` for the release's
    /// own series, `linux-image-SERIES-cloud-amd64` for those that came later.
    pub(super) async fn kernel(&self, series: &str) -> Result<Option<Package>, VmError> {
        for meta in [&format!("linux-image-{series}-cloud-amd64"), "linux-image-cloud-amd64"] {
            let depends = self.show(meta).await?.unwrap_or_default().depends;
            if let Some(name) =
                depends.iter().find(|name| kernel_series(name).as_deref() == Some(series))
            {
                return self.show(name).await;
            }
        }
        Ok(None)
    }

    /// Every series with a cloud kernel, oldest first.
    pub(super) async fn series(&self) -> Result<Vec<String>, VmError> {
        let names =
            self.run("apt-cache", &["pkgnames", "linux-image-"], None).await?.unwrap_or_default();
        let series: BTreeSet<_> = names.lines().filter_map(kernel_series).collect();
        let mut series: Vec<_> = series.into_iter().collect();
        series.sort_by_key(|text| {
            text.split('.').map(|number| number.parse().unwrap_or(0)).collect::<Vec<u32>>()
        });
        Ok(series)
    }

    /// The version apt would install, or `None` when it knows no such package.
    pub(super) async fn show(&self, name: &str) -> Result<Option<Package>, VmError> {
        Ok(self
            .run("apt-cache", &["--no-all-versions", "show", name], None)
            .await?
            .ok()
            .and_then(|text| parse(&text)))
    }

    /// Fetches a package into `folder` and unpacks it there, below `root`.
    pub(super) async fn unpack(
        &self,
        package: &Package,
        folder: &Path,
    ) -> Result<PathBuf, VmError> {
        let failed = |why| VmError::Fetch { what: package.name.clone(), why };
        let exact = format!("{}={}", package.name, package.version);
        self.run("apt-get", &["download", &exact], Some(folder)).await?.map_err(failed)?;
        let read = |why: std::io::Error| failed(why.to_string());
        let mut entries = std::fs::read_dir(folder)
            .map_err(read)?
            .filter_map(Result::ok)
            .map(|entry| entry.path());
        let Some(archive) =
            entries.find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        else {
            return Err(failed("apt-get download left no package behind".to_owned()));
        };
        let root = folder.join("root");
        let unpacked =
            run(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&root), "dpkg-deb").await?;
        unpacked.map_err(failed)?;
        Ok(root)
    }

    async fn run(
        &self,
        tool: &str,
        words: &[&str],
        folder: Option<&Path>,
    ) -> Result<Result<String, String>, VmError> {
        let mut command = Command::new(tool);
        command.args(&self.options).args(words).current_dir(folder.unwrap_or(Path::new("/")));
        run(&mut command, tool).await
    }
}

/// Whether this system has what packages are fetched with.
pub(super) fn available() -> bool {
    ["apt-get", "apt-cache", "dpkg-deb"]
        .iter()
        .all(|tool| super::needs::on_path(tool.as_ref()).is_some())
}

/// What a tool printed, or in the inner error what it complained about.
async fn run(command: &mut Command, tool: &str) -> Result<Result<String, String>, VmError> {
    let output = command.env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(VmError::host(format!("run {tool}")))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(Ok(text(&output.stdout)));
    }
    let complaint = text(&output.stderr);
    Ok(Err(if complaint.is_empty() {
        format!("{tool} ended with {}", output.status)
    } else {
        complaint
    }))
}

/// `6.12` for `linux-image-6.12.117+deb12-cloud-amd64`; `None` for meta packages and for the unsigned and debug variants.
fn kernel_series(package: &str) -> Option<String> {
    let release = package.strip_prefix("linux-image-")?.strip_suffix("-cloud-amd64")?;
    series_of(release).filter(|series| *series != release)
}

/// The first paragraph of `apt-cache show`.
fn parse(text: &str) -> Option<Package> {
    let mut package = Package::default();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        match line.split_once(": ") {
            Some(("Package", name)) => package.name = name.to_owned(),
            Some(("Version", version)) => package.version = version.to_owned(),
            Some(("Size", size)) => package.size = size.parse().ok()?,
            Some(("Depends", depends)) => {
                let names =
                    depends.split(',').filter_map(|one| one.split_ascii_whitespace().next());
                package.depends = names.map(str::to_owned).collect();
            }
            _ => {}
        }
    }
    (!package.name.is_empty() && !package.version.is_empty()).then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meta_package_gives_the_kernel_it_stands_for() {
        let text = "Package: linux-image-6.12-cloud-amd64\nVersion: 6.12.117-1~deb12u1\nDepends: linux-image-6.12.117+deb12-cloud-amd64 (= 6.12.117-1~deb12u1), other\nSize: 1512\n\nPackage: second\n";
        let package = Package {
            name: "linux-image-6.12-cloud-amd64".to_owned(),
            version: "6.12.117-1~deb12u1".to_owned(),
            size: 1512,
            depends: vec!["linux-image-6.12.117+deb12-cloud-amd64".to_owned(), "other".to_owned()],
        };
        assert_eq!(parse(text), Some(package));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn only_a_kernel_itself_has_a_series() {
        assert_eq!(kernel_series("linux-image-6.1.0-56-cloud-amd64").as_deref(), Some("6.1"));
        for other in [
            "linux-image-6.12-cloud-amd64",
            "linux-image-cloud-amd64",
            "linux-image-6.1.0-56-cloud-amd64-dbg",
        ] {
            assert_eq!(kernel_series(other), None);
        }
    }
}
