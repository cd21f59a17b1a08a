//! The plan of a root filesystem: which files are included, and at which paths.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use super::{
    error::VmError,
    rootfs::{Rootfs, absolute},
};

/// The names in the archive, in order, with a file's content after `=`.
fn listing(rootfs: &Rootfs) -> Result<Vec<String>, VmError> {
    let mut bytes = Vec::new();
    rootfs.write(&mut bytes, 1024)?;
    let field = |at: usize| {
        let text = str::from_utf8(&bytes[at..at + 8]).unwrap_or("0");
        usize::from_str_radix(text, 16).unwrap_or_default()
    };
    let (mut at, mut names) = (0, Vec::new());
    while at < bytes.len() {
        let (size, name) = (field(at + 54), field(at + 94));
        let body = (at + 110 + name).next_multiple_of(4);
        let text = |from: usize, to: usize| String::from_utf8_lossy(&bytes[from..to]).into_owned();
        let content = if size < 100 { text(body, body + size) } else { size.to_string() };
        names.push(format!("{}={content}", text(at + 110, at + 110 + name - 1)));
        at = (body + size).next_multiple_of(4);
    }
    Ok(names)
}

fn folder() -> io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("real"))?;
    fs::write(folder.path().join("real/chain.toml"), "chain")?;
    fs::write(folder.path().join("outside"), "outside")?;
    symlink("real", folder.path().join("link"))?;
    symlink("chain.toml", folder.path().join("real/inner"))?;
    symlink("../outside", folder.path().join("real/outer"))?;
    Ok(folder)
}

fn empty() -> Result<Rootfs, VmError> {
    Rootfs::new(Path::new("/bin/true"), None)
}

fn test_folder() -> Result<tempfile::TempDir, VmError> {
    folder().map_err(VmError::host("make a folder"))
}

#[test]
fn a_file_reached_through_a_symlink_stands_at_the_path_that_was_written() -> Result<(), VmError> {
    let (folder, mut rootfs) = (test_folder()?, empty()?);
    rootfs.bring(&folder.path().join("link/chain.toml"), Path::new("/a/link/chain.toml"))?;
    assert!(listing(&rootfs)?.contains(&"a/link/chain.toml=chain".to_owned()));
    Ok(())
}

#[test]
fn in_a_folder_links_that_stay_inside_are_kept_and_others_become_what_they_point_to()
-> Result<(), VmError> {
    let (folder, mut rootfs) = (test_folder()?, empty()?);
    rootfs.bring(&folder.path().join("link"), Path::new("/a"))?;
    let names = listing(&rootfs)?;
    for name in ["a/chain.toml=chain", "a/inner=chain.toml", "a/outer=outside"] {
        assert!(names.contains(&name.to_owned()), "{name} in {names:?}");
    }
    Ok(())
}

#[test]
fn a_program_on_the_host_comes_with_its_loader_and_leads_path() -> Result<(), VmError> {
    let mut rootfs = empty()?;
    let program = rootfs.program(OsStr::new("ls"), Path::new("/"))?;
    let first = rootfs.path_variable().to_string_lossy().split(':').next().map(PathBuf::from);
    assert_eq!(first.as_deref(), program.parent());
    assert!(listing(&rootfs)?.iter().any(|name| name.contains("ld-linux")));
    Ok(())
}

#[test]
fn an_applet_serves_what_the_host_has_not_and_nothing_serves_the_rest() -> Result<(), VmError> {
    let busybox = ("/bin/true".into(), vec!["no-such-applet".to_owned()]);
    let mut rootfs = Rootfs::new(Path::new("/bin/true"), Some(&busybox))?;
    let program = rootfs.program(OsStr::new("no-such-applet"), Path::new("/"))?;
    assert_eq!(program, Path::new("/bin/no-such-applet"));
    for word in ["no-such-command", "./no-such-file", ""] {
        let refused = rootfs.program(OsStr::new(word), Path::new("/"));
        assert!(matches!(refused, Err(VmError::CommandNotFound { command }) if command == word));
    }
    Ok(())
}

#[test]
fn a_script_brings_its_interpreter() -> Result<(), VmError> {
    let (folder, mut rootfs) = (test_folder()?, empty()?);
    let script = folder.path().join("script");
    fs::write(&script, "#!/bin/sh\n").map_err(VmError::host("write"))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
        .map_err(VmError::host("chmod"))?;
    assert_eq!(rootfs.program(OsStr::new("./script"), folder.path())?, script);
    assert!(listing(&rootfs)?.iter().any(|name| name.starts_with("bin/sh=")));
    Ok(())
}

#[test]
fn the_kernels_own_places_are_refused() -> Result<(), VmError> {
    let mut rootfs = empty()?;
    for dest in ["/proc/x", "/dev", "/sys/fs/bpf/x", "/init", "/job"] {
        let refused = rootfs.bring(Path::new("/bin/true"), Path::new(dest));
        assert!(matches!(refused, Err(VmError::Destination { path }) if path == Path::new(dest)));
    }
    Ok(())
}

#[test]
fn more_than_the_guest_can_unpack_is_refused() -> Result<(), VmError> {
    let refused = empty()?.write(io::sink(), 1);
    assert!(matches!(refused, Err(VmError::TooBig { memory_mib: 1, .. })));
    Ok(())
}

#[test]
fn paths_become_absolute_by_their_names() {
    assert_eq!(absolute(Path::new("/a/b"), Path::new("../c/./d")), Path::new("/a/c/d"));
    assert_eq!(absolute(Path::new("/a"), Path::new("/b")), Path::new("/b"));
    assert_eq!(absolute(Path::new("/"), Path::new("../../x")), Path::new("/x"));
}
