// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// An object without a licence, whose program calls a helper that the kernel keeps for GPL.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int prints(struct xdp_md *ctx)
{
	bpf_printk("hello");
	return XDP_PASS;
}
