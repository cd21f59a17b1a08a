//! Formats numbers as text. With `write!` this takes most of the time of formatting an event, and
//! there may be a million events per second.

use std::net::Ipv4Addr;

/// `number` in decimal.
pub(super) fn decimal(number: u64, out: &mut String) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// `number` in decimal, with zeros in front up to `width` digits.
pub(super) fn padded(number: u64, width: usize, out: &mut String) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number);
    out.extend(std::iter::repeat_n('0', width.saturating_sub(digits.len())));
    out.push_str(digits);
}

/// `number` in decimal, with its sign.
pub(super) fn signed(number: i128, out: &mut String) {
    // Most are as small, and those of 128 bits take several times as long.
    match i64::try_from(number) {
        Ok(number) => out.push_str(itoa::Buffer::new().format(number)),
        Err(_) => out.push_str(itoa::Buffer::new().format(number)),
    }
}

/// `10.0.2.15`
pub(super) fn dotted(address: Ipv4Addr, out: &mut String) {
    let digit = |digit: u8| char::from(b'0' + digit);
    for (number, octet) in address.octets().into_iter().enumerate() {
        if number > 0 {
            out.push('.');
        }
        if octet >= 100 {
            out.push(digit(octet / 100));
        }
        if octet >= 10 {
            out.push(digit(octet / 10 % 10));
        }
        out.push(digit(octet % 10));
    }
}

/// A byte as two letters.
pub(super) fn hexadecimal(byte: u8, out: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    out.push(DIGITS[usize::from(byte >> 4)]);
    out.push(DIGITS[usize::from(byte & 15)]);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::{decimal, dotted, hexadecimal, signed};

    fn text(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_rust_writes_them(
            number in any::<u64>(), shift in 0_u32..64, with_sign in any::<i128>(), byte in any::<u8>(),
        ) {
            prop_assert_eq!(text(|out| decimal(number >> shift, out)), (number >> shift).to_string());
            prop_assert_eq!(text(|out| signed(with_sign, out)), with_sign.to_string());
            let small = i128::from(number >> shift);
            prop_assert_eq!(text(|out| signed(-small, out)), (-small).to_string());
            let address = Ipv4Addr::from_bits(number as u32);
            prop_assert_eq!(text(|out| dotted(address, out)), address.to_string());
            prop_assert_eq!(text(|out| hexadecimal(byte, out)), format!("{byte:02x}"));
        }
    }

    #[test]
    fn the_smallest_and_the_largest_number_are_whole() {
        for number in [0, 9, 10, u64::MAX] {
            assert_eq!(text(|out| decimal(number, out)), number.to_string());
        }
    }
}
