//! Numbers as text. What `write!` does with them takes most of the time in which an event becomes a
//! line, and there may be a million of them a second.

use std::{fmt::Write as _, net::Ipv4Addr};

/// As many digits as the largest number has.
const MOST: usize = 20;

/// `number` in decimal.
pub(super) fn decimal(mut number: u64, out: &mut String) {
    let mut digits = [b'0'; MOST];
    let mut first = MOST;
    // Two at a time: a division takes longer than all else here.
    while number >= 100 {
        let two = (number % 100) as u8;
        number /= 100;
        first -= 2;
        digits[first] = b'0' + two / 10;
        digits[first + 1] = b'0' + two % 10;
    }
    first -= 1;
    digits[first] = b'0' + (number % 10) as u8;
    if number >= 10 {
        first -= 1;
        digits[first] = b'0' + (number / 10) as u8;
    }
    // Digits are text.
    out.push_str(std::str::from_utf8(&digits[first..]).unwrap_or_default());
}

/// `number` in decimal, with its sign.
pub(super) fn signed(number: i128, out: &mut String) {
    if number < 0 {
        out.push('-');
    }
    match u64::try_from(number.unsigned_abs()) {
        Ok(number) => decimal(number, out),
        // No integer of an event is as large. Writing to a String cannot fail.
        Err(_) => drop(write!(out, "{}", number.unsigned_abs())),
    }
}

/// `10.0.2.15`
pub(super) fn dotted(address: Ipv4Addr, out: &mut String) {
    for (number, octet) in address.octets().into_iter().enumerate() {
        if number > 0 {
            out.push('.');
        }
        decimal(octet.into(), out);
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
