//! `--update`: what came, in the place of what was expected.

use std::{collections::BTreeMap, path::Path};

use crate::cli::screen;
use freplace_compose::{
    diag::{Code, Diagnostic},
    files::plain,
    inert,
    testing::{CheckedTests, Correction, TestRecord},
};

/// Writes the corrections of the results into their files. Where kernels disagree, what the first one did counts.
pub(super) fn apply(files: &[CheckedTests], records: &[TestRecord]) -> Result<(), Vec<Diagnostic>> {
    let mut wrong = Vec::new();
    for CheckedTests { file, .. } in files {
        let name = file.path.display().to_string();
        let mut places: BTreeMap<(usize, usize), &Correction> = BTreeMap::new();
        let of_file = records.iter().filter(|record| record.file == name);
        for correction in of_file.flat_map(|record| &record.corrections) {
            places.entry((correction.start, correction.end)).or_insert(correction);
        }
        if places.is_empty() {
            continue;
        }
        match write(&file.path, places.values().rev().copied()) {
            Ok(()) => screen::say!("updated {}: {} places", inert::line(&name), places.len()),
            Err(error) => {
                let message = format!("cannot write {name}: {}", plain(&error));
                let help = "Check that the file can be written. It is as it was.";
                wrong.push(Diagnostic::new(Code::OutputFile, message).help(help));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Replaces places of a file, the last one first.
fn write<'a>(
    path: &Path,
    corrections: impl Iterator<Item = &'a Correction>,
) -> std::io::Result<()> {
    let mut text = std::fs::read_to_string(path)?;
    for Correction { start, end, text: instead } in corrections {
        if text.get(*start..*end).is_some() {
            text.replace_range(*start..*end, instead);
        }
    }
    // Beside it first, so that there is always a whole one.
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}
