/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/*
 * What the programs have in common that stand for those of the kernel's selftests: see
 * composer/tests/kernel/selftests. Each tells once that it ran, and a tracer or a replacement only if
 * what it was given is what was to be expected.
 */
#ifndef SUITE_H
#define SUITE_H

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <freplace_compose.h>

char LICENSE[] SEC("license") = "GPL";

/* The length of the packet that the tests send: Ethernet, IPv6, TCP. */
#define PACKET 74

struct ran {
	__s64 value;
};

static __always_inline void tell(__s64 value)
{
	struct ran *event = fc_reserve(struct ran);

	if (event) {
		event->value = value;
		fc_submit(event);
	}
}

/* What the context of a program at a packet is to its tracers. */
struct sk_buff {
	unsigned int len;
} __attribute__((preserve_access_index));

#endif
