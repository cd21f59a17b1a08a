//! Each kind of host: attached, with its stubs and its entry replaced, traced, and with answers that
//! the kernel does not take. `docs/kernel-support.md` has a table of these.

use freplace_compose::diag::Code;

use crate::case::{
    Broken, Case, XDP, breaks, breaks_if, case, fentry, fexit, host, keeps, replacement, stub,
};

/// A kind of host.
#[derive(Clone, Copy)]
struct Kind<'a> {
    name: &'a str,
    /// What its programs in hooks.bpf.c begin with.
    programs: &'a str,
    attach: &'a str,
    /// Which kernels lack it.
    lacking: Broken,
    /// An answer that its replacements may give.
    answer: u8,
    /// Whether a host, and a replacement in it, may return 77.
    bounds: (Broken, Broken),
    /// What its context is to the kernel.
    context: HookContext,
}

/// What the context of a kind is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HookContext {
    /// A struct with a name.
    Named,
    /// A record, or arguments.
    Arguments,
    /// Arguments, of a tracing program: its functions are traced from 6.8 on.
    Tracing,
    /// The same, and the kernel does not replace the program's functions.
    NotReplaced,
}

const NEVER: (Broken, Broken) = (Broken::Nowhere, Broken::Nowhere);
const BOTH: (Broken, Broken) = (Broken::Everywhere, Broken::Everywhere);
const ALWAYS: Broken = Broken::Nowhere;
/// Debian builds 6.1 without CONFIG_FPROBE.
const NO_FPROBE: Broken = Broken::Before(6, 12);

#[rustfmt::skip]
const KINDS: &[Kind<'_>] = &[
    Kind { name: "kprobe", programs: "kprobe", attach: "{ kprobe = \"__x64_sys_getpgid\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "kretprobe", programs: "kprobe", attach: "{ kretprobe = \"__x64_sys_getpgid\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "kprobe_multi", programs: "kprobe", attach: "{ kprobe_multi = \"__x64_sys_getpg?d\" }", lacking: NO_FPROBE, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "kretprobe_multi", programs: "kprobe", attach: "{ kretprobe_multi = \"__x64_sys_getpg?d\" }", lacking: NO_FPROBE, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "ksyscall", programs: "kprobe", attach: "{ ksyscall = \"getpgid\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "kretsyscall", programs: "kprobe", attach: "{ kretsyscall = \"getpgid\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "tracepoint", programs: "tracepoint", attach: "{ tracepoint = \"syscalls/sys_enter_getpgid\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Arguments },
    Kind { name: "raw_tracepoint", programs: "raw_tracepoint", attach: "{ raw_tracepoint = \"sys_enter\" }", lacking: ALWAYS, answer: 0, bounds: (Broken::Nowhere, Broken::Everywhere), context: HookContext::Named },
    Kind { name: "xdp", programs: "xdp", attach: "{ xdp = \"lo\", mode = \"generic\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "devmap", programs: "devmap", attach: "{ devmap = \"ports\", key = 0, interface = \"lo\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "cpumap", programs: "cpumap", attach: "{ cpumap = \"cpus\", cpu = 0 }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "tcx", programs: "tcx", attach: "{ tcx = \"lo\" }", lacking: Broken::Before(6, 6), answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "tcx at egress", programs: "tcx", attach: "{ tcx = \"lo\", direction = \"egress\" }", lacking: Broken::Before(6, 6), answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "netkit", programs: "netkit", attach: "{ netkit = \"kit0\" }", lacking: Broken::Before(6, 7), answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "tc", programs: "tc", attach: "{ tc = \"lo\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "cgroup_skb", programs: "cgroup_skb", attach: "{ cgroup_skb = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_sock", programs: "cgroup_sock", attach: "{ cgroup_sock = \"/sys/fs/cgroup\", at = \"sock_create\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_sock_addr", programs: "cgroup_sock_addr", attach: "{ cgroup_sock_addr = \"/sys/fs/cgroup\", at = \"connect4\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_sockopt", programs: "cgroup_sockopt", attach: "{ cgroup_sockopt = \"/sys/fs/cgroup\", at = \"getsockopt\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_sysctl", programs: "cgroup_sysctl", attach: "{ cgroup_sysctl = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_device", programs: "cgroup_device", attach: "{ cgroup_device = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "sock_ops", programs: "sock_ops", attach: "{ sock_ops = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "sk_lookup", programs: "sk_lookup", attach: "{ sk_lookup = \"self\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "flow_dissector", programs: "flow_dissector", attach: "{ flow_dissector = \"self\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "netfilter", programs: "netfilter", attach: "{ netfilter = \"ipv4/local_in\" }", lacking: Broken::Before(6, 4), answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "uprobe", programs: "uprobe", attach: "{ uprobe = \"libc:getpid\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "uretprobe", programs: "uprobe", attach: "{ uretprobe = \"libc:getpid\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "socket_filter", programs: "socket_filter", attach: "{ socket_filter = \"lo\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "sk_msg", programs: "sk_msg", attach: "{ sk_msg = \"peers\" }", lacking: ALWAYS, answer: 1, bounds: NEVER, context: HookContext::Named },
    Kind { name: "sk_skb", programs: "sk_skb", attach: "{ sk_skb = \"peers\", at = \"verdict\" }", lacking: ALWAYS, answer: 1, bounds: NEVER, context: HookContext::Named },
    Kind { name: "sk_skb at stream_verdict", programs: "sk_skb", attach: "{ sk_skb = \"peers\", at = \"stream_verdict\" }", lacking: ALWAYS, answer: 1, bounds: NEVER, context: HookContext::Named },
    Kind { name: "sk_skb at stream_parser", programs: "sk_parser", attach: "{ sk_skb = \"peers\", at = \"stream_parser\" }", lacking: ALWAYS, answer: 1, bounds: NEVER, context: HookContext::Named },
    Kind { name: "tp_btf", programs: "tp_btf", attach: "{ tp_btf = \"sys_enter\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Tracing },
    Kind { name: "fentry", programs: "fentry", attach: "{ fentry = \"__x64_sys_getpgid\" }", lacking: ALWAYS, answer: 0, bounds: (Broken::Everywhere, Broken::Nowhere), context: HookContext::NotReplaced },
    Kind { name: "fexit", programs: "fexit", attach: "{ fexit = \"__x64_sys_getpgid\" }", lacking: ALWAYS, answer: 0, bounds: (Broken::Everywhere, Broken::Nowhere), context: HookContext::NotReplaced },
    Kind { name: "fmod_ret", programs: "fmod_ret", attach: "{ fmod_ret = \"security_file_open\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Tracing },
    Kind { name: "lsm", programs: "lsm", attach: "{ lsm = \"file_open\" }", lacking: ALWAYS, answer: 0, bounds: (Broken::From(6, 12), Broken::Nowhere), context: HookContext::Arguments },
    Kind { name: "lsm_cgroup", programs: "lsm_cgroup", attach: "{ lsm_cgroup = \"socket_bind\", cgroup = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Arguments },
    Kind { name: "iter", programs: "iter", attach: "{ iter = \"task\" }", lacking: ALWAYS, answer: 0, bounds: BOTH, context: HookContext::NotReplaced },
    Kind { name: "iter over a map", programs: "iter", attach: "{ iter = \"bpf_map_elem\", map = \"elements\" }", lacking: ALWAYS, answer: 0, bounds: BOTH, context: HookContext::NotReplaced },
    Kind { name: "syscall", programs: "syscall", attach: "{ syscall = \"at start\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Arguments },
    Kind { name: "perf_event", programs: "perf_event", attach: "{ perf_event = \"cpu-clock\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
];

/// The other places of kinds that have several, each with the key that names it.
const PLACES: &[(&str, &str, &[&str])] = &[
    ("cgroup_skb", "direction", &["egress"]),
    ("cgroup_sock", "at", &["sock_release", "post_bind4", "post_bind6"]),
    ("cgroup_sockopt", "at", &["setsockopt"]),
    (
        "cgroup_sock_addr",
        "at",
        &[
            "connect6",
            "connect_unix",
            "bind4",
            "bind6",
            "sendmsg4",
            "sendmsg6",
            "sendmsg_unix",
            "recvmsg4",
            "recvmsg6",
            "recvmsg_unix",
            "getpeername4",
            "getpeername6",
            "getpeername_unix",
            "getsockname4",
            "getsockname6",
            "getsockname_unix",
        ],
    ),
];

/// The same at each of the other places, and what a program with an address may return there.
fn places() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, key, words) in PLACES {
        for word in *words {
            let attach = format!("{{ {kind} = \"/sys/fs/cgroup\", {key} = \"{word}\" }}");
            let is_unix = word.ends_with("_unix");
            let lacking = if is_unix { Broken::Before(6, 7) } else { ALWAYS };
            let is_told =
                ["recvmsg", "getpeername", "getsockname"].iter().any(|call| word.starts_with(call));
            let programs = if is_told { "cgroup_told_addr" } else { kind };
            let (name, context) = (format!("{kind} at {word}"), HookContext::Named);
            let place = Kind {
                name: &name,
                programs,
                attach: &attach,
                lacking,
                answer: 1,
                bounds: BOTH,
                context,
            };
            cases.extend(of(&place));
            if *kind == "cgroup_sock_addr" && !is_unix {
                for (number, program, is_refused) in
                    [(0, "zero", is_told), (3, "three", !word.starts_with("bind"))]
                {
                    let host = host("h", &format!("hooks/cgroup_sock_addr_{program}"), &attach);
                    let chain = format!("name = \"hosts\"\n{host}");
                    let name = format!("hosts/{name}, returns {number}");
                    cases.push(breaks_if(is_refused, Code::ResultRange, name, chain));
                }
            }
        }
    }
    cases
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = KINDS.iter().flat_map(of).collect();
    cases.extend(places());
    // A program that may sleep calls what does, and what takes its function's place may not sleep.
    let sleeping = host("h", "suite-effects/calls_sleeping", "{ uprobe = \"libc:getpid\" }")
        + &stub("s", "sleeps", &["h"]);
    cases.push(keeps(
        Code::HelperNotAvailable,
        "hosts/a sleeping helper in a uprobe that may sleep",
        sleeping.clone() + &replacement("r", "suite-effects/new_wakes", "s"),
    ));
    cases.push(breaks(
        Code::HelperNotAvailable,
        "hosts/a sleeping helper in a replacement in such a uprobe",
        sleeping + &replacement("r", "suite-effects/new_sleeps", "s"),
    ));
    // A context whose struct is only declared is no context to the kernel.
    let declared = |program: &str, function: &str| {
        format!("name = \"declared\"\n{}", host("h", &format!("declared/{program}"), XDP))
            + &stub("s", function, &["h"])
            + &replacement("r", "declared/for_declared", "s")
    };
    cases.push(breaks(
        Code::FunctionPrototype,
        "hosts/a stub with a declared context",
        declared("declared_host", "declared_stub"),
    ));
    cases.push(breaks(
        Code::UntrustedEntry,
        "hosts/an entry with a declared context",
        declared("declared_entry", "declared_entry"),
    ));
    for (what, program, attach, broken) in SETTINGS {
        let text =
            format!("name = \"hosts\"\n{}", host("h", &format!("hooks/{program}_host"), attach));
        cases.push(case(Code::KernelLacks, format!("hosts/{what}"), *broken, text));
    }
    cases
}

/// What an attachment may ask for besides, and not every kernel has.
#[rustfmt::skip]
const SETTINGS: &[(&str, &str, &str, Broken)] = &[
    ("a cookie at a kprobe", "kprobe", "{ kprobe = \"__x64_sys_getpgid\", cookie = 7 }", ALWAYS),
    ("a cookie at a function", "fentry", "{ fentry = \"__x64_sys_getpgid\", cookie = 7 }", ALWAYS),
    ("a cookie at a raw tracepoint", "raw_tracepoint", "{ raw_tracepoint = \"sys_enter\", cookie = 7 }", Broken::Before(6, 10)),
    ("the first place at a cgroup", "cgroup_skb", "{ cgroup_skb = \"/sys/fs/cgroup\", order = \"first\" }", Broken::Before(6, 12)),
];

fn of(kind: &Kind<'_>) -> Vec<Case> {
    let Kind { name, programs, attach, lacking, answer, bounds, context } = kind;
    let own = |end: &str| format!("hooks/{programs}_{end}");
    let base = host("h", &own("host"), attach);
    let stubbed = |function: &str, program: &str| {
        stub("s", &format!("{programs}_{function}"), &["h"]) + &replacement("r", program, "s")
    };
    let number = format!("hooks/number_{answer}");
    let is_tracing = matches!(context, HookContext::Tracing | HookContext::NotReplaced);
    let scalar = match context {
        HookContext::NotReplaced => (Code::WrongNodeKind, Broken::Everywhere),
        _ => (Code::KernelLacks, *lacking),
    };
    let traced = match is_tracing {
        true => (Code::NestedTracing, Broken::Before(6, 8)),
        false => (Code::KernelLacks, *lacking),
    };
    let with = |what: &str, (about, broken): (Code, Broken), text: String| {
        case(
            about,
            format!("hosts/{name}, {what}"),
            broken,
            format!("name = \"hosts\"\n{base}{text}"),
        )
    };
    let mut cases = vec![
        with("attached", (Code::KernelLacks, *lacking), String::new()),
        with("scalar stub replaced", scalar, stubbed("number", &number)),
        with("traced", traced, fentry("before", "h") + &fexit("after", "h")),
        with(
            "replacement traced",
            scalar,
            stubbed("number", &number) + &fentry("before", "r") + &fexit("after", "r"),
        ),
    ];
    let entry = match context {
        HookContext::Named => (Code::KernelLacks, *lacking),
        HookContext::Arguments | HookContext::Tracing | HookContext::NotReplaced => {
            (Code::UntrustedEntry, Broken::Everywhere)
        }
    };
    cases.push(with("entry replaced", entry, stubbed("host", &own("for_host"))));
    if *context == HookContext::Named {
        let replaced = stubbed("context", &own("for_context"));
        cases.push(with("context stub replaced", (Code::KernelLacks, *lacking), replaced));
    }
    if *lacking != ALWAYS {
        return cases;
    }
    let (of_host, of_replacement) = *bounds;
    let wrong = format!("name = \"hosts\"\n{}", host("h", &own("wrong"), attach));
    cases.push(case(Code::ResultRange, format!("hosts/{name}, returns 77"), of_host, wrong));
    if *context != HookContext::NotReplaced {
        let text = stubbed("number", "hooks/number_77");
        cases.push(with("a replacement returns 77", (Code::ResultRange, of_replacement), text));
    }
    cases
}
