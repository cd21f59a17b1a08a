//! Differences between kernels, as measured by `profile`.

use serde::Deserialize;

/// What kernels differ in.
///
/// One that is not known here is passed over: a later version of this program may have written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Features {
    /// A tracer may trace a tracer, one level deep.
    pub nested_tracing: bool,
    /// An entry function without any argument may be replaced.
    pub entry_without_argument: bool,
    /// A replacement that changes packet data is refused where the stub does not.
    pub packet_data_compared: bool,
    /// A kprobe at a name that several symbols have is refused; others take one of them.
    #[serde(default = "yes")]
    pub unique_kprobe_symbol: bool,
    /// A tracer reads a pointer among its target's arguments as a whole or not at all.
    #[serde(default = "yes")]
    pub pointer_arguments_whole: bool,
    /// A loaded replacement may be put on further stubs (5.10).
    #[serde(default = "yes")]
    pub several_stubs: bool,
    /// kprobes and tracepoints are attached by links of perf events (5.15).
    #[serde(default = "yes")]
    pub perf_links: bool,
    /// A global function is verified only where the verifier comes to a call of it; one that it
    /// never comes to is not loaded (6.8).
    #[serde(default = "yes")]
    pub lazy_functions: bool,
    /// Tags on parameters, such as `__arg_ctx`, are known (6.8).
    #[serde(default = "yes")]
    pub argument_tags: bool,
    /// What a function takes of the stack is rounded up to 16 bytes; before, to 32 (6.9).
    #[serde(default = "yes")]
    pub frames_of_16: bool,
    /// Functions of tracing programs may have stacks of their own, which do not add up (6.13).
    #[serde(default = "yes")]
    pub private_stacks: bool,
    /// The depth of calls is counted from each global function anew.
    #[serde(default = "yes")]
    pub frames_of_globals_apart: bool,
    /// How many functions run inside each other, the program's entry among them. None when that is
    /// not known.
    pub most_frames: Option<u16>,
    /// How many tracers a function takes. None when that is not known: it depends on the
    /// architecture too.
    pub most_tracers: Option<u16>,
    /// One program traces both the entry and the return of a function (7.0).
    #[serde(default = "yes")]
    pub fsession: bool,
    /// A global function may take a pointer to memory, and not to the context alone (5.12).
    #[serde(default = "yes")]
    pub memory_arguments: bool,
    /// A global function may return nothing (7.2).
    #[serde(default = "yes")]
    pub void_functions: bool,
    /// A replacement at a kprobe or tracepoint may use maps whose values hold locks.
    #[serde(default = "yes")]
    pub locks_in_tracing_replacements: bool,
    /// The same for timers.
    #[serde(default = "yes")]
    pub timers_in_tracing_replacements: bool,
    /// A program at a kprobe or tracepoint may use maps whose values hold timers (7.2).
    #[serde(default = "yes")]
    pub timers_in_tracing: bool,
    /// Programs are attached to the packets of an interface by tcx links, which have an order (6.6).
    #[serde(default = "yes")]
    pub tcx: bool,
    /// Programs are attached to netkit devices (6.7).
    #[serde(default = "yes")]
    pub netkit: bool,
    /// One link attaches a program to many kernel functions (5.18).
    #[serde(default = "yes")]
    pub kprobe_multi: bool,
    /// What a program at an LSM hook returns is compared with what the hook may return (6.12).
    #[serde(default = "yes")]
    pub lsm_results: bool,
    /// Programs are attached to the LSM hooks of a cgroup (6.0).
    #[serde(default = "yes")]
    pub lsm_cgroup: bool,
    /// Programs of a cgroup for the calls of Unix sockets (6.7).
    #[serde(default = "yes")]
    pub cgroup_unix: bool,
    /// The programs of a cgroup have an order that an attachment may ask for (6.17).
    #[serde(default = "yes")]
    pub cgroup_order: bool,
}

/// What a profile does not say is as in the newest kernel known here.
fn yes() -> bool {
    true
}

impl Features {
    /// Each with its name, as a profile has it, its value, and what it means; those whose value is
    /// not known are left out.
    pub(super) fn all(&self) -> Vec<(&'static str, String, &'static str)> {
        let flags = [
            ("nested_tracing", self.nested_tracing, "A tracer may trace a tracer (mainline 6.8)."),
            (
                "packet_data_compared",
                self.packet_data_compared,
                "A replacement that changes packet data needs a stub that does (mainline 6.13).",
            ),
            (
                "entry_without_argument",
                self.entry_without_argument,
                "An entry function without any argument may be replaced (until mainline 6.8).",
            ),
            (
                "unique_kprobe_symbol",
                self.unique_kprobe_symbol,
                "A kprobe at a name that several symbols have is refused (mainline 6.6, 6.1.60).",
            ),
            (
                "pointer_arguments_whole",
                self.pointer_arguments_whole,
                "A tracer reads a pointer argument as a whole or not at all (mainline 6.13, 6.12.y).",
            ),
            (
                "several_stubs",
                self.several_stubs,
                "A loaded replacement may be put on further stubs (mainline 5.10).",
            ),
            (
                "perf_links",
                self.perf_links,
                "kprobes and tracepoints are attached by links of perf events (mainline 5.15).",
            ),
            (
                "lazy_functions",
                self.lazy_functions,
                "A global function is verified, and loaded, only where it is called (mainline 6.8).",
            ),
            (
                "argument_tags",
                self.argument_tags,
                "Tags on parameters, such as __arg_ctx, are known (mainline 6.8).",
            ),
            (
                "frames_of_16",
                self.frames_of_16,
                "Each function takes a multiple of 16 bytes of the stack, not of 32 (mainline 6.9).",
            ),
            (
                "private_stacks",
                self.private_stacks,
                "Functions of tracing programs may have stacks of their own (mainline 6.13).",
            ),
            (
                "frames_of_globals_apart",
                self.frames_of_globals_apart,
                "The depth of calls is counted from each global function anew.",
            ),
            (
                "fsession",
                self.fsession,
                "One program traces both the entry and the return of a function (mainline 7.0).",
            ),
            (
                "memory_arguments",
                self.memory_arguments,
                "A global function may take a pointer to memory other than the context (mainline 5.12).",
            ),
            (
                "void_functions",
                self.void_functions,
                "A global function may return nothing (mainline 7.2).",
            ),
            (
                "locks_in_tracing_replacements",
                self.locks_in_tracing_replacements,
                "A replacement at a kprobe or tracepoint may use values with locks.",
            ),
            (
                "timers_in_tracing_replacements",
                self.timers_in_tracing_replacements,
                "A replacement at a kprobe or tracepoint may use values with timers.",
            ),
            (
                "timers_in_tracing",
                self.timers_in_tracing,
                "A program at a kprobe or tracepoint may use values with timers (mainline 7.x).",
            ),
            ("tcx", self.tcx, "Programs are attached to interfaces by tcx links (mainline 6.6)."),
            ("netkit", self.netkit, "Programs are attached to netkit devices (mainline 6.7)."),
            (
                "kprobe_multi",
                self.kprobe_multi,
                "One link attaches a program to many kernel functions (mainline 5.18).",
            ),
            (
                "lsm_results",
                self.lsm_results,
                "A program at an LSM hook returns only what that hook may (mainline 6.12).",
            ),
            (
                "lsm_cgroup",
                self.lsm_cgroup,
                "Programs are attached to the LSM hooks of a cgroup (mainline 6.0).",
            ),
            (
                "cgroup_unix",
                self.cgroup_unix,
                "Programs of a cgroup may be for the calls of Unix sockets (mainline 6.7).",
            ),
            (
                "cgroup_order",
                self.cgroup_order,
                "An attachment to a cgroup may ask for a place among its programs (mainline 6.17, 6.12.y).",
            ),
        ];
        let flags =
            flags.into_iter().map(|(name, value, meaning)| (name, value.to_string(), meaning));
        let most = self.most_tracers.map(|most| {
            (
                "most_tracers",
                most.to_string(),
                "How many tracers a function takes, on this architecture.",
            )
        });
        let frames = self.most_frames.map(|most| {
            ("most_frames", most.to_string(), "How many functions run inside each other.")
        });
        flags.chain(frames).chain(most).collect()
    }
}
