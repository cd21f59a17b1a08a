// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Functions of many shapes for the built-in tracer: arguments of all sizes, a struct, an enum.
#include "getpgid.h"
#include <bpf/bpf_endian.h>
#include <stdbool.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// The value for which a pointer leads nowhere, and there is no item.
#define TRACED_UNREADABLE 100

enum color { RED, GREEN = 7 };

struct origin {
	__s16 level;
	__be16 port;
};

struct item {
	__u32 value;
	struct origin origin;
	char name[8];
	__u64 *counter;
};

__u64 counter = 0;

FC_STUB enum color paint(struct item *item, __u8 small, __s32 delta, bool flag)
{
	if (!item)
		return fc_stub(RED, small, delta, flag);
	return fc_stub(item->value & 1 ? GREEN : RED, small, delta, flag);
}

// Static: what its caller does not use of its result or it does not use of its arguments, clang
// takes out of it.
static __attribute__((noinline)) __s64 lower(__u64 value, enum color color)
{
	asm volatile("" : "+r"(value), "+r"(color));
	return -(__s64)value;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int painter(struct getpgid_entry *ctx)
{
	long value = getpgid_value(ctx->pid);
	struct item item = {};
	enum color color;
	__u64 outer;

	if (value == GETPGID_NONE)
		return 0;
	outer = fc_enter();
	counter = value * 10;
	item.value = value;
	item.origin.level = -value;
	item.origin.port = bpf_htons(443);
	__builtin_memcpy(item.name, "paint\"", 7);
	item.counter = value == TRACED_UNREADABLE ? 0 : &counter;
	color = value == TRACED_UNREADABLE ? paint(0, value, -value, value & 1) : RED;
	color += paint(&item, value, -value, value & 1);
	value = lower(value, color);
	asm volatile("" ::"r"(value));
	fc_leave(outer);
	return 0;
}
