//! The functions of built-in tracers, and what is recorded of each call.

use std::sync::Arc;

use super::{NodeProgram, TargetFunction};
use crate::{
    chain::{Builtin, ProbePoint, Tracer},
    diag::Diagnostic,
    object::{Object, ProgramKind},
    trace::{self, Tracing},
};

/// A function that a built-in tracer is on, in a program of one type.
#[derive(Debug)]
pub struct TracerTarget {
    /// The function.
    pub function: TargetFunction,
    /// The kind that its program is loaded as, or that of the program that it replaces.
    pub kind: ProgramKind,
    /// The types of its object.
    object: Arc<Object>,
    /// What is recorded at each probe point, in attach order.
    tracings: Vec<(ProbePoint, Tracing)>,
}

impl TracerTarget {
    /// The object that holds it.
    #[must_use]
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// What is recorded at each probe point, in attach order.
    #[must_use]
    pub fn tracings(&self) -> &[(ProbePoint, Tracing)] {
        &self.tracings
    }
}

/// The same, where it may be that the function cannot be traced as it is asked for.
#[derive(Debug)]
pub(crate) struct PartlyTraced {
    function: TargetFunction,
    kind: ProgramKind,
    object: Arc<Object>,
    /// Whether it is a host itself.
    is_entry: bool,
    /// `None` if it cannot be traced as requested.
    tracings: Option<Vec<(ProbePoint, Tracing)>>,
}

impl PartlyTraced {
    /// What `tracer` takes with `request` of a function of `of`, in a program of `kind`; and what
    /// keeps it from that.
    pub(super) fn find(
        (tracer, request): (&Tracer, &Builtin),
        function: TargetFunction,
        of: &NodeProgram,
        kind: ProgramKind,
        is_entry: bool,
    ) -> (Self, Vec<Diagnostic>) {
        let object = Arc::clone(of.shared_object());
        let mut found = Self { function, kind, object, is_entry, tracings: None };
        match trace::resolve(request, tracer.point, found.target()) {
            Ok(tracings) => {
                found.tracings = Some(tracings);
                (found, Vec::new())
            }
            Err(wrong) => (found, wrong),
        }
    }

    /// The function, for who asks of it what a tracer may.
    pub(crate) fn target(&self) -> trace::TracedFunction<'_> {
        trace::TracedFunction {
            object: &self.object,
            function: &self.object.functions[self.function.index],
            kind: self.kind,
            is_entry: self.is_entry,
            holder: self.function.holder.index(),
        }
    }
}

/// The functions as they are traced, each table with its number among those of the tracer that tell;
/// none where one cannot be.
pub(super) fn whole(traced: Vec<PartlyTraced>) -> Option<Vec<TracerTarget>> {
    let mut numbers = 1..;
    let mut found = Vec::with_capacity(traced.len());
    for PartlyTraced { function, kind, object, tracings, .. } in traced {
        let mut tracings = tracings?;
        let tell = tracings.iter_mut().filter(|(_, tracing)| tracing.tells());
        for ((_, tracing), number) in tell.zip(&mut numbers) {
            tracing.table.r#type = number;
        }
        found.push(TracerTarget { function, kind, object, tracings });
    }
    Some(found)
}
