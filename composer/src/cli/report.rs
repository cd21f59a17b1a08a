//! Diagnostics on the screen, for people (miette draws them) and as JSON.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};
use owo_colors::OwoColorize as _;
use serde_json::json;

use freplace_compose::diag::{Code, Diagnostic, Label, Severity, Source};

/// Draws every diagnostic on stderr.
pub(super) fn all(diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        one(diagnostic);
    }
}

/// Draws one diagnostic on stderr.
pub(super) fn one(diagnostic: &Diagnostic) {
    anstream::eprint!("{}", draw(diagnostic));
    // A lock that a panic left behind still holds a good list.
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    if !drawn.contains(&diagnostic.code) {
        drawn.push(diagnostic.code);
    }
}

/// The codes that were drawn. They come from every verb and layer, and are looked at once, at the
/// end of the run.
static DRAWN: Mutex<Vec<Code>> = Mutex::new(Vec::new());

/// The most codes that the last line names.
const NAMED: usize = 3;

/// Says where there is more on what was drawn; nothing when nothing was.
pub(super) fn pointer() {
    let drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let codes: Vec<_> = drawn.iter().take(NAMED).map(ToString::to_string).collect();
    if !codes.is_empty() {
        let line = format!("freplace-compose explain {} says more", codes.join(" "));
        anstream::eprintln!("{}", line.dimmed());
    }
}

/// Bytes of the longest line that is drawn. Nobody reads a longer one, and miette cannot draw one
/// of 65536 columns.
const LONGEST: usize = 1000;

/// The diagnostic as text, with colours.
fn draw(diagnostic: &Diagnostic) -> String {
    let mut theme = GraphicalTheme::unicode();
    // anstream takes the colours away where they are not wanted.
    theme.styles = miette::ThemeStyles::ansi();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width()).with_links(false);
    let mut out = String::new();
    // The labels of the primary label's file are drawn in one piece, those of other files below.
    let mut files: Vec<(&Arc<Source>, Vec<&Label>)> = Vec::new();
    let mut unseen = Vec::new();
    for label in &diagnostic.labels {
        if label.source.text.lines().any(|line| line.len() > LONGEST) {
            unseen.push(label);
            continue;
        }
        match files.iter_mut().find(|(source, _)| Arc::ptr_eq(source, &label.source)) {
            Some((_, labels)) => labels.push(label),
            None => files.push((&label.source, vec![label])),
        }
    }
    let report = MietteDiagnostic::new(inert(&diagnostic.message))
        .with_code(diagnostic.code.to_string())
        .with_severity(match diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        });
    let mut files = files.into_iter();
    let report = match files.next() {
        Some((source, labels)) => miette::Report::new(report.with_labels(spans(&labels)))
            .with_source_code(NamedSource::new(&source.name, inert(&source.text))),
        None => miette::Report::new(report),
    };
    // Writing to a String cannot fail, here and below.
    let _ = handler.render_report(&mut out, report.as_ref());
    for (source, labels) in files {
        let more = MietteDiagnostic::new("see also").with_severity(miette::Severity::Advice);
        let more = miette::Report::new(more.with_labels(spans(&labels)))
            .with_source_code(NamedSource::new(&source.name, inert(&source.text)));
        let _ = handler.render_report(&mut out, more.as_ref());
    }
    for label in unseen {
        let (line, column) = position(&label.source.text, label.span.start);
        let _ = writeln!(out, "  {}:{line}:{column}  {}", label.source.name, inert(&label.text));
    }
    for note in &diagnostic.notes {
        for line in inert(note).lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    // Drawn here: notes stand in front of it, and names are not to be cut at their hyphens.
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "  {} {}", "help:".cyan(), wrap(&inert(help)));
    }
    out.push('\n');
    out
}

fn spans(labels: &[&Label]) -> Vec<LabeledSpan> {
    let span = |(number, label): (usize, &&Label)| {
        let text = (!label.text.is_empty()).then(|| inert(&label.text));
        let span = label.span.clone();
        if number == 0 {
            LabeledSpan::new_primary_with_span(text, span)
        } else {
            LabeledSpan::new_with_span(text, span)
        }
    };
    labels.iter().enumerate().map(span).collect()
}

/// `text` with nothing in it that a terminal would obey, of the same length in bytes, so that
/// labels stay where they are.
fn inert(text: &str) -> String {
    let letter = |letter: char| match letter {
        '\n' | '\t' | '\r' => letter,
        // The control characters above ASCII take two bytes, as `·` does.
        control if control.is_control() => {
            if control.is_ascii() {
                '?'
            } else {
                '·'
            }
        }
        plain => plain,
    };
    text.chars().map(letter).collect()
}

/// Columns to draw in.
fn width() -> usize {
    let terminal = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
    let columns = terminal.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    columns.or_else(told).unwrap_or(100).clamp(40, 120)
}

/// Wraps a help text, with the lines after the first under the first one's words.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    let room = width().saturating_sub(8);
    for word in text.split(' ') {
        let line = lines.len() - 1;
        if !lines[line].is_empty() && lines[line].chars().count() + word.chars().count() >= room {
            lines.push(word.to_owned());
        } else {
            let gap = if lines[line].is_empty() { "" } else { " " };
            lines[line] += &format!("{gap}{word}");
        }
    }
    lines.join("\n        ")
}

/// The diagnostic as JSON: lines and columns count from 1, columns in characters.
pub(super) fn to_json(diagnostic: &Diagnostic) -> serde_json::Value {
    let label = |label: &Label| {
        let (line, column) = position(&label.source.text, label.span.start);
        let (end_line, end_column) = position(&label.source.text, label.span.end);
        json!({
            "file": label.source.name,
            "line": line, "column": column,
            "end_line": end_line, "end_column": end_column,
            "text": label.text,
        })
    };
    json!({
        "code": diagnostic.code.to_string(),
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": diagnostic.message,
        "labels": diagnostic.labels.iter().map(label).collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "kernel": diagnostic.answer.as_ref().map(|answer| json!({
            "errno": answer.errno, "text": answer.text,
        })),
        "help": diagnostic.help,
    })
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::{inert, position};

    #[test]
    fn a_terminal_finds_nothing_to_obey() {
        let text = "a\u{1b}[31m\u{9b}\u{7f}b\tü\n";
        assert_eq!(inert(text), "a?[31m·?b\tü\n");
        assert_eq!(inert(text).len(), text.len());
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(position("a\nüb", 4), (2, 2));
        assert_eq!(position("", 7), (1, 1));
    }
}
