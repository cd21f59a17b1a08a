//! Optional colours. If disabled, no escape sequences are generated, because removing them later
//! would take longer than everything else.

use std::fmt::Write as _;

use owo_colors::{AnsiColors, OwoColorize as _};

/// Colours of nodes, in turn; none of them alarms.
const COLORS: [AnsiColors; 7] = [
    AnsiColors::Cyan,
    AnsiColors::Green,
    AnsiColors::Yellow,
    AnsiColors::Magenta,
    AnsiColors::Blue,
    AnsiColors::BrightCyan,
    AnsiColors::BrightGreen,
];

/// Sets text off by colours, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether colours are enabled.
    pub colors: bool,
}

// A String takes everything: what `write!` says of it is not looked at here.
impl Paint {
    /// The colour of node number `index`.
    #[must_use]
    pub fn color_of(index: usize) -> AnsiColors {
        COLORS[index % COLORS.len()]
    }

    /// What belongs to node number `index`.
    pub(super) fn node(self, index: usize, text: &str, out: &mut String) {
        if self.colors {
            let _ = write!(out, "{}", text.color(Self::color_of(index)));
        } else {
            out.push_str(text);
        }
    }

    /// What is not what one looks for.
    pub(super) fn dimmed(self, text: &str, out: &mut String) {
        if self.colors {
            let _ = write!(out, "{}", text.dimmed());
        } else {
            out.push_str(text);
        }
    }

    /// `name=`, in front of a value.
    pub(super) fn key(self, name: &str, out: &mut String) {
        if self.colors {
            let _ = write!(out, "{}", format_args!("{name}=").dimmed());
        } else {
            out.push_str(name);
            out.push('=');
        }
    }

    /// What one looks for.
    pub(super) fn bold(self, text: &str, out: &mut String) {
        if self.colors {
            let _ = write!(out, "{}", text.bold());
        } else {
            out.push_str(text);
        }
    }

    /// What one ought to see.
    pub(super) fn warning(self, text: &str, out: &mut String) {
        if self.colors {
            let _ = write!(out, "{}", text.yellow());
        } else {
            out.push_str(text);
        }
    }
}

/// Blanks behind a text of `width` letters, up to `column`.
pub(super) fn pad(width: usize, column: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', column.saturating_sub(width)));
}
