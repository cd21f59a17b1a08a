//! `cargo xtask dist`: what people install without a compiler. A static executable, alone and as a Debian package and an
//! archive with its manual and completions; a file for a container image; checksums.
//!
//! The same commit gives the same bytes, wherever it is built by the same compilers: no file has a time but that of
//! the commit, and no path of the machine is in the executable.

mod contents;
mod deb;

use std::{
    env, fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Result, build, setup, shell};
use contents::InstalledFiles;

/// What is built for: std and glibc as they are everywhere, linked statically.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The profile of Cargo.toml.
const PROFILE: &str = "dist";
/// The product.
pub(crate) const NAME: &str = "freplace-compose";
/// Its version, which all packages of the workspace have.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A container image of the executable alone.
const CONTAINERFILE: &str = "\
FROM scratch
COPY freplace-compose /usr/bin/freplace-compose
ENTRYPOINT [\"/usr/bin/freplace-compose\"]
";

/// The files that were made.
pub(crate) struct Packages {
    /// The executable.
    pub(crate) executable: PathBuf,
    /// The Debian package.
    pub(crate) deb: PathBuf,
}

/// Builds everything, and prints where it is.
pub(crate) fn run() -> Result {
    let packages = make()?;
    let folder = packages.deb.parent().unwrap_or(Path::new("."));
    print!("{}", fs::read_to_string(folder.join("SHA256SUMS"))?);
    eprintln!("in {}", folder.display());
    Ok(())
}

/// Builds everything into `target/packages`.
pub(crate) fn make() -> Result<Packages> {
    setup::ensure(&[setup::BUILD])?;
    let epoch = epoch()?;
    let built = executable()?;
    let contents = InstalledFiles::of(&built)?;
    let folder = shell::root().join("target/packages");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let executable = folder.join(NAME);
    write(&executable, &contents.executable, 0o755)?;
    let containerfile = folder.join("Containerfile");
    write(&containerfile, CONTAINERFILE.as_bytes(), 0o644)?;
    let deb = deb::make(&contents, &folder, epoch)?;
    let archive = archive(&contents, &folder, epoch)?;
    checksums(&folder, &[&executable, &containerfile, &deb, &archive])?;
    Ok(Packages { executable, deb })
}

/// The only time that files have, in seconds: that of the commit, or what the caller says.
/// <https://reproducible-builds.org/specs/source-date-epoch/>
fn epoch() -> Result<u64> {
    let said = match env::var("SOURCE_DATE_EPOCH") {
        Ok(said) => said,
        Err(_) => {
            let mut git = Command::new("git");
            git.current_dir(shell::root()).args(["log", "-1", "--format=%ct"]);
            shell::quietly(&mut git).map_err(|error| format!("{error}; set SOURCE_DATE_EPOCH"))?
        }
    };
    said.trim().parse().map_err(|_| format!("SOURCE_DATE_EPOCH: {said} is no time").into())
}

/// Builds the static executable.
fn executable() -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    let sysroot = shell::quietly(rustc.current_dir(shell::root()).args(["--print", "sysroot"]))?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    let places = [
        (Some(shell::root()), "/freplace-compose"),
        (home, "/cargo"),
        (Some(Path::new(sysroot.trim()).join("lib/rustlib/src/rust")), "/rust"),
    ];
    for (place, name) in places {
        let Some(place) = place else { continue };
        flags.push(format!("--remap-path-prefix={}={name}", place.display()));
    }
    let words = ["build", "--locked", "--package", NAME, "--bin", NAME];
    let mut cargo = shell::cargo(&words);
    cargo.args(["--profile", PROFILE, "--target", TARGET]);
    // Words of a path may have blanks in between.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).env_remove("RUSTFLAGS");
    let built = build::run(&mut cargo)?;
    Ok(built.executable(NAME)?.to_owned())
}

/// An archive of all files below one folder.
fn archive(contents: &InstalledFiles, folder: &Path, epoch: u64) -> Result<PathBuf> {
    let name = format!("{NAME}-{VERSION}-x86_64-linux");
    let stage = folder.join(&name);
    for (path, bytes, mode) in contents.files() {
        put(&stage, path, bytes, mode)?;
    }
    let archive = folder.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.current_dir(folder).args(["--create", "--sort=name", "--format=ustar", "--numeric-owner"]);
    tar.args(["--owner=0", "--group=0", "--use-compress-program=gzip -9 --no-name"]);
    tar.arg(format!("--mtime=@{epoch}")).arg("--file").arg(&archive).arg(&name);
    shell::quietly(&mut tar)?;
    fs::remove_dir_all(stage)?;
    Ok(archive)
}

fn checksums(folder: &Path, files: &[&Path]) -> Result {
    let mut sum = Command::new("sha256sum");
    sum.current_dir(folder).args(files.iter().filter_map(|file| file.file_name()));
    let sums = shell::quietly(&mut sum)?;
    write(&folder.join("SHA256SUMS"), sums.as_bytes(), 0o644)
}

/// Writes a file below `root`, in folders with the usual rights whatever the umask is.
fn put(root: &Path, path: &str, bytes: &[u8], mode: u32) -> Result {
    let mut folder = root.to_owned();
    let (parents, _) = path.rsplit_once('/').unwrap_or(("", path));
    for part in [""].into_iter().chain(parents.split('/')) {
        folder.push(part);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
    }
    write(&root.join(path), bytes, mode)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result {
    let mut options = fs::File::options();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    Ok(file.set_permissions(fs::Permissions::from_mode(mode))?)
}

/// `bytes` as gzip packs them, without a time.
fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = Command::new("gzip");
    gzip.args(["-9", "--no-name"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = gzip.spawn().map_err(|error| format!("gzip: {error}"))?;
    // Shorter than a pipe holds, or read while it is written: gzip says nothing before it has much.
    let input = child.stdin.take();
    let bytes = bytes.to_owned();
    let writer = std::thread::spawn(move || input.map_or(Ok(()), |mut to| to.write_all(&bytes)));
    let output = child.wait_with_output()?;
    shell::succeeded(&gzip, output.status)?;
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(output.stdout)
}
