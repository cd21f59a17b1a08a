// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The host of chains/tcp-options.toml: a stub may set options of each new connection.
#include "tcp-options.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// Without a replacement they stay as they are.
FC_STUB enum options stub_options(struct bpf_sock_ops *ctx)
{
	return fc_stub(OPTIONS_KEPT, ctx);
}

SEC("sockops")
int on_connection(struct bpf_sock_ops *ctx)
{
	struct tcp_options_event *event;
	__u64 outer;
	enum options options;

	// The program is called at other moments of a connection too.
	if (ctx->op != CONNECTED && ctx->op != ACCEPTED)
		return 1;
	outer = fc_enter();
	options = stub_options(ctx);
	event = fc_reserve(struct tcp_options_event);
	if (event) {
		event->how = ctx->op;
		event->local_port = bpf_htons(ctx->local_port);
		// In network order, in the upper half.
		event->remote_port = ctx->remote_port >> 16;
		event->ret = options;
		fc_submit(event);
	}
	fc_leave(outer);
	return 1;
}
