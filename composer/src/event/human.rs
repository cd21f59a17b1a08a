//! The parts of an event for people: the time of day, the task, the payload.

use std::fmt::Write as _;

use freplace_compose_common::Header;

use super::{
    Event, Layout, Paint, Payload, PrintkLine, Shape,
    digits::{decimal, padded},
    user_map,
};
use crate::inert;

/// The kernel's monotonic clock → the time of day.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    /// Nanoseconds from the monotonic clock's zero to midnight, local time, of some day.
    pub offset_ns: i128,
}

impl WallClock {
    /// `12:28:46.001234`
    pub(super) fn time_of_day(self, time_ns: u64, out: &mut String) {
        const DAY: i128 = 86_400_000_000_000;
        let ns = (i128::from(time_ns) + self.offset_ns).rem_euclid(DAY);
        // It fits: a day has fewer nanoseconds.
        let ns = u64::try_from(ns).unwrap_or_default();
        let seconds = ns / 1_000_000_000;
        for (number, before) in
            [(seconds / 3600, ""), (seconds / 60 % 60, ":"), (seconds % 60, ":")]
        {
            out.push_str(before);
            padded(number, 2, out);
        }
        out.push('.');
        padded(ns % 1_000_000_000 / 1_000, 6, out);
    }
}

/// `wget/146`; nothing where the hook has no current task.
pub(super) fn task(header: &Header, out: &mut String) {
    let comm = String::from_utf8_lossy(header.comm());
    if header.pid != 0 || !comm.is_empty() {
        if comm.bytes().all(is_plain) {
            out.push_str(&comm);
        } else {
            let _ = write!(out, "{}", comm.escape_debug()); // a String takes everything
        }
        out.push('/');
        decimal(header.pid.into(), out);
    }
}

/// The payload, with two blanks before each part.
pub(super) fn fields(event: &Event<'_>, paint: Paint, out: &mut String) {
    let (bytes, length) = (event.bytes, event.bytes.len());
    match event.payload {
        Payload::Struct(layout, map) => {
            match map.filter(|map| map.has_text()) {
                Some(map) => {
                    out.push_str("  ");
                    map.text(bytes, out);
                }
                None => structure(layout, bytes, paint, out),
            }
            return;
        }
        Payload::Call(call) => {
            out.push_str("  ");
            return call.human(bytes, paint, out);
        }
        Payload::Line(said) => return line(said, paint, out),
        Payload::Written(line) => {
            out.push_str("  ");
            out.push_str(&inert::line(line));
            return;
        }
        Payload::Returned(answer) => {
            let _ = write!(out, "  = {answer}");
            return;
        }
        Payload::Truncated(layout, _) => {
            // A String takes everything, here and below.
            let _ = write!(
                out,
                "  {length} bytes, shorter than the {} of {}",
                layout.size, layout.name
            );
        }
        Payload::Unknown(None) => {
            let _ = write!(out, "  {length} bytes of unknown type");
        }
        Payload::Unknown(Some(map)) => {
            out.push_str("  ");
            paint.dimmed(&format!("{}: {length} bytes", inert::line(&map.map)), out);
        }
    }
    out.push_str("  ");
    user_map::dump(bytes, out);
}

/// The fields of a struct, each with its name.
fn structure(layout: &Layout, bytes: &[u8], paint: Paint, out: &mut String) {
    for field in &layout.fields {
        let bytes = bytes.get(field.offset..).unwrap_or_default();
        match (field.name.as_str(), &field.shape) {
            // A flow says what it is.
            (_, Shape::Flow) => out.push_str("  "),
            ("ret", _) => out.push_str("  = "),
            (name, _) => {
                out.push_str("  ");
                paint.key(name, out);
            }
        }
        field.shape.human(bytes, out);
    }
}

/// A line of `bpf_printk`, with whoever else may have written it.
fn line(said: &PrintkLine, paint: Paint, out: &mut String) {
    out.push_str("  ");
    escaped(&said.text, out);
    if !said.or.is_empty() {
        out.push_str("  ");
        paint.dimmed(&format!("(or {})", said.or.join(", ")), out);
    }
    if !said.known {
        out.push_str("  ");
        paint.dimmed("(or a program outside the chain)", out);
    }
}

/// Whether a byte is a letter that stands for itself everywhere.
pub(super) fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\' && byte != b'\''
}

/// `text` without anything in it that a terminal would obey.
pub(super) fn escaped(text: &str, out: &mut String) {
    for letter in text.chars() {
        match inert::is_visible(letter) {
            true => out.push(letter),
            false => out.extend(letter.escape_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WallClock;

    #[test]
    fn time_of_day_goes_round() {
        let mut out = String::new();
        WallClock { offset_ns: -1_000 }.time_of_day(0, &mut out);
        assert_eq!(out, "23:59:59.999999");
    }
}
