// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Events so large that few of them fill the ring buffer.
#include "getpgid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct large_event {
	__u64 value;
	char rest[4000];
};

static __always_inline void emit(__u64 value)
{
	struct large_event *event = fc_reserve(struct large_event);

	if (!event)
		return;
	event->value = value;
	event->rest[0] = 0;
	fc_submit(event);
}

FC_STUB int stub_value(__u64 value)
{
	return fc_stub(0, value);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int flood(struct getpgid_entry *ctx)
{
	long value = getpgid_value(ctx->pid);

	if (value == GETPGID_NONE)
		return 0;
	emit(value);
	stub_value(value);
	return 0;
}

SEC("freplace")
int flood_more(__u64 value)
{
	emit(value);
	return 0;
}

struct small_event {
	__u64 value;
};

/* 256 events a call, so that millions take seconds. */
SEC("tracepoint/syscalls/sys_enter_getpgid")
int torrent(struct getpgid_entry *ctx)
{
	long value = getpgid_value(ctx->pid);
	int number;

	if (value == GETPGID_NONE)
		return 0;
	for (number = 0; number < 256; number++) {
		struct small_event *event = fc_reserve(struct small_event);

		if (!event)
			continue;
		event->value = value;
		fc_submit(event);
	}
	return 0;
}
