//! `recipe new NAME`: a folder that is a recipe as it is.

use std::{fs, path::PathBuf};

use crate::cli::{
    exit::Exit,
    new::{exists, failed, hook, host_files, put, word},
    report, screen,
};
use freplace_compose::{
    diag::Diagnostic,
    hook::HostKind,
    recipe::{CHAIN, MANIFEST, Manifest},
};

/// Create a recipe: recipe.toml, chain.toml, tests, README.md and LICENSE.
///
/// It validates, tests and packs as it is. Prints the commands for that. With --host, it has a program in C
/// of its own, which `recipe build` compiles.
///
/// Example: freplace-compose recipe new drop-udp
#[derive(Debug, clap::Args)]
pub(super) struct NewRecipe {
    /// Name: lower-case letters, digits and `-`.
    #[arg(value_parser = Manifest::valid_name)]
    name: String,
    /// Kind of hook for a host in C; without it, the host is the one of builtin:xdp.
    #[arg(long, value_name = "HOOK", value_parser = hook())]
    host: Option<&'static HostKind>,
    /// Folder to create [default: NAME].
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(super) fn run(arguments: &NewRecipe) -> Exit {
    match arguments.write() {
        Ok(commands) => screen::data(&commands),
        Err(found) => {
            report::one(&found);
            Exit::Usage
        }
    }
}

impl NewRecipe {
    /// Writes the files; returns the commands that go on from there.
    fn write(&self) -> Result<String, Box<Diagnostic>> {
        let folder = self.folder.clone().unwrap_or_else(|| PathBuf::from(&self.name));
        if folder.symlink_metadata().is_ok() {
            return Err(Box::new(exists(&folder)));
        }
        for path in [folder.clone(), folder.join("tests")] {
            fs::create_dir_all(&path).map_err(|error| Box::new(failed(&path, &error)))?;
        }
        let files = match self.host {
            Some(kind) => self.own(kind),
            None => self.builtin(),
        };
        for (path, text) in files {
            put(&folder.join(path), &text)?;
        }
        let [chain, tests, folder] =
            [folder.join(CHAIN), folder.join("tests"), folder].map(|path| word(&path));
        let [build, check] = match self.host {
            Some(_) => [
                format!("freplace-compose recipe build {folder}\n"),
                format!("freplace-compose new test {chain}\n"),
            ],
            None => [String::new(), format!("freplace-compose test --vm {tests}\n")],
        };
        Ok(format!(
            "{build}freplace-compose validate {chain}\n{check}freplace-compose recipe pack {folder}\n"
        ))
    }

    /// The files of a recipe of built-in programs.
    fn builtin(&self) -> Vec<(String, String)> {
        let Self { name, .. } = self;
        let mut files = self.texts("Drops ping on the loopback");
        files.push((CHAIN.to_owned(), BUILTIN_CHAIN.replace("NAME", name)));
        files.push((format!("tests/{name}.toml"), BUILTIN_TESTS.to_owned()));
        files
    }

    /// The files of a recipe with a host in C.
    fn own(&self, kind: &'static HostKind) -> Vec<(String, String)> {
        // A name in C.
        let host = self.name.replace('-', "_");
        let (source, chain) = host_files(kind, &host, None);
        let mut files = self.texts(&format!("A host at the hook {}", kind.name));
        for (path, text) in &mut files {
            if path == MANIFEST {
                text.push_str(&format!(
                    "\n# `recipe build` compiles the source to the object.\n[[build]]\nsource = \"{host}.bpf.c\"\n\
                     object = \"{host}.bpf.o\"\n"
                ));
            }
        }
        files.push((CHAIN.to_owned(), chain));
        files.push((format!("{host}.bpf.c"), source));
        files
    }

    /// The files that every recipe has.
    fn texts(&self, description: &str) -> Vec<(String, String)> {
        let Self { name, .. } = self;
        let manifest = format!(
            "format = 1\nname = \"{name}\"\nversion = \"0.1.0\"\ndescription = \"{description}\"\nauthors = []\n\
             license = \"MIT\"\n"
        );
        let readme = format!(
            "# {name}\n\n{description}.\n\n```console\n# freplace-compose up {CHAIN}\n```\n\n\
             What can be replaced, traced and set is described in {CHAIN}.\n"
        );
        let licence = LICENCE.replace("NAME", name);
        [(MANIFEST, manifest), ("README.md", readme), ("LICENSE", licence)]
            .map(|(path, text)| (path.to_owned(), text))
            .into()
    }
}

const BUILTIN_CHAIN: &str = r#"name = "NAME"
description = "Drops ping on the loopback"

# A program at an interface, which calls `stub_filter` for the verdict on each frame.
[host.ingress]
object = "builtin:xdp"
program = "xdp_host"
attach = { xdp = "lo", mode = "generic" }

# A function of the host: a [replacement.NAME] takes its place.
[stub.filter]
function = "stub_filter"
hosts = ["ingress"]

[replacement.drop_echo]
object = "builtin:xdp-replacement"
program = "drop_echo"
stub = "filter"

# Shows each call with its verdict.
[tracer.verdict]
fexit = "drop_echo"
"#;

const BUILTIN_TESTS: &str = r#"chain = "../chain.toml"

[[test]]
name = "ping is dropped, all else passes"
run = "ingress"
cases = [
    { name = "ping", packet = { ipv4 = {}, icmp = {} }, expect.returns = "XDP_DROP" },
    { name = "TCP", packet = { ipv4 = {}, tcp = { dport = 80 } } },
]
[test.expect]
returns = "XDP_PASS"

[[test]]
name = "the host does what the stub says"
run = "ingress"
packet = { ipv4 = {}, udp = {} }
mock.stub_filter = { returns = "XDP_TX" }
[test.expect]
returns = "XDP_TX"
calls = [{ function = "stub_filter", count = 1 }]
"#;

const LICENCE: &str = "\
MIT License

Copyright (c) the authors of NAME

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the \"Software\"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
";
