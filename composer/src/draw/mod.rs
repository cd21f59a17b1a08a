//! Diagnostics as text: for people (drawn by miette), and as JSON.
//!
//! Independent of the terminal: the caller passes the width and removes colours where they are not
//! wanted.

mod page;
#[cfg(test)]
mod tests;

use std::{fmt::Write as _, sync::Arc};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic};
use owo_colors::OwoColorize as _;
use serde_json::json;

use crate::{
    diag::{Diagnostic, Label, Severity},
    inert,
};
use page::SourceView;

/// Draws diagnostics; caches the texts that they refer to, so that the cost of a long list is
/// linear.
#[derive(Debug)]
pub struct Drawing {
    width: usize,
    pages: Vec<Arc<SourceView>>,
}

impl Drawing {
    /// In `width` columns.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { width, pages: Vec::new() }
    }

    /// The text that `label` points into.
    fn page(&mut self, label: &Label) -> Arc<SourceView> {
        let known = self.pages.iter().find(|page| Arc::ptr_eq(&page.source, label.span.source()));
        if let Some(page) = known {
            return Arc::clone(page);
        }
        let page = Arc::new(SourceView::new(label.span.source()));
        self.pages.push(Arc::clone(&page));
        page
    }

    /// The diagnostic as text, with colours.
    #[must_use]
    pub fn text(&mut self, diagnostic: &Diagnostic) -> String {
        let mut theme = GraphicalTheme::unicode();
        theme.styles = miette::ThemeStyles::ansi();
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(self.width).with_links(false);
        let mut out = String::new();
        // The labels of the primary label's file are drawn in one piece, those of other files
        // below.
        let mut files: Vec<(Arc<SourceView>, Vec<&Label>)> = Vec::new();
        let mut unseen = Vec::new();
        for label in &diagnostic.labels {
            let page = self.page(label);
            if !page.is_drawable {
                unseen.push((page, label));
                continue;
            }
            match files.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &page)) {
                Some((_, labels)) => labels.push(label),
                None => files.push((page, vec![label])),
            }
        }
        let report = MietteDiagnostic::new(one_line(&diagnostic.message))
            .with_code(diagnostic.code.to_string())
            .with_severity(match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            });
        let mut files = files.into_iter();
        let report = match files.next() {
            Some((page, labels)) => miette::Report::new(report.with_labels(spans(&page, &labels)))
                .with_source_code(page),
            None => miette::Report::new(report),
        };
        // Writing to a String cannot fail, here and below.
        let _ = handler.render_report(&mut out, report.as_ref());
        for (page, labels) in files {
            let more = MietteDiagnostic::new("see also").with_severity(miette::Severity::Advice);
            let more =
                miette::Report::new(more.with_labels(spans(&page, &labels))).with_source_code(page);
            let _ = handler.render_report(&mut out, more.as_ref());
        }
        for (page, label) in unseen {
            let (line, column) = page.position(label.span.start());
            let (name, text) = (one_line(&label.span.source().name), one_line(&label.text));
            let _ = writeln!(out, "  {name}:{line}:{column}  {text}");
        }
        for note in &diagnostic.notes {
            for line in inert::lines(note).lines() {
                let _ = writeln!(out, "  {line}");
            }
        }
        // Drawn here: notes stand in front of it, and names are not to be cut at their hyphens.
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(out, "  {} {}", "help:".cyan(), self.wrap(&one_line(help)));
        }
        out.push('\n');
        out
    }

    /// The diagnostic as JSON: lines and columns count from 1, columns in characters.
    #[must_use]
    pub fn json(&mut self, diagnostic: &Diagnostic) -> serde_json::Value {
        let label = |label: &Label| {
            let page = self.page(label);
            let (line, column) = page.position(label.span.start());
            let (end_line, end_column) = page.position(label.span.end());
            json!({
                "file": label.span.source().name,
                "line": line, "column": column,
                "end_line": end_line, "end_column": end_column,
                "text": label.text,
            })
        };
        let labels: Vec<_> = diagnostic.labels.iter().map(label).collect();
        json!({
            "code": diagnostic.code.to_string(),
            "severity": match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "message": diagnostic.message,
            "labels": labels,
            "notes": diagnostic.notes,
            "kernel": diagnostic.answer.as_ref().map(|answer| json!({
                "errno": answer.errno, "text": answer.text,
            })),
            "help": diagnostic.help,
        })
    }

    /// Wraps a help text, with the lines after the first under the first one's words.
    fn wrap(&self, text: &str) -> String {
        let mut lines = vec![String::new()];
        let room = self.width.saturating_sub(8);
        for word in text.split(' ') {
            let line = lines.len() - 1;
            let length = lines[line].chars().count() + word.chars().count();
            if !lines[line].is_empty() && length >= room {
                lines.push(word.to_owned());
            } else {
                let gap = if lines[line].is_empty() { "" } else { " " };
                lines[line] += &format!("{gap}{word}");
            }
        }
        lines.join("\n        ")
    }
}

fn spans(page: &SourceView, labels: &[&Label]) -> Vec<LabeledSpan> {
    let span = |(number, label): (usize, &&Label)| {
        let text = (!label.text.is_empty()).then(|| one_line(&label.text));
        let span = page.drawn(label.span.start())..page.drawn(label.span.end());
        if number == 0 {
            LabeledSpan::new_primary_with_span(text, span)
        } else {
            LabeledSpan::new_with_span(text, span)
        }
    };
    labels.iter().enumerate().map(span).collect()
}

/// `text` as one line: what a file says may be quoted in it, over several.
fn one_line(text: &str) -> String {
    inert::line(&text.replace("\r\n", " ").replace(['\n', '\t'], " ")).into_owned()
}
