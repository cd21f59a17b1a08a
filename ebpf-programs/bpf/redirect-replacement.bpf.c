// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/redirect.toml: one sends connections elsewhere, the other denies them.
#include "redirect.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// Which port goes to which of the loopback; `globals` sets them.
const volatile __u16 from_port = 80;
const volatile __u16 to_port = 8080;

SEC("freplace")
enum connect_verdict to_local(struct bpf_sock_addr *ctx)
{
	if (ctx->user_port == bpf_htons(from_port)) {
		ctx->user_ip4 = bpf_htonl(0x7f000001); /* 127.0.0.1 */
		ctx->user_port = bpf_htons(to_port);
	}
	return CONNECT_ALLOW;
}

SEC("freplace")
enum connect_verdict only_local(struct bpf_sock_addr *ctx)
{
	// 127.0.0.0/8
	return bpf_ntohl(ctx->user_ip4) >> 24 == 127 ? CONNECT_ALLOW : CONNECT_DENY;
}
