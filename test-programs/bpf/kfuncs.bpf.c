// SPDX-License-Identifier: MIT OR Apache-2.0
/* A function of the kernel that programs may call (kfunc). */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

struct xdp_rxq_info {
	struct net_device *dev;
} __attribute__((preserve_access_index));

struct xdp_buff {
	struct xdp_rxq_info *rxq;
} __attribute__((preserve_access_index));

/* Since Linux 6.2. */
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;
extern void function_that_nobody_has(void) __ksym __weak;

int interface;

SEC("xdp") int own_context(struct xdp_md *ctx)
{
	struct xdp_buff *buffer = bpf_cast_to_kern_ctx(ctx);

	if (bpf_core_type_exists(struct xdp_rxq_info) && !bpf_core_type_exists(struct net_device))
		function_that_nobody_has();
	interface = buffer->rxq->dev->ifindex;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
