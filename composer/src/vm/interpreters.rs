//! Interpreters with their standard libraries, which the interpreter itself lists.
//!
//! A version manager such as pyenv replaces each program by a script that starts the real one.
//! Python reports the path of the real one, so it is copied completely from there.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{error::VmError, needs};

/// An interpreter with what it cannot start without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InterpreterFiles {
    /// The executable, after symlinks.
    pub(super) executable: PathBuf,
    /// Folders of its standard library.
    pub(super) library: Vec<PathBuf>,
}

/// Folders of a library that programs do without: its tests, what is for desktops and for building, and what was installed
/// beside it, which may be as large as it likes.
pub(super) const LEFT_OUT: [&str; 10] = [
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "site-packages",
    "dist-packages",
    "pod",
];

/// Prints the executable's path and the folders of the library, a line each.
const PYTHON: &str = "import os, sys, sysconfig\n\
                      print(os.path.realpath(sys.executable))\n\
                      print(sysconfig.get_path('stdlib'))\n\
                      print(sysconfig.get_path('platstdlib'))";
const PERL: &str = "print join qq(\\n), $^X, $Config{privlibexp}, $Config{archlibexp}, \
                    grep { /perl-base/ } @INC";

/// The interpreter that `program` is or starts; `None` when it is none that is known here.
pub(super) fn whole(program: &Path) -> Result<Option<InterpreterFiles>, VmError> {
    let Some(name) = program.file_name().and_then(OsStr::to_str) else { return Ok(None) };
    let mut command = Command::new(program);
    if is_called(name, "python") {
        command.args(["-I", "-S", "-c", PYTHON]);
    } else if is_called(name, "perl") {
        command.args(["-MConfig", "-e", PERL]);
    } else if is_shim(program) {
        let command = name.to_owned();
        return Err(VmError::Shim { command, path: program.to_owned() });
    } else {
        return Ok(None);
    }
    let answer = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let answer = answer.map_err(VmError::host(format!("run {}", program.display())))?;
    let found = parse(&String::from_utf8_lossy(&answer.stdout));
    match found {
        Some(found) if answer.status.success() => Ok(Some(found)),
        // It does not run here either.
        _ if is_shim(program) => {
            Err(VmError::Shim { command: name.to_owned(), path: program.to_owned() })
        }
        _ => Ok(None),
    }
}

/// `python`, `python3`, `python3.11`.
fn is_called(name: &str, interpreter: &str) -> bool {
    let version = name.strip_prefix(interpreter);
    version.is_some_and(|version| version.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// A script in a folder `shims`, where version managers put theirs.
fn is_shim(program: &Path) -> bool {
    let folder = program.parent().and_then(Path::file_name);
    folder.is_some_and(|folder| folder == "shims") && needs::is_script(program)
}

/// The lines that an interpreter answered with.
fn parse(text: &str) -> Option<InterpreterFiles> {
    let mut paths = text.lines().map(Path::new).filter(|path| path.is_absolute());
    let executable = paths.next().filter(|path| path.is_file())?.canonicalize().ok()?;
    let mut library: Vec<PathBuf> = Vec::new();
    for path in paths.filter(|path| path.is_dir()) {
        if !library.iter().any(|known| path.starts_with(known)) {
            library.push(path.to_owned());
        }
    }
    Some(InterpreterFiles { executable, library })
}

#[cfg(test)]
mod tests {
    use std::{fs, io, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn names_of_interpreters_may_have_a_version() {
        for name in ["python", "python3", "python3.11"] {
            assert!(is_called(name, "python"), "{name}");
        }
        for name in ["pythonw", "python3-config", "bpython", "perldoc"] {
            assert!(!is_called(name, "python") && !is_called(name, "perl"), "{name}");
        }
    }

    fn script(path: &Path, text: &str) -> io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        fs::write(path, format!("#!/bin/sh\n{text}\n"))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
    }

    #[test]
    fn behind_a_shim_the_interpreter_is_found_by_its_answer()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().canonicalize()?;
        let (shim, real) = (root.join("shims/python3"), root.join("versions/3/bin/python3.12"));
        let library = root.join("versions/3/lib/python3.12");
        fs::create_dir_all(&library)?;
        script(&real, "")?;
        let answer =
            format!("echo {}\necho {lib}\necho {lib}", real.display(), lib = library.display());
        script(&shim, &answer)?;
        assert_eq!(
            whole(&shim)?,
            Some(InterpreterFiles { executable: real, library: vec![library] })
        );
        Ok(())
    }

    #[test]
    fn a_shim_that_does_not_tell_is_refused_and_another_script_is_none()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for name in ["shims/python3", "shims/node"] {
            script(&folder.path().join(name), "exit 1")?;
            let found = whole(&folder.path().join(name));
            assert!(matches!(found, Err(VmError::Shim { .. })), "{name}: {found:?}");
        }
        script(&folder.path().join("bin/node"), "exit 1")?;
        assert_eq!(whole(&folder.path().join("bin/node"))?, None);
        Ok(())
    }
}
