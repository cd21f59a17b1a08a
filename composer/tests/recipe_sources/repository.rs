//! A git repository on disk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A repository with a work tree.
pub struct Repository {
    pub folder: PathBuf,
}

impl Repository {
    /// An empty one in `folder`.
    pub fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("it is writable");
        let made = Self { folder: folder.to_owned() };
        made.git(&["init", "--quiet", "--initial-branch=main"]);
        made
    }

    /// Commits everything in the folder; the commit.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// What git prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(&self.folder)
            .args([
                "-c",
                "user.name=test",
                "-c",
                "user.email=test@example.org",
                "-c",
                "commit.gpgSign=false",
            ])
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(Stdio::null())
            .output()
            .expect("git is installed (apt-get install git)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Its address as a source.
    pub fn source(&self) -> String {
        format!("git+file://{}", self.folder.display())
    }
}
