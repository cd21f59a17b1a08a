// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
// The replacements of chains/tcp-map.toml.
#include "tcp-map.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("freplace")
int freplace_handler(void)
{
	tcp_emit(tcp_current_socket());
	return TCP_SEEN;
}

// Of either end; `globals` sets it.
const volatile __u16 port = 443;

SEC("freplace")
int only_port(void)
{
	__u64 socket = tcp_current_socket();

	if (!tcp_has_port(socket, port))
		return TCP_UNHANDLED;
	tcp_emit(socket);
	return TCP_SEEN;
}
