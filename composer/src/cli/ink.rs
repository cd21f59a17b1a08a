//! Colours that text from other sources cannot imitate.
//!
//! Output is assembled from several texts, some of them coloured, and then the origin of an escape
//! sequence is unknown. So the composer's colours are not escape sequences but marks, with a number
//! that is chosen at random in each process. [`shown`] turns the marks into sequences, and escapes
//! everything else that a terminal would execute.

use std::{
    fmt::{self, Display},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::LazyLock,
};

use owo_colors::AnsiColors;

use freplace_compose::inert;

/// In front of a mark's number; no character of any text, by Unicode's own words.
const MARK: char = '\u{fdd0}';

/// How a mark begins in this process. The number comes from the kernel, as that of hash maps does.
static BEGIN: LazyLock<String> =
    LazyLock::new(|| format!("{MARK}{:016x}", RandomState::new().build_hasher().finish()));

/// Text in a colour: two numbers of `ESC [ N m`, to turn it on and off.
pub(super) struct Inked<'a, T: ?Sized> {
    text: &'a T,
    on: u8,
    off: u8,
}

impl<T: Display + ?Sized> Display for Inked<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}m", *BEGIN, self.on)?;
        self.text.fmt(f)?;
        write!(f, "{}{}m", *BEGIN, self.off)
    }
}

/// Colours for whatever can be written.
pub(super) trait Ink: Display {
    /// What one looks for.
    fn bold(&self) -> Inked<'_, Self> {
        Inked { text: self, on: 1, off: 0 }
    }

    /// What one does not look for.
    fn dimmed(&self) -> Inked<'_, Self> {
        Inked { text: self, on: 2, off: 0 }
    }

    /// Bad.
    fn red(&self) -> Inked<'_, Self> {
        self.color(AnsiColors::Red)
    }

    /// Good.
    fn green(&self) -> Inked<'_, Self> {
        self.color(AnsiColors::Green)
    }

    /// Worth a look.
    fn yellow(&self) -> Inked<'_, Self> {
        self.color(AnsiColors::Yellow)
    }

    /// A heading within text.
    fn cyan(&self) -> Inked<'_, Self> {
        self.color(AnsiColors::Cyan)
    }

    /// In `color`.
    fn color(&self, color: AnsiColors) -> Inked<'_, Self> {
        let on = match color {
            AnsiColors::Black => 30,
            AnsiColors::Red => 31,
            AnsiColors::Green => 32,
            AnsiColors::Yellow => 33,
            AnsiColors::Blue => 34,
            AnsiColors::Magenta => 35,
            AnsiColors::Cyan => 36,
            AnsiColors::White => 37,
            AnsiColors::Default => 39,
            AnsiColors::BrightBlack => 90,
            AnsiColors::BrightRed => 91,
            AnsiColors::BrightGreen => 92,
            AnsiColors::BrightYellow => 93,
            AnsiColors::BrightBlue => 94,
            AnsiColors::BrightMagenta => 95,
            AnsiColors::BrightCyan => 96,
            AnsiColors::BrightWhite => 97,
        };
        Inked { text: self, on, off: 39 }
    }
}

impl<T: Display + ?Sized> Ink for T {}

/// `text` as a terminal is to see it: with `colors` our marks are colours, without they are gone,
/// and nothing else in it is obeyed.
pub(super) fn shown(text: &str, colors: bool) -> String {
    let mut pieces = text.split(BEGIN.as_str());
    let mut out = inert::lines(pieces.next().unwrap_or_default()).into_owned();
    for piece in pieces {
        // Ours all end in `m`, after a number.
        let Some((number, rest)) = piece.split_once('m') else { continue };
        if colors {
            out += &format!("\u{1b}[{number}m");
        }
        out += &inert::lines(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Ink as _, shown};

    #[test]
    fn our_colours_are_shown_and_those_of_others_are_escaped() {
        let theirs = "\u{1b}[31mx\u{fdd0}0000000000000000";
        let text = format!("{:<4}|{}", "ok".green(), theirs.bold());
        let escaped = "\\u{1b}[31mx\u{fdd0}0000000000000000";
        assert_eq!(shown(&text, false), format!("ok  |{escaped}"));
        let colored = format!("\u{1b}[32mok  \u{1b}[39m|\u{1b}[1m{escaped}\u{1b}[0m");
        assert_eq!(shown(&text, true), colored);
    }
}
