// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A stub that changes packet data, one that does not, and a replacement that does.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

__attribute__((noinline)) int stub_keeps(struct xdp_md *ctx)
{
	int result = 0;

	asm volatile("" : "+r"(result) : "r"(ctx));
	return result;
}

static __attribute__((noinline)) int shrink(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_tail(ctx, 0);
}

__attribute__((noinline)) int stub_changes(struct xdp_md *ctx)
{
	return shrink(ctx);
}

SEC("xdp")
int packet_host(struct xdp_md *ctx)
{
	stub_keeps(ctx);
	stub_changes(ctx);
	return XDP_PASS;
}

SEC("freplace")
int changes(struct xdp_md *ctx)
{
	return shrink(ctx);
}

SEC("freplace")
int keeps(struct xdp_md *ctx)
{
	return 0;
}
