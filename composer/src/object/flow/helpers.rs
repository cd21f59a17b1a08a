//! What the kernel's helpers leave in r0.
//!
//! Numbers: `enum bpf_func_id`,
//! <https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/bpf.h>. One that is not
//! listed leaves something that nothing is claimed of.

use super::{
    number::{Number, Origin, Set},
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
/// Memory or NULL. Newer kernels know that some look-ups in arrays find something.
const LOOK_UP: u32 = 1;
/// Memory or NULL: from a ring buffer.
const RESERVE: u32 = 131;
/// Nothing at all, which the verifier does not let be read.
const VOID: &[u32] = &[TAIL_CALL, 132, 133];
/// `bpf_tail_call`.
pub(super) const TAIL_CALL: u32 = 12;

/// What helper `id` returns, from the instruction that `origin` stands for.
pub(super) fn result(id: u32, origin: Origin) -> Value {
    match id {
        LOOK_UP => Value::Nullable { origin, memory: true, null: false },
        RESERVE => Value::Nullable { origin, memory: true, null: true },
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
