// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	void *function; /* its address */
	__u64 ret;
};

/* A stub: a replacement for it selects the calls that are shown. */
FC_STUB int NAME_wanted(__u64 result)
{
	return fc_stub(1, result);
}

SEC("kretprobe.multi")
int on_NAME(struct pt_regs *ctx)
{
	__u64 outer = fc_enter();
	__u64 result = PT_REGS_RC(ctx);

	if (NAME_wanted(result)) {
		struct NAME_event *event = fc_reserve(struct NAME_event);

		if (event) {
			event->function = (void *)bpf_get_func_ip(ctx);
			event->ret = result;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
