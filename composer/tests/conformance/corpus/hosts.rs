//! Each kind of host: attached, with its stubs and its entry replaced, traced, and with answers that
//! the kernel does not take. `docs/kernel-support.md` has a table of these.

use freplace_compose::diag::Code;

use crate::case::{Broken, Case, XDP, breaks, case, fentry, fexit, host, replacement, stub};

/// A kind of host.
struct Kind {
    /// What its programs in hooks.bpf.c begin with.
    name: &'static str,
    attach: &'static str,
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
    /// Arguments.
    Arguments,
    /// Arguments, and the kernel does not replace the program's functions.
    NotReplaced,
}

const NEVER: (Broken, Broken) = (Broken::Nowhere, Broken::Nowhere);
const BOTH: (Broken, Broken) = (Broken::Everywhere, Broken::Everywhere);
const ALWAYS: Broken = Broken::Nowhere;

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { name: "kprobe", attach: "{ kprobe = \"__x64_sys_getpgid\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "raw_tracepoint", attach: "{ raw_tracepoint = \"sys_enter\" }", lacking: ALWAYS, answer: 0, bounds: (Broken::Nowhere, Broken::Everywhere), context: HookContext::Named },
    Kind { name: "xdp", attach: "{ xdp = \"lo\", mode = \"generic\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "tcx", attach: "{ tcx = \"lo\" }", lacking: Broken::Before(6, 6), answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "tc", attach: "{ tc = \"lo\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "cgroup_skb", attach: "{ cgroup_skb = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_sock", attach: "{ cgroup_sock = \"/sys/fs/cgroup\", at = \"sock_create\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_sock_addr", attach: "{ cgroup_sock_addr = \"/sys/fs/cgroup\", at = \"connect4\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_sockopt", attach: "{ cgroup_sockopt = \"/sys/fs/cgroup\", at = \"getsockopt\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_sysctl", attach: "{ cgroup_sysctl = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "cgroup_device", attach: "{ cgroup_device = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "sock_ops", attach: "{ sock_ops = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "sk_lookup", attach: "{ sk_lookup = \"self\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "flow_dissector", attach: "{ flow_dissector = \"self\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "netfilter", attach: "{ netfilter = \"ipv4/local_in\" }", lacking: Broken::Before(6, 4), answer: 1, bounds: BOTH, context: HookContext::Named },
    Kind { name: "uprobe", attach: "{ uprobe = \"libc:getpid\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "socket_filter", attach: "{ socket_filter = \"lo\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
    Kind { name: "tp_btf", attach: "{ tp_btf = \"sys_enter\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Arguments },
    Kind { name: "fentry", attach: "{ fentry = \"__x64_sys_getpgid\" }", lacking: ALWAYS, answer: 0, bounds: (Broken::Everywhere, Broken::Nowhere), context: HookContext::NotReplaced },
    Kind { name: "fexit", attach: "{ fexit = \"__x64_sys_getpgid\" }", lacking: ALWAYS, answer: 0, bounds: (Broken::Everywhere, Broken::Nowhere), context: HookContext::NotReplaced },
    Kind { name: "fmod_ret", attach: "{ fmod_ret = \"security_file_open\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Arguments },
    Kind { name: "lsm", attach: "{ lsm = \"file_open\" }", lacking: ALWAYS, answer: 0, bounds: (Broken::From(6, 12), Broken::Nowhere), context: HookContext::Arguments },
    Kind { name: "lsm_cgroup", attach: "{ lsm_cgroup = \"socket_bind\", cgroup = \"/sys/fs/cgroup\" }", lacking: ALWAYS, answer: 1, bounds: BOTH, context: HookContext::Arguments },
    Kind { name: "iter", attach: "{ iter = \"task\" }", lacking: ALWAYS, answer: 0, bounds: BOTH, context: HookContext::NotReplaced },
    Kind { name: "syscall", attach: "{ syscall = \"at start\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Arguments },
    Kind { name: "perf_event", attach: "{ perf_event = \"cpu-clock\" }", lacking: ALWAYS, answer: 0, bounds: NEVER, context: HookContext::Named },
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = KINDS.iter().flat_map(of).collect();
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
    ("a call of Unix sockets", "cgroup_sock_addr", "{ cgroup_sock_addr = \"/sys/fs/cgroup\", at = \"connect_unix\" }", Broken::Before(6, 7)),
];

fn of(kind: &Kind) -> Vec<Case> {
    let Kind { name, attach, lacking, answer, bounds, context } = kind;
    let own = |end: &str| format!("hooks/{name}_{end}");
    let base = host("h", &own("host"), attach);
    let stubbed = |function: &str, program: &str| {
        stub("s", &format!("{name}_{function}"), &["h"]) + &replacement("r", program, "s")
    };
    let number = format!("hooks/number_{answer}");
    // Functions of tracing programs are traced from 6.8 on, and those of some never replaced.
    let is_tracing =
        !matches!(*name, "lsm" | "lsm_cgroup" | "syscall") && *context != HookContext::Named;
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
        HookContext::Arguments | HookContext::NotReplaced => {
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
