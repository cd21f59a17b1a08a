// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A stub that a static function calls, which a static function calls.
#include "getpgid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct nested_event {
	int sum;
};

FC_STUB int step_price(__u64 value)
{
	return fc_stub(1, value);
}

static __attribute__((noinline)) int step_inner(__u64 value)
{
	int price = step_price(value + 1);

	asm volatile("" : "+r"(price), "+r"(value));
	return price + value;
}

static __attribute__((noinline)) int step_outer(__u64 value)
{
	int sum = step_inner(value * 10);

	asm volatile("" : "+r"(sum), "+r"(value));
	return sum + value;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int nested(struct getpgid_entry *ctx)
{
	long value = getpgid_value(ctx->pid);
	struct nested_event *event;
	__u64 outer;
	int sum;

	if (value == GETPGID_NONE)
		return 0;
	outer = fc_enter();
	sum = step_outer(value);
	event = fc_reserve(struct nested_event);
	if (event) {
		event->sum = sum;
		fc_submit(event);
	}
	fc_leave(outer);
	return 0;
}
