// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A stub that returns nothing, which the kernel does not take.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

__attribute__((noinline)) void stub_void(struct xdp_md *ctx)
{
	asm volatile("" ::"r"(ctx));
}

SEC("xdp")
int host(struct xdp_md *ctx)
{
	stub_void(ctx);
	return XDP_PASS;
}
