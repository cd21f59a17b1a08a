// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A program for each hook of the kernel.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("kprobe")
int at_kprobe(void *ctx)
{
	return 0;
}

SEC("tracepoint")
int at_tracepoint(void *ctx)
{
	return 0;
}

SEC("raw_tp")
int at_raw_tracepoint(void *ctx)
{
	return 0;
}
