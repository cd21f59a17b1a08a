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
	void *argument;
	__u64 ret;
};

/* A stub: the kernel does not replace functions of an fexit program, but this one can be traced. */
FC_STUB int NAME_wanted(__u64 argument)
{
	return fc_stub(1, argument);
}

SEC("fexit")
int BPF_PROG(on_NAME, void *argument, __u64 result)
{
	__u64 outer = fc_enter();

	if (NAME_wanted((__u64)argument)) {
		struct NAME_event *event = fc_reserve(struct NAME_event);

		if (event) {
			event->argument = argument;
			event->ret = result;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
