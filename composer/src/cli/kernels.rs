//! `--kernel`: the kernels to check against.

use std::{path::Path, sync::Arc};

use super::{exit::Exit, ink::Ink as _, report, screen};
use freplace_compose::{
    check::Kernels,
    kernel::machine,
    plan::Offers,
    profile::{self, Profile},
};

/// `--kernel` of the verbs that judge.
#[derive(Debug, clap::Args)]
pub(super) struct KernelFlag {
    /// Kernels to check against: series such as 6.1,6.12; `running` for this machine's kernel; or
    /// profile files. A feature missing on any of them is an error. By default a chain is valid if
    /// at least one known kernel supports it.
    #[arg(long, value_name = "KERNEL", value_delimiter = ',', value_parser = name)]
    kernel: Vec<KernelName>,
}

/// `--kernel` of what is planned.
#[derive(Debug, clap::Args)]
pub(super) struct PlannedKernel {
    /// Kernel to plan for: a series such as 6.12; `running` for this machine's kernel; or a profile
    /// file. By default the running kernel.
    #[arg(long, value_name = "KERNEL", value_parser = name)]
    kernel: Option<KernelName>,
}

impl PlannedKernel {
    /// What that kernel offers, as far as its profile tells.
    ///
    /// # Errors
    /// When the profile cannot be read; what is wrong with it was said.
    pub(super) fn offers(&self) -> Result<Offers, Exit> {
        match &self.kernel {
            None | Some(KernelName::Running) => Ok(foreseen_here()),
            Some(name) => Ok(Offers::of(Some(&name.profile()?))),
        }
    }
}

/// What kernels of the running one's version offer: all that is known without loading anything.
pub(super) fn foreseen_here() -> Offers {
    Offers::of(profile::nearest(machine::version()).as_ref())
}

/// One of the values.
#[derive(Debug, Clone)]
enum KernelName {
    Shipped(Profile),
    Running,
    File(String),
}

fn name(text: &str) -> Result<KernelName, String> {
    if let Some(found) = profile::named(text) {
        return Ok(KernelName::Shipped(found));
    }
    if text == "running" {
        return Ok(KernelName::Running);
    }
    if Path::new(text).exists() {
        return Ok(KernelName::File(text.to_owned()));
    }
    let series = profile::series().collect::<Vec<_>>().join(", ");
    Err(format!("no profile for this kernel; use one of {series}, `running`, or a file"))
}

impl KernelFlag {
    /// Whether this machine's kernel is one of them: then its programs are looked at.
    pub(super) fn has_running(&self) -> bool {
        self.kernel.iter().any(|name| matches!(name, KernelName::Running))
    }

    /// The kernels that were asked for, or all that are known.
    ///
    /// # Errors
    /// When a profile cannot be read; what is wrong with it was said.
    pub(super) fn kernels(&self) -> Result<Kernels, Exit> {
        if self.kernel.is_empty() {
            return Ok(Kernels::default());
        }
        let mut profiles = Vec::new();
        for name in &self.kernel {
            profiles.push(name.profile()?);
        }
        Ok(Kernels { profiles, asked: true })
    }
}

impl KernelName {
    fn profile(&self) -> Result<Profile, Exit> {
        match self {
            Self::Shipped(profile) => Ok(profile.clone()),
            Self::Running => running().ok_or(Exit::Failed),
            Self::File(path) => profile::open(Path::new(path)).map_err(|found| {
                report::all(&found);
                Exit::Usage
            }),
        }
    }
}

/// The profile of this machine's kernel: what its series does, as far as that is known, and what
/// can be attached to in it. Says on stderr what it is judged by.
pub(super) fn running() -> Option<Profile> {
    let version = machine::version();
    let nearest = profile::nearest(version)?;
    let kernel = version.unwrap_or(nearest.kernel);
    if kernel != nearest.kernel {
        note(&format!("no profile for Linux {kernel}: checked as {}", nearest.kernel));
    }
    let (targets, unread) = machine::targets();
    for what in unread {
        note(&format!("cannot read {what}; attach targets in it are not checked"));
    }
    let mut features = nearest.features;
    // The shipped profiles are of x86-64, and trampolines of others hold other numbers.
    if !cfg!(target_arch = "x86_64") {
        features.most_tracers = None;
    }
    Some(Profile { kernel, features, targets: Some(Arc::new(targets)), ..nearest })
}

fn note(text: &str) {
    screen::say!("{}  {text}", "running".dimmed());
}
