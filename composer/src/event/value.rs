//! Values as text for people, and as JSON.
//!
//! If there are too few bytes for a value it is shown as `?`, in JSON as null.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use super::{
    Field, Shape,
    digits::{decimal, dotted, hexadecimal, signed},
};
use crate::inert;

/// Sizes of `fc_endpoint_t` and of the address in it; `fc_flow_t` is two of them.
const ADDRESS: usize = 16;
const ENDPOINT: usize = 18;

/// What a number is shown as when its bytes are not there.
const UNKNOWN: &str = "?";

impl Shape {
    /// The value in `bytes`, which begin where it does, for people.
    #[must_use]
    pub fn text(&self, bytes: &[u8]) -> String {
        let mut out = String::new();
        self.human(bytes, &mut out);
        out
    }

    /// Writes the value in `bytes`, which begin where it does, for people.
    pub(super) fn human(&self, bytes: &[u8], out: &mut String) {
        if self.try_human(bytes, out).is_none() {
            out.push_str(UNKNOWN);
        }
    }

    fn try_human(&self, bytes: &[u8], out: &mut String) -> Option<()> {
        match self {
            Self::Integer { size, signed: sign } => signed(integer(bytes, *size, *sign)?, out),
            Self::BigEndian(size) => decimal(big_endian(bytes, *size)?, out),
            Self::Boolean => out.push_str(if *bytes.first()? == 0 { "false" } else { "true" }),
            Self::Text(length) => {
                let text = String::from_utf8_lossy(until_nul(bytes.get(..*length)?));
                push(out, text.escape_debug());
            }
            Self::Enum { .. } => match self.variant(bytes)? {
                Ok(name) => out.push_str(name),
                Err(number) => signed(number, out),
            },
            Self::Nanoseconds => duration(u64::try_from(integer(bytes, 8, false)?).ok()?, out),
            Self::Hex(size) => push(out, format_args!("{:#x}", integer(bytes, *size, false)?)),
            Self::Errno(size) => {
                let number = integer(bytes, *size, true)?;
                let small = i32::try_from(number).unwrap_or(0);
                match small.checked_neg().filter(|number| *number > 0) {
                    Some(positive) => match crate::errno::errno_name(positive) {
                        name if name.starts_with('E') => push(out, format_args!("-{name}")),
                        _ => push(out, number),
                    },
                    None => push(out, number),
                }
            }
            Self::Pointer => push(out, format_args!("{:#x}", integer(bytes, 8, false)?)),
            Self::Flow => {
                endpoint(bytes, out)?;
                out.push_str(" → ");
                endpoint(bytes.get(ENDPOINT..)?, out)?;
            }
            Self::Endpoint => endpoint(bytes, out)?,
            Self::Ipv4 | Self::Ipv6 | Self::Ip | Self::Port | Self::Mac => {
                self.plain(bytes, out)?;
            }
            Self::Struct(fields) => {
                out.push('{');
                for (number, field) in fields.iter().enumerate() {
                    if number > 0 {
                        out.push(' ');
                    }
                    push(out, format_args!("{}=", field.name));
                    field.shape.human(bytes.get(field.offset..).unwrap_or_default(), out);
                }
                out.push('}');
            }
            Self::Array { element, size, length } => {
                out.push('[');
                for number in 0..*length {
                    if number > 0 {
                        out.push(' ');
                    }
                    element.human(bytes.get(number * size..).unwrap_or_default(), out);
                }
                out.push(']');
            }
            Self::Bytes(length) => hex(bytes.get(..*length)?, out),
        }
        Some(())
    }

    /// Values whose text is the same for people and machines.
    fn plain(&self, bytes: &[u8], out: &mut String) -> Option<()> {
        match self {
            Self::Ipv4 => dotted(Ipv4Addr::from(array::<4>(bytes)?), out),
            Self::Ipv6 => push(out, Ipv6Addr::from(array::<16>(bytes)?)),
            Self::Ip => ip(address(bytes)?, out),
            Self::Port => decimal(u16::from_be_bytes(array(bytes)?).into(), out),
            Self::Mac => {
                for (number, byte) in array::<6>(bytes)?.iter().enumerate() {
                    push(out, format_args!("{}{byte:02x}", if number > 0 { ":" } else { "" }));
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Writes the value in `bytes` as JSON: numbers as numbers, in host order and base units
    /// (nanoseconds); addresses, enums and text as strings; a flow as an object.
    pub(super) fn json(&self, bytes: &[u8], out: &mut String) {
        let start = out.len();
        if self.try_json(bytes, out).is_none() {
            out.truncate(start);
            out.push_str("null");
        }
    }

    fn try_json(&self, bytes: &[u8], out: &mut String) -> Option<()> {
        match self {
            Self::Integer { .. } | Self::BigEndian(_) | Self::Boolean => {
                self.try_human(bytes, out)?;
            }
            Self::Nanoseconds => signed(integer(bytes, 8, false)?, out),
            Self::Errno(size) => signed(integer(bytes, *size, true)?, out),
            Self::Port => self.plain(bytes, out)?,
            Self::Text(length) => {
                string(&String::from_utf8_lossy(until_nul(bytes.get(..*length)?)), out);
            }
            Self::Enum { .. } => match self.variant(bytes)? {
                Ok(name) => string(name, out),
                Err(number) => signed(number, out),
            },
            Self::Ipv4 | Self::Ipv6 | Self::Ip | Self::Mac => {
                out.push('"');
                self.plain(bytes, out)?;
                out.push('"');
            }
            Self::Pointer | Self::Hex(_) | Self::Bytes(_) => {
                out.push('"');
                self.try_human(bytes, out)?;
                out.push('"');
            }
            Self::Endpoint => {
                out.push_str("{\"addr\":\"");
                ip(address(bytes)?, out);
                out.push_str("\",\"port\":");
                Self::Port.plain(bytes.get(ADDRESS..)?, out)?;
                out.push('}');
            }
            Self::Flow => {
                out.push_str("{\"source\":");
                Self::Endpoint.try_json(bytes, out)?;
                out.push_str(",\"destination\":");
                Self::Endpoint.try_json(bytes.get(ENDPOINT..)?, out)?;
                out.push('}');
            }
            Self::Struct(fields) => object(fields, bytes, out),
            Self::Array { element, size, length } => {
                out.push('[');
                for number in 0..*length {
                    if number > 0 {
                        out.push(',');
                    }
                    element.json(bytes.get(number * size..).unwrap_or_default(), out);
                }
                out.push(']');
            }
        }
        Some(())
    }

    /// The number in `bytes`, when it is one.
    pub(super) fn number(&self, bytes: &[u8]) -> Option<i128> {
        match self {
            Self::Integer { size, signed } => integer(bytes, *size, *signed),
            Self::Nanoseconds => integer(bytes, 8, false),
            _ => None,
        }
    }

    /// The name of an enum's value, or the number when none has it.
    fn variant(&self, bytes: &[u8]) -> Option<Result<&str, i128>> {
        let Self::Enum { size, signed, variants } = self else { return None };
        let number = integer(bytes, *size, *signed)?;
        let found = variants.iter().find(|(_, value)| i128::from(*value) == number);
        Some(found.map(|(name, _)| name.as_str()).ok_or(number))
    }
}

/// Fields as a JSON object.
pub(super) fn object(fields: &[Field], bytes: &[u8], out: &mut String) {
    out.push('{');
    for (number, field) in fields.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        string(&field.name, out);
        out.push(':');
        field.shape.json(bytes.get(field.offset..).unwrap_or_default(), out);
    }
    out.push('}');
}

/// `text` as a JSON string.
pub(super) fn string(text: &str, out: &mut String) {
    out.push('"');
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        // As good as always, and letter by letter takes several times as long.
        out.push_str(text);
        out.push('"');
        return;
    }
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            visible if inert::is_visible(visible) => out.push(visible),
            other => inert::unit(other, out),
        }
    }
    out.push('"');
}

/// Bytes as hexadecimal.
pub(super) fn hex(bytes: &[u8], out: &mut String) {
    bytes.iter().for_each(|byte| hexadecimal(*byte, out));
}

/// A duration with the unit that leaves one to three digits in front of the point.
pub(super) fn duration(ns: u64, out: &mut String) {
    let (divisor, unit) = match ns {
        0..1_000 => return push(out, format_args!("{ns} ns")),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    if ns / divisor < 10 {
        push(out, format_args!("{}.{} {unit}", ns / divisor, ns % divisor * 10 / divisor));
    } else {
        push(out, format_args!("{} {unit}", ns / divisor));
    }
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.get(..N)?.try_into().ok()
}

fn integer(bytes: &[u8], size: usize, signed: bool) -> Option<i128> {
    Some(match (size, signed) {
        (1, false) => array::<1>(bytes)?[0].into(),
        (1, true) => array::<1>(bytes)?[0].cast_signed().into(),
        (2, false) => u16::from_ne_bytes(array(bytes)?).into(),
        (2, true) => i16::from_ne_bytes(array(bytes)?).into(),
        (4, false) => u32::from_ne_bytes(array(bytes)?).into(),
        (4, true) => i32::from_ne_bytes(array(bytes)?).into(),
        (8, false) => u64::from_ne_bytes(array(bytes)?).into(),
        (8, true) => i64::from_ne_bytes(array(bytes)?).into(),
        _ => return None,
    })
}

fn big_endian(bytes: &[u8], size: usize) -> Option<u64> {
    Some(match size {
        2 => u16::from_be_bytes(array(bytes)?).into(),
        4 => u32::from_be_bytes(array(bytes)?).into(),
        _ => u64::from_be_bytes(array(bytes)?),
    })
}

fn ip(address: IpAddr, out: &mut String) {
    match address {
        IpAddr::V4(four) => dotted(four, out),
        IpAddr::V6(six) => push(out, six),
    }
}

/// IPv6, or the IPv4 address mapped into it.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    Some(Ipv6Addr::from(array::<ADDRESS>(bytes)?).to_canonical())
}

fn endpoint(bytes: &[u8], out: &mut String) -> Option<()> {
    let port = u16::from_be_bytes(array(bytes.get(ADDRESS..)?)?);
    match address(bytes)? {
        IpAddr::V4(four) => {
            dotted(four, out);
            out.push(':');
            decimal(port.into(), out);
        }
        six @ IpAddr::V6(_) => push(out, SocketAddr::new(six, port)),
    }
    Some(())
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Field, Shape, duration, object, string};

    fn human(shape: &Shape, bytes: &[u8]) -> String {
        let mut out = String::new();
        shape.human(bytes, &mut out);
        out
    }

    #[test]
    fn addresses_and_ports_are_in_network_order() {
        let mut flow = vec![0; 10];
        flow.extend([0xff, 0xff, 10, 0, 2, 15, 0x01, 0xbb]);
        flow.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80]);
        assert_eq!(human(&Shape::Flow, &flow), "10.0.2.15:443 → [2001:db8::1]:80");
        assert_eq!(human(&Shape::Flow, &flow[..30]), "10.0.2.15:443 → ?");
        assert_eq!(human(&Shape::Mac, &[2, 0, 0x5e, 0x10, 0, 1]), "02:00:5e:10:00:01");
    }

    #[test]
    fn enums_show_names_and_unknown_values_numbers() {
        let verdict = Shape::Enum {
            size: 4,
            signed: false,
            variants: vec![("XDP_DROP".into(), 1), ("XDP_PASS".into(), 2)],
        };
        assert_eq!(human(&verdict, &2_u32.to_ne_bytes()), "XDP_PASS");
        assert_eq!(human(&verdict, &9_u32.to_ne_bytes()), "9");
        assert_eq!(human(&verdict, &[1]), "?");
        assert_eq!(human(&Shape::Errno(4), &(-13_i32).to_ne_bytes()), "-EACCES");
        assert_eq!(human(&Shape::Errno(4), &i32::MIN.to_ne_bytes()), i32::MIN.to_string());
    }

    #[test]
    fn durations_keep_two_digits() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_850, "1.8 µs"),
            (11_900, "11 µs"),
            (1_000_000, "1.0 ms"),
            (2_500_000_000, "2.5 s"),
        ] {
            let mut out = String::new();
            duration(ns, &mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn json_is_json_whatever_the_bytes_are() {
        let field = |name: &str, offset, shape| Field { name: name.into(), offset, shape };
        let fields = [
            field("comm", 0, Shape::Text(4)),
            field("took", 4, Shape::Nanoseconds),
            field("peer", 12, Shape::Endpoint),
        ];
        let mut out = String::new();
        object(&fields, b"a\"\x01\xff12345678", &mut out);
        let value: serde_json::Value = serde_json::from_str(&out).expect("valid JSON");
        assert_eq!(value["comm"], "a\"\u{1}\u{fffd}");
        assert_eq!(value["took"], u64::from_ne_bytes(*b"12345678"));
        assert_eq!(value["peer"], serde_json::Value::Null);
        let mut out = String::new();
        string("\u{7f}\n", &mut out);
        assert_eq!(serde_json::from_str::<String>(&out).expect("valid"), "\u{7f}\n");
    }
}
