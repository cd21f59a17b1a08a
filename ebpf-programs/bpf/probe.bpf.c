// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
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
