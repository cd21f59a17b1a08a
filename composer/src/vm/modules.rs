//! Kernel modules for the guest: found by name below `/lib/modules/RELEASE`, with their
//! dependencies, in loading order.
//!
//! The dependencies of a module are in the module itself (`depends=` in its section `.modinfo`), so
//! `depmod` is not needed: packages do not include its list.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use object::{Object as _, ObjectSection as _};

use super::{error::VmError, needs};
use crate::diag::nearest;

/// A module, as the kernel takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

/// The modules of one kernel.
pub(super) struct Modules<'a> {
    release: &'a str,
    files: BTreeMap<String, PathBuf>,
    /// Part of the kernel itself.
    built_in: BTreeSet<String>,
    busybox: Option<&'a Path>,
}

impl<'a> Modules<'a> {
    /// Those below `folder`, which is what the kernel calls `/lib/modules/RELEASE`. A busybox
    /// decompresses what the host has no tool for.
    pub(super) fn open(
        folder: &Path,
        release: &'a str,
        busybox: Option<&'a Path>,
    ) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        collect(folder, &mut files)?;
        let built_in = fs::read_to_string(folder.join("modules.builtin")).unwrap_or_default();
        let built_in = built_in.lines().filter_map(|line| name(Path::new(line))).collect();
        Ok(Self { release, files, built_in, busybox })
    }

    /// Whether there is a module called `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains_key(&normal(name))
    }

    /// The modules called `names` and all that they need, each after what it needs.
    pub(super) fn in_order<'b>(
        &self,
        names: impl IntoIterator<Item = &'b String>,
    ) -> Result<Vec<Module>, VmError> {
        let (mut done, mut found) = (BTreeSet::new(), Vec::new());
        for name in names {
            self.add(name, &mut done, &mut found)?;
        }
        Ok(found)
    }

    fn add(
        &self,
        name: &str,
        done: &mut BTreeSet<String>,
        found: &mut Vec<Module>,
    ) -> Result<(), VmError> {
        let name = normal(name);
        if self.built_in.contains(&name) || !done.insert(name.clone()) {
            return Ok(());
        }
        let Some(path) = self.files.get(&name) else {
            let near = nearest(&name, self.files.keys().map(String::as_str)).map(str::to_owned);
            return Err(VmError::NoModule { module: name, release: self.release.to_owned(), near });
        };
        let content = self.content(path)?;
        for needed in depends(&content) {
            self.add(&needed, done, found)?;
        }
        found.push(Module { name, content });
        Ok(())
    }

    /// What is in the file of a module, decompressed.
    fn content(&self, path: &Path) -> Result<Vec<u8>, VmError> {
        let failed = || VmError::host(format!("read the module {}", path.display()));
        let tool = match path.extension().and_then(|end| end.to_str()) {
            Some("xz") => "xz",
            Some("gz") => "gzip",
            Some("zst") => "zstd",
            _ => return fs::read(path).map_err(failed()),
        };
        let mut command = match (needs::on_path(tool.as_ref()), self.busybox) {
            (Some(tool), _) => Command::new(tool),
            (None, Some(busybox)) if tool != "zstd" => {
                let mut command = Command::new(busybox);
                command.arg(tool);
                command
            }
            _ => return Err(VmError::ToolMissing { tool, package: tool }),
        };
        let output = command.arg("-dc").arg(path).stdin(Stdio::null()).output().map_err(failed())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(failed()(io::Error::other(said)));
        }
        Ok(output.stdout)
    }
}

/// Every module below `folder`, by its name.
fn collect(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else if let Some(name) = name(&entry.path()) {
            files.insert(name, entry.path());
        }
    }
    Ok(())
}

/// `sch_ingress` for `kernel/net/sched/sch-ingress.ko.xz`; `None` for what is no module.
fn name(path: &Path) -> Option<String> {
    let (name, _) = path.file_name()?.to_str()?.split_once(".ko")?;
    Some(normal(name))
}

/// The kernel takes `-` and `_` in names of modules for the same.
fn normal(name: &str) -> String {
    name.replace('-', "_")
}

/// The names behind `depends=`, in texts that each end with a NUL.
fn depends(content: &[u8]) -> Vec<String> {
    let file = object::File::parse(content).ok();
    let section = file.as_ref().and_then(|file| file.section_by_name(".modinfo"));
    let info = section.and_then(|section| section.data().ok()).unwrap_or_default();
    let found = info.split(|&b| b == 0).find_map(|text| text.strip_prefix(b"depends="));
    let found = String::from_utf8_lossy(found.unwrap_or_default()).into_owned();
    found.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file with a `.modinfo`, as small as they come: header, texts, names, three section headers.
    fn module(depends: &str) -> Vec<u8> {
        let info = format!("license=GPL\0depends={depends}\0");
        let names = b"\0.modinfo\0.shstrtab\0";
        let sections = (64 + info.len() + names.len()).next_multiple_of(8);
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\x3e\0\x01\0\0\0".to_vec();
        bytes.extend([0; 16]);
        bytes.extend((sections as u64).to_le_bytes());
        bytes.extend([0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 64, 0, 3, 0, 2, 0]);
        assert_eq!(bytes.len(), 64);
        bytes.extend(info.as_bytes());
        bytes.extend(names);
        bytes.resize(sections + 64, 0);
        for (name, kind, at, size) in
            [(1_u32, 1_u32, 64, info.len()), (10, 3, 64 + info.len(), names.len())]
        {
            bytes.extend(name.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend([0; 16]);
            bytes.extend((at as u64).to_le_bytes());
            bytes.extend((size as u64).to_le_bytes());
            bytes.extend([0; 24]);
        }
        bytes
    }

    fn folder() -> io::Result<tempfile::TempDir> {
        let folder = tempfile::tempdir()?;
        let net = folder.path().join("kernel/net");
        fs::create_dir_all(&net)?;
        for (file, depends) in
            [("top.ko", "low-a,low_b"), ("low-a.ko", "low_b,inside"), ("low_b.ko", "")]
        {
            fs::write(net.join(file), module(depends))?;
        }
        fs::write(folder.path().join("modules.builtin"), "kernel/lib/inside.ko\n")?;
        Ok(folder)
    }

    #[test]
    fn a_module_comes_after_what_it_depends_on_and_once() -> Result<(), Box<dyn std::error::Error>>
    {
        let folder = folder()?;
        let modules = Modules::open(folder.path(), "7.3.4", None)?;
        let found =
            modules.in_order(&["top".to_owned(), "low_a".to_owned(), "inside".to_owned()])?;
        let names: Vec<_> = found.iter().map(|module| module.name.as_str()).collect();
        assert_eq!(names, ["low_b", "low_a", "top"]);
        assert_eq!(found[0].content, module(""));
        Ok(())
    }

    #[test]
    fn a_module_that_is_not_there_is_named_with_the_nearest() -> io::Result<()> {
        let folder = folder()?;
        let modules = Modules::open(folder.path(), "7.3.4", None)?;
        let error = modules.in_order(&["lowb".to_owned()]);
        let near = |error: &VmError| matches!(error, VmError::NoModule { near: Some(near), .. } if near == "low_b");
        assert!(error.as_ref().is_err_and(near), "{error:?}");
        Ok(())
    }
}
