//! `buffer = "4MiB"`: the size of the chain's event buffer.

use super::{
    Spanned,
    table::{Diagnostics, Table},
};
use crate::diag::{Code, nearest};

/// The kernel wants a power of two, of whole pages, which are 64 KiB on some machines.
const LEAST: u32 = 64 << 10;
const MOST: u32 = 1 << 30;

/// Every size there may be: bytes, and how it is written.
pub(super) fn sizes() -> impl Iterator<Item = (u32, String)> {
    let sizes = (LEAST.ilog2()..=MOST.ilog2()).map(|power| 1 << power);
    sizes.map(|bytes| (bytes, buffer_size(bytes)))
}

/// `4MiB`, as the chain file has it.
#[must_use]
pub fn buffer_size(bytes: u32) -> String {
    match bytes {
        0..0x10_0000 => format!("{}KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{}MiB", bytes >> 20),
        _ => format!("{}GiB", bytes >> 30),
    }
}

/// Reads it, as bytes.
pub(super) fn buffer(top: &mut Table<'_>, report: &mut Diagnostics<'_>) -> Option<u32> {
    let Spanned { value, span } = top.string("buffer", report)?;
    let known: Vec<_> = sizes().collect();
    if let Some((bytes, _)) = known.iter().find(|(_, written)| *written == value) {
        return Some(*bytes);
    }
    let near = nearest(&value, known.iter().map(|(_, written)| written.as_str()));
    let label = near.map_or_else(
        || "not a valid size".to_owned(),
        |near| format!("not a valid size; did you mean `{near}`?"),
    );
    let found = report
        .at(
            Code::BadValue,
            format!("`{value}` is not a valid size for a ring buffer"),
            &span,
            label,
        )
        .help(
            "Write a power of two: 64KiB, 128KiB, 256KiB, 512KiB, 1MiB, 2MiB and so on, up to \
               1GiB.",
        );
    report.push(found);
    None
}
