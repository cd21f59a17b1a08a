//! What hosts are attached to: is it there?

use freplace_compose::diag::Code;

use crate::case::{Case, breaks_if, host};

/// A hook, a program for it, its name, and whether the kernel has that.
const TARGETS: [(&str, &str, &str, bool); 18] = [
    ("kprobe", "contexts/host_kprobe", "tcp_connect", true),
    ("kprobe", "contexts/host_kprobe", "tcp_conect", false),
    ("kprobe", "contexts/host_kprobe", "inet_csk_complete_hashdance", true),
    ("kprobe", "contexts/host_kprobe", "no_such_function_at_all", false),
    ("kretprobe", "contexts/host_kretprobe", "tcp_connect", true),
    ("kretprobe", "contexts/host_kretprobe", "tcp_conect", false),
    ("tracepoint", "contexts/host_tracepoint", "syscalls/sys_enter_getpgid", true),
    ("tracepoint", "contexts/host_tracepoint", "syscalls/sys_enter_getpgit", false),
    ("tracepoint", "contexts/host_tracepoint", "sock/inet_sock_set_state", true),
    ("tracepoint", "contexts/host_tracepoint", "sock/inet_sock_set_stat", false),
    ("tracepoint", "contexts/host_tracepoint", "sched/sched_switch", true),
    ("tracepoint", "contexts/host_tracepoint", "shed/sched_switch", false),
    ("tracepoint", "contexts/host_tracepoint", "sock/sched_switch", false),
    ("raw_tracepoint", "contexts/host_raw_tracepoint", "sys_enter", true),
    ("raw_tracepoint", "contexts/host_raw_tracepoint", "sys_entr", false),
    ("raw_tracepoint", "contexts/host_raw_tracepoint", "sched_switch", true),
    ("raw_tracepoint", "contexts/host_raw_tracepoint", "sched/sched_switch", false),
    ("raw_tracepoint", "contexts/host_raw_tracepoint", "inet_sock_set_state", true),
];

pub(super) fn cases() -> Vec<Case> {
    let cases = TARGETS.iter().map(|(hook, program, target, there)| {
        let chain = host("host", program, &format!("{{ {hook} = \"{target}\" }}"));
        breaks_if(!there, Code::Rejected, format!("target/{hook} {target}"), chain)
    });
    cases.collect()
}
