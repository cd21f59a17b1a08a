//! How clang compiles a program of a chain.

use std::path::Path;

/// The flags, each a word of a shell as it is, before those that name files.
pub(super) fn flags() -> Vec<String> {
    // The names that <bpf/bpf_tracing.h> picks the registers of pt_regs by.
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        "riscv64" => "riscv",
        "s390x" => "s390",
        other => other,
    };
    let mut flags: Vec<_> = ["-O2", "-g", "-Wall", "-target", "bpf"].map(str::to_owned).into();
    flags.push(format!("-D__TARGET_ARCH_{arch}"));
    // Debian keeps <asm/types.h> in the multiarch folder, which `-target bpf` does not search.
    let multiarch = format!("/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    if Path::new(&multiarch).join("asm").exists() {
        flags.push(format!("-I{multiarch}"));
    }
    flags
}
