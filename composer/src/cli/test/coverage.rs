//! The lines of source that ran: from the guest as a line of JSON, and to a file.

use std::{io::Write as _, path::Path};

use serde::{Deserialize, Serialize};

use crate::cli::screen;
use freplace_compose::{
    diag::{Code, Diagnostic},
    files::plain,
    inert,
    testing::Coverage,
};

/// What a guest prints behind the records of its tests.
#[derive(Serialize, Deserialize)]
struct CoverageLine {
    coverage: Coverage,
}

/// The line with `coverage`.
pub(super) fn to_line(coverage: Coverage) -> String {
    serde_json::to_string(&CoverageLine { coverage }).unwrap_or_default() + "\n" // text and numbers
}

/// What the line has, if it is one.
pub(super) fn of_line(line: &[u8]) -> Option<Coverage> {
    serde_json::from_slice::<CoverageLine>(line).ok().map(|line| line.coverage)
}

/// Writes the file, and reports how much ran and what was not counted.
pub(super) fn write(path: &Path, coverage: &Coverage) -> Result<(), Box<Diagnostic>> {
    const HELP: &str = "Choose another file for the coverage.";
    let name = path.display().to_string();
    let mut file = screen::create(path, HELP)?;
    file.write_all(coverage.lcov().as_bytes()).map_err(|error| {
        let message = format!("cannot write {name}: {}", plain(&error));
        Diagnostic::new(Code::OutputFile, message).help(HELP)
    })?;
    let (ran, all) = coverage.lines();
    screen::say!("{ran} of {all} lines of source ran: {}", inert::line(&name));
    for why in coverage.uncounted() {
        screen::say!("not counted: {}", inert::line(why));
    }
    Ok(())
}
