//! The configuration that a kernel was built with, for `__kconfig` variables.
//!
//! The encoding of values is libbpf's convention:
//! <https://docs.ebpf.io/ebpf-library/libbpf/ebpf/__kconfig/>.

use std::{collections::HashMap, fs, io::Read as _};

use crate::{
    kernel::{KernelError, machine},
    object::btf::{Btf, Type, TypeId},
    version::Version,
};

/// Values by name: `CONFIG_HZ` → `250`, `CONFIG_BPF` → `y`.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// None when the configuration cannot be read here.
    values: Option<HashMap<String, String>>,
    /// The kernel's version, as `LINUX_KERNEL_VERSION` counts.
    version: u32,
    /// Whether system calls have a wrapper with `struct pt_regs`, as `__x64_sys_bpf`.
    wrapped: bool,
    /// Whether attachments have cookies.
    cookies: bool,
}

/// The first kernel with `bpf_get_attach_cookie`.
const COOKIES: &str = "5.15";

impl Config {
    /// The running kernel's.
    pub(super) fn of_machine() -> Result<Self, KernelError> {
        let release = machine::release();
        let wrapped = machine::symbols()
            .map_err(|error| KernelError::os("read /proc/kallsyms", &error))?
            .lines()
            .filter_map(|line| line.split_ascii_whitespace().nth(2))
            .any(|name| name.starts_with("__") && name.ends_with("_sys_bpf"));
        Ok(Self {
            values: text(&release).map(|text| parse(&text)),
            version: version_code(&release),
            wrapped,
            cookies: machine::version() >= Version::of_release(COOKIES),
        })
    }

    /// The bytes of the variable `name`, which is of type `of`; none when there is no such value.
    pub(super) fn value(
        &self,
        name: &str,
        of: TypeId,
        types: &Btf,
    ) -> Result<Option<Vec<u8>>, String> {
        let word = match name {
            "LINUX_KERNEL_VERSION" => self.version.to_string(),
            "LINUX_HAS_SYSCALL_WRAPPER" => u8::from(self.wrapped).to_string(),
            "LINUX_HAS_BPF_COOKIE" => u8::from(self.cookies).to_string(),
            _ => {
                let Some(values) = &self.values else { return Ok(None) };
                let Some(word) = values.get(name) else { return Ok(None) };
                word.clone()
            }
        };
        bytes(&word, of, types).map(Some)
    }
}

/// The configuration's text, where it can be had.
fn text(release: &str) -> Option<String> {
    let packed = fs::File::open("/proc/config.gz").ok();
    if let Some(packed) = packed {
        let mut text = String::new();
        if flate2::read::GzDecoder::new(packed).read_to_string(&mut text).is_ok() {
            return Some(text);
        }
    }
    let places = [
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/config"),
        format!("/lib/modules/{release}/build/.config"),
        format!("/usr/lib/kernel/config-{release}"),
    ];
    places.iter().find_map(|place| fs::read_to_string(place).ok())
}

/// `CONFIG_A=y`, and `# CONFIG_B is not set`, which is `n`.
fn parse(text: &str) -> HashMap<String, String> {
    let value = |line: &str| {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("# ") {
            let name = rest.strip_suffix(" is not set")?;
            return Some((name.to_owned(), "n".to_owned()));
        }
        let (name, value) = line.split_once('=')?;
        name.starts_with("CONFIG_").then(|| (name.to_owned(), value.to_owned()))
    };
    text.lines().filter_map(value).collect()
}

/// `KERNEL_VERSION(a, b, c)` of `a.b.c-…`.
fn version_code(release: &str) -> u32 {
    let numbers = release.split(|letter: char| !letter.is_ascii_digit()).take(3);
    let mut numbers = numbers.map(|number| number.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let (major, minor, patch) = (next(), next(), next());
    // The last number has a byte.
    major << 16 | minor << 8 | patch.min(255)
}

/// `word` as a value of type `of`.
fn bytes(word: &str, of: TypeId, types: &Btf) -> Result<Vec<u8>, String> {
    let size = types.size(of).ok_or("type without a size")?;
    let (_, resolved) = types.resolve(of).ok_or("unknown type")?;
    let misfit = |wanted: &str| format!("{word} is not a {wanted}");
    let state = |no: u64, yes: u64, module: u64| match word {
        "n" => Ok(no),
        "y" => Ok(yes),
        "m" => Ok(module),
        _ => Err(misfit("y, n or m")),
    };
    let number = match resolved {
        Type::Int { boolean: true, .. } => match word {
            "n" | "0" => 0,
            "y" | "1" => 1,
            _ => return Err(misfit("truth value")),
        },
        // `enum libbpf_tristate`.
        Type::Enum { .. } => state(0, 1, 2)?,
        Type::Int { size: 1, .. }
            if word.len() == 1 && !word.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            state(u64::from(b'n'), u64::from(b'y'), u64::from(b'm'))?
        }
        Type::Int { size, signed, .. } => {
            integer(word, size, signed).ok_or_else(|| misfit("number of that size"))?
        }
        Type::Array { .. } => {
            let text = word.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
            let text = text.ok_or_else(|| misfit("text"))?.as_bytes();
            let size = size as usize;
            // Cut where it does not fit, with a NUL at the end all the same.
            let mut bytes = text[..text.len().min(size.saturating_sub(1))].to_vec();
            bytes.resize(size, 0);
            return Ok(bytes);
        }
        _ => return Err("type not supported for a configuration value".to_owned()),
    };
    let all = number.to_ne_bytes();
    let size = (size as usize).min(all.len());
    Ok(if cfg!(target_endian = "little") { all[..size].to_vec() } else { all[8 - size..].to_vec() })
}

fn integer(word: &str, size: u32, signed: bool) -> Option<u64> {
    let (negative, digits) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let number = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    let number = i128::from(number.ok()?) * if negative { -1 } else { 1 };
    let bits = size.checked_mul(8).filter(|bits| (8..=64).contains(bits))?;
    // As C does, a number without a sign goes into a type with one when its bits fit.
    let least = if signed { -(1_i128 << (bits - 1)) } else { 0 };
    let fits = (least..1_i128 << bits).contains(&number);
    fits.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::{bytes, integer, parse, version_code};

    #[test]
    fn a_release_counts_as_the_kernel_counts() {
        assert_eq!(version_code("6.12.117+deb12-cloud-amd64"), 0x06_0c_75);
        assert_eq!(version_code("6.1.0-56-cloud-amd64"), 0x06_01_00);
        assert_eq!(version_code("7.3"), 0x07_03_00);
        assert_eq!(version_code("4.9.337"), 0x04_09_ff);
    }

    #[test]
    fn what_is_not_set_is_no() {
        let values =
            parse("#\n# General\n#\nCONFIG_HZ=250\n# CONFIG_BPF is not set\nCONFIG_X=\"a=b\"\n");
        assert_eq!(values["CONFIG_HZ"], "250");
        assert_eq!(values["CONFIG_BPF"], "n");
        assert_eq!(values["CONFIG_X"], "\"a=b\"");
        assert_eq!(values.len(), 3);
    }

    #[test]
    fn numbers_have_to_fit() {
        assert_eq!(integer("250", 4, true), Some(250));
        assert_eq!(integer("0xffffffff", 4, true), Some(0xffff_ffff));
        assert_eq!(integer("0x1ffffffff", 4, true), None);
        assert_eq!(integer("-1", 4, true), Some(u64::MAX));
        assert_eq!(integer("-1", 4, false), None);
        assert_eq!(integer("y", 4, true), None);
    }

    #[test]
    fn a_value_is_as_its_type_wants_it() {
        let object = freplace_compose_test_programs::object("kconfig").expect("a test program");
        let object = crate::object::Object::parse(object).expect("whole");
        let of = |name: &str| {
            let found = object.externs.iter().find(|found| found.name == name).expect("there");
            match found.kind {
                crate::object::ExternKind::Kconfig(of) => of,
                other => panic!("{other:?}"),
            }
        };
        let value = |word: &str, name: &str| bytes(word, of(name), &object.btf);
        assert_eq!(value("250", "CONFIG_HZ"), Ok(250_i32.to_ne_bytes().to_vec()));
        assert_eq!(value("y", "CONFIG_BPF_SYSCALL"), Ok(vec![1]));
        assert_eq!(value("m", "CONFIG_IPV6"), Ok(2_u32.to_ne_bytes().to_vec()));
        assert_eq!(value("m", "CONFIG_TUN"), Ok(vec![b'm']));
        let text = value("\"-cloud\"", "CONFIG_LOCALVERSION").expect("a text");
        assert_eq!(&text[..7], b"-cloud\0");
        assert!(value("250", "CONFIG_LOCALVERSION").is_err());
    }
}
