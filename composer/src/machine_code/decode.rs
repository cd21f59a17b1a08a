//! x86-64 machine code → the places that it leads to.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Formatter as _, GasFormatter, OpKind};

/// An instruction that leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its address.
    pub at: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is.
    pub kind: TransferKind,
    /// Where it leads to.
    pub to: u64,
}

/// How an instruction leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// It comes back.
    Call,
    /// It does not.
    Jump,
}

/// The bytes at the beginning of a function that the kernel patches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchSite {
    /// Their address: behind `endbr64`, where the function begins with that.
    pub at: u64,
    /// The bytes.
    pub bytes: [u8; 5],
    /// Where they lead to, and how; nowhere as a nop.
    pub to: Option<(TransferKind, u64)>,
}

impl PatchSite {
    /// How many bytes the kernel patches.
    pub const LENGTH: u64 = 5;
    /// The five bytes that lead nowhere.
    pub const NOP: [u8; 5] = [0x0f, 0x1f, 0x44, 0, 0];

    /// Whether they are the nop.
    #[must_use]
    pub fn is_nop(&self) -> bool {
        self.bytes == Self::NOP
    }
}

const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];

/// The patched bytes of the function at `address`; none when it is too short for them.
#[must_use]
pub fn entry(code: &[u8], address: u64) -> Option<PatchSite> {
    let skipped = if code.starts_with(&ENDBR64) { ENDBR64.len() } else { 0 };
    let bytes: [u8; 5] = code.get(skipped..skipped + 5)?.try_into().ok()?;
    let at = address.wrapping_add(skipped as u64);
    let [opcode, rest @ ..] = bytes;
    let to =
        at.wrapping_add(PatchSite::LENGTH).wrapping_add_signed(i32::from_le_bytes(rest).into());
    let to = match opcode {
        0xe8 => Some((TransferKind::Call, to)),
        0xe9 => Some((TransferKind::Jump, to)),
        _ => None,
    };
    Some(PatchSite { at, bytes, to })
}

/// Every direct call and jump out of `code`, which begins at `address`; up to its last instruction, or with
/// `to_return` up to the first that returns.
#[must_use]
pub fn decode(code: &[u8], address: u64, to_return: bool) -> Vec<Transfer> {
    let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    let end = address.wrapping_add(code.len() as u64);
    let mut found = Vec::new();
    for instruction in &mut decoder {
        if instruction.is_invalid() {
            break;
        }
        let flow = instruction.flow_control();
        if to_return && flow == FlowControl::Return {
            break;
        }
        let is_direct =
            instruction.op_count() > 0 && instruction.op0_kind() == OpKind::NearBranch64;
        let kind = match flow {
            FlowControl::Call => TransferKind::Call,
            FlowControl::UnconditionalBranch => TransferKind::Jump,
            _ => continue,
        };
        let to = instruction.near_branch_target();
        let is_within = (address..end).contains(&to) && kind == TransferKind::Jump;
        if !is_direct || is_within {
            continue;
        }
        let at = instruction.ip();
        let from = usize::try_from(at.wrapping_sub(address)).unwrap_or(usize::MAX);
        let bytes = code.get(from..from + instruction.len()).unwrap_or_default().to_vec();
        found.push(Transfer { at, bytes, kind, to });
    }
    found
}

/// An instruction as the GNU assembler writes it.
#[must_use]
pub fn text(bytes: &[u8], address: u64) -> String {
    let mut out = String::new();
    let mut decoder = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE);
    GasFormatter::new().format(&decoder.decode(), &mut out);
    out
}
