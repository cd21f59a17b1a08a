//! `new test CHAIN`: a first test of each host of a chain, and one with a mock of each stub.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::{exists, failed, put, word};
use freplace_compose::{
    chain::{ChainInputs, NodeKind, Role, recipe_name},
    check::{self, Checked, Kernels},
    diag::Diagnostic,
    hook::{HostKind, test_run_input},
    inert::quoted,
    resolve::{NotLooked, Resolved},
};

/// Create tests for a chain: a first one for each host, and one with a mock for each stub.
///
/// The file is tests/NAME.toml beside the chain. `test --update` writes what the programs do in the place of what
/// is expected there, for review.
///
/// Example: freplace-compose new test chains/xdp.toml
#[derive(Debug, clap::Args)]
pub(super) struct NewTest {
    /// Chain file, or builtin:NAME for a recipe.
    #[arg(value_name = "FILE")]
    chain: PathBuf,
    /// Folder to write to; created if missing [default: tests beside the chain].
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl NewTest {
    /// Writes the file; returns the command that goes on from there.
    pub(super) fn write(&self) -> Result<String, Vec<Diagnostic>> {
        let inputs = ChainInputs::default();
        let Checked { resolved, .. } =
            check::read(&self.chain, &inputs, &Kernels::default(), &NotLooked)?;
        let beside = self.chain.parent().unwrap_or(Path::new(""));
        let recipe = recipe_name(&self.chain);
        let folder = match (&self.folder, recipe) {
            (Some(folder), _) => folder.clone(),
            (None, Some(_)) => PathBuf::from("tests"),
            (None, None) => beside.join("tests"),
        };
        let stem = match recipe {
            Some(name) => name.to_owned(),
            None => self.chain.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let path = folder.join(format!("{stem}.toml"));
        if path.symlink_metadata().is_ok() {
            return Err(vec![exists(&path)]);
        }
        // Of a folder beside the chain the way back is known; any other is named whole.
        let chain = match (recipe, &self.folder) {
            (Some(_), _) => self.chain.clone(),
            (None, None) => Path::new("..").join(self.chain.file_name().unwrap_or_default()),
            (None, Some(_)) => {
                std::path::absolute(&self.chain).unwrap_or_else(|_| self.chain.clone())
            }
        };
        let text = tests(&resolved, &chain);
        std::fs::create_dir_all(&folder).map_err(|error| vec![failed(&folder, &error)])?;
        put(&path, &text).map_err(|found| vec![found])?;
        Ok(format!("freplace-compose test --vm --update {}\n", word(&path)))
    }
}

fn tests(resolved: &Resolved, chain: &Path) -> String {
    let mut out = format!("chain = {}\n", quoted(&chain.display().to_string()));
    let hosts = resolved.programs().filter(|(_, node, _)| node.role() == Role::Host);
    // A String takes everything, here and below.
    for (_, node, of) in hosts {
        let id = &node.id.value;
        let kind = of.program().kind;
        let _ = write!(out, "\n[[test]]\nname = {}\n", quoted(&format!("{id} runs")));
        out += &trigger(kind.program_type().and_then(test_run_input).is_some(), id, kind);
        match kind.program_type().and_then(test_run_input) {
            Some(_) => {
                let verdicts = HostKind::of_program(kind).map_or(&[][..], |kind| kind.verdicts);
                let returns = match verdicts
                    .iter()
                    .find(|(name, _)| name.ends_with("PASS") || name.ends_with("OK"))
                {
                    Some((name, _)) => quoted(name),
                    None => "0".to_owned(),
                };
                let _ = writeln!(out, "expect = {{ returns = {returns} }}");
            }
            None => {
                let function = &of.program().name;
                let _ = writeln!(
                    out,
                    "expect = {{ calls = [{{ function = {}, count = 1 }}] }}",
                    quoted(function)
                );
            }
        }
    }
    for (_, node, _) in resolved.nodes() {
        let NodeKind::Stub(stub) = &node.kind else { continue };
        let Some(host) = stub.hosts.first() else { continue };
        let found = resolved.programs().find(|(_, node, _)| node.id.value == host.value);
        let Some((_, _, of)) = found else { continue };
        let function = &stub.function.value;
        let kind = of.program().kind;
        let is_run = kind.program_type().and_then(test_run_input).is_some();
        let is_void =
            of.object().function(function).is_some_and(|(_, one)| of.object().returns_nothing(one));
        let mock = if is_void { "{ writes = {} }" } else { "{ returns = 0 }" };
        let _ = write!(out, "\n[[test]]\nname = {}\n", quoted(&format!("{function} is mocked")));
        out += &trigger(is_run, &host.value, kind);
        let _ = writeln!(out, "mock.{function} = {mock}"); // a name in C is a key as it is
        let _ = writeln!(
            out,
            "expect = {{ calls = [{{ function = {}, count = 1 }}] }}",
            quoted(function)
        );
    }
    out
}

/// What makes a host run.
fn trigger(is_run: bool, id: &str, kind: freplace_compose::object::ProgramKind) -> String {
    let takes_packet =
        kind.program_type().and_then(test_run_input).is_some_and(|input| input.packet);
    match (is_run, takes_packet) {
        (true, true) => format!(
            "run = {}\npacket = {{ ipv4 = {{ src = \"192.0.2.1\", dst = \"192.0.2.2\" }}, udp = {{ dport = 53 }} }}\n",
            quoted(id)
        ),
        (true, false) => format!("run = {}\n", quoted(id)),
        (false, _) => "traffic = \"tcp\"\n".to_owned(),
    }
}
