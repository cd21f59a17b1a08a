// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The hosts of chains/cgroup.toml: every packet of a cgroup's sockets is handed to a stub.
#include "cgroup.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// Without a replacement everything passes.
FC_STUB enum cgroup_verdict stub_packet(struct __sk_buff *ctx)
{
	return fc_stub(CGROUP_PASS, ctx);
}

static __always_inline int host(struct __sk_buff *ctx)
{
	__u64 outer = fc_enter();
	enum cgroup_verdict verdict = stub_packet(ctx);
	struct cgroup_packet_event *event;
	struct packet packet;

	packet_read(ctx, &packet);
	event = fc_reserve(struct cgroup_packet_event);
	if (event) {
		event->flow = packet.flow;
		event->cgroup = bpf_skb_cgroup_id(ctx);
		event->length = ctx->len;
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	// The verifier requires a number that it knows to be 0 or 1.
	return verdict ? 1 : 0;
}

SEC("cgroup_skb/ingress")
int cgroup_received(struct __sk_buff *ctx)
{
	return host(ctx);
}

SEC("cgroup_skb/egress")
int cgroup_sent(struct __sk_buff *ctx)
{
	return host(ctx);
}
