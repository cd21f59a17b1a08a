//! `doctor`: which features this machine's kernel supports, and how each was detected.

use std::fmt::Write as _;

use serde_json::json;

use super::{
    Format,
    exit::Exit,
    ink::Ink as _,
    screen,
    vm::{ReexecInVm, VmFlag},
};
use freplace_compose::{
    diag::{Code, Diagnostic},
    kernel::{Feature, Finding, examine, machine::release},
    plan::Plan,
    vm,
};

/// Report which features this kernel supports and how each was detected.
///
/// Loads small probe programs and releases them at once; attaches nothing.
///
/// Example: sudo freplace-compose doctor
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// Format of the result.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    #[command(flatten)]
    vm: VmFlag,
}

pub(super) fn run(arguments: &Doctor) -> Exit {
    if let Some(kernel) = &arguments.vm.vm {
        return ReexecInVm::new(kernel).run();
    }
    let findings = examine(Feature::ALL);
    let written = match arguments.format {
        Format::Human => screen::data(&human(&findings)),
        Format::Json => screen::json(&to_json(&findings)),
    };
    let is_well =
        |finding: &Finding| finding.present == Some(true) || finding.feature.is_of_some_hosts();
    if findings.iter().all(is_well) { written } else { Exit::Environment }
}

fn human(findings: &[Finding]) -> String {
    let mut out = format!("Linux {}\n", release());
    for finding in findings {
        let mark = match finding.present {
            Some(true) => format!("{:<7}", "yes".green()),
            Some(false) => format!("{:<7}", "no".red()),
            None => format!("{:<7}", "unknown".yellow()),
        };
        let _ =
            writeln!(out, "  {:<18}  {mark}  {}", finding.feature.title(), finding.how.dimmed());
    }
    let missing = || findings.iter().filter(|finding| finding.present == Some(false));
    let without: Vec<_> = missing().map(|finding| finding.feature.title()).collect();
    let verdict = match missing().find(|finding| !finding.feature.is_of_some_hosts()) {
        Some(finding) => remedy(finding).to_owned(),
        None if without.is_empty() => "Chains run on this machine.".to_owned(),
        None => {
            format!(
                "Chains run on this machine, except for hosts that need {}.",
                without.join(", ")
            )
        }
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

/// The first thing that `plan` needs and this machine lacks, as a diagnostic.
pub(super) fn missing(plan: &Plan) -> Option<Diagnostic> {
    lacking(&Feature::needed_by(plan), &format!("run `{}`", plan.chain))
}

/// The first of `features` that this machine lacks to do `what`, as a diagnostic.
pub(super) fn lacking(features: &[Feature], what: &str) -> Option<Diagnostic> {
    let findings = examine(features);
    let finding = findings.into_iter().find(|finding| finding.present == Some(false))?;
    let code = match finding.feature {
        Feature::Permission => Code::NotPermitted,
        Feature::Bpf => Code::NoBpf,
        Feature::KernelBtf => Code::NoKernelBtf,
        Feature::RingBuffer
        | Feature::PerfLinks
        | Feature::Tcx
        | Feature::Netkit
        | Feature::Netfilter
        | Feature::KprobeMulti
        | Feature::LsmCgroup
        | Feature::CgroupUnix
        | Feature::CgroupOrder
        | Feature::FunctionCookies
        | Feature::RawTracepointCookies => Code::NoRingBuffer,
        Feature::Trampoline => Code::NoTrampoline,
        Feature::Kprobes | Feature::Uprobes => Code::NoKprobes,
        Feature::Tracefs => Code::NoTracefs,
    };
    let message =
        format!("this machine cannot {what}: no {} (Linux {})", finding.feature.title(), release());
    Some(
        Diagnostic::new(code, message)
            .note(format!("detected by  {}", finding.how))
            .help(remedy(&finding)),
    )
}

fn remedy(finding: &Finding) -> &'static str {
    match finding.feature {
        // The verifier's own words.
        Feature::Trampoline if finding.how.contains("JITed") => {
            "Enable the BPF JIT: sudo sysctl net.core.bpf_jit_enable=1"
        }
        // Who is in a micro-VM already is not helped by one.
        Feature::KernelBtf if vm::is_in_guest() => {
            "Use another kernel, such as --vm=6.12. The micro-VM's kernel is built without \
             CONFIG_DEBUG_INFO_BTF=y."
        }
        Feature::Bpf
        | Feature::RingBuffer
        | Feature::Trampoline
        | Feature::PerfLinks
        | Feature::Kprobes
        | Feature::Tcx
        | Feature::Netkit
        | Feature::Netfilter
        | Feature::Uprobes
        | Feature::KprobeMulti
        | Feature::LsmCgroup
        | Feature::CgroupUnix
        | Feature::CgroupOrder
        | Feature::FunctionCookies
        | Feature::RawTracepointCookies
            if vm::is_in_guest() =>
        {
            "Use another kernel, such as --vm=6.12. The micro-VM's kernel does not support it."
        }
        Feature::Permission => {
            "Run it with sudo, or with --vm in a micro-VM, which does not require root."
        }
        Feature::Bpf => {
            "Use --vm to run in a micro-VM, which does not require root. This kernel rejects \
             bpf(2)."
        }
        Feature::KernelBtf => {
            "Use a kernel with CONFIG_DEBUG_INFO_BTF=y, which all major distributions ship, or \
             --vm to run the chain in a micro-VM with one."
        }
        Feature::RingBuffer => "Use --vm for a newer kernel. Ring buffers came with Linux 5.8.",
        Feature::PerfLinks => {
            "Use --vm for a newer kernel. Perf event links, which attach kprobes and tracepoints, \
             came with Linux 5.15."
        }
        Feature::Trampoline => {
            "Use --vm to run in a micro-VM, which does not require root. This kernel rejects \
             programs that need a BPF trampoline."
        }
        Feature::Kprobes => {
            "Use --vm to run in a micro-VM, which does not require root. This kernel is built \
             without CONFIG_KPROBES."
        }
        Feature::Tcx => {
            "Use `tc` in place of `tcx`, or --vm for a newer kernel. tcx came with Linux 6.6."
        }
        Feature::KprobeMulti => {
            "Use --vm for a newer kernel. Kprobe multi links came with Linux 5.18."
        }
        Feature::LsmCgroup => {
            "Use --vm for a newer kernel. LSM hooks of cgroups came with Linux 6.0."
        }
        Feature::CgroupUnix => {
            "Use --vm for a newer kernel. Programs for the calls of Unix sockets came with Linux 6.7."
        }
        Feature::CgroupOrder => {
            "Use --vm for a newer kernel, or attach the programs in the order in which they are to \
             run. The order at cgroups came with Linux 6.17, and later 6.12."
        }
        Feature::FunctionCookies => {
            "Use --vm for a newer kernel. Cookies at functions came with Linux 5.19."
        }
        Feature::RawTracepointCookies => {
            "Use --vm for a newer kernel. Cookies at raw tracepoints came with Linux 6.10."
        }
        Feature::Uprobes => {
            "Use --vm to run in a micro-VM, which does not require root. This kernel is built \
             without CONFIG_UPROBES."
        }
        Feature::Netkit => {
            "Use --vm for a newer kernel. netkit came with Linux 6.7, as CONFIG_NETKIT."
        }
        Feature::Netfilter => {
            "Use --vm for a newer kernel. Netfilter programs came with Linux 6.4."
        }
        Feature::Tracefs => {
            "Mount tracefs with mount -t tracefs tracefs /sys/kernel/tracing, or use --vm to run \
             in a micro-VM, where it is mounted."
        }
    }
}
