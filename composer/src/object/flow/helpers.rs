//! What the kernel's helpers leave in r0.
//!
//! Numbers: `enum bpf_func_id`,
//! <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>. One that is not
//! listed leaves something that nothing is claimed of.

use super::{
    Giver,
    number::{Number, Origin},
    set::Set,
    state::Value,
};

/// Any number at all: times, random numbers, identities.
const ANY: &[u32] = &[5, 7, 14, 15, 35, 80, 125, 160];
/// 0, or an error.
const STATUS: &[u32] = &[
    2, 3, 4, 9, 10, 11, 13, 16, 18, 19, 21, 25, 26, 31, 36, 38, 39, 43, 44, 50, 54, 65, 87, 88, 89,
    112, 113, 130,
];
/// The number of this CPU, which may always be 0; newer kernels know where it ends.
const CPU: u32 = 8;
/// Memory or NULL. Newer kernels know that some look-ups find something, in arrays.
const LOOK_UP: u32 = 1;
/// Memory or NULL: from a ring buffer.
const RESERVE: u32 = 131;
/// Pointers into a packet are no longer good after these, of those that xdp has.
pub(super) const MOVES_PACKET: [u32; 3] = [44, 54, 65];
/// Nothing at all, which the verifier does not let be read.
const VOID: &[u32] = &[12, 132, 133];

/// Those that take memory in r1, and never NULL: bpf_probe_read and its like,
/// bpf_get_current_comm, bpf_ringbuf_submit and bpf_ringbuf_discard.
pub(super) const TAKES_MEMORY: [u32; 9] = [4, 16, 45, 112, 113, 114, 115, 132, 133];

/// What helper `id` returns, from the instruction that `origin` stands for, where it is given
/// `first` in r1.
pub(super) fn result(id: u32, origin: Origin, first: Value) -> Value {
    let may_miss = matches!(first, Value::Map { finds_all: false });
    match id {
        LOOK_UP => Value::Nullable { origin, giver: Giver::LookUp, null: may_miss },
        RESERVE => Value::Nullable { origin, giver: Giver::Reserve, null: true },
        CPU => Value::known(0),
        _ if ANY.contains(&id) => Value::fresh(origin, 8),
        // -1 and 0: there are more errors than one, and one is enough.
        _ if STATUS.contains(&id) => {
            Value::Number(Number::Any(origin, Set::Range { start: u64::MAX, span: 1 }))
        }
        _ if VOID.contains(&id) => Value::Unset,
        _ => Value::Unknown,
    }
}

/// Where helper `id` writes a number of unknown value: the register with the address, and that
/// with the size, or the size itself.
pub(super) fn writes(id: u32) -> Option<(usize, Size)> {
    match id {
        // bpf_probe_read, bpf_probe_read_user, bpf_probe_read_kernel
        4 | 112 | 113 => Some((1, Size::In(2))),
        // bpf_get_func_arg, bpf_get_func_ret
        183 => Some((3, Size::Is(8))),
        184 => Some((2, Size::Is(8))),
        _ => None,
    }
}

/// How many bytes a helper writes.
pub(super) enum Size {
    /// As many as this register says.
    In(usize),
    Is(u8),
}
