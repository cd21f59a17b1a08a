// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The host of chains/tcp-states.toml: a stub says which changes of a TCP socket's state are shown.
#include "tcp-states.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// The record of sock/inet_sock_set_state, as far as it is read here.
struct trace_event_raw_inet_sock_set_state {
	const void *skaddr;
	int oldstate, newstate;
	__u16 sport, dport; /* host order */
	__u16 protocol;
	__u8 saddr_v6[16], daddr_v6[16]; /* of IPv4 as ::ffff:a.b.c.d */
} __attribute__((preserve_access_index));

FC_STUB int stub_change(struct tcp_change *change)
{
	return fc_stub(1, change);
}

SEC("tracepoint/sock/inet_sock_set_state")
int on_set_state(struct trace_event_raw_inet_sock_set_state *ctx)
{
	struct tcp_change change = {};
	__u64 outer;

	if (ctx->protocol != IPPROTO_TCP)
		return 0;
	outer = fc_enter();
	change.socket = (__u64)ctx->skaddr;
	change.from = ctx->oldstate;
	change.to = ctx->newstate;
	change.flow.source.port = bpf_htons(ctx->sport);
	change.flow.destination.port = bpf_htons(ctx->dport);
	bpf_probe_read_kernel(&change.flow.source.addr, 16, ctx->saddr_v6);
	bpf_probe_read_kernel(&change.flow.destination.addr, 16, ctx->daddr_v6);
	if (stub_change(&change)) {
		struct tcp_change_event *event = fc_reserve(struct tcp_change_event);

		if (event) {
			event->flow = change.flow;
			event->from = change.from;
			event->to = change.to;
			fc_submit(event);
		}
	}
	fc_leave(outer);
	return 0;
}
