// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Hosts that read so many arguments of a raw tracepoint.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define USE(value) asm volatile("" ::"r"(value))
#define READS(count, last) \
	SEC("raw_tracepoint/sys_enter") \
	int reads_##count(struct bpf_raw_tracepoint_args *ctx) \
	{ \
		USE(ctx->args[last]); \
		return 0; \
	}
READS(1, 0)
READS(2, 1)
READS(3, 2)
READS(4, 3)
READS(5, 4)

SEC("raw_tracepoint/sys_enter")
int reads_none(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

static __attribute__((noinline)) int inner(struct bpf_raw_tracepoint_args *ctx)
{
	USE(ctx->args[3]);
	return 0;
}

SEC("raw_tracepoint/sys_enter")
int reads_4_inside(struct bpf_raw_tracepoint_args *ctx)
{
	return inner(ctx);
}

SEC("raw_tracepoint/sys_enter")
int reads_4_on_a_path(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] == 121)
		USE(ctx->args[3]);
	return 0;
}

SEC("raw_tracepoint/sys_enter")
int reads_half_of_3(struct bpf_raw_tracepoint_args *ctx)
{
	USE(*((__u32 *)ctx + 4));
	return 0;
}
