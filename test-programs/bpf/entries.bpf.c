// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Replacements for whole programs of hosts.bpf.c.
#include "getpgid.h"

char LICENSE[] SEC("license") = "GPL";

SEC("freplace")
int at_kprobe(struct pt_regs *ctx)
{
	return 0;
}

SEC("freplace")
int at_tracepoint(struct getpgid_entry *ctx)
{
	return 0;
}

SEC("freplace")
int at_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
