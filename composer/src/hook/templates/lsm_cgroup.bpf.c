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
	__u32 size; /* of the message, in bytes */
	__u32 ret;
};

/* A stub: a replacement for it denies what it returns 0 for. */
FC_STUB int NAME_verdict(__u32 size)
{
	return fc_stub(1, size);
}

SEC("lsm_cgroup")
int BPF_PROG(on_NAME, struct socket *socket, struct msghdr *message, int size)
{
	__u64 outer = fc_enter();
	int verdict = NAME_verdict(size);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->size = size;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	return verdict ? 1 : 0 /* EPERM */;
}
