//! `new`: files to begin with. `new host HOOK` generates C and a chain that work without changes.

mod first_tests;
mod replacement;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::{clang::flags, exit::Exit, report, screen};
use freplace_compose::{
    chain::Chain,
    diag::{Code, Diagnostic},
    files::plain,
    hook::{HostKind, KINDS},
};
use freplace_compose_common::{HEADER_FILE, HEADER_TEXT};

/// Create a host, a replacement or tests from a template; existing files are not overwritten.
#[derive(Debug, clap::Args)]
pub(super) struct New {
    #[command(subcommand)]
    node: NewNode,
}

#[derive(Debug, clap::Subcommand)]
enum NewNode {
    Host(NewHost),
    Replacement(replacement::NewReplacement),
    Test(first_tests::NewTest),
}

/// Create a host with a stub: NAME.bpf.c, NAME.toml and freplace_compose.h.
///
/// Prints the commands that compile the host, check the chain and bring it up.
///
/// Example: freplace-compose new host xdp lo
#[derive(Debug, clap::Args)]
struct NewHost {
    /// Kind of hook.
    #[arg(value_parser = hook())]
    hook: &'static HostKind,
    #[arg(help = target_help())]
    place: Option<String>,
    /// Name of the host: letters, digits and `_`. Defaults to the kind of hook.
    #[arg(long, value_parser = name)]
    name: Option<String>,
    /// Folder to write to; created if missing.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
}

pub(super) fn hook() -> impl clap::builder::TypedValueParser<Value = &'static HostKind> {
    let names = PossibleValuesParser::new(HostKind::names());
    names.try_map(|name| HostKind::named(&name).ok_or("unknown hook"))
}

/// What the target of a host is, for each kind.
fn target_help() -> String {
    let mut targets: Vec<String> = Vec::new();
    for kind in KINDS {
        let what = kind.target.what;
        let written = match kind.target.form {
            Some(form) => format!("{what} ({form})"),
            None => what.to_owned(),
        };
        if !targets.contains(&written) {
            targets.push(written);
        }
    }
    let last = targets.pop().unwrap_or_default();
    let others = targets.join(", ");
    format!("Hook: {others} or {last}. The default exists on every kernel")
}

/// What is a name in C and an id in a chain.
fn name(text: &str) -> Result<String, &'static str> {
    let letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let good = text.starts_with(letter)
        && text.chars().all(|other| letter(other) || other.is_ascii_digit());
    if good { Ok(text.to_owned()) } else { Err("a C identifier: letters, digits and `_`") }
}

pub(super) fn run(arguments: &New) -> Exit {
    let written = match &arguments.node {
        NewNode::Host(host) => host.write(),
        NewNode::Replacement(replacement) => replacement.write().map_err(|found| vec![*found]),
        NewNode::Test(test) => test.write(),
    };
    match written {
        Ok(commands) => screen::data(&commands),
        Err(found) => {
            report::all(&found);
            Exit::Usage
        }
    }
}

impl NewHost {
    /// Writes the files; returns the commands that go on from there.
    fn write(&self) -> Result<String, Vec<Diagnostic>> {
        let name = self.name.as_deref().unwrap_or(self.hook.name);
        let template = &self.hook.template;
        let in_folder = |file: String| self.folder.join(file);
        let [source, chain] = ["bpf.c", "toml"].map(|end| in_folder(format!("{name}.{end}")));
        let (program, text) = host_files(self.hook, name, self.place.as_deref());
        // A place that is none is told as in any chain.
        Chain::parse(&chain, text.clone())?;
        let one = |found| vec![found];
        for path in [&source, &chain] {
            if path.symlink_metadata().is_ok() {
                return Err(one(exists(path)));
            }
        }
        fs::create_dir_all(&self.folder).map_err(|error| one(failed(&self.folder, &error)))?;
        put(&source, &program).map_err(one)?;
        put(&chain, &text).map_err(one)?;
        let header = in_folder(HEADER_FILE.to_owned());
        match fs::read(&header) {
            Ok(found) if found == HEADER_TEXT.as_bytes() => {}
            Ok(_) => screen::say!(
                "kept {}, which differs from what `freplace-compose header` writes",
                header.display()
            ),
            Err(_) => put(&header, HEADER_TEXT).map_err(one)?,
        }
        let [source, chain] = [source, chain].map(|path| word(&path));
        let object = word(&in_folder(format!("{name}.bpf.o")));
        // What leads to events elsewhere is not known.
        let is_own = self.place.as_deref().is_none_or(|place| place == template.target);
        let traffic = if is_own { format!(" -- {}", template.traffic) } else { String::new() };
        Ok(format!(
            "{}\nfreplace-compose validate {chain}\nfreplace-compose up --vm {chain}{traffic}\n",
            clang(&source, &object),
        ))
    }
}

/// The C of a host called `name`, NAME.bpf.c, and a chain of it.
pub(super) fn host_files(kind: &HostKind, name: &str, place: Option<&str>) -> (String, String) {
    let template = &kind.template;
    let target = place.unwrap_or(template.target);
    let program = template.program_for(place).replace("NAME", name).replace("TARGET", target);
    (program, chain_of_host(kind, name, target))
}

fn chain_of_host(kind: &HostKind, name: &str, place: &str) -> String {
    let (hook, template) = (kind.name, &kind.template);
    // A string of TOML has the escapes of one of JSON.
    let place = serde_json::Value::from(place);
    let stub = format!("{name}_{}", template.stub);
    let requires = template
        .since
        .map_or_else(String::new, |since| format!("requires = {{ kernel = \">={since}\" }}\n"));
    let required = kind.required_example();
    let clang = clang(&format!("{name}.bpf.c"), &format!("{name}.bpf.o"));
    format!(
        "\
name = \"{name}\"
{requires}
# The object is compiled by
# {clang}
[host.{name}]
object  = \"{name}.bpf.o\"
program = \"on_{name}\"
attach  = {{ {hook} = {place}{required} }}

# A function of the host: a [replacement.NAME] takes its place, a [tracer.NAME] shows its calls.
[stub.{stub}]
function = \"{stub}\"
hosts    = [\"{name}\"]
"
    )
}

/// Writes a file that is not there yet.
pub(super) fn put(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let file = fs::File::options().write(true).create_new(true).open(path);
    match file.and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes())) {
        Ok(()) => {
            screen::say!("wrote {}", path.display());
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(failed(path, &error)),
    }
}

pub(super) fn exists(path: &Path) -> Diagnostic {
    let message = format!("{} already exists", path.display());
    Diagnostic::new(Code::OutputFile, message)
        .help("Choose another name with --name, or another folder with --folder.")
}

pub(super) fn failed(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("cannot write {}: {}", path.display(), plain(error));
    Diagnostic::new(Code::OutputFile, message)
        .help("Name a folder that you can write to with --folder.")
}

/// The command that compiles `source`; both as words of a shell.
fn clang(source: &str, object: &str) -> String {
    format!("clang {} -c {source} -o {object}", flags().join(" "))
}

/// A path as one word of a shell.
pub(super) fn word(path: &Path) -> String {
    let text = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./+,=@%".contains(letter);
    match text.chars().all(plain) && !text.starts_with('-') {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
