//! A reader for BTF, the type format of eBPF objects and of the kernel.
//!
//! Format: <https://docs.kernel.org/bpf/btf.html>. Types are found once and decoded when asked
//! for, so a kernel's BTF of several megabytes costs one pass. No input makes it panic: what does
//! not fit is [`BtfError`], and ids and names that lead nowhere are `None`.
//!
//! This file finds the types in a section, `decode` decodes one of them, and `lookup` searches all.

mod decode;
mod lookup;
#[cfg(test)]
mod tests;
mod types;

use std::ops::Range;

use thiserror::Error;

pub use types::{Linkage, Member, PlacedVariable, Type, TypeId};

/// Why a `.BTF` section cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BtfError {
    /// It does not begin with the magic number 0xeB9F in this machine's byte order.
    #[error("no BTF magic number in this machine's byte order")]
    Magic,
    /// The header or a section it names reaches past the end.
    #[error("truncated at byte {0}")]
    Truncated(usize),
    /// A kind that is unknown to this reader and to the section's own table of kinds, so that the
    /// next type cannot be found.
    #[error("type {id} has unknown kind {kind}")]
    Kind {
        /// The type's id.
        id: u32,
        /// The kind's number.
        kind: u32,
    },
}

/// A parsed `.BTF` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Btf {
    data: Vec<u8>,
    /// Where each type begins; index 0 is type 1.
    offsets: Vec<usize>,
    strings: Range<usize>,
}

const HEADER: usize = 24;
/// The header of Linux 7.2 and later, which says where the table of kinds is.
const HEADER_WITH_LAYOUT: usize = 32;

impl Btf {
    /// Reads the header and finds every type.
    ///
    /// # Errors
    /// [`BtfError`] when the bytes are not BTF of this machine's byte order.
    pub fn parse(data: impl Into<Vec<u8>>) -> Result<Self, BtfError> {
        let data = data.into();
        let word = |at: usize| read_u32(&data, at).ok_or(BtfError::Truncated(data.len()));
        if data.len() < HEADER {
            return Err(BtfError::Truncated(data.len()));
        }
        if u16::from_ne_bytes([data[0], data[1]]) != 0xeb9f {
            return Err(BtfError::Magic);
        }
        // Newer writers use a longer header, so the sections are found by the length it gives.
        let length = word(4)? as usize;
        let types = section(&data, length, word(8)?, word(12)?)?;
        let strings = section(&data, length, word(16)?, word(20)?)?;
        let layout = match length {
            ..HEADER_WITH_LAYOUT => 0..0,
            _ => section(&data, length, word(24)?, word(28)?)?,
        };

        let mut offsets = Vec::new();
        let mut at = types.start;
        while at < types.end {
            let id = u32::try_from(offsets.len() + 1).unwrap_or(u32::MAX);
            let info = word(at + 4)?;
            let extra = extra_length(info).or_else(|| told_length(&data[layout.clone()], info));
            let extra = extra.ok_or(BtfError::Kind { id, kind: kind(info) })?;
            offsets.push(at);
            at += 12 + extra;
        }
        if at > types.end {
            return Err(BtfError::Truncated(types.end));
        }
        Ok(Self { data, offsets, strings })
    }

    /// The number of types without `void`. Ids run from 1 to this number.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.offsets.len()).unwrap_or(u32::MAX)
    }

    /// Whether it has no types.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The record of type `id` as it stands in the section.
    pub(in crate::object) fn words(&self, id: TypeId) -> Option<Vec<u32>> {
        let at = *self.offsets.get((id as usize).checked_sub(1)?)?;
        let length = 3 + extra_length(self.word(at + 4)?)? / 4;
        (0..length).map(|index| self.word(at + 4 * index)).collect()
    }

    pub(in crate::object) fn string(&self, offset: u32) -> Option<&str> {
        // Names are printed; the kernel, too, takes nothing but identifiers for most of them.
        self.raw(offset).filter(|name| !name.chars().any(char::is_control))
    }

    /// The text at `offset` that is no name: a file's, or a line of source without its indentation.
    #[must_use]
    pub fn text(&self, offset: u32) -> Option<&str> {
        self.raw(offset).map(str::trim)
    }

    fn raw(&self, offset: u32) -> Option<&str> {
        let start = self.strings.start.checked_add(offset as usize)?;
        let bytes = self.data.get(start..self.strings.end)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&bytes[..end]).ok()
    }

    /// All strings, as they stand in the section.
    pub(in crate::object) fn strings(&self) -> &[u8] {
        self.data.get(self.strings.clone()).unwrap_or_default()
    }

    fn name(&self, id: TypeId) -> Option<&str> {
        let at = *self.offsets.get((id as usize).checked_sub(1)?)?;
        self.string(self.word(at)?)
    }

    fn word(&self, at: usize) -> Option<u32> {
        read_u32(&self.data, at)
    }

    fn of_kind(&self, wanted: u32) -> impl Iterator<Item = TypeId> + '_ {
        (1..=self.len()).filter(move |id| {
            let at = self.offsets[*id as usize - 1]; // ids of this range are indices
            self.word(at + 4).is_some_and(|info| kind(info) == wanted)
        })
    }
}

fn read_u32(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_ne_bytes)
}

/// Seven bits; the upper two were unused, and zero, before Linux 7.2.
fn kind(info: u32) -> u32 {
    info >> 24 & 0x7f
}

/// How many members, values or parameters; 24 bits, of which the upper eight were unused, and zero,
/// before Linux 7.2.
fn count(info: u32) -> usize {
    (info & 0x00ff_ffff) as usize
}

/// Bytes that follow the twelve of every type, as the table of kinds tells them: for each kind the
/// bytes once and the bytes an item, each in a byte, then two bytes of flags (`struct btf_layout`
/// of include/uapi/linux/btf.h).
fn told_length(layout: &[u8], info: u32) -> Option<usize> {
    let of_kind = layout.get(4 * kind(info) as usize..)?.get(..4)?;
    Some(usize::from(of_kind[0]) + usize::from(of_kind[1]) * count(info))
}

/// Bytes that follow the twelve of every type, of the kinds that are known here.
fn extra_length(info: u32) -> Option<usize> {
    let items = count(info);
    Some(match kind(info) {
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * items,
        6 | 13 => 8 * items,
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

fn section(data: &[u8], header: usize, offset: u32, length: u32) -> Result<Range<usize>, BtfError> {
    let start = header.saturating_add(offset as usize);
    let end = start.saturating_add(length as usize);
    if end > data.len() {
        return Err(BtfError::Truncated(data.len()));
    }
    Ok(start..end)
}
