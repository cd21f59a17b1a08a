//! What an executable of the host needs to run elsewhere: shared libraries, or a script's
//! interpreter.

use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{self, ErrorKind, Read as _},
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use super::error::VmError;

/// Enough for an ELF header, and the longest `#!` line that Linux reads (BINPRM_BUF_SIZE).
const HEAD: u64 = 256;

/// What the first bytes of a file say about running it.
#[derive(Debug, PartialEq, Eq)]
enum FileKind {
    /// An x86-64 executable or shared library.
    Elf,
    /// A script: the interpreter, and its one optional argument.
    Script(PathBuf, Option<String>),
    /// Nothing that Linux executes by itself; an eBPF object, an ELF file too, is data here.
    Data,
}

impl FileKind {
    fn of(head: &[u8]) -> Self {
        // e_ident: 64 bits, little endian; e_type 2 or 3: executable or shared; e_machine 62: x86-64 (elf.h).
        let elf = head.starts_with(b"\x7fELF\x02\x01")
            && matches!(head.get(16..20), Some([2 | 3, 0, 62, 0]));
        if elf {
            return Self::Elf;
        }
        let line = head.strip_prefix(b"#!").and_then(|rest| rest.split(|&b| b == b'\n').next());
        let Some(Ok(line)) = line.map(str::from_utf8) else { return Self::Data };
        let (interpreter, argument) =
            line.trim().split_once([' ', '\t']).unwrap_or((line.trim(), ""));
        let argument = Some(argument.trim().to_owned()).filter(|argument| !argument.is_empty());
        if interpreter.is_empty() { Self::Data } else { Self::Script(interpreter.into(), argument) }
    }
}

fn kind(file: &Path) -> io::Result<FileKind> {
    let mut head = Vec::new();
    File::open(file)?.take(HEAD).read_to_end(&mut head)?;
    Ok(FileKind::of(&head))
}

/// A file that begins with `#!`.
pub(super) fn is_script(file: &Path) -> bool {
    matches!(kind(file), Ok(FileKind::Script(..)))
}

/// The files that must stand at their own paths for `file` to run; for libraries that includes their libraries.
pub(super) fn needs(file: &Path, executable: bool) -> Result<Vec<PathBuf>, VmError> {
    let kind = kind(file).map_err(VmError::host(format!("read {}", file.display())))?;
    match kind {
        FileKind::Elf => libraries(file),
        FileKind::Script(interpreter, argument) if executable => {
            if !interpreter.is_file() {
                return Err(VmError::MissingInterpreter { script: file.to_owned(), interpreter });
            }
            let mut needed = vec![interpreter.clone()];
            // `#!/usr/bin/env python3`: the program behind env is needed as well.
            if interpreter.ends_with("env") {
                let words = argument.unwrap_or_default();
                let named = words
                    .split_ascii_whitespace()
                    .find(|word| !word.starts_with('-') && !word.contains('='));
                needed.extend(named.and_then(|name| on_path(OsStr::new(name))));
            }
            Ok(needed)
        }
        _ => Ok(Vec::new()),
    }
}

/// Asks the dynamic loader itself, through `ldd`: run paths, `ld.so.conf` and LD_LIBRARY_PATH count as they do here.
fn libraries(file: &Path) -> Result<Vec<PathBuf>, VmError> {
    let output =
        Command::new("ldd").arg(file).env("LC_ALL", "C").output().map_err(|source| match source
            .kind()
        {
            ErrorKind::NotFound => VmError::ToolMissing { tool: "ldd", package: "libc-bin" },
            _ => {
                VmError::Host { what: format!("list the libraries of {}", file.display()), source }
            }
        })?;
    // A static executable ends ldd with 1 and no line on standard output.
    parse_ldd(&String::from_utf8_lossy(&output.stdout))
        .map_err(|library| VmError::MissingLibrary { file: file.to_owned(), library })
}

/// The absolute paths in what `ldd` printed, or the name of the library that was not found.
fn parse_ldd(text: &str) -> Result<Vec<PathBuf>, String> {
    let mut paths = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some((name, _)) = line.split_once(" => not found") {
            return Err(name.to_owned());
        }
        // `name => /path (0x…)`, `/path (0x…)`; the kernel's own linux-vdso has no path.
        let line = line.rsplit_once(" (0x").map_or(line, |(paths, _)| paths);
        paths.extend(line.split(" => ").filter(|word| word.starts_with('/')).map(PathBuf::from));
    }
    Ok(paths)
}

/// The executable that a shell on this host would run for `name`.
pub(super) fn on_path(name: &OsStr) -> Option<PathBuf> {
    on_path_of(name, &env::var_os("PATH")?)
}

fn on_path_of(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if name.is_empty() || name.as_bytes().contains(&b'/') {
        return None;
    }
    env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| is_executable(file))
}

/// A file, after symlinks, that someone may execute.
pub(super) fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ldd_lines_give_the_loader_and_the_libraries() {
        let text = "\tlinux-vdso.so.1 (0x00007ffc)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let paths = parse_ldd(text);
        assert_eq!(
            paths,
            Ok(vec![
                "/lib/x86_64-linux-gnu/libc.so.6".into(),
                "/lib64/ld-linux-x86-64.so.2".into()
            ])
        );
        assert_eq!(parse_ldd("\tstatically linked\n"), Ok(vec![]));
    }

    #[test]
    fn a_missing_library_is_named() {
        assert_eq!(parse_ldd("\tlibfoo.so.1 => not found\n"), Err("libfoo.so.1".to_owned()));
    }

    #[test]
    fn a_script_names_its_interpreter_and_one_argument() {
        assert_eq!(FileKind::of(b"#!/bin/sh\necho"), FileKind::Script("/bin/sh".into(), None));
        let env = FileKind::Script("/usr/bin/env".into(), Some("-S python3 -u".to_owned()));
        assert_eq!(FileKind::of(b"#! /usr/bin/env  -S python3 -u\n"), env);
        assert_eq!(FileKind::of(b"#!\n"), FileKind::Data);
    }

    #[test]
    fn an_ebpf_object_is_data_and_an_x86_executable_is_not() {
        let mut head = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\xf7\0";
        assert_eq!(FileKind::of(&head), FileKind::Data);
        head[16..20].copy_from_slice(&[3, 0, 62, 0]);
        assert_eq!(FileKind::of(&head), FileKind::Elf);
    }

    #[test]
    fn the_first_executable_on_path_wins_and_a_name_with_a_slash_is_not_looked_up() {
        assert_eq!(
            on_path_of(OsStr::new("sh"), OsStr::new("relative:/nonexistent:/bin")),
            Some("/bin/sh".into())
        );
        assert_eq!(on_path_of(OsStr::new("bin/sh"), OsStr::new("/")), None);
        assert_eq!(on_path_of(OsStr::new("passwd"), OsStr::new("/etc")), None);
    }

    #[test]
    fn a_dynamic_executable_needs_its_loader() -> Result<(), VmError> {
        let needed = needs(Path::new("/bin/sh"), true)?;
        assert!(
            needed.iter().any(|path| path.to_string_lossy().contains("ld-linux")),
            "{needed:?}"
        );
        Ok(())
    }
}
