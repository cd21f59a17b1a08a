//! Text within XML and HTML.

use crate::inert;

/// `text` as content of an element or as a quoted value. What XML does not allow, and what would hide
/// or turn what follows it, is shown as an escape.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in inert::line(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // The last two of each plane are no characters, and XML takes these of the first.
            '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out
}

/// The columns of `text` in a font of fixed width, at most: what is not ASCII may be twice as wide.
pub(crate) fn columns(text: &str) -> usize {
    inert::line(text).chars().map(width).sum()
}

fn width(letter: char) -> usize {
    if letter.is_ascii() { 1 } else { 2 }
}

/// `text` as one line of at most so many columns, with an ellipsis in the place of the rest.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let text = inert::line(text);
    if columns(&text) <= most {
        return text.into_owned();
    }
    let (mut out, mut used) = (String::new(), width('…'));
    for letter in text.chars() {
        used += width(letter);
        if used > most {
            break;
        }
        out.push(letter);
    }
    out.push('…');
    out
}

/// `text` in at most so many lines of at most so many columns, broken at blanks where there are some.
pub(super) fn wrapped(text: &str, most: usize, lines: usize) -> Vec<String> {
    let text = inert::line(text);
    let mut found: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let blank = usize::from(!line.is_empty());
        if !line.is_empty() && columns(&line) + blank + columns(word) > most {
            found.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for letter in word.chars() {
            if columns(&line) + width(letter) > most {
                found.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
        if found.len() > lines {
            break;
        }
    }
    found.extend((!line.is_empty()).then_some(line));
    if found.len() > lines {
        found.truncate(lines);
        if let Some(last) = found.last_mut() {
            // One that is full has its end cut for the ellipsis.
            let full = format!("{last}{}", " ".repeat(most));
            *last = shortened(&full, (columns(last) + 2).min(most));
        }
    }
    found
}
