//! A case: a chain, and what it is about.

use freplace_compose::diag::Code;

/// A chain of the corpus.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// `RULE/what is special about it`.
    pub(crate) name: String,
    /// The rule that it breaks, or nearly breaks.
    pub(crate) about: Code,
    /// On which kernels it breaks that.
    pub(crate) broken: Broken,
    /// The chain, with the test programs as `NAME.o`.
    pub(crate) chain: String,
    /// Why only the kernel can know that it refuses it, where the validator does not.
    pub(crate) unknown: Option<&'static str>,
}

impl Case {
    /// A chain that the validator lets pass and the kernel refuses.
    pub(crate) fn unknown(self, why: &'static str) -> Self {
        Self { unknown: Some(why), ..self }
    }
}

/// A chain about the rule `about`, and where it breaks that.
pub(crate) fn case(about: Code, name: impl Into<String>, broken: Broken, chain: String) -> Case {
    Case { name: name.into(), about, broken, chain, unknown: None }
}

/// Where a chain is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Every kernel takes it.
    Nowhere,
    /// No kernel takes it.
    Everywhere,
    /// Kernels before this series refuse it.
    Before(u32, u32),
    /// Kernels of this series and later refuse it.
    From(u32, u32),
    /// Kernels before the first series refuse it, and those of the second and later.
    Outside((u32, u32), (u32, u32)),
}

impl Broken {
    /// Whether a kernel of this series refuses it.
    pub(crate) fn on(self, series: (u32, u32)) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Everywhere => true,
            Self::Before(major, minor) => series < (major, minor),
            Self::From(major, minor) => series >= (major, minor),
            Self::Outside(first, end) => series < first || series >= end,
        }
    }
}

/// A chain that every kernel takes, near to breaking the rule `about`.
pub(crate) fn keeps(about: Code, name: impl Into<String>, chain: String) -> Case {
    case(about, name, Broken::Nowhere, chain)
}

/// A chain that no kernel takes.
pub(crate) fn breaks(about: Code, name: impl Into<String>, chain: String) -> Case {
    case(about, name, Broken::Everywhere, chain)
}

/// Whether it breaks the rule is known where the case is made.
pub(crate) fn breaks_if(condition: bool, about: Code, name: String, chain: String) -> Case {
    let broken = if condition { Broken::Everywhere } else { Broken::Nowhere };
    case(about, name, broken, chain)
}

/// Where the hosts of a chain are attached.
pub(crate) const XDP: &str = "{ xdp = \"lo\", mode = \"generic\" }";
pub(crate) const KPROBE: &str = "{ kprobe = \"__x64_sys_getpgid\" }";
pub(crate) const KRETPROBE: &str = "{ kretprobe = \"__x64_sys_getpgid\" }";
pub(crate) const TRACEPOINT: &str = "{ tracepoint = \"syscalls/sys_enter_getpgid\" }";
pub(crate) const RAW_TRACEPOINT: &str = "{ raw_tracepoint = \"sys_enter\" }";

/// `object/program`, as two keys.
fn program(path: &str) -> String {
    let (object, program) = path.split_once('/').expect("object/program");
    format!("object = \"{object}.o\"\nprogram = \"{program}\"\n")
}

pub(crate) fn host(id: &str, path: &str, attach: &str) -> String {
    format!("[host.{id}]\n{}attach = {attach}\n\n", program(path))
}

pub(crate) fn stub(id: &str, function: &str, hosts: &[&str]) -> String {
    format!("[stub.{id}]\nfunction = \"{function}\"\nhosts = {hosts:?}\n\n")
}

pub(crate) fn replacement(id: &str, path: &str, stub: &str) -> String {
    format!("[replacement.{id}]\n{}stub = \"{stub}\"\n\n", program(path))
}

/// A tracer whose `target` is a node, or `node:function`.
pub(crate) fn tracer(id: &str, moment: &str, target: &str, path: &str) -> String {
    let (target, function) = match target.split_once(':') {
        Some((target, function)) => (target, format!("function = \"{function}\"\n")),
        None => (target, String::new()),
    };
    format!("[tracer.{id}]\n{moment} = \"{target}\"\n{function}{}\n", program(path))
}

/// A tracer that fits on anything.
pub(crate) fn fentry(id: &str, target: &str) -> String {
    tracer(id, "fentry", target, "probe-tracer/bare")
}

/// The same at the exit.
pub(crate) fn fexit(id: &str, target: &str) -> String {
    tracer(id, "fexit", target, "two-stubs/after")
}
