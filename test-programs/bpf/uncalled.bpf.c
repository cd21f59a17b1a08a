// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A function that could be a stub, if only the program called it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

__attribute__((noinline)) int stub_uncalled(struct xdp_md *ctx)
{
	int result = 0;

	asm volatile("" : "+r"(result) : "r"(ctx));
	return result;
}

SEC("xdp")
int uncalled_host(struct xdp_md *ctx)
{
	return XDP_PASS;
}
