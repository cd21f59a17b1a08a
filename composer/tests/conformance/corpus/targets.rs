//! What hosts are attached to: is it there?

use freplace_compose::diag::Code;

use crate::case::{Broken, Case, case, host};

/// Places, and whether the kernel has each.
type Places = &'static [(&'static str, bool)];

/// Places of a hook, with a program for it.
const PLACES: [(&str, &str, Places); 5] = [
    (
        "kprobe",
        "contexts/host_kprobe",
        &[
            ("tcp_connect", true),
            ("inet_csk_complete_hashdance", true),
            ("__x64_sys_getpgid", true),
            ("tcp_conect", false),
            ("sys_getpgid", false),
            ("tcp_connect+0x4", false),
            ("no_such_function_at_all", false),
            ("jiffies", false),
            ("jiffies_lock", false),
            ("start_kernel", false),
        ],
    ),
    (
        "kretprobe",
        "contexts/host_kretprobe",
        &[("tcp_connect", true), ("tcp_conect", false), ("no_such_function_at_all", false)],
    ),
    (
        "tracepoint",
        "contexts/host_tracepoint",
        &[
            ("syscalls/sys_enter_getpgid", true),
            ("syscalls/sys_exit_getpgid", true),
            ("sock/inet_sock_set_state", true),
            ("sched/sched_switch", true),
            ("syscalls/sys_enter_getpgit", false),
            ("sock/inet_sock_set_stat", false),
            ("sched/sched_swich", false),
        ],
    ),
    (
        "raw_tracepoint",
        "contexts/host_raw_tracepoint",
        &[
            ("sys_enter", true),
            ("sched_switch", true),
            ("inet_sock_set_state", true),
            ("sys_entr", false),
            ("sched/sched_switch", false),
            ("sys_enter_getpgid", false),
        ],
    ),
    ("xdp", "contexts/host_xdp", &[("lo", true)]),
];

/// Places that only the kernel knows not to be there.
const UNKNOWN: [(&str, &str, &str, &str); 3] = [
    (
        "tracepoint",
        "contexts/host_tracepoint",
        "sock/sched_switch",
        "BTF has the names of tracepoints but not their categories",
    ),
    (
        "tracepoint",
        "contexts/host_tracepoint",
        "shed/sched_switch",
        "categories can be created at run time: an unknown one is a warning",
    ),
    (
        "xdp",
        "contexts/host_xdp",
        "no_such_interface",
        "interfaces depend on the machine, not on the kernel",
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let about = Code::UnknownTarget;
    let chain = |hook: &str, program: &str, place: &str| {
        host("host", program, &format!("{{ {hook} = \"{place}\" }}"))
    };
    let mut cases = Vec::new();
    for (hook, program, places) in PLACES {
        for (place, there) in places {
            let broken = if *there { Broken::Nowhere } else { Broken::Everywhere };
            let name = format!("target/{hook} {place}");
            cases.push(case(about, name, broken, chain(hook, program, place)));
        }
    }
    for (hook, program, place, why) in UNKNOWN {
        let name = format!("target/{hook} {place}");
        let chain = chain(hook, program, place);
        cases.push(case(about, name, Broken::Everywhere, chain).unknown(why));
    }
    cases
}
