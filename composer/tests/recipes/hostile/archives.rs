//! Archives that are not what `recipe pack` writes.

use tar::{EntryType, Header};

use crate::{
    CHAIN, MANIFEST, files,
    tars::{BLOCK, header, summed},
};

/// Those that claim or have many bytes.
pub(super) const LARGE: [&str; 4] =
    ["8 GiB claimed", "16 EiB claimed", "more than 64 MiB in total", "1001 files"];

/// An archive that grows.
#[derive(Default, Clone)]
struct HostileTar(Vec<u8>);

impl HostileTar {
    fn raw(mut self, header: Header, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(summed(header).as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    fn file(self, path: &str, bytes: &[u8]) -> Self {
        self.raw(header(path.as_bytes(), bytes.len() as u64), bytes)
    }

    /// The files of a good recipe.
    fn rest(self) -> Self {
        files().into_iter().fold(self, |tar, (path, bytes)| tar.file(path, bytes))
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }
}

/// A good recipe with an entry in front whose header is changed.
fn with(change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut first = header(b"a.txt", 0);
    change(&mut first);
    HostileTar::default().raw(first, b"").rest().end()
}

fn of_type(kind: u8) -> Vec<u8> {
    with(|header| header.as_mut_bytes()[156] = kind)
}

fn linked(kind: EntryType, target: &str) -> Vec<u8> {
    with(|header| {
        header.set_entry_type(kind);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
    })
}

fn named(path: &[u8]) -> Vec<u8> {
    HostileTar::default().raw(header(path, 0), b"").rest().end()
}

fn files_called(paths: &[&str]) -> Vec<u8> {
    let tar = paths.iter().fold(HostileTar::default(), |tar, path| tar.file(path, b""));
    tar.rest().end()
}

fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = HostileTar::default().rest().end();
    change(&mut bytes);
    bytes
}

/// Each with what it is.
pub(super) fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let mut cases = bytes();
    cases.extend(names());
    cases.extend(entries());
    cases.extend(contents());
    cases
}

fn bytes() -> Vec<(&'static str, Vec<u8>)> {
    let good = || HostileTar::default().rest();
    vec![
        ("nothing", Vec::new()),
        ("one byte", vec![0]),
        ("a megabyte of zeros", vec![0; 1 << 20]),
        ("a text", b"format = 1\n".repeat(100)),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()),
        ("zstd", b"\x28\xb5\x2f\xfd\0\0\0\0".to_vec()),
        ("xz", b"\xfd7zXZ\0\0\0".to_vec()),
        ("bzip2", b"BZh91AY".to_vec()),
        ("zip", b"PK\x03\x04\0\0".to_vec()),
        ("cut in a header", changed(|bytes| bytes.truncate(100))),
        ("cut in a later header", changed(|bytes| bytes.truncate(2 * BLOCK + 100))),
        ("cut in a file", changed(|bytes| bytes.truncate(BLOCK + 10))),
        ("cut between files", changed(|bytes| bytes.truncate(2 * BLOCK))),
        ("cut before its end", good().0),
        ("cut in its end", changed(|bytes| bytes.truncate(bytes.len() - BLOCK))),
        ("a byte behind its end", changed(|bytes| bytes.push(1))),
        ("a zero behind its end", changed(|bytes| bytes.push(0))),
        ("blocks of zeros behind its end", changed(|bytes| bytes.resize(10240, 0))),
        (
            "another archive behind its end",
            changed(|bytes| bytes.extend(HostileTar::default().rest().end())),
        ),
        (
            "a file between the blocks of its end",
            changed(|bytes| {
                let file = HostileTar::default().file("z", b"").0;
                let at = bytes.len() - BLOCK;
                drop(bytes.splice(at..at, file));
            }),
        ),
        ("a wrong checksum", changed(|bytes| bytes[148] ^= 1)),
        ("a flipped bit in a name", changed(|bytes| bytes[0] ^= 1)),
        ("something behind the contents of a file", changed(|bytes| bytes[2 * BLOCK - 1] = 1)),
        ("something behind the fields of a header", with(|header| header.as_mut_bytes()[511] = 1)),
        ("no files", HostileTar::default().end()),
    ]
}

fn names() -> Vec<(&'static str, Vec<u8>)> {
    let deep = "a/".repeat(40) + "a";
    vec![
        ("a path that leaves", named(b"../a")),
        ("a path that leaves later", named(b"a/../../b")),
        ("a path that comes back", named(b"a/../b")),
        ("an absolute path", named(b"/etc/cron.d/a")),
        ("this folder", named(b"./a")),
        ("the folder itself", named(b".")),
        ("an empty name", named(b"")),
        ("an empty part", named(b"a//b")),
        ("a slash at the end", named(b"a/")),
        ("a hidden file", named(b".ssh/authorized_keys")),
        ("an option", named(b"-rf")),
        ("a blank", named(b"a b")),
        ("a backslash", named(b"..\\a")),
        ("a drive", named(b"c:a")),
        ("a stream", named(b"a:b")),
        ("a line end", named(b"a\nb")),
        ("an escape", named(b"\x1b[2Ja")),
        ("text from right to left", named("a\u{202e}b".as_bytes())),
        ("not UTF-8", named(b"a\xff")),
        ("a dot at the end", named(b"a.")),
        ("a deep path", named(deep.as_bytes())),
        ("bytes behind the end of a name", named(b"a\0b")),
        (
            "a name that ends within a letter",
            with(|header| {
                header.as_old_mut().name = [b'a'; 100];
                header.as_old_mut().name[99] = 0xc3;
            }),
        ),
        ("a prefix", with(|header| header.as_ustar_mut().expect("it is one").prefix[0] = b'x')),
        ("twice", files_called(&["a", "a"])),
        ("twice, not in a row", files_called(&["a", "b", "a"])),
        ("not sorted", files_called(&["b", "a"])),
        ("two in case", files_called(&["A", "a"])),
        ("two folders in case", files_called(&["A/a", "a/b"])),
        ("a file and a folder", files_called(&["a", "a/b"])),
        ("a file and a folder in case", files_called(&["A", "a/b"])),
        ("a second recipe.toml", HostileTar::default().rest().file("recipe.toml", b"").end()),
    ]
}

fn entries() -> Vec<(&'static str, Vec<u8>)> {
    let link = linked(EntryType::Symlink, "/etc");
    let through = {
        let mut first = header(b"a", 0);
        first.set_entry_type(EntryType::Symlink);
        first.as_old_mut().linkname[..4].copy_from_slice(b"/etc");
        HostileTar::default().raw(first, b"").file("a/passwd", b"x").rest().end()
    };
    let long = |kind: EntryType| {
        let name = "../".repeat(60) + "etc/passwd";
        let mut first = header(b"././@LongLink", name.len() as u64);
        first.set_entry_type(kind);
        HostileTar::default().raw(first, name.as_bytes()).file("a", b"").rest().end()
    };
    let pax = |kind: EntryType, record: &str| {
        let mut first = header(b"a", record.len() as u64);
        first.set_entry_type(kind);
        HostileTar::default().raw(first, record.as_bytes()).file("b", b"").rest().end()
    };
    vec![
        ("a symbolic link", link),
        ("a file through a symbolic link", through),
        ("a symbolic link that leaves", linked(EntryType::Symlink, "../../a")),
        ("a hard link", linked(EntryType::Link, "/etc/shadow")),
        ("a hard link within", linked(EntryType::Link, "chain.toml")),
        ("a file with the target of a link", linked(EntryType::Regular, "/etc/shadow")),
        ("a character device", of_type(b'3')),
        ("a block device", of_type(b'4')),
        ("a folder", of_type(b'5')),
        ("a pipe", of_type(b'6')),
        ("a contiguous file", of_type(b'7')),
        ("a file of old tars", of_type(0)),
        ("an unknown type", of_type(b'Z')),
        ("a volume of GNU", of_type(b'V')),
        ("a rest of another volume of GNU", of_type(b'M')),
        ("a list of GNU", of_type(b'D')),
        ("a sparse file of GNU", of_type(b'S')),
        ("a long name of GNU", long(EntryType::GNULongName)),
        ("a long target of GNU", long(EntryType::GNULongLink)),
        ("a path of PAX", pax(EntryType::XHeader, "17 path=../../a\n")),
        ("a size of PAX", pax(EntryType::XHeader, "19 size=1000000000\n")),
        ("a sparse file of PAX", pax(EntryType::XHeader, "22 GNU.sparse.major=1\n")),
        ("a path of PAX for all", pax(EntryType::XGlobalHeader, "17 path=../../a\n")),
        ("a type of Solaris", of_type(b'X')),
        (
            "a header of GNU",
            with(|header| {
                header.as_mut_bytes()[257..265].copy_from_slice(b"ustar  \0");
            }),
        ),
        ("a header of before POSIX", with(|header| header.as_mut_bytes()[257..265].fill(0))),
        ("set user id", with(|header| header.set_mode(0o4755))),
        ("executable", with(|header| header.set_mode(0o755))),
        ("an owner", with(|header| header.set_uid(1000))),
        ("a group", with(|header| header.set_gid(1000))),
        (
            "the name of an owner",
            with(|header| {
                header.set_username("root").expect("it fits");
            }),
        ),
        ("a time", with(|header| header.set_mtime(1))),
        (
            "the number of a device",
            with(|header| {
                header.as_ustar_mut().expect("it is one").set_device_major(8);
            }),
        ),
        ("a mode with blanks", with(|header| header.as_old_mut().mode = *b"   644 \0")),
    ]
}

fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let claimed = |change: fn(&mut Header)| with(change);
    let many =
        (0..1001).fold(HostileTar::default(), |tar, number| tar.file(&format!("{number:04}"), b""));
    let large = vec![0; 33 << 20];
    let objects = |path: &str| {
        let chain = CHAIN.replace("builtin:xdp", path);
        let tar = HostileTar::default().file("chain.toml", chain.as_bytes());
        tar.file("recipe.toml", MANIFEST.as_bytes()).end()
    };
    vec![
        ("8 GiB claimed", claimed(|header| header.as_old_mut().size = *b"77777777777\0")),
        ("16 EiB claimed", claimed(|header| header.as_old_mut().size = [0xff; 12])),
        (
            "a size in binary",
            claimed(|header| {
                header.as_old_mut().size = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            }),
        ),
        (
            "a size that is no number",
            claimed(|header| header.as_old_mut().size = *b"-0000000001\0"),
        ),
        ("a size that is more than there is", claimed(|header| header.set_size(1 << 20))),
        ("a size in another form", claimed(|header| header.as_old_mut().size = *b"          0\0")),
        ("1001 files", many.rest().end()),
        (
            "more than 64 MiB in total",
            HostileTar::default().file("a", &large).file("b", &large).rest().end(),
        ),
        ("no recipe.toml", HostileTar::default().file("chain.toml", CHAIN.as_bytes()).end()),
        ("no chain.toml", HostileTar::default().file("recipe.toml", MANIFEST.as_bytes()).end()),
        (
            "a recipe.toml in a folder",
            HostileTar::default()
                .file("a/chain.toml", CHAIN.as_bytes())
                .file("a/recipe.toml", MANIFEST.as_bytes())
                .end(),
        ),
        (
            "a recipe.toml that is not UTF-8",
            HostileTar::default()
                .file("chain.toml", CHAIN.as_bytes())
                .file("recipe.toml", b"\xff")
                .end(),
        ),
        (
            "a huge recipe.toml",
            HostileTar::default()
                .file("chain.toml", CHAIN.as_bytes())
                .file("recipe.toml", &b"#".repeat((1 << 20) + 1))
                .end(),
        ),
        (
            "a chain.toml that is none",
            HostileTar::default()
                .file("chain.toml", b"")
                .file("recipe.toml", MANIFEST.as_bytes())
                .end(),
        ),
        ("an object that is not there", objects("one.bpf.o")),
        ("an object of this machine", objects("/usr/lib/one.bpf.o")),
        ("an object beside the recipe", objects("../one.bpf.o")),
    ]
}
