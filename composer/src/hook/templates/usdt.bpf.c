// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
#include "freplace_compose.h"

/* Many helpers require a GPL-compatible licence. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* An event is any struct: its fields are shown by name, `ret` as `= value`. */
struct NAME_event {
	long first;
};

/* A stub: a replacement for it selects the hits that are shown. */
FC_STUB int NAME_wanted(long first)
{
	return fc_stub(1, first);
}

/* The parameters are the probe's arguments, as many as it has. */
SEC("usdt")
int BPF_USDT(on_NAME, long first)
{
	__u64 outer = fc_enter();

	if (NAME_wanted(first)) {
		struct NAME_event *event = fc_reserve(struct NAME_event);

		if (event) {
			event->first = first;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
