//! The probe programs, which come with this program: loaded to find out what a kernel allows, and
//! let go of at once.

use std::{collections::HashMap, os::fd::AsFd as _};

use super::{
    KernelError,
    loader::{self, LoadJob, Loaded, Loader},
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
    /// Those of the built-in object called `name`.
    pub(super) fn new(name: &str) -> Result<Self, KernelError> {
        let bytes = freplace_compose_ebpf_programs::object(name)
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
        let mut made = Vec::new();
        if let Some(program) = self.object.program(program) {
            for map in self.object.maps_of(program) {
                made.push((map, loader::create_map(&mut self.loader, &self.object, map)?));
            }
        }
        let maps: HashMap<_, _> =
            made.iter().map(|(map, made)| (map.name.as_str(), made.as_fd())).collect();
        let job = LoadJob {
            object: &self.object,
            program,
            load_as,
            expected_attach_type: None,
            attach_btf: None,
            traits: Traits::default(),
            target,
            maps: &maps,
            globals: &[],
            set: &[],
            trace: None,
            trace_entry: None,
            counts_lines: false,
        };
        loader::load(&mut self.loader, &job)
    }
}
