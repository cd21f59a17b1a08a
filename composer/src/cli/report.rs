//! Prints diagnostics, and the command that explains them.

use std::{
    collections::BTreeMap,
    slice,
    sync::{Mutex, PoisonError},
};

use super::{ink::Ink as _, screen};

use freplace_compose::{
    diag::{Code, Diagnostic},
    draw::Drawing,
};

/// Draws every diagnostic on stderr.
pub(super) fn all(diagnostics: &[Diagnostic]) {
    let mut drawing = Drawing::new(width());
    // A lock that a panic left behind still holds a good list.
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut counts: BTreeMap<Code, usize> = BTreeMap::new();
    for diagnostic in diagnostics {
        let count = counts.entry(diagnostic.code).or_default();
        *count += 1;
        if *count <= MOST {
            screen::drawn(&drawing.text(diagnostic));
        }
        if !drawn.contains(&diagnostic.code) {
            drawn.push(diagnostic.code);
        }
    }
    for (code, count) in counts.iter().filter(|(_, count)| **count > MOST) {
        screen::say!("and {} more of {code}\n", grouped(count - MOST));
    }
}

/// The most diagnostics of one kind that are shown at once: nobody reads more.
const MOST: usize = 100;

/// `999,900`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Draws one diagnostic on stderr.
pub(super) fn one(diagnostic: &Diagnostic) {
    all(slice::from_ref(diagnostic));
}

/// The diagnostics as JSON, as many of each kind as are drawn; and, by code, how many more there are.
pub(super) fn to_json(
    diagnostics: &[Diagnostic],
) -> (Vec<serde_json::Value>, BTreeMap<String, usize>) {
    let mut drawing = Drawing::new(width());
    let mut counts: BTreeMap<Code, usize> = BTreeMap::new();
    let mut written = Vec::new();
    for diagnostic in diagnostics {
        let count = counts.entry(diagnostic.code).or_default();
        *count += 1;
        if *count <= MOST {
            written.push(drawing.json(diagnostic));
        }
    }
    let more = counts.into_iter().filter(|(_, count)| *count > MOST);
    (written, more.map(|(code, count)| (code.to_string(), count - MOST)).collect())
}

/// The codes that were drawn. They come from every verb and layer, and are looked at once, at the
/// end of the run.
static DRAWN: Mutex<Vec<Code>> = Mutex::new(Vec::new());

/// The most codes that the last line names.
const NAMED: usize = 3;

/// Prints the command that explains the codes that were drawn; nothing when none was.
pub(super) fn pointer() {
    let drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let codes: Vec<_> = drawn.iter().take(NAMED).map(ToString::to_string).collect();
    if !codes.is_empty() {
        let line = format!("For more information: freplace-compose explain {}", codes.join(" "));
        screen::say!("{}", line.dimmed());
    }
}

/// Columns to draw in.
pub(super) fn width() -> usize {
    let terminal = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
    let columns = terminal.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    columns.or_else(told).unwrap_or(100).clamp(40, 120)
}
