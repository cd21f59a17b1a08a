//! This machine's kernel, as far as any user can read it: its release, types and symbols.

use std::{fs, io, path::Path};

use crate::{files::plain, profile::Targets, version::Version};

/// The running kernel's types.
const BTF: &str = "/sys/kernel/btf/vmlinux";
/// Its symbols and those of its modules. Root alone sees their addresses.
const SYMBOLS: &str = "/proc/kallsyms";

/// What [`save`] calls them.
pub const SAVED_BTF: &str = "vmlinux.btf";
/// What [`save`] calls them.
pub const SAVED_SYMBOLS: &str = "kallsyms.txt";

/// The running kernel's release: `6.12.117+deb12-cloud-amd64`.
#[must_use]
pub fn release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// The running kernel's series.
#[must_use]
pub fn version() -> Option<Version> {
    Version::of_release(&release())
}

/// What can be attached to in the running kernel, and what could not be read of it, in words.
#[must_use]
pub fn targets() -> (Targets, Vec<String>) {
    let mut unread = Vec::new();
    let mut read = |path: &str| match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            unread.push(format!("{path}: {}", plain(&error)));
            None
        }
    };
    let (btf, symbols) = (read(BTF), read(SYMBOLS));
    let symbols = symbols.as_deref().map(String::from_utf8_lossy);
    let targets = Targets::new(btf, symbols.as_deref()).unwrap_or_else(|error| {
        unread.push(format!("{BTF}: {error}"));
        Targets::of_symbols(symbols.as_deref())
    });
    (targets, unread)
}

/// The running kernel's symbols, a line each.
///
/// # Errors
/// When they cannot be read.
pub(super) fn symbols() -> io::Result<String> {
    fs::read_to_string(SYMBOLS)
}

/// Saves the running kernel's types and symbols in `folder`, as [`SAVED_BTF`] and
/// [`SAVED_SYMBOLS`], which a profile beside them can name. Addresses are left out: they are a secret of
/// the machine.
///
/// # Errors
/// When a file cannot be read or written.
pub fn save(folder: &Path) -> io::Result<()> {
    fs::write(folder.join(SAVED_BTF), fs::read(BTF)?)?;
    fs::write(folder.join(SAVED_SYMBOLS), without_addresses(&symbols()?))
}

fn without_addresses(symbols: &str) -> String {
    let rest = |line: &str| line.split_once(' ').map(|(_, rest)| format!("0 {rest}\n"));
    symbols.lines().filter_map(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::without_addresses;

    #[test]
    fn a_saved_symbol_keeps_all_but_its_address() {
        let text = "ffffffff81000000 T _text\nffffffffc0123456 t nf_nat_init\t[nf_nat]\n";
        assert_eq!(without_addresses(text), "0 T _text\n0 t nf_nat_init\t[nf_nat]\n");
    }
}
