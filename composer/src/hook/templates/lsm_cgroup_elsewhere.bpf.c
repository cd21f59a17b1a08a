// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u32 pid_of_process;
	__u32 ret;
};

/* A stub: a replacement for it denies what it returns 0 for. */
FC_STUB int NAME_verdict(__u32 pid)
{
	return fc_stub(1, pid);
}

SEC("lsm_cgroup")
int on_NAME(__u64 *ctx)
{
	__u64 outer = fc_enter();
	/* ctx[0], ctx[1] and so on are the arguments; BPF_PROG(on_NAME, TYPE NAME, ...) gives them types. */
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	int verdict = NAME_verdict(pid);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->pid_of_process = pid;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	return verdict ? 1 : 0 /* EPERM */;
}
