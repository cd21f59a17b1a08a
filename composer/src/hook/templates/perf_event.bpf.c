// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u64 address; /* of the instruction that was interrupted */
	bool kernel;   /* whether that is the kernel's */
};

/* A stub: a replacement for it determines which samples are shown. */
FC_STUB int NAME_wanted(__u64 address)
{
	return fc_stub(1, address);
}

SEC("perf_event")
int on_NAME(struct bpf_perf_event_data *ctx)
{
	__u64 outer = fc_enter();
	__u64 address = PT_REGS_IP(&ctx->regs);

	if (NAME_wanted(address)) {
		struct NAME_event *event = fc_reserve(struct NAME_event);

		if (event) {
			event->address = address;
			event->kernel = (__s64)address < 0;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
