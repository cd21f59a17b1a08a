//! Diagnostics: what is wrong, where, and how to fix it.
//!
//! Pure data, created by every layer and drawn only by the command line. Codes are stable: scripts
//! and readers can rely on them.

mod builtin;
mod code;
mod near;
mod page;
mod sources;
mod span;
mod words;

pub use builtin::unknown_builtin;
pub use code::{Code, Severity};
pub use near::{Names, list, nearest, nearest_of_many};
pub use page::{Block, Page, UnknownCode, blocks};
pub use sources::Sources;
pub use span::{Source, Span};

/// A marked place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// Its text; may be empty.
    pub text: String,
}

/// How a kernel refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelAnswer {
    /// The name of the error number: `EINVAL`.
    pub errno: &'static str,
    /// The message in the verifier log; `None` if there is only the error number.
    pub text: Option<String>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// One line in lower case that names the node: `` `drop_udp` cannot replace `filter` ``.
    pub message: String,
    /// Places; the first is the primary one.
    pub labels: Vec<Label>,
    /// Blocks of text below the labels: prototypes, kernel messages.
    pub notes: Vec<String>,
    /// The kernel's error for it.
    pub answer: Option<Box<KernelAnswer>>,
    /// How to fix it, in full sentences.
    pub help: Option<String>,
}

/// Diagnostics in the order of the files and of the locations in them, whatever pass created them;
/// those without a location come first.
#[must_use]
pub fn in_file_order(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by(|one, other| one.place().cmp(&other.place()));
    found
}

impl Diagnostic {
    /// A finding without a place yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            answer: None,
            help: None,
        }
    }

    /// Marks a place; the first call marks the primary one.
    #[must_use]
    pub fn label(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span: span.clone(), text: text.into() });
        self
    }

    /// Adds a block of text.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds the kernel's error: an error number without a verifier log.
    #[must_use]
    pub fn errno(mut self, errno: &'static str) -> Self {
        self.answer = Some(Box::new(KernelAnswer { errno, text: None }));
        self.note(format!("kernel error: {errno} (no verifier log)"))
    }

    /// Adds the kernel's error: an error number and a line of the verifier log.
    #[must_use]
    pub fn says(mut self, errno: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        let note = format!("kernel error: {errno}, \"{text}\"");
        self.answer = Some(Box::new(KernelAnswer { errno, text: Some(text) }));
        self.note(note)
    }

    /// Sets the help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// The primary location. `None`, for the file as a whole, sorts first.
    #[must_use]
    pub fn place(&self) -> Option<&Span> {
        self.labels.first().map(|label| &label.span)
    }

    /// Marks a place as the primary one, where none is.
    #[must_use]
    pub fn or_label(self, span: &Span, text: impl Into<String>) -> Self {
        if self.labels.is_empty() { self.label(span, text) } else { self }
    }

    /// Labels a place, when it is known.
    #[must_use]
    pub fn maybe_label(self, span: Option<&Span>, text: impl Into<String>) -> Self {
        match span {
            Some(span) => self.label(span, text),
            None => self,
        }
    }

    /// Sets the help, if given.
    #[must_use]
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = text.or(self.help);
        self
    }
}
