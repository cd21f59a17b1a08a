//! What tests of programs ask of a kernel: runs by BPF_PROG_TEST_RUN, and the contents of maps.

use std::os::fd::{AsFd as _, BorrowedFd};

use aya::maps::MapData;

use super::{KernelError, KernelReader, LinesRun, Linux, MapHandle, ProgramHandle, sys};

/// A run of a program.
#[derive(Debug, Clone, Copy)]
pub struct TestRun<'a> {
    /// What it is to look at: a packet with its Ethernet header, for most types. Empty for none.
    pub data: &'a [u8],
    /// Its context; empty for the kernel's own.
    pub context: &'a [u8],
    /// How often it runs; 0 where the kernel takes no number.
    pub repeat: u32,
    /// Bytes of data that may come back.
    pub room: usize,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRunOutput {
    /// What the program returned the last time.
    pub answer: u32,
    /// What it left of its data.
    pub data: Vec<u8>,
    /// What it left of its context.
    pub context: Vec<u8>,
    /// Nanoseconds of one run, on average.
    pub duration_ns: u32,
}

/// Sizes of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapShape {
    /// Its type, `enum bpf_map_type`.
    pub map_type: u32,
    /// Bytes of a key.
    pub key_size: usize,
    /// Bytes of a value, of one CPU where each has its own.
    pub value_size: usize,
    /// Bytes of a value as it is read and written: of all CPUs, each to a multiple of eight.
    pub whole_value: usize,
    /// The most entries.
    pub max_entries: u32,
}

impl MapShape {
    /// Whether its entries are numbered from 0, all there, and hold values of the program's own.
    #[must_use]
    pub fn is_array(self) -> bool {
        /// `BPF_MAP_TYPE_ARRAY`, `_PERCPU_ARRAY`.
        const ARRAYS: [u32; 2] = [2, 6];
        ARRAYS.contains(&self.map_type)
    }
}

/// A key and its value.
pub type MapElement = (Vec<u8>, Vec<u8>);

/// A kernel in which programs are tested.
pub trait TestKernel: KernelReader {
    /// Runs a loaded program.
    ///
    /// # Errors
    /// What the kernel said: `ENOTSUPP` for a type that it does not run so.
    fn test_run(
        &mut self,
        program: ProgramHandle,
        run: &TestRun<'_>,
    ) -> Result<TestRunOutput, KernelError>;

    /// Takes hold of the maps of global variables that a loaded program has, by their names.
    ///
    /// # Errors
    /// What the kernel said.
    fn variables(
        &mut self,
        program: ProgramHandle,
    ) -> Result<Vec<(String, MapHandle)>, KernelError>;

    /// Which lines of a loaded program ran since this was last asked; none if that is not counted.
    ///
    /// # Errors
    /// What the kernel said.
    fn lines_run(&mut self, program: ProgramHandle) -> Result<Option<LinesRun>, KernelError>;

    /// The sizes of a map.
    ///
    /// # Errors
    /// What the kernel said.
    fn shape(&self, map: MapHandle) -> Result<MapShape, KernelError>;

    /// The entries of a map.
    ///
    /// # Errors
    /// What the kernel said.
    fn elements(&self, map: MapHandle) -> Result<Vec<MapElement>, KernelError>;

    /// The values of an array one after the other, as long as they are read and written.
    ///
    /// # Errors
    /// What the kernel said.
    fn values(&self, array: MapHandle) -> Result<Vec<u8>, KernelError>;

    /// Writes `values` to these entries of an array.
    ///
    /// # Errors
    /// What the kernel said.
    fn set_values(
        &mut self,
        array: MapHandle,
        entries: &[u32],
        values: &[u8],
    ) -> Result<(), KernelError>;

    /// The value at `key`, if there is one.
    ///
    /// # Errors
    /// What the kernel said.
    fn element(&self, map: MapHandle, key: &[u8]) -> Result<Option<Vec<u8>>, KernelError>;

    /// Writes the value at `key`.
    ///
    /// # Errors
    /// What the kernel said.
    fn set_element(&mut self, map: MapHandle, key: &[u8], value: &[u8]) -> Result<(), KernelError>;

    /// Removes the entry at `key`; there may be none.
    ///
    /// # Errors
    /// What the kernel said.
    fn remove_element(&mut self, map: MapHandle, key: &[u8]) -> Result<(), KernelError>;
}

impl TestKernel for Linux {
    fn test_run(
        &mut self,
        program: ProgramHandle,
        run: &TestRun<'_>,
    ) -> Result<TestRunOutput, KernelError> {
        let program = self.program(program)?.program.as_fd();
        let (mut data, mut context) = (vec![0; run.room], vec![0; run.context.len()]);
        let given = (run.data, run.context);
        let done = sys::program_test(program, given, (&mut data, &mut context), run.repeat);
        let done = done.map_err(|error| KernelError::os("BPF_PROG_TEST_RUN", &error))?;
        data.truncate(done.data_size_out as usize);
        context.truncate(done.context_size_out as usize);
        let (answer, duration_ns) = (done.answer, done.duration);
        Ok(TestRunOutput { answer, data, context, duration_ns })
    }

    fn variables(
        &mut self,
        program: ProgramHandle,
    ) -> Result<Vec<(String, MapHandle)>, KernelError> {
        let failed = |error: &std::io::Error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", error);
        let program = self.program(program)?.program.as_fd();
        let parts = sys::program_parts(program, false).map_err(|error| failed(&error))?;
        let mut found = Vec::new();
        for id in parts.maps {
            let map = sys::map_by_id(id)
                .map_err(|error| KernelError::os("BPF_MAP_GET_FD_BY_ID", &error))?;
            let info = sys::map_info(map.as_fd()).map_err(|error| failed(&error))?;
            let name = sys::until_nul(&info.name);
            // A C name of a map begins with no dot.
            if name.starts_with('.') {
                let map = MapData::from_fd(map);
                let map = map.map_err(|error| KernelError::here("look at map", error))?;
                found.push((name, self.hold(map)));
            }
        }
        Ok(found)
    }

    fn lines_run(&mut self, program: ProgramHandle) -> Result<Option<LinesRun>, KernelError> {
        Ok(match &self.program(program)?.counters {
            None => None,
            Some(Ok(counters)) => Some(counters.take()?),
            Some(Err(why)) => {
                Some(LinesRun { uncounted: Some(why.clone()), ..LinesRun::default() })
            }
        })
    }

    fn shape(&self, map: MapHandle) -> Result<MapShape, KernelError> {
        shape(self.map(map)?.fd().as_fd())
    }

    fn elements(&self, map: MapHandle) -> Result<Vec<MapElement>, KernelError> {
        /// The next key of one that is gone is the first one again: then the map changes as it is read.
        const MOST: usize = 1 << 20;
        let fd = self.map(map)?.fd().as_fd();
        let shape = shape(fd)?;
        if shape.is_array() {
            let values = self.values(map)?;
            let values = values.chunks(shape.whole_value.max(1)).map(<[u8]>::to_vec);
            return Ok((0_u32..).map(|key| key.to_ne_bytes().to_vec()).zip(values).collect());
        }
        let mut found = Vec::new();
        let mut key: Option<Vec<u8>> = None;
        let mut next = vec![0; shape.key_size];
        while found.len() < MOST {
            match sys::map_next_key(fd, key.as_deref(), &mut next) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => break,
                Err(error) => return Err(KernelError::os("BPF_MAP_GET_NEXT_KEY", &error)),
            }
            if let Some(value) = get(fd, shape, &next)? {
                found.push((next.clone(), value));
            }
            key = Some(next.clone());
        }
        Ok(found)
    }

    fn values(&self, array: MapHandle) -> Result<Vec<u8>, KernelError> {
        let fd = self.map(array)?.fd().as_fd();
        let shape = shape(fd)?;
        let values = sys::array_values(fd, shape.max_entries, shape.whole_value);
        values.map_err(|error| KernelError::os("BPF_MAP_LOOKUP_BATCH", &error))
    }

    fn set_values(
        &mut self,
        array: MapHandle,
        entries: &[u32],
        values: &[u8],
    ) -> Result<(), KernelError> {
        let fd = self.map(array)?.fd().as_fd();
        let size = entries.len().saturating_mul(shape(fd)?.whole_value);
        if values.len() != size {
            let why = format!("{} bytes for entries of {size}", values.len());
            return Err(KernelError::here("write to map", why));
        }
        let done = sys::array_put(fd, entries, values);
        done.map_err(|error| KernelError::os("BPF_MAP_UPDATE_BATCH", &error))
    }

    fn element(&self, map: MapHandle, key: &[u8]) -> Result<Option<Vec<u8>>, KernelError> {
        let fd = self.map(map)?.fd().as_fd();
        get(fd, shape(fd)?, key)
    }

    fn set_element(&mut self, map: MapHandle, key: &[u8], value: &[u8]) -> Result<(), KernelError> {
        let fd = self.map(map)?.fd().as_fd();
        sys::map_put(fd, key, value).map_err(|error| KernelError::os("BPF_MAP_UPDATE_ELEM", &error))
    }

    fn remove_element(&mut self, map: MapHandle, key: &[u8]) -> Result<(), KernelError> {
        match sys::map_delete(self.map(map)?.fd().as_fd(), key) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            other => other.map_err(|error| KernelError::os("BPF_MAP_DELETE_ELEM", &error)),
        }
    }
}

fn shape(map: BorrowedFd<'_>) -> Result<MapShape, KernelError> {
    /// `BPF_MAP_TYPE_PERCPU_HASH`, `_PERCPU_ARRAY`, `_LRU_PERCPU_HASH`.
    const PER_CPU: [u32; 3] = [5, 6, 10];
    let info = sys::map_info(map);
    let info = info.map_err(|error| KernelError::os("BPF_OBJ_GET_INFO_BY_FD", &error))?;
    let value_size = info.value_size as usize;
    let whole_value = match PER_CPU.contains(&info.map_type) {
        true => {
            let cpus = aya::util::nr_cpus();
            let cpus = cpus.map_err(|(_, error)| KernelError::os("count CPUs", &error))?;
            value_size.next_multiple_of(8) * cpus
        }
        false => value_size,
    };
    Ok(MapShape {
        map_type: info.map_type,
        key_size: info.key_size as usize,
        value_size,
        whole_value,
        max_entries: info.max_entries,
    })
}

fn get(map: BorrowedFd<'_>, shape: MapShape, key: &[u8]) -> Result<Option<Vec<u8>>, KernelError> {
    let mut value = vec![0; shape.whole_value];
    match sys::map_get(map, key, &mut value) {
        Ok(()) => Ok(Some(value)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(KernelError::os("BPF_MAP_LOOKUP_ELEM", &error)),
    }
}
