//! Programs that run already, as a chain finds them.

use std::sync::Arc;

use crate::{
    diag::{Code, Diagnostic},
    object::Object,
    running::ProgramRef,
};

/// Whoever can look at the programs in a kernel.
pub trait RunningPrograms {
    /// The program that `wanted` names, as an object with that program alone.
    ///
    /// # Errors
    /// A diagnostic without a place: there is none, or there are several, or it may not be looked at.
    fn find(&self, wanted: &ProgramRef) -> Result<Arc<Object>, Box<Diagnostic>>;
}

/// Where no kernel is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotLooked;

impl RunningPrograms for NotLooked {
    fn find(&self, wanted: &ProgramRef) -> Result<Arc<Object>, Box<Diagnostic>> {
        let message = format!("not checked: `{wanted}` is a program in the kernel");
        let help = "Run `validate --kernel running` or `up` as root on the machine where it runs. What \
                    a running program is can only be read from its kernel.";
        Err(Box::new(Diagnostic::new(Code::NotLooked, message).help(help)))
    }
}
