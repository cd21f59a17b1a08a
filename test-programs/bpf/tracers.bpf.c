// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Tracers of functions that take one number.
#include "getpgid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct mark_event {
	__u32 mark;
};

struct entry_event {
	__u64 value;
};

struct exit_event {
	__u64 value;
	int ret;
};

// Reads no argument, so it fits every function.
SEC("fentry")
int BPF_PROG(mark)
{
	struct mark_event *event = fc_reserve(struct mark_event);

	if (event) {
		event->mark = 1;
		fc_submit(event);
	}
	return 0;
}

SEC("fentry")
int BPF_PROG(entry, __u64 value)
{
	struct entry_event *event = fc_reserve(struct entry_event);

	if (event) {
		event->value = value;
		fc_submit(event);
	}
	return 0;
}

// The result stands behind the arguments, and where the verifier does not trust the prototype (an
// entry function whose context is a struct of the author's) those are five: the helper knows.
SEC("fexit")
int BPF_PROG(leave, __u64 value)
{
	struct exit_event *event;
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	event = fc_reserve(struct exit_event);
	if (event) {
		event->value = value;
		event->ret = ret;
		fc_submit(event);
	}
	return 0;
}
