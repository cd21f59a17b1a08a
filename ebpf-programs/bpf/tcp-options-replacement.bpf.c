// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/tcp-options.toml: one option, or two that belong together.
#include "tcp-options.h"
#include <linux/in.h>
#include <linux/tcp.h>
#include <asm-generic/socket.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// An algorithm of /proc/sys/net/ipv4/tcp_available_congestion_control; `globals` sets it.
const volatile char algorithm[16] = "reno";

SEC("freplace")
enum options congestion(struct bpf_sock_ops *ctx)
{
	char name[sizeof(algorithm)];

	// The helper takes no pointer to volatile memory.
	for (unsigned int at = 0; at < sizeof(name); at++)
		name[at] = algorithm[at];
	if (bpf_setsockopt(ctx, IPPROTO_TCP, TCP_CONGESTION, name, sizeof(name)))
		return OPTIONS_KEPT;
	return OPTIONS_SET;
}

// Seconds of silence after which the other end is asked whether it is still there.
const volatile int idle = 60;

SEC("freplace")
enum options keepalive(struct bpf_sock_ops *ctx)
{
	int on = 1, seconds = idle;

	if (bpf_setsockopt(ctx, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) ||
	    bpf_setsockopt(ctx, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds)))
		return OPTIONS_KEPT;
	return OPTIONS_SET;
}
