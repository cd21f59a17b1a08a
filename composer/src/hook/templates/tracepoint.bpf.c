// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/*
 * Every tracepoint's record begins so. What follows, its "format" in
 * /sys/kernel/tracing/events shows; declare the fields that you read. `preserve_access_index` has
 * them found in the running kernel by the names of the struct and the field.
 */
struct trace_entry {
	unsigned short type;
	unsigned char flags, preempt_count;
	int pid;
} __attribute__((preserve_access_index));

/* An event is any struct: its fields are shown by name. */
struct NAME_event {
	__s32 thread;
};

/* A stub: a replacement for it selects the events that are shown. */
FC_STUB int NAME_wanted(__s32 thread)
{
	return fc_stub(1, thread);
}

SEC("tracepoint")
int on_NAME(struct trace_entry *ctx)
{
	__u64 outer = fc_enter();
	__s32 thread = ctx->pid;

	if (NAME_wanted(thread)) {
		struct NAME_event *event = fc_reserve(struct NAME_event);

		if (event) {
			event->thread = thread;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
