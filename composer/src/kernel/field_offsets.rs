//! Adds the offsets of the kernel's own fields to the table of a built-in tracer.

use freplace_compose_common::trace::Trace;

use super::KernelError;
use crate::{
    object::{btf::Btf, place},
    trace::Tracing,
};

const CALL: &str = "find field";

/// The table of `tracing` with the offsets that fields have in `types`, the running kernel's.
pub(super) fn placed(tracing: &Tracing, types: &Btf) -> Result<Trace, KernelError> {
    let mut table = tracing.table;
    for unplaced in &tracing.kernel {
        let field = &unplaced.field;
        let found = types.structure(&field.structure).and_then(|(id, _)| {
            let (offset, of) = place::field(types, id, &field.field).ok()?;
            let size = types.size(of).filter(|size| [1, 2, 4, 8].contains(size))?;
            Some((offset, size))
        });
        let (offset, size) = found.ok_or_else(|| {
            let message =
                format!("field {}.{} not found in this kernel", field.structure, field.field);
            KernelError::here(CALL, message)
        })?;
        let value = table.values.get_mut(unplaced.value);
        let hop = value.and_then(|value| value.hops.get_mut(unplaced.hop));
        let hop = hop.ok_or_else(|| KernelError::here(CALL, "the table has no such value"))?;
        (hop.offset, hop.size) = (offset, size);
    }
    Ok(table)
}
