//! The probe programs, which come with this program: loaded to find out what a kernel allows, and
//! let go of at once.

use std::collections::HashMap;

use super::{
    KernelError,
    loader::{self, Job, Loaded, Loader},
};
use crate::{
    object::{Object, Traits},
    plan::LoadAs,
};

/// The object that holds them.
pub(super) struct Probe {
    loader: Loader,
    object: Object,
}

impl Probe {
    pub(super) fn new() -> Result<Self, KernelError> {
        let bytes = freplace_compose_ebpf_programs::object("probe")
            .ok_or_else(|| KernelError::here("probe", "the probe is not built in"))?;
        let object = Object::parse(bytes).map_err(|error| KernelError::here("probe", error))?;
        Ok(Self { loader: Loader::default(), object })
    }

    /// Loads one of them, on the function of another where it needs that.
    pub(super) fn load(
        &mut self,
        program: &str,
        load_as: LoadAs,
        target: Option<(&Loaded, &str)>,
    ) -> Result<Loaded, KernelError> {
        let maps = HashMap::new();
        let job = Job {
            object: &self.object,
            program,
            load_as,
            traits: Traits::default(),
            target,
            maps: &maps,
            globals: &[],
            trace: None,
        };
        loader::load(&mut self.loader, &job)
    }
}
