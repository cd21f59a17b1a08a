//! `profile`: what this machine's kernel offers, measured, as a file for `validate --kernel`.

use super::{doctor, exit::Exit, report, screen, vm::VmFlag};
use freplace_compose::{
    diag::{Code, Diagnostic},
    kernel::{Feature, profile},
};

/// Measure what this machine's kernel offers and write it to stdout, as a profile that `validate
/// --kernel FILE` judges by on any machine. Loads small probe programs and makes small maps, and
/// lets go of them at once; attaches nothing to the kernel.
#[derive(Debug, clap::Args)]
pub(super) struct ProfileArguments {
    #[command(flatten)]
    vm: VmFlag,
}

pub(super) async fn run(arguments: &ProfileArguments) -> Exit {
    if let Some(kernel) = &arguments.vm.vm {
        return super::vm::again(kernel, Vec::new(), None).await;
    }
    if let Some(missing) = doctor::lacking(&[Feature::Permission, Feature::Bpf], "be measured") {
        report::one(&missing);
        return Exit::Environment;
    }
    match profile::measure() {
        Ok(profile) => screen::data(&profile.to_toml(&format!(
            "Linux {}, as `freplace-compose profile` measured it.",
            doctor::release()
        ))),
        Err(error) => {
            let message = format!("this kernel cannot be measured: {error}");
            let help = "`freplace-compose doctor` shows what this kernel offers.";
            report::one(&Diagnostic::new(Code::NoBpf, message).help(help));
            Exit::Environment
        }
    }
}
