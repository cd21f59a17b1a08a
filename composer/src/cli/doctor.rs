//! `doctor`: what this machine's kernel can run, and how that was found out.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::json;

use super::{Format, exit::Exit, screen, vm::VmFlag};
use freplace_compose::{
    diag::{Code, Diagnostic},
    kernel::{Feature, Finding, examine},
    plan::Plan,
};

/// Show what this machine's kernel can run, and how that was found out. Loads small probe programs
/// and lets go of them at once; attaches nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// How to write the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    #[command(flatten)]
    vm: VmFlag,
}

pub(super) async fn run(arguments: &Doctor) -> Exit {
    if let Some(kernel) = &arguments.vm.vm {
        return super::vm::again(kernel, Vec::new(), None, None).await;
    }
    let findings = examine(Feature::ALL);
    let written = match arguments.format {
        Format::Human => screen::data(&human(&findings)),
        Format::Json => screen::json(&to_json(&findings)),
    };
    let healthy = findings.iter().all(|finding| finding.present == Some(true));
    if healthy { written } else { Exit::Environment }
}

fn human(findings: &[Finding]) -> String {
    let mut out = format!("linux {}\n", release());
    for finding in findings {
        let mark = match finding.present {
            Some(true) => format!("{:<7}", "yes".green()),
            Some(false) => format!("{:<7}", "no".red()),
            None => format!("{:<7}", "unknown".yellow()),
        };
        let _ =
            writeln!(out, "  {:<16}  {mark}  {}", finding.feature.title(), finding.how.dimmed());
    }
    let missing = findings.iter().find(|finding| finding.present == Some(false));
    let verdict = match missing {
        None => "Chains run on this machine.".to_owned(),
        Some(finding) => remedy(finding.feature).to_owned(),
    };
    let _ = writeln!(out, "{verdict}");
    out
}

fn to_json(findings: &[Finding]) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "feature": finding.feature.title(),
            "present": finding.present,
            "how": finding.how,
        })
    };
    json!({
        "kernel": release(),
        "features": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

/// The running kernel's release.
pub(super) fn release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// The first thing that `plan` needs and this machine lacks, as a diagnostic.
pub(super) fn missing(plan: &Plan) -> Option<Diagnostic> {
    let findings = examine(&Feature::needed_by(plan));
    let finding = findings.into_iter().find(|finding| finding.present == Some(false))?;
    let code = match finding.feature {
        Feature::Permission => Code::NotPermitted,
        Feature::Bpf => Code::NoBpf,
        Feature::KernelBtf => Code::NoKernelBtf,
        Feature::RingBuffer => Code::NoRingBuffer,
        Feature::Trampoline => Code::NoTrampoline,
        Feature::Kprobes => Code::NoKprobes,
        Feature::Tracefs => Code::NoTracefs,
    };
    let message = format!(
        "this machine cannot run `{}`: no {} (linux {})",
        plan.chain,
        finding.feature.title(),
        release()
    );
    Some(
        Diagnostic::new(code, message)
            .note(format!("found by  {}", finding.how))
            .help(remedy(finding.feature)),
    )
}

fn remedy(feature: Feature) -> &'static str {
    match feature {
        Feature::Permission => {
            "Run it with sudo, or with --vm: a micro-VM with a stock kernel, no root needed."
        }
        Feature::Bpf => {
            "This kernel refuses bpf(2). Use --vm: a micro-VM with a stock kernel, no root needed."
        }
        Feature::KernelBtf => {
            "The kernel wants CONFIG_DEBUG_INFO_BTF=y, which every distribution's own kernel has. \
             Use --vm to run the chain in a micro-VM with one."
        }
        Feature::RingBuffer => "Ring buffers came with Linux 5.8. Use --vm for a newer kernel.",
        Feature::Trampoline => {
            "This kernel refuses programs that need a BPF trampoline. Use --vm: a micro-VM with a \
             stock kernel, no root needed."
        }
        Feature::Kprobes => {
            "This kernel is built without CONFIG_KPROBES. Use --vm: a micro-VM with a stock \
             kernel, no root needed."
        }
        Feature::Tracefs => "Mount it: mount -t tracefs tracefs /sys/kernel/tracing",
    }
}
