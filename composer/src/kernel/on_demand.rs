//! Programs that the kernel does not run by itself.

use std::os::fd::BorrowedFd;

use super::{
    KernelError,
    sys::{self, LinkTarget},
};
use crate::{
    hook::{OnDemand, ProgramOutput},
    object::AttachType,
};

/// Runs a loaded program once, over `map` when it is an iterator over one.
pub(super) fn run(
    program: BorrowedFd<'_>,
    how: OnDemand,
    map: Option<BorrowedFd<'_>>,
) -> Result<ProgramOutput, KernelError> {
    match how {
        OnDemand::Iterator => iterate(program, map).map(ProgramOutput::Text),
        OnDemand::Call => {
            /// Bytes of the context: what a program reads of it has to be there.
            const CONTEXT: usize = 4096;
            let answer = sys::program_run(program, &mut [0; CONTEXT])
                .map_err(|error| KernelError::os("BPF_PROG_TEST_RUN", &error))?;
            Ok(ProgramOutput::Answer(answer.cast_signed()))
        }
    }
}

/// All that an iterator writes.
fn iterate(program: BorrowedFd<'_>, map: Option<BorrowedFd<'_>>) -> Result<String, KernelError> {
    /// More than people read, and little enough to be kept.
    const MOST: usize = 16 << 20;
    const BLOCK: usize = 64 << 10;
    /// How often the program may ask for the same thing again, or see a million of them and write nothing.
    const TRIES: u32 = 1000;
    let failed = |call: &'static str| move |error| KernelError::os(call, &error);
    let over = map.map_or(LinkTarget::AsLoaded(0), LinkTarget::Elements);
    let link = sys::link_create(program, AttachType::TraceIter as u32, over)
        .map_err(failed("BPF_LINK_CREATE"))?;
    let iterator = sys::iterator_create(&link).map_err(failed("BPF_ITER_CREATE"))?;
    let mut text = Vec::new();
    let (mut block, mut tries) = (vec![0; BLOCK], 0);
    while text.len() < MOST {
        match rustix::io::read(&iterator, &mut block) {
            Ok(0) => break,
            Ok(read) => {
                text.extend_from_slice(&block[..read]);
                tries = 0;
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) if tries < TRIES => tries += 1,
            Err(error) => return Err(KernelError::os("read iterator", &error.into())),
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
