//! Debian's registry, on loopback.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

/// A registry that ends with the test.
pub struct RealRegistry {
    process: Child,
    /// `127.0.0.1:PORT`
    pub host: String,
}

impl RealRegistry {
    /// Starts one that keeps its contents in `folder`.
    pub fn start(folder: &Path) -> Self {
        let configuration = format!(
            "version: 0.1\nlog:\n  level: info\n  formatter: text\nstorage:\n  filesystem:\n    rootdirectory: {}\n\
             http:\n  addr: 127.0.0.1:0\n",
            folder.join("registry").display()
        );
        let file = folder.join("registry.yml");
        fs::write(&file, configuration).expect("it is writable");
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry is installed (apt-get install docker-registry)");
        let errors = process.stderr.take().expect("it is piped");
        let mut lines = BufReader::new(errors).lines().map_while(Result::ok);
        // level=info msg="listening on 127.0.0.1:41235" …
        let host = lines.find_map(|line| {
            let (_, address) = line.split_once("listening on ")?;
            Some(address.split('"').next()?.to_owned())
        });
        thread::spawn(move || lines.for_each(drop));
        Self { process, host: host.expect("it says where it listens") }
    }

    /// The folder with the blob of these digits.
    pub fn blob(folder: &Path, hex: &str) -> std::path::PathBuf {
        let blobs = folder.join("registry/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }
}

impl Drop for RealRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
