//! What validator and kernel say of a case, and whether that is the same.

use std::{fs, net::UdpSocket, sync::Arc};

use freplace_compose::{
    chain::Chain,
    check::{self, Kernels},
    diag::{Diagnostic, Severity},
    errno::errno_name,
    kernel::{Kernel as _, KernelError, Linux, machine},
    plan::{self, Action},
    profile,
    resolve::{PartlyResolved, Resolved},
    run,
};
use serde::Serialize;

use crate::{
    case::Case,
    support::{Folder, fire},
};

/// Both answers to a case.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    case: String,
    /// The rule that the case is about.
    code: String,
    title: &'static str,
    /// What the validator says the kernel will say, in file order.
    foreseen: Vec<Foreseen>,
    /// What the kernel said; none when it took the chain.
    refused: Option<KernelRefusal>,
    /// Why only the kernel can know.
    unknown: Option<&'static str>,
    /// What does not fit together.
    pub(crate) disagreement: Option<String>,
}

/// An error of the validator.
#[derive(Debug, Serialize)]
struct Foreseen {
    code: String,
    /// The kernel's own answer: the name of an error number, and words of the verifier.
    errno: Option<&'static str>,
    text: Option<String>,
}

impl Foreseen {
    /// Whether that is what the kernel said.
    fn is(&self, refused: &KernelRefusal) -> bool {
        // Where the kernel has several ways to say it, none is told.
        self.errno.is_none_or(|errno| errno == refused.errno)
            && match &self.text {
                Some(text) => refused.log.contains(text.as_str()),
                // What the verifier counted says nothing.
                None => self.errno.is_none() || refused.text.is_none(),
            }
    }
}

/// The kernel's answer.
#[derive(Debug, Serialize)]
struct KernelRefusal {
    /// `load` or `attach`.
    step: &'static str,
    errno: &'static str,
    /// The line of the verifier's log that tells why.
    text: Option<String>,
    #[serde(skip)]
    log: String,
}

/// Holds the validator, asked for the running kernel, to what that kernel does.
pub(crate) struct Judge {
    kernels: Kernels,
    series: (u32, u32),
    folder: Folder,
    /// It reads the kernel's types once for all cases.
    kernel: Linux,
}

impl Judge {
    pub(crate) fn new() -> Self {
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let mut numbers = release.split('.').map(|part| part.parse().expect("a kernel's release"));
        let series = (numbers.next().expect("a major"), numbers.next().expect("a minor"));
        let mut profiles = profile::shipped();
        let name = format!("{}.{}", series.0, series.1);
        profiles.retain(|profile| profile.kernel.to_string() == name);
        assert_eq!(profiles.len(), 1, "there is a profile of {name}");
        let (targets, unread) = machine::targets();
        assert!(unread.is_empty(), "{unread:?}");
        profiles[0].targets = Some(Arc::new(targets));
        let (kernels, folder) = (Kernels { profiles, asked: true }, Folder::new(""));
        Self { kernels, series, folder, kernel: Linux::new() }
    }

    pub(crate) fn judge(&mut self, case: &Case) -> Outcome {
        let file = self.folder.chain();
        fs::write(&file, &case.chain).expect("room in /tmp");
        let chain = Chain::open(&file).expect("a good chain");
        let names = PartlyResolved::open(chain);
        let found = check::check(&names, &self.kernels);
        let errors = found.iter().filter(|found| found.severity == Severity::Error);
        let foreseen: Vec<_> = errors.map(foreseen).collect();
        let mut refused =
            bring_up(&mut self.kernel, &names.whole().expect("its names are those of its objects"));
        self.kernel.next_chain();
        // Of several lines that tell, the one that was foreseen.
        if let Some(refused) = &mut refused
            && let Some(one) = foreseen.iter().find(|one| one.is(refused))
        {
            refused.text.clone_from(&one.text);
        }
        let disagreement = match case.unknown {
            Some(_) => (foreseen.is_empty() != refused.is_some())
                .then(|| format!("only the kernel was to refuse it: {foreseen:?}, {refused:?}")),
            None => {
                let broken = case.broken.on(self.series);
                disagreement(broken, &case.about.to_string(), &foreseen, refused.as_ref())
            }
        };
        Outcome {
            case: case.name.clone(),
            code: case.about.to_string(),
            title: case.about.page().title,
            foreseen,
            refused,
            unknown: case.unknown,
            disagreement,
        }
    }
}

/// Brings the chain up, fires every hook once and takes it down again.
fn bring_up(kernel: &mut Linux, resolved: &Resolved) -> Option<KernelRefusal> {
    let plan = plan::build(resolved, kernel.offers());
    match run::up(kernel, &plan, resolved.objects(), &mut run::unwatched) {
        Ok(running) => {
            fire(7);
            // A host may deny it.
            let socket = UdpSocket::bind("127.0.0.1:0");
            let _ = socket.and_then(|socket| socket.send_to(b"packet", "127.0.0.1:9"));
            let left = running.down(kernel);
            assert!(left.is_empty(), "{left:?}");
            None
        }
        Err(failure) => {
            assert!(failure.left.is_empty(), "{:?}", failure.left);
            let step = match plan[failure.operation].action {
                Action::CreateMap { .. } => "map",
                Action::Load { .. } => "load",
                _ => "attach",
            };
            Some(refusal(step, &failure.error))
        }
    }
}

fn refusal(step: &'static str, error: &KernelError) -> KernelRefusal {
    let log = error.log.clone().unwrap_or_default();
    let noise = ["processed ", "verification time", "stack depth"];
    let telling = |line: &&str| !line.is_empty() && !noise.iter().any(|of| line.starts_with(of));
    KernelRefusal {
        step,
        errno: error.errno.map_or("no errno", errno_name),
        text: log.lines().map(str::trim).rfind(telling).map(str::to_owned),
        log,
    }
}

fn foreseen(found: &Diagnostic) -> Foreseen {
    let answer = found.answer.as_deref();
    Foreseen {
        code: found.code.to_string(),
        errno: answer.map(|answer| answer.errno),
        text: answer.and_then(|answer| answer.text.clone()),
    }
}

/// What is wrong, if anything: the case has to be what it claims to be, the validator has to refuse
/// it just where the kernel does, and one of its reasons has to be the kernel's.
fn disagreement(
    broken: bool,
    about: &str,
    foreseen: &[Foreseen],
    refused: Option<&KernelRefusal>,
) -> Option<String> {
    match (foreseen, refused) {
        ([], None) => broken.then(|| "it ought to be refused, and both take it".to_owned()),
        ([], Some(refused)) => Some(format!("the kernel refuses it, unforeseen: {refused:?}")),
        (foreseen, None) => Some(format!("the kernel takes it, foreseen was {foreseen:?}")),
        (foreseen, Some(refused)) => {
            if !broken {
                Some("it ought to be taken, and both refuse it".to_owned())
            } else if !foreseen.iter().any(|one| one.code == about) {
                Some(format!("{about} was not found, but {foreseen:?}"))
            } else if !foreseen.iter().any(|one| one.is(refused)) {
                Some(format!("the kernel says {refused:?}, foreseen was {foreseen:?}"))
            } else {
                None
            }
        }
    }
}
