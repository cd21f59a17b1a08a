//! Wraps lines at the width of the terminal.

use std::io;

/// The columns of the terminal that stdout is; none when it is something else, which gets whole
/// lines.
pub(super) fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// `text`, which begins in column `at`, with line ends in the place of some blanks, so that it fits
/// `width` columns; `hang` stands in front of each further line. What is left of the screen by that is
/// no less than a third of it.
pub(super) fn wrapped(text: &str, at: usize, hang: &str, width: Option<usize>) -> String {
    let letters = |text: &str| text.chars().count();
    let Some(width) = width else { return text.to_owned() };
    if 3 * (width.saturating_sub(letters(hang))) < width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut column = at;
    for word in text.split_inclusive(' ') {
        if column + letters(word.trim_end()) > width && column > letters(hang) && !out.is_empty() {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(hang);
            column = letters(hang);
        }
        out.push_str(word);
        column += letters(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn what_does_not_fit_goes_on_below_its_own_beginning() {
        let text = "takes length, proto of filter where length > 100";
        let lines = wrapped(text, 4, "    ", Some(24));
        assert_eq!(lines, "takes length, proto\n    of filter where\n    length > 100");
        assert!(lines.lines().skip(1).all(|line| line.len() <= 24));
        assert_eq!(wrapped(text, 4, "    ", Some(52)), text, "it fits to the column");
        assert_eq!(wrapped(text, 4, "    ", None), text);
    }

    #[test]
    fn what_cannot_be_broken_stays_whole() {
        assert_eq!(
            wrapped("a_very_long_name and more", 2, "  ", Some(9)),
            "a_very_long_name\n  and\n  more"
        );
        let narrow = "there is no room for it";
        assert_eq!(wrapped(narrow, 20, &" ".repeat(20), Some(24)), narrow);
        assert_eq!(wrapped("", 4, "    ", Some(20)), "");
    }
}
