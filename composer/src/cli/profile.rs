//! `profile`: measures the features of this machine's kernel and writes a file for `validate
//! --kernel`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    doctor,
    exit::Exit,
    report, screen,
    vm::{ReexecInVm, VmFlag},
};
use freplace_compose::{
    diag::{Code, Diagnostic},
    files::plain,
    kernel::{
        Feature,
        machine::{self, SAVED_BTF, SAVED_SYMBOLS},
        profile,
    },
    profile::Profile,
};

/// Measure the features of this machine's kernel, for `validate --kernel`.
///
/// Prints a profile that `validate --kernel FILE` uses on any machine. Loads small probe programs,
/// creates small maps and releases them at once; attaches nothing to the kernel. Requires root, or
/// --vm.
///
/// Example: sudo freplace-compose profile > my.toml
#[derive(Debug, clap::Args)]
pub(super) struct ProfileArguments {
    /// Write the profile to DIR/profile.toml, with the kernel's BTF and symbol names beside it so
    /// that attach targets can be checked as well.
    #[arg(long, value_name = "DIR", conflicts_with = "vm")]
    save: Option<PathBuf>,
    #[command(flatten)]
    vm: VmFlag,
}

pub(super) fn run(arguments: &ProfileArguments) -> Exit {
    if let Some(kernel) = &arguments.vm.vm {
        return ReexecInVm::new(kernel).run();
    }
    if let Some(missing) = doctor::lacking(&[Feature::Permission, Feature::Bpf], "be measured") {
        report::one(&missing);
        return Exit::Environment;
    }
    let measured = match profile::measure() {
        Ok(measured) => measured,
        Err(error) => {
            let message = format!("this kernel cannot be measured: {error}");
            let help = "Check what this kernel supports with `freplace-compose doctor`.";
            report::one(&Diagnostic::new(Code::NoBpf, message).help(help));
            return Exit::Environment;
        }
    };
    let Some(folder) = &arguments.save else { return screen::data(&text(&measured, &[])) };
    match save(&measured, folder) {
        Ok(()) => Exit::Done,
        Err(error) => {
            let message = format!("cannot write to {}: {}", folder.display(), plain(&error));
            let help = "Name a folder that you can write to: --save DIR.";
            report::one(&Diagnostic::new(Code::OutputFile, message).help(help));
            Exit::Failed
        }
    }
}

fn save(measured: &Profile, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    machine::save(folder)?;
    let file = folder.join("profile.toml");
    fs::write(&file, text(measured, &[("btf", SAVED_BTF), ("symbols", SAVED_SYMBOLS)]))?;
    screen::say!("saved: validate --kernel {}", file.display());
    Ok(())
}

fn text(measured: &Profile, files: &[(&str, &str)]) -> String {
    let release = machine::release();
    let head = format!("Linux {release}, measured by `freplace-compose profile`.");
    measured.to_toml(&head, files)
}
