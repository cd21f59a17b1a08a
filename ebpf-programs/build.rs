//! Compiles every `bpf/NAME.bpf.c` with clang and writes a table that embeds the objects.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use freplace_compose_common::{HEADER_FILE, HEADER_TEXT};

const INSTALL: &str = "apt-get install --no-install-recommends clang libbpf-dev";

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=bpf");
    println!("cargo::rerun-if-env-changed=CLANG");

    // The header comes from the crate that owns it, so that this one can be built from a package.
    let header = out.join("include");
    fs::create_dir_all(&header)?;
    fs::write(header.join(HEADER_FILE), HEADER_TEXT)?;

    let mut names: Vec<String> = fs::read_dir(here.join("bpf"))?
        .filter_map(|entry| {
            entry.ok()?.file_name().to_str()?.strip_suffix(".bpf.c").map(str::to_owned)
        })
        .collect();
    names.sort();

    let mut table = String::from("static OBJECTS: &[(&str, &Aligned)] = &[\n");
    for name in &names {
        let object = out.join(format!("{name}.o"));
        compile(&here.join(format!("bpf/{name}.bpf.c")), &object, &header)?;
        writeln!(table, "    ({name:?}, aligned!({:?})),", object.display().to_string())?;
    }
    table.push_str("];\n");
    fs::write(out.join("objects.rs"), table)?;
    Ok(())
}

fn compile(source: &Path, object: &Path, header: &Path) -> Result<(), Box<dyn Error>> {
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    // The names that <bpf/bpf_tracing.h> picks the registers of pt_regs by.
    let target = match arch.as_str() {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        "riscv64" => "riscv",
        "s390x" => "s390",
        other => other,
    };
    let clang = env::var("CLANG").unwrap_or_else(|_| "clang".into());
    let output = Command::new(&clang)
        .args([
            "-O2",
            "-g",
            "-Wall",
            "-Wextra",
            "-Wno-unused-parameter",
            "-Werror",
            "-target",
            "bpf",
        ])
        .arg(format!("-D__TARGET_ARCH_{target}"))
        .arg("-I")
        .arg(header)
        // Debian keeps <asm/types.h> in the multiarch folder, which `-target bpf` does not search.
        .arg(format!("-I/usr/include/{arch}-linux-gnu"))
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(object)
        .output()
        .map_err(|error| format!("cannot run {clang}: {error}; install it: {INSTALL}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let hint = if text.contains("bpf/bpf_helpers.h") {
        format!("\nthe libbpf headers are missing; install them: {INSTALL}")
    } else {
        String::new()
    };
    Err(format!("{clang} could not compile {}:\n{text}{hint}", source.display()).into())
}
