// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The host of chains/xdp.toml: hands every frame to a stub and does what that says.
#include "xdp.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// Without a replacement everything passes.
FC_STUB int stub_filter(struct xdp_md *ctx)
{
	return fc_stub(XDP_PASS, ctx);
}

SEC("xdp")
int xdp_host(struct xdp_md *ctx)
{
	__u64 outer = fc_enter();
	struct xdp_host_event *event = fc_reserve(struct xdp_host_event);
	int verdict;

	if (event) {
		event->length = ctx->data_end - ctx->data;
		event->queue = ctx->rx_queue_index;
		fc_submit(event);
	}
	verdict = stub_filter(ctx);
	fc_leave(outer);
	return verdict;
}
