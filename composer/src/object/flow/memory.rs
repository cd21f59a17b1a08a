//! Loads, stores and atomic operations on the memory that a register points to.

use super::{
    FactKind, NullSource, PointerUse,
    instruction::{MemoryOperand, Operand},
    number::Number,
    state::RegState,
    step::{Interpreter, Stop, UNKNOWN, fits, is_about_null, unchecked},
};
use crate::object::ProgramKind;

impl Interpreter<'_> {
    pub(super) fn load(
        &mut self,
        to: usize,
        from: MemoryOperand,
        signed: bool,
    ) -> Result<(), Stop> {
        let MemoryOperand { base, offset, size } = from;
        let pointer = self.state.get(base);
        let fresh = if signed {
            RegState::Number(Number::Hidden)
        } else {
            RegState::fresh(self.origin, size)
        };
        let value = match pointer {
            RegState::Context(at) => self.context(at.saturating_add(offset), size, fresh),
            RegState::Stack { frame, offset: at } => {
                let value = self.state.read_stack(frame, at.saturating_add(offset), size);
                match value {
                    RegState::Number(_) if signed => RegState::Number(Number::Hidden),
                    value => value,
                }
            }
            RegState::Argument { .. } => {
                argument(pointer, from)?;
                fresh
            }
            RegState::Memory { frozen: true } => RegState::Number(Number::Frozen),
            RegState::Memory { .. } if size == 8 && self.pointers_in_maps => RegState::Unknown,
            RegState::Memory { .. } | RegState::Packet(_) => fresh,
            RegState::Pointer | RegState::Passed { .. } | RegState::Unknown => RegState::Unknown,
            _ => return Err(no_memory(pointer, base)),
        };
        match value {
            RegState::Number(Number::Any(of, _)) if of == self.origin => self.new_value(to, value),
            value => self.state.set(to, value),
        }
        Ok(())
    }

    /// What a field of the context holds.
    fn context(&self, offset: i64, size: u8, fresh: RegState) -> RegState {
        match (self.kind.base(), offset, size) {
            (ProgramKind::Xdp, 0, 4) if self.state.packet.is_some() => RegState::Packet(0),
            (ProgramKind::Xdp, 4, 4) if self.state.packet.is_some() => RegState::PacketEnd,
            (ProgramKind::Xdp, 12.., _)
            | (ProgramKind::Kprobe | ProgramKind::Tracepoint | ProgramKind::RawTracepoint, ..) => {
                fresh
            }
            (ProgramKind::Fentry | ProgramKind::Fexit, 0..=88, 8) if offset % 8 == 0 => {
                RegState::Passed { number: (offset / 8) as u8 } // no more than 11
            }
            _ => RegState::Unknown,
        }
    }

    pub(super) fn store(&mut self, at: MemoryOperand, value: Operand) -> Result<(), Stop> {
        let value = self.operand(value);
        if value == RegState::Unset {
            return Err(UNKNOWN);
        }
        let pointer = self.state.get(at.base);
        match pointer {
            RegState::Stack { frame, offset } => {
                let stored = match (value, at.size) {
                    (value, 8) => value,
                    (RegState::Number(Number::Known(value)), size) => {
                        RegState::known(value & (u64::MAX >> (64 - 8 * u32::from(size))))
                    }
                    // A number that fits is itself when it is read again.
                    (RegState::Number(Number::Any(_, set)), size) if fits(set, size) => value,
                    (RegState::Number(Number::Frozen), _) => RegState::Number(Number::Frozen),
                    (RegState::Number(_), _) => RegState::Number(Number::Hidden),
                    _ => RegState::Unknown,
                };
                self.state.write_stack(frame, offset.saturating_add(at.offset), at.size, stored);
            }
            RegState::Argument { .. } => argument(pointer, at)?,
            RegState::Pointer | RegState::Passed { .. } | RegState::Unknown => {
                self.state.spoil(pointer);
            }
            RegState::Memory { .. } | RegState::Context(_) | RegState::Packet(_) => {}
            _ => return Err(no_memory(pointer, at.base)),
        }
        Ok(())
    }

    pub(super) fn atomic(&mut self, at: MemoryOperand, fetches: Option<usize>) -> Result<(), Stop> {
        let pointer = self.state.get(at.base);
        match pointer {
            RegState::Argument { .. } => argument(pointer, at)?,
            RegState::Stack { .. }
            | RegState::Pointer
            | RegState::Passed { .. }
            | RegState::Unknown => {
                self.state.spoil(pointer);
            }
            RegState::Memory { .. } => {}
            _ => return Err(no_memory(pointer, at.base)),
        }
        if let Some(register) = fetches {
            self.state.set(register, RegState::Unknown);
        }
        Ok(())
    }
}

/// What is said of a pointer in `register` that leads nowhere, or perhaps nowhere.
fn no_memory(pointer: RegState, register: usize) -> Stop {
    match pointer {
        RegState::Nullable { null: true, giver, .. } => {
            unchecked(giver, register, PointerUse::Accessed)
        }
        RegState::Number(Number::Known(number)) if is_about_null(number) => {
            unchecked(NullSource::Null, register, PointerUse::Accessed)
        }
        _ => UNKNOWN,
    }
}

/// An access to memory that the caller passed: `check_mem_access`,
/// <https://github.com/torvalds/linux/blob/v6.12/kernel/bpf/verifier.c>.
pub(super) fn argument(pointer: RegState, place: MemoryOperand) -> Result<(), Stop> {
    let RegState::Argument { number, size, offset, tested } = pointer else { return Ok(()) };
    let register = u8::try_from(place.base).unwrap_or_default();
    if !tested {
        return Err(Stop(Some(FactKind::Untested { number, register, computed: false })));
    }
    let offset = offset.saturating_add(place.offset);
    let end = offset.saturating_add(i64::from(place.size));
    if offset < 0 || end > i64::from(size) {
        let width = place.size;
        return Err(Stop(Some(FactKind::Beyond { number, register, size, offset, width })));
    }
    Ok(())
}
