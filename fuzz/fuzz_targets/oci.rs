#![cfg_attr(fuzzing, no_main)]
//! Under cargo-fuzz the fuzzer, else a program that goes through the files it is given.

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| freplace_compose_fuzz::oci(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    freplace_compose_fuzz::replay(freplace_compose_fuzz::oci)
}
