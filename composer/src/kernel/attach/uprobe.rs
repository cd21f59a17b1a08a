//! Where in which file a uprobe goes: a function of a program or a library, by name.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use object::{Object as _, ObjectSection as _, ObjectSymbol as _, ObjectSymbolTable, SymbolKind};

use crate::kernel::KernelError;

/// The path of a program or library, and the offset in that file.
pub(super) fn locate(binary: &str, place: &str) -> Result<(String, u64), KernelError> {
    let path = find(binary)?;
    let offset = offset(&path, place)?;
    Ok((path.to_string_lossy().into_owned(), offset))
}

fn missing(call: &'static str) -> KernelError {
    KernelError::with_errno(call, libc::ENOENT)
}

/// A path as it is; of a name the program in `PATH` that has it, or else the library.
pub(super) fn find(binary: &str) -> Result<PathBuf, KernelError> {
    const CALL: &str = "find binary";
    if binary.contains('/') {
        let path = PathBuf::from(binary);
        return if path.is_file() { Ok(path) } else { Err(missing(CALL)) };
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let programs = env::split_paths(&folders).map(|folder| folder.join(binary));
    let program = programs.into_iter().find(|path| path.is_file());
    program.or_else(|| library(binary)).ok_or_else(|| missing(CALL))
}

/// The library `libNAME.so.N` of a name, with or without `lib` and what stands behind it.
fn library(name: &str) -> Option<PathBuf> {
    let multiarch = format!("{}-linux-gnu", env::consts::ARCH);
    let roots = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"];
    let folders = roots.iter().flat_map(|root| [Path::new(root).join(&multiarch), root.into()]);
    let is_it = |file: &str| {
        let plain = file.strip_prefix("lib").unwrap_or(file);
        [file, plain].iter().any(|file| {
            let behind = file.strip_prefix(name);
            behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(".so"))
        })
    };
    folders.flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten()).find_map(
        |entry| {
            let is_library =
                entry.file_name().to_str().is_some_and(is_it) && entry.path().is_file();
            is_library.then(|| entry.path())
        },
    )
}

/// The offset in the file of `malloc`, `main+0x10` or `0x1234`.
fn offset(path: &Path, place: &str) -> Result<u64, KernelError> {
    if let Some(number) = number(place) {
        return Ok(number);
    }
    let (symbol, beyond) = match place.split_once('+') {
        Some((symbol, beyond)) => {
            let number = number(beyond);
            (symbol, number.ok_or_else(|| KernelError::here("find symbol", "not an offset"))?)
        }
        None => (place, 0),
    };
    let call = "read binary";
    let bytes = fs::read(path).map_err(|error| KernelError::os(call, &error))?;
    let file = object::File::parse(&*bytes).map_err(|error| KernelError::here(call, error))?;
    let is_it = |found: &object::Symbol<'_, '_>| {
        found.is_definition() && found.name().is_ok_and(|name| plain(name) == symbol)
    };
    let exported = || file.dynamic_symbols().find(is_it);
    let found = file.symbols().find(is_it).or_else(exported);
    let found = found.ok_or_else(|| KernelError::not_among("find symbol", functions(&file)))?;
    let section = found.section_index().and_then(|index| file.section_by_index(index).ok());
    let start = section.and_then(|section| {
        let (in_file, _) = section.file_range()?;
        found.address().checked_sub(section.address()).map(|within| in_file + within)
    });
    Ok(start.ok_or_else(|| missing("find symbol"))? + beyond)
}

/// The names of the functions of a program or library.
fn functions(file: &object::File<'_>) -> Vec<String> {
    let tables = [file.symbol_table(), file.dynamic_symbol_table()];
    let symbols = tables.iter().flatten().flat_map(ObjectSymbolTable::symbols);
    let functions =
        symbols.filter(|found| found.is_definition() && found.kind() == SymbolKind::Text);
    functions.filter_map(|found| Some(plain(found.name().ok()?).to_owned())).collect()
}

/// A name without its version: `malloc@@GLIBC_2.2.5`.
fn plain(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

/// A number, also with `0x`.
pub(super) fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
