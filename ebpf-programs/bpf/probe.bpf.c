// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// The smallest chain there is: loaded, never attached to a hook, to find out what a kernel allows.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__attribute__((noinline)) int probe_stub(struct xdp_md *ctx)
{
	int result = XDP_PASS;

	asm volatile("" : "+r"(result) : "r"(ctx));
	return result;
}

SEC("xdp")
int probe_host(struct xdp_md *ctx)
{
	return probe_stub(ctx);
}

SEC("freplace")
int probe_replacement(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("fentry")
int BPF_PROG(probe_tracer)
{
	return 0;
}

// Reads half of the pointer that its target takes.
SEC("fentry")
int probe_half(__u32 *ctx)
{
	asm volatile("" ::"r"(ctx[0]));
	return 0;
}

// Changes packet data, which the stub does not.
SEC("freplace")
int probe_move(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, 0) ? XDP_DROP : XDP_PASS;
}

// An entry without any argument, and what replaces it.
SEC("xdp")
int probe_bare(void)
{
	return XDP_PASS;
}

SEC("freplace")
int probe_bare_replacement(void)
{
	return XDP_DROP;
}
