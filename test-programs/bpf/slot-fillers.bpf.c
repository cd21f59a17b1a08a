// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// Replacements for the slots of a dispatcher.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("freplace")
int passes(struct xdp_md *ctx)
{
	bpf_printk("passes");
	return XDP_PASS;
}

SEC("freplace")
int drops(struct xdp_md *ctx)
{
	bpf_printk("drops");
	return XDP_DROP;
}
