// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The host of chains/redirect.toml: a stub may change the address that a process connects to.
#include "redirect.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// Without a replacement every connection goes where it was meant to go.
FC_STUB enum connect_verdict stub_connect(struct bpf_sock_addr *ctx)
{
	return fc_stub(CONNECT_ALLOW, ctx);
}

static __always_inline fc_endpoint_t endpoint(struct bpf_sock_addr *ctx)
{
	fc_endpoint_t endpoint = { .port = ctx->user_port };

	fc_ip_from_v4(&endpoint.addr, ctx->user_ip4);
	return endpoint;
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *ctx)
{
	__u64 outer = fc_enter();
	fc_endpoint_t asked = endpoint(ctx);
	enum connect_verdict verdict = stub_connect(ctx);
	struct connect_event *event = fc_reserve(struct connect_event);

	if (event) {
		event->asked = asked;
		event->connected = endpoint(ctx);
		event->ret = verdict;
		fc_submit(event);
	}
	fc_leave(outer);
	// The verifier requires a number that it knows to be 0 or 1.
	return verdict ? 1 : 0;
}
