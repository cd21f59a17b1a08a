//! `recipe build [FOLDER]`: clang for each `[[build]]` of recipe.toml.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::cli::{clang, exit::Exit, report, screen};
use freplace_compose::{
    diag::{Code, Diagnostic},
    files::plain,
    recipe::{BuildStep, MANIFEST, Manifest},
};
use freplace_compose_common::{HEADER_FILE, HEADER_TEXT};

/// Compile the C sources of a recipe with clang.
///
/// Each [[build]] table of recipe.toml names a source and its object. freplace_compose.h is found without being in
/// the folder. With the same clang, the same sources give the same objects, wherever the folder is.
///
/// Example: freplace-compose recipe build drop-udp
#[derive(Debug, clap::Args)]
pub(super) struct BuildRecipe {
    /// Folder of the recipe.
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &BuildRecipe) -> Exit {
    let manifest = match Manifest::open(&arguments.folder.join(MANIFEST)) {
        Ok(manifest) => manifest,
        Err(found) => {
            report::all(&found);
            return Exit::Invalid;
        }
    };
    if manifest.build.is_empty() {
        screen::say!("nothing to build: recipe.toml has no [[build]]");
        return Exit::Done;
    }
    let headers = match headers() {
        Ok(headers) => headers,
        Err(error) => {
            let message = format!("cannot write {HEADER_FILE}: {}", plain(&error));
            report::one(&Diagnostic::new(Code::NotCompiled, message));
            return Exit::Failed;
        }
    };
    let mut exit = Exit::Done;
    for step in &manifest.build {
        match compiled(&arguments.folder, step, headers.path()) {
            Ok(warnings) => {
                if !warnings.is_empty() {
                    screen::say!("{}", warnings.trim_end());
                }
                screen::say!("built {}", arguments.folder.join(&step.object.value).display());
            }
            Err(found) => {
                report::one(&found);
                exit = Exit::Failed;
            }
        }
    }
    exit
}

/// A folder with the header.
fn headers() -> io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join(HEADER_FILE), HEADER_TEXT)?;
    Ok(folder)
}

/// Compiles a source; gives clang's warnings.
fn compiled(folder: &Path, step: &BuildStep, headers: &Path) -> Result<String, Box<Diagnostic>> {
    let (source, object) = (&step.source.value, &step.object.value);
    let failed = |why: &str| {
        let found = Diagnostic::new(Code::NotCompiled, format!("cannot compile {source}: {why}"));
        Box::new(found.label(&step.source.span, "this source"))
    };
    let unwritable =
        |error: io::Error| failed(&format!("cannot write {object}: {}", plain(&error)));
    let clang = std::env::var_os("CLANG").unwrap_or_else(|| "clang".into());
    let place = folder.join(object);
    let beside = place.parent().unwrap_or(folder);
    fs::create_dir_all(beside).map_err(unwritable)?;
    // The object is whole, or as it was.
    let made = tempfile::Builder::new()
        .prefix(".build-")
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(beside)
        .map_err(unwritable)?;
    let made_path = std::path::absolute(made.path()).map_err(unwritable)?;
    let mut command = Command::new(&clang);
    command.current_dir(folder).args(clang::flags());
    // Without names of this machine's folders in it, the object is the same elsewhere.
    command.arg("-fdebug-compilation-dir=.");
    command.arg(format!("-ffile-prefix-map={}=.", headers.display()));
    command.args(step.defines.iter().map(|define| format!("-D{define}")));
    command.arg("-I").arg(headers).args(["-I", ".", "-c", source, "-o"]).arg(&made_path);
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        let clang = clang.to_string_lossy();
        failed(&format!("cannot run {clang}: {}", plain(&error)))
            .help("Install clang and the headers of libbpf; on Debian and Ubuntu: apt-get install clang libbpf-dev")
    });
    let output = output.map_err(Box::new)?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        let help = match text.contains("bpf/bpf_helpers.h") {
            true => {
                "Install the headers of libbpf; on Debian and Ubuntu: apt-get install libbpf-dev"
            }
            false => "Correct what clang reports.",
        };
        return Err(Box::new(failed("clang reports errors").note(text.trim_end()).help(help)));
    }
    made.persist(&place).map_err(|error| unwritable(error.error))?;
    Ok(text)
}
