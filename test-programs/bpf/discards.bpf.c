// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A host that looks at an event before it tells it: odd values are not worth telling.
#include "getpgid.h"

char LICENSE[] SEC("license") = "GPL";

struct even_event {
	__u64 value;
};

SEC("tracepoint/syscalls/sys_enter_getpgid")
int discards(struct getpgid_entry *ctx)
{
	long value = getpgid_value(ctx->pid);
	struct even_event *event;

	if (value == GETPGID_NONE)
		return 0;
	event = fc_reserve(struct even_event);
	if (!event)
		return 0;
	event->value = value;
	if (value & 1)
		fc_discard(event);
	else
		fc_submit(event);
	return 0;
}
