// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
// A replacement for stub_filter of builtin:xdp that reads a packet without asking how long it is.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("freplace")
int reads_past_the_end(struct xdp_md *ctx)
{
	return *((__u8 *)(long)ctx->data + 100) ? XDP_DROP : XDP_PASS;
}
