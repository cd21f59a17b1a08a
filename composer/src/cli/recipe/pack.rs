//! `recipe pack [FOLDER]`: a recipe as one file.

use std::path::PathBuf;

use crate::cli::{exit::Exit, report, screen};
use freplace_compose::{
    diag::{Code, Diagnostic},
    files::{plain, write_whole},
    recipe::{EXTENSION, Packed},
};

/// Pack a recipe into one file, NAME-VERSION.fcr.
///
/// The same files give the same bytes, on every machine. Hidden files, packed recipes and signatures are left out.
/// Prints the SHA-256 of the file, which names the recipe wherever it goes.
///
/// Example: freplace-compose recipe pack drop-udp
#[derive(Debug, clap::Args)]
pub(super) struct PackRecipe {
    /// Folder of the recipe.
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// File to write; its name ends in .fcr [default: NAME-VERSION.fcr].
    #[arg(short, long, value_name = "FILE", value_parser = packed_name)]
    output: Option<PathBuf>,
}

/// A file that `recipe pack` leaves out the next time.
fn packed_name(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().is_some_and(|end| end == EXTENSION) {
        true => Ok(path),
        false => Err(format!("the name has to end in .{EXTENSION}")),
    }
}

pub(super) fn run(arguments: &PackRecipe) -> Exit {
    let packed = match Packed::of_folder(&arguments.folder) {
        Ok(packed) => packed,
        Err(found) => {
            report::all(&found);
            return Exit::Invalid;
        }
    };
    let output = arguments.output.clone().unwrap_or_else(|| packed.manifest().file_name().into());
    if let Err(error) = write_whole(&output, packed.bytes(), None) {
        let message = format!("cannot write {}: {}", output.display(), plain(&error));
        let help = "Name a file that you can write with -o.";
        report::one(&Diagnostic::new(Code::OutputFile, message).help(help));
        return Exit::Failed;
    }
    let files = screen::count(packed.files().count() as u64, "file");
    screen::say!("packed {files} of {}", packed.manifest().title());
    // As sha256sum writes it.
    screen::data(&format!("{}  {}\n", packed.digest().hex(), output.display()))
}
