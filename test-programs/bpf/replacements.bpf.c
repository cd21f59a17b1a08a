// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Replacements for stub_value of hosts.bpf.c.
#include "getpgid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct replacement_event {
	__u64 value;
};

static __always_inline void emit(__u64 value)
{
	struct replacement_event *event = fc_reserve(struct replacement_event);

	if (!event)
		return;
	event->value = value;
	fc_submit(event);
}

SEC("freplace")
int answer_seven(__u64 value)
{
	emit(value);
	return 7;
}

// A raw tracepoint's replacement answers 0; the verifier wants it so.
SEC("freplace")
int answer_zero(__u64 value)
{
	emit(value);
	return 0;
}
