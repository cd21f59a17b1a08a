//! The guest's root filesystem, assembled in memory as a plan. Files have the same paths as on the
//! host, so that paths in arguments and in files are valid on both sides.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
};

use super::{
    error::VmError,
    interpreters::{self, InterpreterFiles},
    modules::Module,
    needs,
};

/// Searched in the guest after the folders of what was brought along; busybox's applets are in the last one.
const STANDARD_PATH: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Modules that init loads.
const MODULES: &str = "/modules";
/// Where the kernel's own filesystems will be mounted over whatever is there.
const MOUNTED: [&str; 3] = ["/dev", "/proc", "/sys"];

/// The plan: what is where in the guest.
pub(super) struct Rootfs {
    pub(super) nodes: BTreeMap<PathBuf, RootfsEntry>,
    /// Host files whose needs are in already, by their resolved paths.
    complete: HashSet<PathBuf>,
    /// Interpreters whose library is in already, by their places.
    interpreters: HashSet<PathBuf>,
    /// Folders of the requested executables, in that order.
    path: Vec<PathBuf>,
}

/// What stands under one name in the guest.
pub(super) enum RootfsEntry {
    Directory(u32),
    Symlink(PathBuf),
    Data(Vec<u8>),
    /// A file of the host, by its resolved path.
    File(PathBuf),
}

impl Rootfs {
    /// The least a guest has: `init` as its first process and under its own name, and busybox's applets, if there are any.
    pub(super) fn new(
        init: &Path,
        busybox: Option<&(PathBuf, Vec<String>)>,
    ) -> Result<Self, VmError> {
        let mut this = Self {
            nodes: BTreeMap::new(),
            complete: HashSet::new(),
            interpreters: HashSet::new(),
            path: Vec::new(),
        };
        for (path, mode) in
            [("/dev", 0o755), ("/proc", 0o555), ("/sys", 0o555), ("/tmp", 0o1777), ("/root", 0o700)]
        {
            this.nodes.insert(path.into(), RootfsEntry::Directory(mode));
        }
        for path in ["/run", "/etc", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/var/tmp"] {
            this.directory(Path::new(path));
        }
        this.data("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n".to_vec());
        this.data("/etc/group", b"root:x:0:\n".to_vec());
        this.data("/etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n".to_vec());
        // Without it the loader would miss libraries outside its built-in folders.
        if Path::new("/etc/ld.so.cache").is_file() {
            this.nodes
                .insert("/etc/ld.so.cache".into(), RootfsEntry::File("/etc/ld.so.cache".into()));
        }
        if let Some((busybox, applets)) = busybox {
            this.file(busybox, Path::new("/bin/busybox"), false)?;
            for applet in applets {
                let link = Path::new("/bin").join(applet);
                this.nodes
                    .entry(link)
                    .or_insert_with(|| RootfsEntry::Symlink("/bin/busybox".into()));
            }
        }
        this.file(init, Path::new("/init"), false)?;
        this.file(init, Path::new("/usr/bin/freplace-compose"), false)?;
        Ok(this)
    }

    /// A file with the given content; it replaces what was planned there.
    pub(super) fn data(&mut self, path: &str, content: Vec<u8>) {
        self.nodes.insert(path.into(), RootfsEntry::Data(content));
    }

    /// A module for init to load; where it is.
    pub(super) fn module(&mut self, module: Module) -> PathBuf {
        let path = Path::new(MODULES).join(module.name + ".ko");
        self.directory(Path::new(MODULES));
        self.nodes.insert(path.clone(), RootfsEntry::Data(module.content));
        path
    }

    /// A folder and those above it.
    pub(super) fn directory(&mut self, path: &Path) {
        for folder in path.ancestors().filter(|folder| *folder != Path::new("/")) {
            self.nodes.entry(folder.to_owned()).or_insert(RootfsEntry::Directory(0o755));
        }
    }

    /// Brings a file or folder of the host to `dest`, with what its executables need.
    pub(super) fn bring(&mut self, source: &Path, dest: &Path) -> Result<(), VmError> {
        let reserved = MOUNTED.iter().any(|mounted| dest.starts_with(mounted))
            || dest.starts_with(MODULES)
            || dest == "/init"
            || dest == "/job";
        if reserved {
            return Err(VmError::Destination { path: dest.to_owned() });
        }
        let resolved =
            source.canonicalize().map_err(VmError::host(format!("find {}", source.display())))?;
        if resolved.is_dir() {
            self.folder(&resolved, &resolved, dest, &[])
        } else if needs::is_executable(&resolved) {
            self.executable(source, dest)
        } else {
            self.file(&resolved, dest, false)
        }
    }

    /// The executable for a command's first word, brought along from the host unless it is in the guest already.
    pub(super) fn program(&mut self, word: &OsStr, cwd: &Path) -> Result<PathBuf, VmError> {
        let not_found =
            || VmError::CommandNotFound { command: word.to_string_lossy().into_owned() };
        if word.as_bytes().contains(&b'/') {
            let dest = absolute(cwd, Path::new(word));
            let source = cwd.join(word);
            match self.nodes.get(&dest) {
                Some(RootfsEntry::File(_)) => {}
                _ if source.is_file() => self.bring(&source, &dest)?,
                Some(RootfsEntry::Symlink(_)) => {}
                _ => return Err(not_found()),
            }
            return Ok(dest);
        }
        let brought = self.guest_path().into_iter().map(|dir| dir.join(word));
        if let Some(dest) = brought
            .into_iter()
            .find(|dest| matches!(self.nodes.get(dest), Some(RootfsEntry::File(_))))
        {
            return Ok(dest);
        }
        if let Some(source) = needs::on_path(word) {
            self.bring(&source, &source)?;
            return Ok(source);
        }
        let applet = Path::new("/bin").join(word);
        if matches!(self.nodes.get(&applet), Some(RootfsEntry::Symlink(_))) {
            Ok(applet)
        } else {
            Err(not_found())
        }
    }

    /// Brings an executable; one that is an interpreter, or starts one, with its library.
    fn executable(&mut self, source: &Path, dest: &Path) -> Result<(), VmError> {
        if self.interpreters.contains(dest) {
            return Ok(());
        }
        self.path.extend(dest.parent().map(Path::to_owned));
        let Some(InterpreterFiles { executable, library }) = interpreters::whole(source)? else {
            return self.file(source, dest, false);
        };
        self.interpreters.insert(dest.to_owned());
        self.file(&executable, &executable, false)?;
        if dest != executable {
            self.directory(dest.parent().unwrap_or(Path::new("/")));
            self.nodes.insert(dest.to_owned(), RootfsEntry::Symlink(executable));
        }
        for folder in library {
            let resolved = folder.canonicalize();
            let resolved = resolved.map_err(VmError::host(format!("find {}", folder.display())))?;
            self.folder(&resolved, &resolved, &folder, &interpreters::LEFT_OUT)?;
        }
        Ok(())
    }

    /// PATH for the job: folders of what was brought along by name, then the standard ones.
    pub(super) fn path_variable(&self) -> OsString {
        let folders: Vec<_> =
            self.guest_path().iter().map(|folder| folder.as_os_str().as_bytes().to_vec()).collect();
        OsStr::from_bytes(&folders.join(&b':')).to_owned()
    }

    fn guest_path(&self) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        for folder in self.path.iter().cloned().chain(STANDARD_PATH.map(PathBuf::from)) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }

    fn file(&mut self, source: &Path, dest: &Path, in_folder: bool) -> Result<(), VmError> {
        let source =
            source.canonicalize().map_err(VmError::host(format!("find {}", source.display())))?;
        self.directory(dest.parent().unwrap_or(Path::new("/")));
        self.nodes.insert(dest.to_owned(), RootfsEntry::File(source.clone()));
        if !self.complete.insert(source.clone()) {
            return Ok(());
        }
        let needed = match needs::needs(&source, needs::is_executable(&source)) {
            // What does not run on the host either, in a folder that is there for the rest of it, is no reason to stop.
            Err(VmError::MissingInterpreter { .. } | VmError::MissingLibrary { .. })
                if in_folder =>
            {
                Vec::new()
            }
            needed => needed?,
        };
        for needed in needed {
            if matches!(self.nodes.get(&needed), Some(RootfsEntry::File(_)))
                || self.interpreters.contains(&needed)
            {
                continue;
            }
            // The interpreter of a script; libraries have no rights to be executed, or are none.
            if !in_folder && needs::is_executable(&needed) && needs::is_script(&source) {
                self.executable(&needed, &needed)?;
            } else {
                self.file(&needed, &needed, in_folder)?;
            }
        }
        Ok(())
    }

    /// `root` is where the walk began: relative symlinks that stay below it are kept, others become what they point to.
    /// What is called as one of `without` is left out.
    fn folder(
        &mut self,
        root: &Path,
        source: &Path,
        dest: &Path,
        without: &[&str],
    ) -> Result<(), VmError> {
        self.directory(dest);
        let describe = || format!("read the folder {}", source.display());
        let entries = fs::read_dir(source).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for entry in entries.map_err(VmError::host(describe()))? {
            if without.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            let (from, to) = (entry.path(), dest.join(entry.file_name()));
            let kind = entry.file_type().map_err(VmError::host(describe()))?;
            if kind.is_dir() {
                self.folder(root, &from, &to, without)?;
            } else if kind.is_file() {
                self.file(&from, &to, true)?;
            } else if kind.is_symlink() {
                let target = fs::read_link(&from).map_err(VmError::host(describe()))?;
                match from.canonicalize() {
                    Ok(resolved) if resolved.is_file() && !resolved.starts_with(root) => {
                        self.file(&resolved, &to, true)?;
                    }
                    // A folder outside, copied whole, is cut off from loops: only a folder that does not hold this one.
                    Ok(resolved)
                        if resolved.is_dir()
                            && !resolved.starts_with(root)
                            && !root.starts_with(&resolved) =>
                    {
                        self.folder(&resolved, &resolved, &to, without)?;
                    }
                    // Sockets, pipes and devices mean nothing in another kernel; a dangling link dangles there too.
                    _ => drop(self.nodes.insert(to, RootfsEntry::Symlink(target))),
                }
            }
        }
        Ok(())
    }
}

/// `path` from `cwd`, absolute and without `.` and `..`: the guest has no symlinks on the way, so `..` is one name less.
pub(super) fn absolute(cwd: &Path, path: &Path) -> PathBuf {
    let mut absolute = PathBuf::from("/");
    for part in cwd.join(path).components() {
        match part {
            Component::Normal(name) => absolute.push(name),
            Component::ParentDir => drop(absolute.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    absolute
}
