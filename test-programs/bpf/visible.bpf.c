// SPDX-License-Identifier: MIT OR Apache-2.0
/* Functions that the linker sees one way and the verifier another. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>


int last;

/* Hidden: static to the verifier, so it may answer nothing. */
__hidden __noinline void note(int queue)
{
	last = queue;
}

/* Weak: global, and a stub like any other. */
__weak __noinline int verdict(int number)
{
	asm volatile("" : "+r"(number));
	return number;
}

SEC("xdp") int pass(struct xdp_md *ctx)
{
	note(ctx->rx_queue_index + 1);
	return verdict(XDP_PASS);
}

SEC("?xdp") int asked_for(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("my_filters/first") int made_up(struct xdp_md *ctx)
{
	last = 42;
	return XDP_PASS;
}

SEC("xdp.frags") int of_fragments(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp/devmap") int at_devmap(struct xdp_md *ctx)
{
	return ctx->egress_ifindex ? XDP_PASS : XDP_DROP;
}

SEC("ext/verdict") int other_verdict(int number)
{
	last = number + 100;
	return number;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
