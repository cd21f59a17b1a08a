// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A host at a USDT probe that reads its arguments, with a stub, and what goes in its place.
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
#include "freplace_compose.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct probe_event {
	long first;
	long second;
	long third;
	long cookie;
	int count;
	int answer;
};

FC_STUB int probe_answer(long first)
{
	return fc_stub(1, first);
}

SEC("usdt")
int BPF_USDT(usdt_host, long first, long second, long third)
{
	__u64 outer = fc_enter();
	struct probe_event *event = fc_reserve(struct probe_event);

	if (event) {
		event->first = first;
		event->second = second;
		event->third = third;
		event->cookie = bpf_usdt_cookie(ctx);
		event->count = bpf_usdt_arg_cnt(ctx);
		event->answer = probe_answer(first);
		fc_submit(event);
	}
	fc_leave(outer);
	return 0;
}

SEC("freplace")
int answer_first(long first)
{
	return first;
}
