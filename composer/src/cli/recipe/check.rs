//! `recipe check [FOLDER]`: brings a recipe up and runs its tests on each kernel, and writes the table into recipe.toml.

use std::{fmt::Write as _, fs, path::PathBuf};

use crate::cli::{exit::Exit, ink::Ink as _, inputs::InputFlags, report, screen, test, validate};
use freplace_compose::{
    check::{self, Checked, Kernels},
    diag::{Code, Diagnostic},
    files::{plain, write_whole},
    inert,
    profile::shipped,
    recipe::{MANIFEST, Packed, SeenKernel, SeenVerdict},
    resolve::NotLooked,
    vm::KernelChoice,
};

/// Load a recipe and run its tests on several kernels, and write the results into recipe.toml.
///
/// Each kernel is booted in a disposable micro-VM; root is not required. The [[seen]] tables of recipe.toml get the
/// kernel's release, the verdict, the day, and a digest of the recipe's files.
///
/// Example: freplace-compose recipe check --vm=6.1,7.3 drop-udp
#[derive(Debug, clap::Args)]
pub(super) struct CheckRecipe {
    /// Folder of the recipe.
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Kernels: series such as 6.1, or paths of a vmlinuz [default: each series with a profile].
    #[arg(long, value_name = "KERNEL", require_equals = true, value_delimiter = ',')]
    vm: Vec<KernelChoice>,
    #[command(flatten)]
    flags: InputFlags,
}

pub(super) fn run(arguments: &CheckRecipe) -> Exit {
    match arguments.seen() {
        Ok(seen) => match seen.iter().all(|one| one.verdict == SeenVerdict::Passed) {
            true => Exit::Done,
            false => Exit::Failed,
        },
        Err(exit) => exit,
    }
}

impl CheckRecipe {
    /// Tries each kernel, and keeps what came in recipe.toml.
    fn seen(&self) -> Result<Vec<SeenKernel>, Exit> {
        let invalid = |found: Vec<Diagnostic>| {
            report::all(&found);
            Exit::Invalid
        };
        let packed = Packed::of_folder(&self.folder).map_err(invalid)?;
        let inputs = self.flags.inputs([self.folder.as_path()]);
        let read = check::read(&self.folder, &inputs, &Kernels::default(), &NotLooked);
        let Checked { resolved, warnings } = read.map_err(invalid)?;
        report::all(&warnings);
        let known = shipped().into_iter().map(|one| KernelChoice::Series(one.kernel.to_string()));
        let kernels = if self.vm.is_empty() { known.collect() } else { self.vm.clone() };
        let (digest, date) = (packed.tested_digest(), jiff::Zoned::now().date().to_string());
        let mut seen = Vec::new();
        for kernel in &kernels {
            let answer = validate::asked(kernel, (&self.folder, &resolved), &inputs)?;
            for message in &answer.messages {
                screen::say!("{}: {}", inert::line(&answer.kernel), inert::line(message));
            }
            let verdict = match answer.valid {
                false => SeenVerdict::Refused,
                true => match test::on_kernel(&self.folder, &self.flags, kernel)?.failed {
                    0 => SeenVerdict::Passed,
                    _ => SeenVerdict::Failed,
                },
            };
            seen.push(SeenKernel { kernel: answer.kernel, verdict, digest, date: date.clone() });
        }
        self.keep(&packed, &seen)?;
        let widest = seen.iter().map(|one| one.kernel.len()).max().unwrap_or(0);
        let mut table = String::new();
        for one in &seen {
            let verdict = match one.verdict {
                SeenVerdict::Passed => one.verdict.name().green().to_string(),
                _ => one.verdict.name().red().to_string(),
            };
            // A String takes everything.
            let _ = writeln!(table, "{:<widest$}  {verdict}", inert::line(&one.kernel));
        }
        match screen::data(&table) {
            Exit::Done => Ok(seen),
            exit => Err(exit),
        }
    }

    /// Writes the results into recipe.toml, beside those of other kernels for the same files.
    fn keep(&self, packed: &Packed, seen: &[SeenKernel]) -> Result<(), Exit> {
        let path = self.folder.join(MANIFEST);
        let digest = packed.tested_digest();
        let others =
            packed.manifest().seen.iter().filter(|one| {
                one.digest == digest && !seen.iter().any(|new| new.kernel == one.kernel)
            });
        let all: Vec<_> = others.chain(seen).collect();
        let written = fs::read_to_string(&path).and_then(|text| {
            let permissions = fs::metadata(&path)?.permissions();
            write_whole(&path, with_seen(&text, &all).as_bytes(), Some(permissions))
        });
        written.map_err(|error| {
            let message = format!("cannot write {}: {}", path.display(), plain(&error));
            report::one(&Diagnostic::new(Code::WriteFailed, message));
            Exit::Failed
        })
    }
}

/// The text of a recipe.toml with these tables in the place of its own.
fn with_seen(text: &str, seen: &[&SeenKernel]) -> String {
    let (mut kept, mut inside) = (String::new(), false);
    for line in text.lines() {
        let header = line.trim_start();
        if header.starts_with('[') {
            inside = header.replace(' ', "").starts_with("[[seen]]");
        }
        if !inside {
            kept += line;
            kept.push('\n');
        }
    }
    let mut text = kept.trim_end().to_owned() + "\n";
    for SeenKernel { kernel, verdict, digest, date } in seen {
        let (kernel, verdict) = (inert::quoted(kernel), verdict.name());
        // A String takes everything.
        let _ = write!(
            text,
            "\n[[seen]]\nkernel = {kernel}\nverdict = \"{verdict}\"\ndigest = \"{digest}\"\ndate = \"{date}\"\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use freplace_compose::recipe::{Manifest, SeenKernel, SeenVerdict};

    use super::with_seen;

    #[test]
    fn the_table_takes_the_place_of_the_one_before() {
        let text = "format = 1\nname = \"x\"\nversion = \"1.0.0\"\ndescription = \"A recipe\"\nlicense = \"MIT\"\n";
        let digest = format!("sha256:{}", "0".repeat(64)).parse().expect("a digest");
        let seen = |kernel: &str, verdict| SeenKernel {
            kernel: kernel.to_owned(),
            verdict,
            digest,
            date: "2026-11-29".to_owned(),
        };
        let (old, new) = (seen("6.1.0", SeenVerdict::Refused), seen("6.1.0", SeenVerdict::Passed));
        let other = seen("7.3.0 \"x\"", SeenVerdict::Failed);
        let before = with_seen(text, &[&old]);
        let after = with_seen(&before, &[&new, &other]);
        let read = Manifest::parse("recipe.toml".as_ref(), after.clone());
        assert_eq!(read.expect("it is valid").seen, [new, other], "{after}");
        assert!(after.starts_with(text), "{after}");
    }
}
