//! The command that a guest runs, as passed to init in a file of the initramfs.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::PathBuf,
};

/// Where init finds the job in the guest.
pub(super) const PATH: &str = "/job";

/// A command, complete: init looks nothing up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GuestCommand {
    /// The executable, absolute, in the guest.
    pub(super) program: PathBuf,
    /// The whole argument vector; its first word may differ from `program`.
    pub(super) argv: Vec<OsString>,
    /// The whole environment.
    pub(super) env: Vec<(OsString, OsString)>,
    /// The working directory, absolute, in the guest.
    pub(super) cwd: PathBuf,
    /// Modules to load before it, in this order: files in the guest.
    pub(super) modules: Vec<PathBuf>,
    /// Whether there is to be a second network namespace.
    pub(super) network: bool,
    /// The text file that is wanted back, absolute; empty when there is none.
    pub(super) keep: PathBuf,
}

impl GuestCommand {
    /// Fields ended by NUL bytes, the one byte that no path, argument or variable can hold: program, cwd, the
    /// file to keep, the number of arguments, the arguments, whether there is a network, the number of modules, the modules, then name and value of
    /// each variable.
    pub(super) fn encode(&self) -> Vec<u8> {
        let count = self.argv.len().to_string();
        let paths = [&self.program, &self.cwd, &self.keep].map(|path| path.as_os_str());
        let head = paths.into_iter().chain([OsStr::new(&count)]);
        let argv = self.argv.iter().map(OsString::as_os_str);
        let loaded = self.modules.len().to_string();
        let modules = self.modules.iter().map(|path| path.as_os_str());
        let network = OsStr::new(if self.network { "network" } else { "" });
        let modules = [network, OsStr::new(&loaded)].into_iter().chain(modules);
        let env = self.env.iter().flat_map(|(name, value)| [name.as_os_str(), value.as_os_str()]);
        head.chain(argv)
            .chain(modules)
            .chain(env)
            .flat_map(|field| [field.as_bytes(), b"\0"].concat())
            .collect()
    }

    /// `None` when the bytes are not what [`GuestCommand::encode`] writes.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = bytes
            .strip_suffix(b"\0")?
            .split(|&b| b == 0)
            .map(|field| OsString::from_vec(field.to_vec()));
        let mut path = || fields.next().map(PathBuf::from);
        let (program, cwd, keep) = (path()?, path()?, path()?);
        let count: usize = fields.next()?.to_str()?.parse().ok()?;
        let argv: Vec<_> = fields.by_ref().take(count).collect();
        let network = fields.next()? == "network";
        let loaded: usize = fields.next()?.to_str()?.parse().ok()?;
        let modules: Vec<_> = fields.by_ref().take(loaded).map(PathBuf::from).collect();
        let mut env = Vec::new();
        while let Some(name) = fields.next() {
            env.push((name, fields.next()?));
        }
        let whole = argv.len() == count && count > 0 && modules.len() == loaded;
        whole.then_some(Self { program, argv, env, cwd, modules, network, keep })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> GuestCommand {
        GuestCommand {
            program: "/bin/sh".into(),
            argv: vec!["sh".into(), "-c".into(), "".into(), OsString::from_vec(vec![0xff, b'\n'])],
            env: vec![("PATH".into(), "/bin".into()), ("EMPTY".into(), "".into())],
            cwd: "/a b".into(),
            modules: vec!["/modules/a.ko".into(), "/modules/b.ko".into()],
            network: true,
            keep: "".into(),
        }
    }

    #[test]
    fn a_job_survives_the_file_byte_for_byte() {
        assert_eq!(GuestCommand::decode(&job().encode()), Some(job()));
    }

    #[test]
    fn a_cut_file_is_refused() {
        let whole = job().encode();
        assert_eq!(GuestCommand::decode(&whole[..whole.len() - 1]), None);
        assert_eq!(GuestCommand::decode(b""), None);
        assert_eq!(GuestCommand::decode(b"/bin/sh\0/\0\x002\0sh\0"), None);
    }
}
