// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Hosts that read their context to its end, and beyond it.
#include "getpgid.h"

char LICENSE[] SEC("license") = "GPL";

#define READS(name, section, offset) \
	SEC(section) \
	int name(void *ctx) \
	{ \
		asm volatile("" ::"r"(*(volatile __u64 *)(ctx + offset))); \
		return 0; \
	}

READS(second_argument, "raw_tracepoint/sys_enter", 8)
READS(third_argument, "raw_tracepoint/sys_enter", 16)
READS(whole_record, "tracepoint/syscalls/sys_enter_getpgid", 16)
READS(beyond_the_record, "tracepoint/syscalls/sys_enter_getpgid", 24)
