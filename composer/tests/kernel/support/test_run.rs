//! Programs that are in the kernel, run by `BPF_PROG_TEST_RUN`.
#![allow(unsafe_code, reason = "aya runs no program that another process loaded")]

use std::os::fd::{AsFd as _, AsRawFd as _};

use aya::programs::loaded_programs;

/// The beginning of `union bpf_attr` for `BPF_PROG_TEST_RUN`.
#[repr(C)]
struct TestRunAttributes {
    program: u32,
    result: u32,
    size_in: u32,
    size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
}

/// What each loaded program called `name` returns for `packet`.
#[track_caller]
pub(crate) fn test_run(name: &str, packet: &[u8]) -> Vec<u32> {
    // The kernel keeps so much of a name.
    let kept = &name[..name.len().min(15)];
    let loaded = loaded_programs().filter_map(Result::ok);
    let of_name = loaded.filter(|one| one.name_as_str() == Some(kept));
    let results: Vec<u32> = of_name
        .map(|program| {
            let fd = program.fd().expect("it is there");
            let mut run = TestRunAttributes {
                program: fd.as_fd().as_raw_fd().cast_unsigned(),
                result: 0,
                size_in: u32::try_from(packet.len()).expect("small"),
                size_out: 0,
                data_in: packet.as_ptr().expose_provenance() as u64,
                data_out: 0,
                repeat: 1,
                duration: 0,
            };
            let size = size_of::<TestRunAttributes>();
            // SAFETY: the struct is of the size given, and `data_in` leads to so many bytes.
            let done = unsafe { libc::syscall(libc::SYS_bpf, 10, &raw mut run, size) };
            assert_eq!(done, 0, "{name}: {}", std::io::Error::last_os_error());
            run.result
        })
        .collect();
    assert!(!results.is_empty(), "`{name}` is not loaded");
    results
}
