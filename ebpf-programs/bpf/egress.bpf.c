// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The host of chains/egress.toml: every packet that leaves by an interface is handed to a stub.
#include "egress.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

FC_STUB enum egress_verdict stub_meter(struct __sk_buff *ctx)
{
	return fc_stub(EGRESS_NEXT, ctx);
}

SEC("tcx/egress")
int on_egress(struct __sk_buff *ctx)
{
	__u64 outer = fc_enter();
	enum egress_verdict verdict = stub_meter(ctx);
	struct egress_packet_event *event;
	struct packet packet;

	packet_read(ctx, &packet);
	event = fc_reserve(struct egress_packet_event);
	if (event) {
		event->flow = packet.flow;
		event->length = ctx->len;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	return verdict;
}
