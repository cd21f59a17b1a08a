// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Values that the chain sets as `globals`. */
const volatile __u64 input = 1;

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	__u64 input;
	int ret;
};

/* A stub: a replacement for it decides what the program returns. */
FC_STUB int NAME_wanted(__u64 number)
{
	return fc_stub(0, number);
}

SEC("syscall")
int on_NAME(void *ctx)
{
	__u64 outer = fc_enter();
	int answer = NAME_wanted(input);
	struct NAME_event *event = fc_reserve(struct NAME_event);

	if (event) {
		event->input = input;
		event->ret = answer;
		fc_submit(event);
	}
	fc_leave(outer);
	return answer;
}
