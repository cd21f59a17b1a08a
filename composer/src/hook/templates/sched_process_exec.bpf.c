// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/*
 * The record of sched/sched_process_exec, as far as it is read here:
 * /sys/kernel/tracing/events/sched/sched_process_exec/format shows all of it.
 * `preserve_access_index` has the fields found in the running kernel by their names.
 */
struct trace_event_raw_sched_process_exec {
	__u32 __data_loc_filename; /* location of the string: the lower half is its offset */
	int pid;
} __attribute__((preserve_access_index));

/* An event is any struct: its fields are shown by name. */
struct NAME_event {
	__s32 pid;
	char filename[64];
};

/* A stub: a replacement for it selects the events that are shown. */
FC_STUB int NAME_wanted(__s32 pid)
{
	return fc_stub(1, pid);
}

SEC("tracepoint")
int on_NAME(struct trace_event_raw_sched_process_exec *ctx)
{
	__u64 outer = fc_enter();
	__s32 pid = ctx->pid;

	if (NAME_wanted(pid)) {
		struct NAME_event *event = fc_reserve(struct NAME_event);

		if (event) {
			const char *filename = (void *)ctx + (ctx->__data_loc_filename & 0xffff);

			event->pid = pid;
			bpf_probe_read_kernel_str(event->filename, sizeof(event->filename), filename);
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
